"""What an operator does: approve, decline, retry, settle, mend. Each is a POST and is written into the history."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

import amends.notices.queries
import amends.notices.steps
import amends.outbox.steps
import amends.recoveries.approval
import amends.recoveries.steps
import amends.signals.steps
from amends.notices import lint
from amends.recoveries.records import RecoveryState
from amends.web.desk.access import actor


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())


def _tell(request: HttpRequest, done: bool, yes: str, no: str) -> None:
    (messages.success if done else messages.error)(request, yes if done else no)


@actor
def approve(request: HttpRequest, recovery_id: str) -> HttpResponse:
    why = request.POST.get("why", "").strip() or "approved at the desk"
    signed = amends.recoveries.approval.approve(recovery_id, _who(request), why, datetime.now(UTC))
    _tell(request, signed.taken, signed.says, signed.says)
    return redirect("desk-recovery", recovery_id)


@actor
def decline(request: HttpRequest, recovery_id: str) -> HttpResponse:
    why = request.POST.get("why", "")
    if wrong := lint.against(why):
        messages.error(request, f"Not declined: {wrong}. You wrote: {why}")
        return redirect("desk-recovery", recovery_id)
    try:
        done = amends.recoveries.approval.decline(recovery_id, _who(request), why, datetime.now(UTC))
        said = "Declined; the customer reads the reason on their page."
        _tell(request, done, said, "This recovery cannot be declined any more.")
    except ValueError as error:
        messages.error(request, f"Not declined: {error}.")
    return redirect("desk-recovery", recovery_id)


@actor
def close(request: HttpRequest, recovery_id: str) -> HttpResponse:
    why = request.POST.get("why", "").strip()
    if not why:
        messages.error(request, "Not closed: say how it was made right with the customer.")
        return redirect("desk-recovery", recovery_id)
    now = datetime.now(UTC)
    done = amends.recoveries.steps.move([recovery_id], RecoveryState.CLOSED, who=_who(request), why=why, now=now)
    _tell(request, bool(done), "Closed.", "This recovery cannot be closed as it stands.")
    return redirect("desk-recovery", recovery_id)


@actor
def retry(request: HttpRequest, key: str) -> HttpResponse:
    done = amends.outbox.steps.retry_now(key, _who(request), datetime.now(UTC))
    _tell(request, done, "It is tried again, under the same key.", "This act cannot be tried again.")
    return redirect("desk-act", key)


@actor
def settle(request: HttpRequest, key: str) -> HttpResponse:
    note = request.POST.get("note", "").strip()
    if not note:
        messages.error(request, "Not settled: write what was done, it is the receipt.")
        return redirect("desk-act", key)
    done = amends.outbox.steps.settle_by_person(key, note, _who(request), datetime.now(UTC))
    _tell(request, done, "Settled; your note is the receipt.", "This act cannot be settled by hand.")
    return redirect("desk-act", key)


@actor
def send_notice(request: HttpRequest, notice_id: str) -> HttpResponse:
    wrong = amends.notices.steps.send_held(notice_id, _who(request), datetime.now(UTC))
    _tell(request, not wrong, "It goes out now.", f"Not sent: {wrong}")
    return _back_to_recovery(notice_id)


@actor
def dismiss_notice(request: HttpRequest, notice_id: str) -> HttpResponse:
    why = request.POST.get("why", "").strip() or "dismissed at the desk"
    done = amends.notices.steps.dismiss_held(notice_id, _who(request), why)
    _tell(request, done, "Dismissed; it stays on record.", "This notice is not held back.")
    return _back_to_recovery(notice_id)


def _back_to_recovery(notice_id: str) -> HttpResponse:
    notice = amends.notices.queries.one(notice_id)
    return redirect("desk-recovery", notice.recovery_id) if notice else redirect("desk-today")


@actor
def resend(request: HttpRequest, number: int) -> HttpResponse:
    wrong = amends.signals.steps.resend(number, request.POST.get("raw", ""), _who(request), datetime.now(UTC))
    _tell(request, not wrong, "Taken in; it goes its way.", f"Still not right: {wrong}")
    return redirect("desk-quarantined", number) if wrong else redirect("desk-quarantine")


@actor
def dismiss(request: HttpRequest, number: int) -> HttpResponse:
    amends.signals.steps.dismiss(number, _who(request), datetime.now(UTC))
    messages.success(request, "Dismissed; it stays on record.")
    return redirect("desk-quarantine")
