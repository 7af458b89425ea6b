"""Doing it, once: approved recoveries become remedies, acts and bookings; answers become receipts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

import amends.failures.queries
import amends.ledger.rules
import amends.ledger.steps
import amends.outbox.queries
import amends.outbox.steps
import amends.recoveries.queries
import amends.recoveries.spending
import amends.recoveries.steps
from amends.failures.records import Behind
from amends.ground import bulk
from amends.ground.ids import derive
from amends.ground.moments import format_moment
from amends.ground.money import Money
from amends.outbox.records import Act, ActState, Order
from amends.recoveries.records import Goodwill, RecoveryState, Remedy, Start
from amends.remedies.models import RemedyRow

BATCH = 10000
WORKER = "amends"
MONEY = ("refund", "credit")
URGENCY = {"refund": 1, "credit": 2, "call": 3}
WORDS = "apology"  # it is the notice itself: said is done
GRANTED, WITHHELD = Goodwill.GRANTED.value, (Goodwill.WAITING.value, Goodwill.DECLINED.value)
FIRST_STATE = {WORDS: "done", "call": "with a person"}
COLUMNS = (
    *("remedy_id", "recovery_id", "customer_id", "kind", "amount_minor", "currency", "owed", "state", "act_key", "ref"),
    *("promised_at", "settled_at"),
)


def provide(now: datetime) -> int:
    """Start the remedies of approved recoveries, a batch a transaction; how many recoveries got under way.

    While paying is stopped (for a policy, or for all) only what has no money in it is started.
    """
    started, stopped = 0, amends.recoveries.queries.stopped_policies()
    while begun := _provide(stopped, now):
        started += begun
    while granted := amends.recoveries.queries.goodwill_granted(BATCH, stopped):
        started += _give_goodwill(granted, now)
    return started


@transaction.atomic
def _provide(stopped: Collection[str], now: datetime) -> int:
    """Only what is still approved when it is its turn: somebody may have declined it a moment ago."""
    why = "remedies are on their way"
    begun = amends.recoveries.steps.begin(BATCH, stopped, who=WORKER, why=why, now=now)
    amends.recoveries.steps.give_goodwill([start.recovery_id for start in begun if start.goodwill == GRANTED])
    _start([(start, _granted(start)) for start in begun], now)
    return len(begun)


def _granted(start: Start) -> Sequence[tuple[str, Remedy]]:
    """All that was decided, or without the goodwill where that waits or was declined."""
    remedies = (*start.remedies, *_call(start)) if start.person else start.remedies
    if start.goodwill in WITHHELD:
        return [(name, remedy) for name, remedy in remedies if remedy.owed or remedy.amount is None]
    return remedies


@transaction.atomic
def _give_goodwill(granted: Sequence[Start], now: datetime) -> int:
    """Goodwill that a person let go ahead when what was owed had gone already."""
    mine = set(amends.recoveries.steps.give_goodwill([start.recovery_id for start in granted]))
    _start([(start, start.remedies) for start in granted if start.recovery_id in mine], now)
    return len(mine)


def _start(granted: Sequence[tuple[Start, Sequence[tuple[str, Remedy]]]], now: datetime) -> None:
    """One row, one act and one booking for each remedy; what was started before stays as it is."""
    if not granted:
        return
    behind = amends.failures.queries.behind([start.failure_id for start, _ in granted])
    at, rows, orders, postings = bulk.moment(connection, now), [], [], []
    for start, remedies in granted:
        for name, remedy in remedies:
            act_key = "" if remedy.kind == WORDS else f"{name}:{start.recovery_id}"
            rows.append(_row(start, remedy, name, act_key, at))
            if act_key:
                orders.append(_order(start, remedy, act_key, behind[start.failure_id]))
            if remedy.amount is not None:
                ids = (act_key, start.recovery_id, start.customer_id)
                postings.append(amends.ledger.rules.reserve(*ids, start.policy, remedy.amount, now, remedy.owed))
    bulk.insert(connection, RemedyRow, COLUMNS, rows, unless_there=True)
    amends.outbox.steps.enqueue(orders, now)
    amends.ledger.steps.post(postings)


def _call(start: Start) -> tuple[tuple[str, Remedy], ...]:
    """A decision that wants a person brings a call, whether its rows say so or not."""
    return () if any(remedy.kind == "call" for _, remedy in start.remedies) else (("call", Remedy("call")),)


def _row(start: Start, remedy: Remedy, name: str, act_key: str, at: Any) -> tuple[Any, ...]:
    amount = (remedy.amount.minor, remedy.amount.currency) if remedy.amount else (None, "")
    return (
        *(derive("rem", start.recovery_id, name), start.recovery_id, start.customer_id, remedy.kind, *amount),
        *(remedy.owed, FIRST_STATE.get(remedy.kind, "under way"), act_key, "", at),
        at if remedy.kind == WORDS else None,
    )


def _order(start: Start, remedy: Remedy, act_key: str, failure: Behind) -> Order:
    payload: dict[str, Any]
    connector = _connector(remedy)
    if not connector:
        payload = {"reason": start.person or "the policy wants a person to call"}
        kind, connector = f"person.{remedy.kind}", "person"
    else:
        reason = f"{failure.promise}: {failure.facts.get('title') or failure.subject}"
        payload = {
            "payment_ref": failure.payment_ref or None,
            "reason": reason[:200],
            "decided_at": format_moment(start.decided_at),
        }
        if remedy.amount is not None:
            payload |= {"amount_minor": remedy.amount.minor, "currency": remedy.amount.currency}
        if remedy.kind == "label":
            payload |= {name: failure.facts[name] for name in ("order_id", "items") if name in failure.facts}
        kind = f"remedy.{remedy.kind}"
    urgency = URGENCY.get(remedy.kind, 5)
    ids = (start.recovery_id, start.customer_id)
    return Order(act_key, kind, connector, *ids, payload, urgency, batch=failure.incident[:120])


def _connector(remedy: Remedy) -> str:
    """Which connector makes it real, as [remedies] says; none for what only a person can do."""
    named = str(getattr(settings.AMENDS.remedies, remedy.kind, ""))
    return named if remedy.amount is not None or remedy.kind == "label" else ""


def settle(now: datetime) -> int:
    """Read the answers to acts under way: book receipts, and move recoveries whose remedies are all done."""
    open_ = RemedyRow.objects.filter(state__in=("under way", "refused", "with a person")).exclude(state="done")
    changed = _settle_rows(open_, now)
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
    if act.state in (ActState.REFUSED, ActState.CANCELLED):
        return str(act.state)
    return "with a person" if act.connector == "person" or act.state is ActState.IN_DOUBT else "under way"


@transaction.atomic
def _settle(answered: Sequence[tuple[RemedyRow, Act]], now: datetime) -> int:
    for row, act in answered:
        row.state = _state(row, act)
        if row.state == "done":
            row.ref, row.settled_at = act.ref, now
    RemedyRow.objects.bulk_update([row for row, _ in answered], ("state", "ref", "settled_at"), batch_size=500)
    done = [(row, act) for row, act in answered if row.state == "done" and row.amount_minor is not None]
    amends.ledger.steps.post(
        [amends.ledger.rules.settle(*_ids(row), act.connector, _amount(row), now, row.owed) for row, act in done]
    )
    _take_back([row for row, _ in answered if row.state == "cancelled"], now)
    return len(answered)


def _ids(row: RemedyRow) -> tuple[str, str, str]:
    return row.act_key, row.recovery_id, row.customer_id


def _amount(row: RemedyRow) -> Money:
    return Money(row.amount_minor or 0, row.currency)


def _take_back(cancelled: Sequence[RemedyRow], now: datetime) -> None:
    """Acts stopped before they went out: the money goes back to its budget, and a person sees who got nothing."""
    if not cancelled:
        return
    ids, why = {row.recovery_id for row in cancelled}, "a remedy was stopped before it went out"
    policies = {id_: one.decision.policy for id_, one in amends.recoveries.queries.by_id(ids).items()}
    money = [row for row in cancelled if row.amount_minor]
    amends.ledger.steps.post(
        [amends.ledger.rules.release(*_ids(r), policies[r.recovery_id], _amount(r), now, r.owed) for r in money]
    )
    goodwill: Counter[str] = Counter()
    for row in money:
        goodwill[row.recovery_id] += 0 if row.owed else row.amount_minor or 0
    amends.recoveries.spending.give_back(goodwill)
    amends.recoveries.steps.move(ids, RecoveryState.REOPENED, who=WORKER, why=why, now=now)


def _finish(now: datetime) -> int:
    """Where all else has its receipt, an open call is left to a person; with its note a recovery is made right."""
    return sum(_finish_state(state, now) for state in (RecoveryState.UNDER_WAY, RecoveryState.CALL_OPEN))


def _finish_state(state: RecoveryState, now: datetime) -> int:
    moved, after = 0, ""
    while part := amends.recoveries.queries.in_state(state, BATCH, after):
        after = part[-1].recovery_id
        ids = [recovery.recovery_id for recovery in part]
        left = RemedyRow.objects.filter(recovery_id__in=ids).exclude(state="done").values_list("recovery_id", "kind")
        waiting = {recovery_id for recovery_id, kind in left if kind != "call"}
        calling = {recovery_id for recovery_id, kind in left if kind == "call"} - waiting
        right = [recovery_id for recovery_id in ids if recovery_id not in waiting | calling]
        why = "every remedy has its receipt"
        moved += amends.recoveries.steps.move(right, RecoveryState.MADE_RIGHT, who=WORKER, why=why, now=now)
        if state is RecoveryState.UNDER_WAY:
            why = "all else has its receipt; a person has still to be in touch"
            open_ = sorted(calling)
            moved += amends.recoveries.steps.move(open_, RecoveryState.CALL_OPEN, who=WORKER, why=why, now=now)
    return moved
