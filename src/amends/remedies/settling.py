"""Answers become receipts: remedies settle, what was paid is booked, recoveries are made right.

A turn looks at what has changed since the one before: acts that got an answer, recoveries that got under way. Where a
process begins, and now and then after, it looks at everything that is open: what another machine wrote down by a slow
clock, or a worker of the release before, is found as well.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

import amends.ledger.rules
import amends.ledger.steps
import amends.outbox.queries
import amends.recoveries.queries
import amends.recoveries.spending
import amends.recoveries.standing
import amends.recoveries.steps
from amends.ground import bulk
from amends.ground.money import Money
from amends.outbox.records import ActState, Standing
from amends.recoveries.records import RecoveryState
from amends.remedies.models import RemedyRow

BATCH = 10000
WORKER = "amends"
COMMITTED_WITHIN = timedelta(seconds=5)  # what is answered at a moment may be seen a little later
LOOK_AT_ALL_S, SHARE = 10.0, 50  # no more than a fiftieth of the time goes into looking at everything
ANSWERED = (ActState.DONE, ActState.REFUSED, ActState.CANCELLED, ActState.IN_DOUBT, ActState.PARKED)
FINISHED_FROM = (RecoveryState.UNDER_WAY, RecoveryState.CALL_OPEN)
KIND = ("recovery_id", "kind")
RIGHT, CALLING = "every remedy has its receipt", "all else has its receipt; a person has still to be in touch"
NOTHING = "nothing was due"


class Open(NamedTuple):
    """A remedy without its receipt."""

    remedy_id: str
    recovery_id: str
    customer_id: str
    kind: str
    amount_minor: int | None
    currency: str
    owed: bool
    state: str
    act_key: str

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor or 0, self.currency)

    @property
    def ids(self) -> tuple[str, str, str]:
        return self.act_key, self.recovery_id, self.customer_id


class Place:
    """How far this process has looked; nothing of it need be kept, since it begins with everything."""

    move = 0
    since = datetime.max.replace(tzinfo=UTC)
    all_again_at = 0.0

    def is_time_for_all(self) -> bool:
        return time.monotonic() >= self.all_again_at

    def looked_at_all(self, began: float) -> None:
        ended = time.monotonic()
        self.all_again_at = ended + max(LOOK_AT_ALL_S, SHARE * (ended - began))


_place = Place()


def settle(now: datetime) -> int:
    """Read the answers to acts under way: book receipts, and move recoveries whose remedies are all done."""
    if _place.is_time_for_all():
        return _look_at_all(now)
    changed = sum(look(part, now) for part in _answered(min(_place.since, now - COMMITTED_WITHIN)))
    _place.since = now - COMMITTED_WITHIN
    return changed + _look_at_new(now)


def unsettled() -> int:
    """How many remedies say less than the answers to their acts: what `settle` has still to find."""
    parts = (_left(part, Open._fields) for part in _with_open_remedies())
    return sum(len(_news([Open._make(row) for row in part])) for part in parts)


def forget_place() -> None:
    """Look at everything next time."""
    global _place
    _place = Place()


def _look_at_all(now: datetime) -> int:
    began = time.monotonic()
    _place.since, _place.move = now - COMMITTED_WITHIN, amends.recoveries.standing.last_move()
    changed = sum(look(part, now) for part in _with_open_remedies())
    for state in FINISHED_FROM:
        changed += sum(
            _finish(part, _left(part, KIND), now, some_without=True)
            for part in amends.recoveries.standing.in_state(state, BATCH)
        )
    _place.looked_at_all(began)
    return changed


def _look_at_new(now: datetime) -> int:
    """Recoveries that got under way since last time: some have nothing to wait for."""
    last, changed = amends.recoveries.standing.last_move(), 0
    for part in amends.recoveries.standing.moved_to(RecoveryState.UNDER_WAY, _place.move, last, BATCH):
        changed += _finish(part, _left(part, KIND), now, some_without=True)
    _place.move = last
    return changed


def _answered(since: datetime) -> Iterator[list[str]]:
    """Recoveries whose acts got an answer since a moment, a part at a time."""
    for state in ANSWERED:
        yield from amends.outbox.queries.recoveries_answered(state, since, BATCH)


def _with_open_remedies() -> Iterator[list[str]]:
    """Recoveries with remedies that may still settle, a part at a time."""
    sql = """SELECT remedy_id, recovery_id FROM remedies_remedyrow WHERE state = %s AND NOT (state = 'done')
        AND remedy_id > %s ORDER BY remedy_id LIMIT %s"""  # said as the index remedy_open says it
    for state in ("under way", "refused", "with a person"):
        after = ""
        while found := bulk.fetch(connection, sql, [state, after, BATCH]):
            after = found[-1][0]
            yield sorted({recovery_id for _, recovery_id in found})


@transaction.atomic
def look(recovery_ids: Collection[str], now: datetime) -> int:
    """Settle the remedies of these recoveries by the answers to their acts, and finish those that are made right."""
    left = [Open._make(row) for row in _left(recovery_ids, Open._fields)]
    news = _news(left)
    if not news:
        return 0
    _write(news, now)
    _book([(one, act) for one, act in news if act.state is ActState.DONE and one.amount_minor is not None], now)
    _take_back([one for one, act in news if act.state is ActState.CANCELLED], now)
    after = {one.remedy_id: _state(act) for one, act in news}
    still = [one for one in left if after.get(one.remedy_id, one.state) != "done"]
    moved = _finish(sorted({one.recovery_id for one, _ in news}), [(one.recovery_id, one.kind) for one in still], now)
    return len(news) + moved


def _news(left: Sequence[Open]) -> list[tuple[Open, Standing]]:
    """Remedies whose acts have got an answer that they do not know yet."""
    acts = amends.outbox.queries.standing([one.act_key for one in left if one.state != "cancelled"])
    return [(one, acts[one.act_key]) for one in left if one.act_key in acts and _state(acts[one.act_key]) != one.state]


def _left(recovery_ids: Collection[str], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """These columns of what has no receipt yet."""
    sql = f"""SELECT {", ".join(columns)} FROM remedies_remedyrow
        WHERE {bulk.among(connection, "recovery_id")} AND state <> 'done'"""  # noqa: S608 - our own names
    return bulk.fetch(connection, sql, [bulk.texts(connection, recovery_ids)])


def _state(act: Standing) -> str:
    if act.state is ActState.DONE:
        return "done"
    if act.state in (ActState.REFUSED, ActState.CANCELLED):
        return str(act.state)
    waits = act.connector == "person" or act.state in (ActState.IN_DOUBT, ActState.PARKED)
    return "with a person" if waits else "under way"


def _write(news: Sequence[tuple[Open, Standing]], now: datetime) -> None:
    at = bulk.moment(connection, now)
    rows = []
    for one, act in news:
        done = act.state is ActState.DONE
        rows.append((one.remedy_id, _state(act), act.ref if done else "", at if done else None))
    bulk.rewrite(connection, RemedyRow, "remedy_id", ("state", "ref", "settled_at"), rows)


def _book(done: Sequence[tuple[Open, Standing]], now: datetime) -> None:
    settled = amends.ledger.rules.settle
    amends.ledger.steps.post([settled(*one.ids, act.connector, one.amount, now, one.owed) for one, act in done])


def _take_back(cancelled: Sequence[Open], now: datetime) -> None:
    """Acts stopped before they went out: the money goes back to its budget, and a person sees who got nothing."""
    if not cancelled:
        return
    ids, why = {one.recovery_id for one in cancelled}, "a remedy was stopped before it went out"
    policies = {id_: one.decision.policy for id_, one in amends.recoveries.queries.by_id(ids).items()}
    money = [one for one in cancelled if one.amount_minor]
    release = amends.ledger.rules.release
    amends.ledger.steps.post([release(*one.ids, policies[one.recovery_id], one.amount, now, one.owed) for one in money])
    goodwill: Counter[str] = Counter()
    for one in money:
        goodwill[one.recovery_id] += 0 if one.owed else one.amount_minor or 0
    amends.recoveries.spending.give_back(goodwill)
    _move(sorted(ids), RecoveryState.REOPENED, why, now)


@transaction.atomic
def _finish(
    recovery_ids: Sequence[str], left: Sequence[tuple[Any, ...]], now: datetime, *, some_without: bool = False
) -> int:
    """Where all else has its receipt, an open call is left to a person; with its note a recovery is made right.

    `some_without`: of some of them nothing may have been due at all.
    """
    waiting = {id_ for id_, kind in left if kind != "call"}
    calling = {id_ for id_, kind in left if kind == "call"} - waiting
    states = amends.recoveries.standing.states([id_ for id_ in recovery_ids if id_ not in waiting])
    right = [id_ for id_, state in states.items() if state in FINISHED_FROM and id_ not in calling]
    call = [id_ for id_, state in states.items() if state is RecoveryState.UNDER_WAY and id_ in calling]
    nothing = _without_remedies(right) if some_without and right else set()
    return (
        _move([id_ for id_ in right if id_ not in nothing], RecoveryState.MADE_RIGHT, RIGHT, now)
        + _move(sorted(nothing), RecoveryState.MADE_RIGHT, NOTHING, now)
        + _move(call, RecoveryState.CALL_OPEN, CALLING, now)
    )


def _without_remedies(recovery_ids: Collection[str]) -> set[str]:
    among = bulk.among(connection, "recovery_id")
    sql = f"SELECT DISTINCT recovery_id FROM remedies_remedyrow WHERE {among}"  # noqa: S608 - our own names
    found = bulk.fetch(connection, sql, [bulk.texts(connection, recovery_ids)])
    return set(recovery_ids) - {recovery_id for (recovery_id,) in found}


def _move(ids: Sequence[str], to: RecoveryState, why: str, now: datetime) -> int:
    return amends.recoveries.steps.move(ids, to, who=WORKER, why=why, now=now) if ids else 0
