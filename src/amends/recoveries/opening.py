"""From decisions to recoveries: goodwill held under its limits, reserved, or put before a person. A batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from django.conf import settings

import amends.recoveries.queries
from amends.failures.records import Failure
from amends.ground.ids import derive
from amends.ground.marked import Mistake
from amends.recoveries import budgets, holding, spending
from amends.recoveries.budgets import Limits
from amends.recoveries.holding import Wish
from amends.recoveries.models import MoveRow, RecoveryRow
from amends.recoveries.records import Decision, Goodwill, RecoveryState

BATCH = 1000
WORKER = "amends"
STOPPED_BY_FILE = "budgets.yaml cannot be read, so no goodwill is given until it is mended (`amends check` says where)"


def limits() -> Limits:
    """What `budgets.yaml` says now; read again when it changes. Mistake while it cannot be read."""
    path = settings.AMENDS.directory / budgets.FILE
    return _limits(path.stat().st_mtime_ns if path.exists() else 0)


@cache
def _limits(stamp: int) -> Limits:
    return budgets.read(settings.AMENDS.directory)


def spending_day(now: datetime) -> date:
    """The company's day, on which a policy's daily budget is counted."""
    return now.astimezone(ZoneInfo(settings.AMENDS.company.time_zone)).date()


def write(decided: Sequence[tuple[Failure, Decision]], now: datetime) -> int:
    """Write a recovery for each decision, its goodwill reserved; in the caller's transaction. How many were written."""
    rows = _rows(decided, now)
    RecoveryRow.objects.bulk_create(rows, batch_size=BATCH)
    MoveRow.objects.bulk_create([_first_move(row, now) for row in rows], batch_size=BATCH)
    return len(rows)


def _rows(decided: Sequence[tuple[Failure, Decision]], now: datetime) -> list[RecoveryRow]:
    try:
        bounds = limits()
    except Mistake:  # what is owed still goes; goodwill waits rather than being given without a limit
        return [_row(failure, decision, (1, STOPPED_BY_FILE), {}, {}, now) for failure, decision in decided]
    within = [(failure, holding.bounded(decision, failure, bounds)) for failure, decision in decided]
    day = spending_day(now)
    ids = [derive("rec", failure.failure_id) for failure, _ in within]
    wishes = [
        holding.wish(id_, decision, failure, bounds, day) for id_, (failure, decision) in zip(ids, within, strict=True)
    ]
    asked = [wish for wish in wishes if wish is not None]
    fits, held = spending.reserve(asked, now) if asked else ({}, {})
    return [
        _row(failure, decision, _why_a_person(decision, failure, bounds), fits, held, now)
        for failure, decision in within
    ]


def _why_a_person(decision: Decision, failure: Failure, bounds: Limits) -> tuple[int, str]:
    """(how many operators must agree to the goodwill, why); without a ladder, `limits.approve_up_to_minor` says."""
    signers, why = holding.why_a_person(decision, failure, bounds)
    most = settings.AMENDS.limits.approve_up_to_minor
    minor = sum(remedy.amount.minor for remedy in holding.goodwill_of(decision.remedies) if remedy.amount)
    if bounds.ladder is None and minor > most:
        reason = f"goodwill of {minor} minor units is more than limits.approve_up_to_minor ({most})"
        return max(1, signers), "; ".join(filter(None, (reason, why)))
    return signers, why


def _row(
    failure: Failure,
    decision: Decision,
    person: tuple[int, str],
    fits: Mapping[str, Wish],
    held: Mapping[str, str],
    now: datetime,
) -> RecoveryRow:
    recovery_id = derive("rec", failure.failure_id)
    state, goodwill, signers, why = placed(decision, *person, held.get(recovery_id, ""))
    amounts = [remedy.amount for remedy in decision.remedies if remedy.amount]
    goodwill_minor, budget_keys = spending.reserved(fits, recovery_id)
    return RecoveryRow(
        recovery_id=recovery_id,
        failure_id=failure.failure_id,
        customer_id=failure.customer_id,
        state=state,
        policy=decision.policy,
        version=decision.version,
        policy_hash=decision.policy_hash,
        row=decision.row,
        remedy=decision.remedies[0].kind if decision.remedies else "",
        amount_minor=sum(amount.minor for amount in amounts),
        currency=amounts[0].currency if amounts else "",
        person=decision.person,
        holdout=decision.holdout,
        decision=amends.recoveries.queries.decision_to_json(decision),
        signers=signers,
        goodwill_minor=goodwill_minor,
        budgets=budget_keys,
        goodwill=goodwill,
        goodwill_open=goodwill is Goodwill.WAITING,
        held=why,
        pay_by_on=date.fromisoformat(decision.pay_by) if decision.pay_by else None,
        decided_at=now,
        changed_at=now,
    )


def placed(decision: Decision, signers: int, why: str, no_room: str) -> tuple[RecoveryState, Goodwill, int, str]:
    """(state, goodwill, operators needed, why it waits) of a new recovery.

    What is owed goes ahead while the goodwill beside it waits.
    """
    reasons = "; ".join(reason for reason in (no_room, why) if reason)
    waits = bool(signers or no_room) and bool(holding.goodwill_of(decision.remedies))
    if decision.needs_approval:
        return RecoveryState.PROPOSED, Goodwill.WITH_THE_REST, max(1, signers), reasons
    if waits and holding.owes(decision):
        return RecoveryState.APPROVED, Goodwill.WAITING, max(1, signers), reasons
    if waits:
        return RecoveryState.PROPOSED, Goodwill.WITH_THE_REST, max(1, signers), reasons
    return RecoveryState.APPROVED, Goodwill.WITH_THE_REST, 0, ""


def _first_move(row: RecoveryRow, now: datetime) -> MoveRow:
    why = row.held or row.decision["reasons"][0]
    return MoveRow(recovery_id=row.recovery_id, before="", after=row.state, who=WORKER, why=why, at=now)
