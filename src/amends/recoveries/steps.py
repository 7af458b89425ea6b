"""Deciding and moving recoveries: one failure, one recovery, every move on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

import amends.failures.queries
import amends.recoveries.files
import amends.recoveries.queries
from amends.failures.records import Failure
from amends.ground.ids import derive
from amends.ground.moments import parse_moment
from amends.recoveries import rules
from amends.recoveries.models import BookmarkRow, MoveRow, RecoveryRow
from amends.recoveries.records import MOVES, Decision, RecoveryState
from amends.recoveries.tables import Policy

BATCH = 1000
WORKER = "amends"
NOBODY = Policy("none", "any", {}, (), "", "")


def policies() -> Mapping[str, Policy]:
    """The accepted policies by promise; read again when a file changes, wrong files left out (`amends check` tells)."""
    directory = settings.AMENDS.directory
    stamps = tuple((path.name, path.stat().st_mtime_ns) for path in sorted((directory / "policies").glob("*.yaml")))
    return _policies(stamps)


@cache
def _policies(stamps: tuple[tuple[str, int], ...]) -> Mapping[str, Policy]:
    found, _ = amends.recoveries.files.read_all(settings.AMENDS.directory)
    return {policy.promise: policy for policy in found}


def decide(now: datetime) -> int:
    """Decide what is fair for every failure that may be acted on and has no recovery yet, a batch a transaction."""
    decided = 0
    while part := _decide_part(now):
        decided += part
    return decided


@transaction.atomic
def _decide_part(now: datetime) -> int:
    bookmark, _ = BookmarkRow.objects.select_for_update().get_or_create(what="failures")
    ripe = amends.failures.queries.ripe_since(_place(bookmark.upto), now, BATCH)
    if not ripe:
        return 0
    failures = [failure for _, failure in ripe]
    known = RecoveryRow.objects.filter(failure_id__in=[failure.failure_id for failure in failures])
    done = set(known.values_list("failure_id", flat=True))
    rows = _decide_all([failure for failure in failures if failure.failure_id not in done], now)
    RecoveryRow.objects.bulk_create(rows, batch_size=BATCH)
    MoveRow.objects.bulk_create([_first_move(row, now) for row in rows], batch_size=BATCH)
    (at, failure_id), _ = ripe[-1]
    bookmark.upto = f"{at.isoformat().replace('+00:00', 'Z')} {failure_id}"
    bookmark.save()
    return len(ripe)


def _place(upto: str) -> tuple[datetime, str] | None:
    at, _, failure_id = upto.partition(" ")
    return (parse_moment(at), failure_id) if at else None


def _decide_all(failures: Sequence[Failure], now: datetime) -> list[RecoveryRow]:
    """Decisions for a batch; history is asked once for each policy's memory."""
    by_policy: dict[str, list[Failure]] = {}
    tables = policies()
    chosen = {f.failure_id: rules.policy_for(f.promise, tables) or NOBODY for f in failures}
    for failure in failures:
        by_policy.setdefault(chosen[failure.failure_id].name, []).append(failure)
    rows = []
    for group in by_policy.values():
        policy = chosen[group[0].failure_id]
        memory = policy.versions[-1] if policy.versions else None
        days, half_life = (memory.memory_days, memory.half_life_days) if memory else (90, 30.0)
        recurrences = amends.failures.queries.recurrences(group, days, half_life)
        for failure in group:
            rows.append(_row(failure, _decision(failure, recurrences[failure.failure_id], policy), now))
    return rows


def _decision(failure: Failure, recurrence: Any, policy: Policy) -> Decision:
    config = settings.AMENDS
    return rules.decide(
        failure,
        recurrence,
        policy,
        failure.started_at.astimezone(ZoneInfo(config.company.time_zone)).date(),
        currency=config.company.currency,
        holdout=(config.holdout.salt, config.holdout.share),
        approve_up_to=config.limits.approve_up_to_minor,
    )


def _row(failure: Failure, decision: Decision, now: datetime) -> RecoveryRow:
    state = RecoveryState.PROPOSED if decision.needs_approval else RecoveryState.APPROVED
    total = sum(remedy.amount.minor for remedy in decision.remedies if remedy.amount)
    currency = next((remedy.amount.currency for remedy in decision.remedies if remedy.amount), "")
    return RecoveryRow(
        recovery_id=derive("rec", failure.failure_id),
        failure_id=failure.failure_id,
        customer_id=failure.customer_id,
        state=state,
        policy=decision.policy,
        version=decision.version,
        policy_hash=decision.policy_hash,
        row=decision.row,
        remedy=decision.remedies[0].kind if decision.remedies else "",
        amount_minor=total,
        currency=currency,
        person=decision.person,
        holdout=decision.holdout,
        decision=amends.recoveries.queries.decision_to_json(decision),
        decided_at=now,
        changed_at=now,
    )


def _first_move(row: RecoveryRow, now: datetime) -> MoveRow:
    why = row.decision["reasons"][0]
    return MoveRow(recovery_id=row.recovery_id, before="", after=row.state, who=WORKER, why=why, at=now)


@transaction.atomic
def move(ids: Collection[str], to: RecoveryState, *, who: str, why: str, now: datetime) -> int:
    """Move recoveries to a state, those that may go there; the others stay as they are. How many moved."""
    may = [before for before, after in MOVES.items() if to in after]
    rows = list(RecoveryRow.objects.select_for_update().filter(pk__in=ids, state__in=may))
    MoveRow.objects.bulk_create(
        [MoveRow(recovery=row, before=row.state, after=to, who=who, why=why, at=now) for row in rows], batch_size=BATCH
    )
    RecoveryRow.objects.filter(pk__in=[row.pk for row in rows]).update(state=to, changed_at=now)
    return len(rows)


def approve(recovery_id: str, who: str, why: str, now: datetime) -> bool:
    """A person lets a proposed (or declined) recovery go ahead."""
    return bool(move([recovery_id], RecoveryState.APPROVED, who=who, why=why, now=now))


@transaction.atomic
def decline(recovery_id: str, who: str, why: str, now: datetime) -> bool:
    """A person declines, with a reason the customer could read; ValueError without one."""
    if not why.strip():
        raise ValueError("a reason is needed: it is what the customer could be told")
    if not move([recovery_id], RecoveryState.DECLINED, who=who, why=why, now=now):
        return False
    RecoveryRow.objects.filter(pk=recovery_id).update(declined_reason=why)
    return True
