"""Taking money back: what a provider paid beyond what was granted, or what a person gave by mistake.

A reversal is an act like any other: one key, one row, the outbox's guarantees. The customer is told of each that is
done; what is owed by law or contract is never taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

import amends.ledger.queries
import amends.ledger.rules
import amends.ledger.steps
import amends.notices.steps
import amends.outbox.queries
import amends.outbox.steps
import amends.recoveries.noting
import amends.recoveries.queries
import amends.recoveries.spending
from amends.ground.ids import derive
from amends.ground.moments import format_moment
from amends.ground.money import Money
from amends.ledger.records import Posting
from amends.notices import lint
from amends.notices.records import TakenBack
from amends.outbox.records import Act, ActState, Order
from amends.remedies import listing, settling
from amends.remedies.listing import Excess, Listed, Ours
from amends.remedies.models import DifferenceRow, RemedyRow, ReversalRow
from amends.remedies.records import CannotTakeBack, OpenDifference

BATCH = 500
KIND = "remedy.reversal"
EXCESS, MISTAKE = "excess", "mistake"
RULE = "reconciliation"
REPAIRABLE = ("doubled", "different")
OPEN = ("under way", "refused", "with a person")
URGENCY = 3
NOT_OF_THIS_ACT = ("amount_minor", "currency", "reason", "decided_at")


def offers(differences: Sequence[OpenDifference]) -> dict[str, Money]:
    """By difference: what could be ordered back, where something can."""
    rows = DifferenceRow.objects.filter(pk__in=[one.difference_id for one in differences if one.kind in REPAIRABLE])
    found = {}
    for row in rows:
        try:
            found[row.difference_id] = _sum(_beyond(row)[2])
        except CannotTakeBack:
            continue
    return found


@transaction.atomic
def take_back_excess(difference_id: str, who: str, now: datetime, most_minor: int | None = None) -> Money:
    """Order back what a provider paid beyond what we ordered; CannotTakeBack says why not.

    `most_minor` is what a rule may do by itself: no more than that, in the company's currency, with our own receipt.
    """
    row = DifferenceRow.objects.select_for_update().filter(pk=difference_id, settled_at=None).first()
    if row is None:
        raise CannotTakeBack("this difference is settled already")
    list(RemedyRow.objects.select_for_update().filter(act_key=row.act_key))  # one at a time, whatever they press
    remedy, act, beyond, stays = _beyond(row)
    total = _sum(beyond)
    if most_minor is not None and not _by_rule(total, act, most_minor):
        raise CannotTakeBack(f"{total} is for a person to decide")
    if act.state is not ActState.DONE and stays:
        amends.outbox.steps.settle_by_person(act.key, stays, RULE, now)
        settling.look([remedy.recovery_id], now)
    kept = 0 if act.state is ActState.CANCELLED else remedy.amount_minor or 0
    for one in beyond:
        said = f"{act.connector} paid {one.amount} beyond what was granted (its receipt {one.ref})"
        _order(_excess_row(remedy, act, one, kept, who, now), act, f"{said}; take it back", one.ref)
        amends.recoveries.noting.note(remedy.recovery_id, who, f"{said}; it is ordered back", now)
    row.settled_at, row.settled_by, row.note = now, RULE, f"{who}: {total} is ordered back"
    row.save(update_fields=["settled_at", "settled_by", "note"])
    return total


def _by_rule(total: Money, act: Act, most_minor: int) -> bool:
    ours = total.currency == settings.AMENDS.company.currency
    return ours and total.minor <= most_minor and act.state is ActState.DONE


def _sum(beyond: Sequence[Excess]) -> Money:
    return sum((one.amount for one in beyond[1:]), beyond[0].amount)


def _beyond(row: DifferenceRow) -> tuple[RemedyRow, Act, list[Excess], str]:
    """The remedy, its act, what was paid beyond it and not ordered back yet, and the receipt that stays."""
    remedy = RemedyRow.objects.filter(act_key=row.act_key, amount_minor__gt=0).first()
    act = amends.outbox.queries.act(row.act_key) if remedy else None
    if remedy is None or act is None or row.kind not in REPAIRABLE or not row.theirs:
        raise CannotTakeBack("no money of ours that was paid twice or too much: write down what it was instead")
    if act.state is ActState.TRYING:
        raise CannotTakeBack("the act is on its way at this moment: look again in a minute")
    amount = Money(remedy.amount_minor or 0, remedy.currency)
    try:
        listed = [_listed(row.act_key, said) for said in row.theirs]
        stays, beyond = listing.excess(Ours(act.key, act.state, act.ref, amount, False), listed)
    except ValueError as error:
        raise CannotTakeBack(f"nothing is ordered back: {error}; write down what it was instead") from error
    if not beyond:
        raise CannotTakeBack("what they list is not more than we ordered: reconcile over a longer time")
    keys = {_excess_key(act.key, one.ref): one for one in beyond}
    known = set(ReversalRow.objects.filter(pk__in=keys).values_list("pk", flat=True))
    new = [one for key, one in keys.items() if key not in known]
    if not new:
        raise CannotTakeBack("it was ordered back before: see the acts of this recovery")
    return remedy, act, new, stays


def _listed(key: str, said: dict[str, str]) -> Listed:
    currency, plain = said["amount"].split()
    return Listed(key, said["ref"], Money.parse(plain, currency), said["at"])


def _excess_key(key: str, ref: str) -> str:
    return f"reversal:{derive('rev', key, ref)}"


def _excess_row(remedy: RemedyRow, act: Act, one: Excess, kept: int, who: str, now: datetime) -> ReversalRow:
    return _row(_excess_key(act.key, one.ref), EXCESS, remedy, act, one.amount.minor, kept, who, now)


def _row(
    key: str, kind: str, remedy: RemedyRow, act: Act, minor: int, kept: int, who: str, now: datetime, reason: str = ""
) -> ReversalRow:
    return ReversalRow(
        act_key=key,
        of_key=remedy.act_key,
        kind=kind,
        connector=act.connector,
        recovery_id=remedy.recovery_id,
        customer_id=remedy.customer_id,
        amount_minor=minor,
        kept_minor=kept,
        currency=remedy.currency,
        reason=reason,
        who=who[:200],
        ordered_at=now,
    )


def _order(row: ReversalRow, act: Act, why: str, ref: str) -> None:
    """The row, its act in the outbox and, of what was paid beyond, its booking: all in the caller's transaction."""
    row.save(force_insert=True)
    of = {name: value for name, value in act.payload.items() if name not in NOT_OF_THIS_ACT}
    payload: dict[str, Any] = of | {
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "reason": why[:200],
        "decided_at": format_moment(row.ordered_at),
        "reverses": {"key": act.key, "kind": act.kind, "ref": ref},
    }
    ids = (row.recovery_id, row.customer_id)
    order = Order(row.act_key, KIND, row.connector, *ids, payload, urgency=URGENCY)
    amends.outbox.steps.enqueue([order], row.ordered_at)
    if row.kind == EXCESS:
        amount = Money(row.amount_minor, row.currency)
        amends.ledger.steps.post(
            [amends.ledger.rules.overpay(row.act_key, *ids, row.connector, amount, row.ordered_at)]
        )


@transaction.atomic
def take_back(act_key: str, reason: str, who: str, now: datetime) -> Money:
    """An operator takes back goodwill that was given by mistake; CannotTakeBack says why not.

    `reason` goes to the customer as it stands.
    """
    remedy = RemedyRow.objects.select_for_update().filter(act_key=act_key).first()
    act = amends.outbox.queries.act(act_key)
    if remedy is None or act is None or not remedy.amount_minor or remedy.state != "done":
        raise CannotTakeBack("only money that was paid can be taken back")
    if remedy.owed:
        raise CannotTakeBack("what is owed by law or contract is never taken back")
    if ReversalRow.objects.filter(of_key=act_key, kind=MISTAKE).exists():
        raise CannotTakeBack("it is taken back already")
    _check_words(reason)
    key, kept = f"reversal:{derive('rev', act_key)}", _others(remedy)
    row = _row(key, MISTAKE, remedy, act, remedy.amount_minor, kept, who, now, reason.strip())
    amount = Money(remedy.amount_minor, remedy.currency)
    _order(row, act, f"given by mistake: {reason.strip()}", remedy.ref)
    amends.recoveries.noting.note(remedy.recovery_id, who, f"{amount} is taken back: {reason.strip()}", now)
    return amount


def _check_words(reason: str) -> None:
    if not reason.strip():
        raise CannotTakeBack("a reason is needed: it goes to the customer as it stands")
    if wrong := lint.against(reason):
        raise CannotTakeBack(wrong)


def _others(remedy: RemedyRow) -> int:
    """What else the recovery has given in this currency, and not taken back: it stays with the customer."""
    alike = {"recovery_id": remedy.recovery_id, "currency": remedy.currency}
    back = ReversalRow.objects.filter(kind=MISTAKE, **alike).exclude(state="cancelled").values("of_key")
    rows = RemedyRow.objects.filter(state="done", amount_minor__gt=0, **alike).exclude(pk=remedy.pk)
    return rows.exclude(act_key__in=back).aggregate(Sum("amount_minor"))["amount_minor__sum"] or 0


def settle(now: datetime) -> int:
    """Read the answers to reversals: book what came back, and tell the customer of it."""
    changed, after = 0, ""
    rows = ReversalRow.objects.filter(state__in=OPEN).order_by("act_key")
    while part := list(rows.filter(act_key__gt=after)[:BATCH]):
        after = part[-1].act_key
        acts = amends.outbox.queries.answers([row.act_key for row in part])
        new = [
            (row, acts[row.act_key]) for row in part if row.act_key in acts and _state(acts[row.act_key]) != row.state
        ]
        changed += _settle(new, now) if new else 0
    return changed


def _state(act: Act) -> str:
    if act.state in (ActState.DONE, ActState.REFUSED, ActState.CANCELLED):
        return str(act.state)
    waits = act.connector == "person" or act.state in (ActState.IN_DOUBT, ActState.PARKED)
    return "with a person" if waits else "under way"


@transaction.atomic
def _settle(answered: Sequence[tuple[ReversalRow, Act]], now: datetime) -> int:
    for row, act in answered:
        row.state = _state(act)
        if row.state == "done":
            row.ref, row.settled_at = act.ref, now
        said = {
            "done": f"came back ({act.ref})",
            "refused": f"could not be taken back: {act.last_answer}; a person decides",
        }
        if row.state in said:
            why = f"{Money(row.amount_minor, row.currency)} {said[row.state]}"
            amends.recoveries.noting.note(row.recovery_id, row.connector, why, now)
    ReversalRow.objects.bulk_update([row for row, _ in answered], ("state", "ref", "settled_at"), batch_size=BATCH)
    done = [row for row, _ in answered if row.state == "done"]
    _book(done, now)
    amends.notices.steps.tell_taken_back([_told(row) for row in done], now)
    return len(answered)


def _book(done: Sequence[ReversalRow], now: datetime) -> None:
    """The provider's account goes down again; goodwill given by mistake returns to its budget."""
    overpaid = [row.act_key for row in done if row.kind == EXCESS]
    mistakes = {row.of_key: row for row in done if row.kind == MISTAKE}
    booked = amends.ledger.queries.postings(overpaid, "overpaid") + amends.ledger.queries.postings(mistakes, "settled")
    found = [amends.ledger.rules.reverse(posting, now) for posting in booked]
    amends.ledger.steps.post([*found, *_released(list(mistakes.values()), now)])
    back: dict[str, int] = {}
    for row in mistakes.values():
        back[row.recovery_id] = back.get(row.recovery_id, 0) + row.amount_minor
    amends.recoveries.spending.give_back(back)


def _released(rows: Sequence[ReversalRow], now: datetime) -> list[Posting]:
    policies = amends.recoveries.queries.by_id({row.recovery_id for row in rows})
    found = []
    for row in rows:
        ids = (row.of_key, row.recovery_id, row.customer_id)
        policy = policies[row.recovery_id].decision.policy
        found.append(amends.ledger.rules.release(*ids, policy, Money(row.amount_minor, row.currency), now))
    return found


def _told(row: ReversalRow) -> TakenBack:
    kept = Money(row.kept_minor, row.currency) if row.kept_minor else None
    amount = Money(row.amount_minor, row.currency)
    return TakenBack(row.act_key, row.recovery_id, amount, row.ref, kept, row.reason)


def ordered_back(keys: Collection[str]) -> dict[str, tuple[int, int]]:
    """By act: minor units ordered back of what was paid beyond it, and those that have come back."""
    found: dict[str, tuple[int, int]] = {}
    rows = ReversalRow.objects.filter(of_key__in=keys, kind=EXCESS).exclude(state__in=("refused", "cancelled"))
    for key, minor, state in rows.values_list("of_key", "amount_minor", "state"):
        back, came = found.get(key, (0, 0))
        found[key] = (back + minor, came + (minor if state == "done" else 0))
    return found
