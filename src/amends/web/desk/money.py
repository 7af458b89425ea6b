"""Money at the desk: what is spent of which budget, stopping and resuming, policies that wait, the provider's list."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

import amends.ledger.queries
import amends.recoveries.queries
import amends.recoveries.stopping
import amends.recoveries.versions
import amends.remedies.queries
import amends.remedies.reconciling
from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.recoveries import opening
from amends.recoveries.records import PolicyText
from amends.remedies import reversing
from amends.remedies.records import CannotTakeBack, OpenDifference
from amends.web.desk.access import actor, operator
from amends.web.desk.pages import PAGE, page

EMPTY = "Say why: others will ask."


@operator
def budgets(request: HttpRequest) -> HttpResponse:
    """All about money on one page, what needs a person first."""
    stops, wrong = amends.recoveries.queries.stops(20), _wrong()
    texts = amends.recoveries.queries.policy_texts(12)
    return page(
        request,
        "budgets",
        "budgets",
        limits=wrong,
        rules=() if wrong else opening.limits().budgets,
        budgets=amends.recoveries.queries.budgets(PAGE),
        stopped=[stop for stop in stops if stop.resumed_at is None],
        stops=stops,
        held=amends.recoveries.queries.waiting_for_resume(20) if any(not stop.resumed_at for stop in stops) else [],
        texts=[(text, amends.recoveries.queries.approvals(text.digest)) for text in _waiting_texts()],
        versions=[(text, amends.recoveries.queries.approvals(text.digest)) for text in texts],
        differences=_with_offers(amends.remedies.queries.differences(PAGE)),
        head=amends.ledger.queries.head(),
        paid=sorted(amends.ledger.queries.paid().items()),
    )


def _with_offers(differences: list[OpenDifference]) -> list[tuple[OpenDifference, Money | None]]:
    """Each with what could be ordered back, where something was paid twice or too much."""
    offers = reversing.offers(differences)
    return [(one, offers.get(one.difference_id)) for one in differences]


def _wrong() -> str:
    """What is wrong with budgets.yaml, or empty."""
    try:
        opening.limits()
    except Mistake as mistake:
        return str(mistake)
    return ""


def _waiting_texts() -> list[PolicyText]:
    return amends.recoveries.queries.policy_texts(12, waiting=True)


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())


@actor
def stop(request: HttpRequest) -> HttpResponse:
    policy, why = request.POST.get("policy", "").strip(), request.POST.get("why", "")
    if says := amends.recoveries.stopping.unknown(policy, settings.AMENDS.directory):
        messages.error(request, f"Not stopped: {says}.")
        return redirect("desk-budgets")
    try:
        done = amends.recoveries.stopping.stop(policy, why, _who(request), datetime.now(UTC))
    except ValueError:
        messages.error(request, f"Not stopped. {EMPTY}")
        return redirect("desk-budgets")
    messages.success(request, "Paying is stopped; nothing new becomes money." if done else "It is stopped already.")
    return redirect("desk-budgets")


@actor
def resume(request: HttpRequest) -> HttpResponse:
    policy, why = request.POST.get("policy", "").strip(), request.POST.get("why", "")
    done = amends.recoveries.stopping.resume(policy, why, _who(request), datetime.now(UTC))
    says = "Paying goes on; what waited follows by itself." if done else "It was not stopped."
    (messages.success if done else messages.error)(request, says)
    return redirect("desk-budgets")


@actor
def approve_policy(request: HttpRequest, digest: str) -> HttpResponse:
    why, now = request.POST.get("why", "").strip(), datetime.now(UTC)
    taken, says = amends.recoveries.versions.approve(digest, _who(request), why, now)
    (messages.success if taken else messages.error)(request, says)
    return redirect("desk-budgets")


@actor
def settle_difference(request: HttpRequest, difference_id: str) -> HttpResponse:
    note = request.POST.get("note", "")
    try:
        done = amends.remedies.reconciling.settle_difference(difference_id, note, _who(request), datetime.now(UTC))
    except ValueError as error:
        messages.error(request, f"Not settled: {error}.")
        return redirect("desk-budgets")
    says = "Settled; your note is on record." if done else "It is settled already."
    (messages.success if done else messages.error)(request, says)
    return redirect("desk-budgets")


@actor
def take_back_excess(request: HttpRequest, difference_id: str) -> HttpResponse:
    """Order back what a provider paid twice or too much."""
    try:
        amount = reversing.take_back_excess(difference_id, _who(request), datetime.now(UTC))
        messages.success(request, f"{amount} is ordered back; the customer is told once it has come.")
    except CannotTakeBack as error:
        messages.error(request, f"Not ordered back: {error}.")
    return redirect("desk-budgets")


@actor
def take_back(request: HttpRequest, recovery_id: str, key: str) -> HttpResponse:
    """Take back goodwill that was given by mistake."""
    try:
        amount = reversing.take_back(key, request.POST.get("why", ""), _who(request), datetime.now(UTC))
        messages.success(request, f"{amount} is taken back; the customer is told once it has come.")
    except CannotTakeBack as error:
        messages.error(request, f"Not taken back: {error}.")
    return redirect("desk-recovery", recovery_id)
