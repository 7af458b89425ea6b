"""Doing it, once: approved recoveries become remedies, acts and bookings; answers become receipts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction

import amends.failures.queries
import amends.ledger.rules
import amends.ledger.steps
import amends.outbox.queries
import amends.outbox.steps
import amends.recoveries.queries
import amends.recoveries.revising
import amends.recoveries.spending
import amends.recoveries.steps
from amends.failures.records import Behind
from amends.ground import bulk
from amends.ground.ids import derive
from amends.ground.moments import format_moment
from amends.outbox.records import Order
from amends.recoveries.records import Goodwill, Remedy, Start, withheld
from amends.remedies import settling
from amends.remedies.models import RemedyRow

BATCH = 10000
WORKER = "amends"
MONEY = ("refund", "credit")
URGENCY = {"refund": 1, "credit": 2, "call": 3}
WORDS = "apology"  # it is the notice itself: said is done
GRANTED = Goodwill.GRANTED.value
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
    while more := amends.recoveries.queries.more_to_start(BATCH, stopped):
        started += _give_more(more, now)
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
    waits = withheld([remedy for _, remedy in start.remedies], start.goodwill)
    return [(name, remedy) for name, remedy in remedies if remedy not in waits] if waits else remedies


@transaction.atomic
def _give_goodwill(granted: Sequence[Start], now: datetime) -> int:
    """Goodwill that a person let go ahead when what was owed had gone already."""
    mine = set(amends.recoveries.steps.give_goodwill([start.recovery_id for start in granted]))
    _start([(start, start.remedies) for start in granted if start.recovery_id in mine], now)
    return len(mine)


@transaction.atomic
def _give_more(more: Sequence[Start], now: datetime) -> int:
    """What a revision added to what was begun before; a call that nobody was asked for yet opens the recovery again."""
    mine = set(amends.recoveries.revising.start_more([start.recovery_id for start in more]))
    called = set(RemedyRow.objects.filter(recovery_id__in=mine, kind="call").values_list("recovery_id", flat=True))
    granted = [(start, _granted(start)) for start in more if start.recovery_id in mine]
    _start(granted, now)
    new = [start.recovery_id for start, remedies in granted if any(one.kind == "call" for _, one in remedies)]
    amends.recoveries.revising.call_again([id_ for id_ in new if id_ not in called], now)
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
            "decided_at": _written(start.decided_at),
        }
        if remedy.amount is not None:
            payload |= {"amount_minor": remedy.amount.minor, "currency": remedy.amount.currency}
        if remedy.kind == "label":
            payload |= {name: failure.facts[name] for name in ("order_id", "items") if name in failure.facts}
        kind = f"remedy.{remedy.kind}"
    urgency = URGENCY.get(remedy.kind, 5)
    ids = (start.recovery_id, start.customer_id)
    return Order(act_key, kind, connector, *ids, payload, urgency, batch=failure.incident[:120])


@lru_cache(1000)
def _written(at: datetime) -> str:
    return format_moment(at)  # thousands were decided at one moment


def _connector(remedy: Remedy) -> str:
    """Which connector makes it real, as [remedies] says; none for what only a person can do."""
    named = str(getattr(settings.AMENDS.remedies, remedy.kind, ""))
    return named if remedy.amount is not None or remedy.kind == "label" else ""


def settle(now: datetime) -> int:
    """Read the answers to acts under way: book receipts, and move recoveries whose remedies are all done."""
    return settling.settle(now)
