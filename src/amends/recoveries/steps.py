"""Deciding and moving recoveries: one failure, one recovery, every move on record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

import amends.failures.queries
import amends.failures.steps
import amends.recoveries.files
import amends.recoveries.queries
from amends.failures.records import Ripe
from amends.ground import bulk
from amends.ground.marked import Mistake
from amends.ground.money import MAX_MINOR
from amends.recoveries import opening, revising, rules, versions
from amends.recoveries.budgets import Limits
from amends.recoveries.cases import Cases, Ways
from amends.recoveries.models import MoveRow, RecoveryRow
from amends.recoveries.opening import Begun, Opening
from amends.recoveries.policy.tree import Table
from amends.recoveries.records import MOVES, Goodwill, RecoveryState, Start

BATCH = 25000  # a batch's random keys touch most pages of every index: fewer batches, fewer writes of each page
WORKER = "amends"
NOBODY = Table("none", "any", {}, (), "", "")
Starting = Callable[[Sequence[Begun], datetime], None]  # how the next room begins remedies, in our transaction


def policies() -> Mapping[str, Table]:
    """The policies to go by, by promise: of each file its last good version (`amends check` tells what is wrong)."""
    return {policy.promise: policy for policy in amends.recoveries.files.in_use(settings.AMENDS.directory)}


def decide(now: datetime, start: Starting | None = None) -> int:
    """Decide what is fair for every failure that may be acted on and was not looked at, a batch a transaction.

    One that has its recovery is decided anew (`revising`). New ones that wait for nobody are under way at once where
    `start` begins their remedies, in the same transaction; else they are approved, and `begin` moves them on.
    """
    decided, cases = 0, Cases(_ways())
    while part := _decide_part(cases, start, now) or _withdraw_part(now):
        decided += part
        if (ways := _ways()) != cases.ways:
            cases = Cases(ways)
    return decided


@bulk.undisturbed()
@transaction.atomic
def _decide_part(cases: Cases, start: Starting | None, now: datetime) -> int:
    failures = amends.failures.queries.ripe(now, BATCH)
    if not failures:
        return 0
    ids = [failure.failure_id for failure in failures]
    done = amends.recoveries.queries.with_recovery(ids)
    openings, later = _decide_all(cases, [failure for failure in failures if failure.failure_id not in done], now)
    begun = opening.write(openings, now, amends.recoveries.queries.stopped_policies() if start else None)
    if start and begun:
        start(begun, now)
    if done:
        later |= revising.revise(cases, [failure for failure in failures if failure.failure_id in done], now)
    amends.failures.steps.decided(ids)
    amends.failures.steps.look_again(later)
    return len(failures)


@transaction.atomic
def _withdraw_part(now: datetime) -> int:
    """Failures that proved unfounded: their recoveries, and later failures that had counted them, are looked at."""
    failures = amends.failures.queries.ripe(now, BATCH, withdrawn=True)
    later, ids = set[str](), [failure.failure_id for failure in failures]
    for policy, group in _by_policy(failures, now):
        later |= amends.failures.queries.around(group, *_memory(policy), withdrawn=True).later
    if failures:
        revising.withdraw(ids, now)
        amends.failures.steps.decided(ids)
        amends.failures.steps.look_again(later)
    return len(failures)


def _decide_all(cases: Cases, failures: Sequence[Ripe], now: datetime) -> tuple[list[Opening], set[str]]:
    """Decisions for a batch, and which failures were decided without these; history is asked once for each memory."""
    decided, later = list[Opening](), set[str]()
    for policy, group in _by_policy(failures, now):
        around = amends.failures.queries.around(group, *_memory(policy))
        decided += cases.decide(group, around.recurrences, policy)
        later |= around.later
    return decided, later


def _by_policy(failures: Sequence[Ripe], now: datetime) -> list[tuple[Table, list[Ripe]]]:
    if not failures:
        return []
    by_policy: dict[str, list[Ripe]] = {}
    tables = versions.in_force(policies(), _four_eyes(), now)
    chosen = {promise: rules.policy_for(promise, tables) or NOBODY for promise in {f.promise for f in failures}}
    for failure in failures:
        by_policy.setdefault(chosen[failure.promise].name, []).append(failure)
    return [(chosen[group[0].promise], group) for group in by_policy.values()]


def _memory(policy: Table) -> tuple[int, float]:
    """(days, half-life in days) for which earlier failures count."""
    return (policy.versions[-1].memory_days, policy.versions[-1].half_life_days) if policy.versions else (90, 30.0)


def _ways() -> Ways:
    """What decisions depend on beside the policy, as it is now."""
    config = settings.AMENDS
    try:
        limits: Limits | None = opening.limits()
    except Mistake:
        limits = None
    # Without a ladder in budgets.yaml, `limits.approve_up_to_minor` decides who must agree.
    approve_up_to = MAX_MINOR if limits and limits.ladder else int(config.limits.approve_up_to_minor)
    holdout = (config.holdout.salt, config.holdout.share)
    return Ways(config.company.time_zone, config.company.currency, holdout, approve_up_to, limits)


def _four_eyes() -> bool:
    """Whether a changed policy waits for two operators; while budgets.yaml cannot be read, it does."""
    try:
        return opening.limits().four_eyes
    except Mistake:
        return True


def move(ids: Collection[str], to: RecoveryState, *, who: str, why: str, now: datetime) -> int:
    """Move recoveries to a state, those that may go there; the others stay as they are. How many moved."""
    return len(moved(ids, to, who=who, why=why, now=now))


@transaction.atomic
def moved(ids: Collection[str], to: RecoveryState, *, who: str, why: str, now: datetime) -> list[str]:
    """As `move`, and which ones: what hangs on a move is done for these only."""
    may = [str(before) for before, after in MOVES.items() if to in after]
    among = bulk.among(connection, "recovery_id")
    sql = f"SELECT recovery_id, state FROM recoveries_recoveryrow WHERE {among}{bulk.locked(connection)}"  # noqa: S608 - our own names
    found = bulk.fetch(connection, sql, [bulk.texts(connection, ids)])
    before = {recovery_id: state for recovery_id, state in found if state in may}
    at = bulk.moment(connection, now)
    moves = [(recovery_id, state, str(to), who, why, at) for recovery_id, state in before.items()]
    bulk.insert(connection, MoveRow, opening.MOVE, moves)
    untold = ", untold = %s" if to in amends.recoveries.queries.DONE_BY_MACHINE else ""
    sql = f"UPDATE recoveries_recoveryrow SET state = %s, changed_at = %s{untold} WHERE {among}"  # noqa: S608
    bulk.change(connection, sql, [str(to), at, *([True] if untold else []), bulk.texts(connection, before)])
    return list(before)


@transaction.atomic
def begin(limit: int, stopped: Collection[str], *, who: str, why: str, now: datetime) -> list[Start]:
    """Move the oldest approved recoveries on to under way and hand them out, so many at a time.

    Of stopped policies (empty: of all) only those without money in them. `why` is said where there is anything to do.
    """
    more, params = amends.recoveries.queries.unless_stopped(stopped)
    sql = f"""UPDATE recoveries_recoveryrow SET state = %s, changed_at = %s WHERE recovery_id IN (
        SELECT recovery_id FROM recoveries_recoveryrow WHERE state = %s{more}
        ORDER BY changed_at LIMIT %s{bulk.locked(connection)})
        RETURNING {amends.recoveries.queries.start_columns()}"""  # noqa: S608 - our own names
    at, before, after = bulk.moment(connection, now), str(RecoveryState.APPROVED), str(RecoveryState.UNDER_WAY)
    begun = amends.recoveries.queries.starts(bulk.fetch(connection, sql, [after, at, before, *params, limit]))
    nothing = opening.NOTHING_DUE
    moves = [(one.recovery_id, before, after, who, why if one.remedies or one.person else nothing, at) for one in begun]
    bulk.insert(connection, MoveRow, opening.MOVE, moves)
    return begun


def told(ids: Collection[str]) -> None:
    """The next room has looked at what to say about these recoveries; they are untold when made right again."""
    RecoveryRow.objects.filter(pk__in=ids).update(untold=False)


@transaction.atomic
def give_goodwill(ids: Collection[str]) -> list[str]:
    """Mark goodwill that a person let go ahead as given; the ids of those whose remedies are to be started now."""
    if not ids:
        return []
    rows = RecoveryRow.objects.select_for_update().filter(pk__in=ids, goodwill=Goodwill.GRANTED)
    granted = list(rows.values_list("pk", flat=True))
    RecoveryRow.objects.filter(pk__in=granted).update(goodwill=Goodwill.GIVEN, goodwill_open=False, untold=True)
    return granted
