"""Doing it, once: approved recoveries become remedies, acts and bookings; answers become receipts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

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
from amends.ground.ids import derive_all
from amends.ground.moments import format_moment
from amends.outbox.records import Order
from amends.recoveries.opening import BEGINNING
from amends.recoveries.records import Goodwill, Remedy, Start, withheld
from amends.remedies import settling
from amends.remedies.models import RemedyRow

BATCH = 10000
WORKER = "amends"
PERSON = "person"
MONEY = ("refund", "credit")
URGENCY = {"refund": 1, "credit": 2, "call": 3}
WORDS = "apology"  # it is the notice itself: said is done
GRANTED = Goodwill.GRANTED.value
FIRST_STATE = {WORDS: "done", "call": "with a person"}
COLUMNS = (
    *("remedy_id", "recovery_id", "customer_id", "kind", "amount_minor", "currency", "owed", "state", "act_key", "ref"),
    *("promised_at", "settled_at"),
)


class Part(NamedTuple):
    """One remedy, in all that does not tell apart those who get it by the same decision."""

    name: str
    remedy: Remedy
    columns: tuple[Any, ...]  # of its row, from `kind` to `state`
    kind: str  # of its act
    connector: str  # empty where no act is needed
    urgency: int
    said: Mapping[str, Any]  # of its payload


Parts = Sequence[Part]
Named = Sequence[tuple[str, Remedy]]
Begun = tuple[Start, Parts, Behind]


def make_right(now: datetime) -> int:
    """Decide what was not looked at yet and start what waits for nobody, in one transaction a batch; then `provide`."""
    return amends.recoveries.steps.decide(now, _start_new) + provide(now)


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


def _start_new(begun: Sequence[tuple[Start, Behind]], now: datetime) -> None:
    """Remedies of recoveries that were opened a moment ago: nothing of theirs can be there yet."""
    parts = _Kinds(_granted)
    _write([(start, parts.of(start), behind) for start, behind in begun], now, new=True)


@bulk.undisturbed()
@transaction.atomic
def _provide(stopped: Collection[str], now: datetime) -> int:
    """Only what is still approved when it is its turn: somebody may have declined it a moment ago."""
    begun = amends.recoveries.steps.begin(BATCH, stopped, who=WORKER, why=BEGINNING, now=now)
    amends.recoveries.steps.give_goodwill([start.recovery_id for start in begun if start.goodwill == GRANTED])
    _start(begun, now)
    return len(begun)


@transaction.atomic
def _give_goodwill(granted: Sequence[Start], now: datetime) -> int:
    """Goodwill that a person let go ahead when what was owed had gone already."""
    mine = set(amends.recoveries.steps.give_goodwill([start.recovery_id for start in granted]))
    _start([start for start in granted if start.recovery_id in mine], now, goodwill=True)
    return len(mine)


@transaction.atomic
def _give_more(more: Sequence[Start], now: datetime) -> int:
    """What a revision added to what was begun before; a call that nobody was asked for yet opens the recovery again."""
    mine = set(amends.recoveries.revising.start_more([start.recovery_id for start in more]))
    called = set(RemedyRow.objects.filter(recovery_id__in=mine, kind="call").values_list("recovery_id", flat=True))
    begun = _start([start for start in more if start.recovery_id in mine], now)
    new = [start.recovery_id for start, parts, _ in begun if any(part.remedy.kind == "call" for part in parts)]
    amends.recoveries.revising.call_again([id_ for id_ in new if id_ not in called], now)
    return len(mine)


def _start(starts: Sequence[Start], now: datetime, *, goodwill: bool = False) -> list[Begun]:
    """What these recoveries grant now, or (`goodwill`) all that they grant; what was started before stays as it is."""
    behind = amends.failures.queries.behind([start.failure_id for start in starts]) if starts else {}
    parts = _Kinds(attrgetter("remedies") if goodwill else _granted)
    begun = [(start, parts.of(start), behind[start.failure_id]) for start in starts]
    _write(begun, now)
    return begun


class _Kinds:
    """The parts of each decision that comes by, made once for all who share it."""

    def __init__(self, granted: Callable[[Start], Named]) -> None:
        self.granted, self.known = granted, dict[tuple[int, str, str], Parts]()

    def of(self, start: Start) -> Parts:
        told = (id(start.remedies), start.person, start.goodwill)  # who share a decision share its remedies
        if told not in self.known:
            self.known[told] = [_part(name, remedy, start.person) for name, remedy in self.granted(start)]
        return self.known[told]


def _granted(start: Start) -> Named:
    """All that was decided, or without the goodwill where that waits or was declined."""
    remedies = (*start.remedies, *_call(start)) if start.person else start.remedies
    waits = withheld([remedy for _, remedy in start.remedies], start.goodwill)
    return [(name, remedy) for name, remedy in remedies if remedy not in waits] if waits else remedies


def _call(start: Start) -> tuple[tuple[str, Remedy], ...]:
    """A decision that wants a person brings a call, whether its rows say so or not."""
    return () if any(remedy.kind == "call" for _, remedy in start.remedies) else (("call", Remedy("call")),)


def _part(name: str, remedy: Remedy, person: str) -> Part:
    minor, currency = (remedy.amount.minor, remedy.amount.currency) if remedy.amount else (None, "")
    columns = (remedy.kind, minor, currency, int(remedy.owed), FIRST_STATE.get(remedy.kind, "under way"))
    if remedy.kind == WORDS:
        return Part(name, remedy, columns, "", "", 0, {})
    urgency, connector = URGENCY.get(remedy.kind, 5), _connector(remedy)
    if not connector:
        said = {"reason": person or "the policy wants a person to call"}
        return Part(name, remedy, columns, f"person.{remedy.kind}", PERSON, urgency, said)
    amount = {"amount_minor": minor, "currency": currency} if remedy.amount else {}
    return Part(name, remedy, columns, f"remedy.{remedy.kind}", connector, urgency, amount)


def _write(begun: Sequence[Begun], now: datetime, *, new: bool = False) -> None:
    """One row, one act and one booking for each remedy; `new`: none of them can be there already."""
    at, rows, orders, postings = bulk.moment(connection, now), [], [], []
    ids = _ids(begun)
    for start, parts, failure in begun:
        recovery_id, _, customer_id, policy = start[:4]
        for part in parts:
            name, remedy, columns, kind, connector, urgency, _ = part
            act_key, settled = (f"{name}:{recovery_id}", None) if connector else ("", at)
            rows.append((next(ids[name]), recovery_id, customer_id, *columns, act_key, "", at, settled))
            if connector:
                whose = (act_key, kind, connector, recovery_id, customer_id)
                orders.append(Order(*whose, _payload(start, part, failure), urgency, None, failure.incident[:120]))
            if remedy.amount is not None:
                granted = (policy, remedy.amount, now, remedy.owed)
                postings.append(amends.ledger.rules.reserve(act_key, recovery_id, customer_id, *granted))
    bulk.insert(connection, RemedyRow, COLUMNS, rows, unless_there=not new)
    amends.outbox.steps.enqueue(orders, now, new=new)
    amends.ledger.steps.post(postings, new=new)


def _ids(begun: Sequence[Begun]) -> dict[str, Iterator[str]]:
    """Ids of all remedies by name, in the order of those who get them."""
    whose: dict[str, list[str]] = {}
    for start, parts, _ in begun:
        for part in parts:
            whose.setdefault(part.name, []).append(start.recovery_id)
    return {name: iter(derive_all("rem", recovery_ids, name)) for name, recovery_ids in whose.items()}


def _payload(start: Start, part: Part, failure: Behind) -> Mapping[str, Any]:
    if part.connector == PERSON:
        return part.said
    reason = f"{failure.promise}: {failure.facts.get('title') or failure.subject}"[:200]
    decided_at = _written(start.decided_at)
    payload = {"payment_ref": failure.payment_ref or None, "reason": reason, "decided_at": decided_at, **part.said}
    if part.remedy.kind == "label":
        payload |= {name: failure.facts[name] for name in ("order_id", "items") if name in failure.facts}
    return payload


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
