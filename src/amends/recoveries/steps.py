"""Deciding and moving recoveries: one failure, one recovery, every move on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

import amends.failures.queries
import amends.failures.steps
import amends.recoveries.files
import amends.recoveries.queries
from amends.failures.records import Failure, Recurrence
from amends.ground.marked import Mistake
from amends.ground.money import MAX_MINOR
from amends.recoveries import opening, rules, versions
from amends.recoveries.models import MoveRow, RecoveryRow
from amends.recoveries.policy.tree import Table
from amends.recoveries.records import MOVES, Decision, Goodwill, RecoveryState

BATCH = 1000
WORKER = "amends"
NOBODY = Table("none", "any", {}, (), "", "")


def policies() -> Mapping[str, Table]:
    """The policies to go by, by promise: of each file its last good version (`amends check` tells what is wrong)."""
    return {policy.promise: policy for policy in amends.recoveries.files.in_use(settings.AMENDS.directory)}


def decide(now: datetime) -> int:
    """Decide what is fair for every failure that may be acted on and has no recovery yet, a batch a transaction."""
    decided = 0
    while part := _decide_part(now):
        decided += part
    return decided


@transaction.atomic
def _decide_part(now: datetime) -> int:
    failures = amends.failures.queries.ripe(now, BATCH)
    if not failures:
        return 0
    known = RecoveryRow.objects.filter(failure_id__in=[failure.failure_id for failure in failures])
    done = set(known.values_list("failure_id", flat=True))
    opening.write(_decide_all([failure for failure in failures if failure.failure_id not in done], now), now)
    amends.failures.steps.decided([failure.failure_id for failure in failures])
    return len(failures)


def _decide_all(failures: Sequence[Failure], now: datetime) -> list[tuple[Failure, Decision]]:
    """Decisions for a batch; history is asked once for each policy's memory."""
    by_policy: dict[str, list[Failure]] = {}
    tables = versions.in_force(policies(), _four_eyes(), now)
    chosen = {f.failure_id: rules.policy_for(f.promise, tables) or NOBODY for f in failures}
    for failure in failures:
        by_policy.setdefault(chosen[failure.failure_id].name, []).append(failure)
    decided = []
    for group in by_policy.values():
        policy = chosen[group[0].failure_id]
        memory = policy.versions[-1] if policy.versions else None
        days, half_life = (memory.memory_days, memory.half_life_days) if memory else (90, 30.0)
        recurrences = amends.failures.queries.recurrences(group, days, half_life)
        decided += _decide_alike(group, recurrences, policy)
    return decided


def _decide_alike(
    failures: Sequence[Failure], recurrences: Mapping[str, Recurrence], policy: Table
) -> list[tuple[Failure, Decision]]:
    """What is alike in all that a policy may look at is decided once: an outage's thousands are a few cases."""
    config, approve_up_to = settings.AMENDS, _approve_up_to()
    zone, holdout = ZoneInfo(config.company.time_zone), (config.holdout.salt, config.holdout.share)
    decided: list[tuple[Failure, Decision]] = []
    seen: dict[Any, Decision] = {}
    for failure in failures:
        recurrence, day = recurrences[failure.failure_id], failure.started_at.astimezone(zone).date()
        case = rules.case_of(failure, recurrence, policy, day, holdout)
        if case not in seen:
            seen[case] = rules.decide(
                failure,
                recurrence,
                policy,
                day,
                currency=config.company.currency,
                holdout=holdout,
                approve_up_to=approve_up_to,
            )
        decided.append((failure, seen[case]))
    return decided


def _approve_up_to() -> int:
    """Without a ladder in budgets.yaml, `limits.approve_up_to_minor` decides who must agree."""
    try:
        return MAX_MINOR if opening.limits().ladder else int(settings.AMENDS.limits.approve_up_to_minor)
    except Mistake:
        return int(settings.AMENDS.limits.approve_up_to_minor)


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
    may = [before for before, after in MOVES.items() if to in after]
    locked = RecoveryRow.objects.select_for_update().filter(pk__in=ids, state__in=may)
    before = dict(locked.values_list("pk", "state"))
    said = {"after": to, "who": who, "why": why, "at": now}
    moves = [MoveRow(recovery_id=recovery_id, before=state, **said) for recovery_id, state in before.items()]
    MoveRow.objects.bulk_create(moves, batch_size=BATCH)
    more = {"untold": True} if to in amends.recoveries.queries.DONE_BY_MACHINE else {}
    RecoveryRow.objects.filter(pk__in=before).update(state=to, changed_at=now, **more)
    return list(before)


def told(ids: Collection[str]) -> None:
    """The next room has looked at what to say about these recoveries; they are untold when made right again."""
    RecoveryRow.objects.filter(pk__in=ids).update(untold=False)


@transaction.atomic
def give_goodwill(ids: Collection[str]) -> list[str]:
    """Mark goodwill that a person let go ahead as given; the ids of those whose remedies are to be started now."""
    rows = RecoveryRow.objects.select_for_update().filter(pk__in=ids, goodwill=Goodwill.GRANTED)
    granted = list(rows.values_list("pk", flat=True))
    RecoveryRow.objects.filter(pk__in=granted).update(goodwill=Goodwill.GIVEN, goodwill_open=False, untold=True)
    return granted
