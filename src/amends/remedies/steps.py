"""Doing it, once: approved recoveries become remedies, acts and bookings; answers become receipts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

import amends.failures.queries
import amends.ledger.rules
import amends.ledger.steps
import amends.outbox.queries
import amends.outbox.steps
import amends.recoveries.queries
import amends.recoveries.steps
from amends.failures.records import Failure
from amends.ground.ids import derive
from amends.ground.moments import format_moment
from amends.ground.money import Money
from amends.ledger.records import Posting
from amends.outbox.records import Act, ActState, Order
from amends.recoveries.records import Recovery, RecoveryState, Remedy
from amends.remedies.models import RemedyRow

BATCH = 1000
WORKER = "amends"
MONEY = ("refund", "credit")
URGENCY = {"refund": 1, "credit": 2, "call": 3}


def provide(now: datetime) -> int:
    """Start the remedies of approved recoveries, a batch a transaction; how many recoveries got under way."""
    started = 0
    while approved := amends.recoveries.queries.in_state(RecoveryState.APPROVED, BATCH):
        _provide(approved, now)
        started += len(approved)
    return started


@transaction.atomic
def _provide(approved: Sequence[Recovery], now: datetime) -> None:
    failures = amends.failures.queries.by_id({recovery.failure_id for recovery in approved})
    rows: list[RemedyRow] = []
    orders: list[Order] = []
    postings: list[Posting] = []
    for recovery in approved:
        for remedy in (*recovery.decision.remedies, *_call(recovery)):
            row = _row(recovery, remedy, now)
            rows.append(row)
            if row.act_key:
                orders.append(_order(recovery, remedy, row, failures[recovery.failure_id]))
            if remedy.amount is not None:
                policy = recovery.decision.policy
                ids = (row.act_key, recovery.recovery_id, recovery.customer_id)
                postings.append(amends.ledger.rules.reserve(*ids, policy, remedy.amount, now, remedy.owed))
    RemedyRow.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    amends.outbox.steps.enqueue(orders, now)
    amends.ledger.steps.post(postings)
    started = [recovery.recovery_id for recovery in approved]
    amends.recoveries.steps.move(started, RecoveryState.UNDER_WAY, who=WORKER, why="remedies are on their way", now=now)


def _call(recovery: Recovery) -> tuple[Remedy, ...]:
    """A decision that wants a person brings a call, whether its rows say so or not."""
    named = any(remedy.kind == "call" for remedy in recovery.decision.remedies)
    return (Remedy("call"),) if recovery.decision.person and not named else ()


def _row(recovery: Recovery, remedy: Remedy, now: datetime) -> RemedyRow:
    worded = remedy.kind == "apology"  # the apology is the notice itself
    return RemedyRow(
        remedy_id=derive("rem", recovery.recovery_id, remedy.kind),
        recovery_id=recovery.recovery_id,
        customer_id=recovery.customer_id,
        kind=remedy.kind,
        amount_minor=remedy.amount.minor if remedy.amount else None,
        currency=remedy.amount.currency if remedy.amount else "",
        owed=remedy.owed,
        act_key="" if worded else f"{remedy.kind}:{recovery.recovery_id}",
        state="done" if worded else "with a person" if remedy.kind == "call" else "under way",
        promised_at=now,
        settled_at=now if worded else None,
    )


def _order(recovery: Recovery, remedy: Remedy, row: RemedyRow, failure: Failure) -> Order:
    payload: dict[str, Any]
    if remedy.amount is None:
        payload = {"reason": recovery.decision.person or "the policy wants a person to call"}
        kind, connector = f"person.{remedy.kind}", "person"
    else:
        reason = f"{failure.promise}: {failure.facts.get('title') or failure.subject}"
        payload = {
            "amount_minor": remedy.amount.minor,
            "currency": remedy.amount.currency,
            "payment_ref": failure.payment_ref or None,
            "reason": reason[:200],
            "decided_at": format_moment(recovery.decided_at),
        }
        kind, connector = f"remedy.{remedy.kind}", "billing"
    urgency = URGENCY.get(remedy.kind, 5)
    return Order(row.act_key, kind, connector, recovery.recovery_id, recovery.customer_id, payload, urgency)


def settle(now: datetime) -> int:
    """Read the answers to acts under way: book receipts, and move recoveries whose remedies are all done."""
    changed = _settle_rows(RemedyRow.objects.filter(state__in=("under way", "refused", "with a person")), now)
    return changed + _finish(now)


def _settle_rows(rows: QuerySet[RemedyRow], now: datetime) -> int:
    changed, after = 0, ""
    while part := list(rows.filter(remedy_id__gt=after).order_by("remedy_id")[:BATCH]):
        after = part[-1].remedy_id
        acts = amends.outbox.queries.answers([row.act_key for row in part])
        answered = [(row, acts[row.act_key]) for row in part if row.act_key in acts]
        changed += _settle([(row, act) for row, act in answered if _state(row, act) != row.state], now)
    return changed


def _state(row: RemedyRow, act: Act) -> str:
    if act.state is ActState.DONE:
        return "done"
    if act.state is ActState.REFUSED:
        return "refused"
    return "with a person" if act.connector == "person" or act.state is ActState.IN_DOUBT else "under way"


@transaction.atomic
def _settle(answered: Sequence[tuple[RemedyRow, Act]], now: datetime) -> int:
    postings = []
    for row, act in answered:
        row.state = _state(row, act)
        if row.state == "done":
            row.ref, row.settled_at = act.ref, now
            if row.amount_minor is not None:
                amount = Money(row.amount_minor, row.currency)
                ids = (row.act_key, row.recovery_id, row.customer_id)
                postings.append(amends.ledger.rules.settle(*ids, act.connector, amount, now, row.owed))
    RemedyRow.objects.bulk_update([row for row, _ in answered], ("state", "ref", "settled_at"), batch_size=500)
    amends.ledger.steps.post(postings)
    return len(answered)


def _finish(now: datetime) -> int:
    """Recoveries under way with nothing left to do by machine are made right."""
    moved, after = 0, ""
    while under_way := amends.recoveries.queries.in_state(RecoveryState.UNDER_WAY, BATCH, after):
        after = under_way[-1].recovery_id
        ids = [recovery.recovery_id for recovery in under_way]
        unfinished = RemedyRow.objects.filter(recovery_id__in=ids).exclude(kind="call").exclude(state="done")
        waiting = set(unfinished.values_list("recovery_id", flat=True))
        ready = [recovery_id for recovery_id in ids if recovery_id not in waiting]
        why = "every remedy has its receipt"
        state = RecoveryState.MADE_RIGHT
        moved += amends.recoveries.steps.move(ready, state, who=WORKER, why=why, now=now)
    return moved
