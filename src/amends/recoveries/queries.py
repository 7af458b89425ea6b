"""What other rooms and pages may ask about recoveries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from amends.ground.money import Money
from amends.recoveries.models import MoveRow, RecoveryRow
from amends.recoveries.records import Decision, Goodwill, Move, Recovery, RecoveryState, Remedy

Place = tuple[datetime, str]


def in_state(state: RecoveryState, limit: int, after: str = "") -> list[Recovery]:
    """Recoveries in a state, by id, behind the given one."""
    rows = RecoveryRow.objects.filter(state=state, recovery_id__gt=after).order_by("recovery_id")
    return [_recovery(row) for row in rows[:limit]]


def made_right(place: Place | None, limit: int) -> list[tuple[Place, Recovery]]:
    """Recoveries that are made right, in the order in which that happened, behind the given place."""
    rows = RecoveryRow.objects.filter(state=RecoveryState.MADE_RIGHT).order_by("changed_at", "recovery_id")
    if place is not None:
        at, recovery_id = place
        rows = rows.filter(Q(changed_at__gt=at) | Q(changed_at=at, recovery_id__gt=recovery_id))
    return [((row.changed_at, row.recovery_id), _recovery(row)) for row in rows[:limit]]


def made_right_before(moment: datetime, limit: int) -> list[str]:
    """Ids of recoveries that have been made right since before a moment and heard nothing."""
    rows = RecoveryRow.objects.filter(state=RecoveryState.MADE_RIGHT, changed_at__lt=moment)
    return list(rows.order_by("changed_at").values_list("pk", flat=True)[:limit])


def by_id(ids: Collection[str]) -> dict[str, Recovery]:
    return {row.recovery_id: _recovery(row) for row in RecoveryRow.objects.filter(pk__in=ids)}


def one(recovery_id: str) -> Recovery | None:
    return by_id([recovery_id]).get(recovery_id)


def recent(limit: int, state: str = "", search: str = "", before: Place | None = None) -> list[Recovery]:
    """Newest changes first; `search` finds a recovery, customer or failure by its id."""
    rows = RecoveryRow.objects.order_by("-changed_at", "-recovery_id")
    if state:
        rows = rows.filter(state=state)
    if search:
        rows = rows.filter(Q(recovery_id=search) | Q(customer_id=search) | Q(failure_id=search))
    if before is not None:
        at, recovery_id = before
        rows = rows.filter(Q(changed_at__lt=at) | Q(changed_at=at, recovery_id__lt=recovery_id))
    return [_recovery(row) for row in rows[:limit]]


def of_failures(failure_ids: Collection[str]) -> dict[str, Recovery]:
    rows = RecoveryRow.objects.filter(failure_id__in=failure_ids)
    return {row.failure_id: _recovery(row) for row in rows}


def for_a_person(limit: int) -> list[Recovery]:
    """Proposed and reopened recoveries, and those whose goodwill waits, oldest first."""
    waiting = Q(state__in=(RecoveryState.PROPOSED, RecoveryState.REOPENED)) | Q(goodwill=Goodwill.WAITING)
    return [_recovery(row) for row in RecoveryRow.objects.filter(waiting).order_by("changed_at")[:limit]]


def history(recovery_id: str) -> list[Move]:
    rows = MoveRow.objects.filter(recovery_id=recovery_id).order_by("pk")
    return [Move(row.recovery_id, row.before, row.after, row.who, row.why, row.at) for row in rows]


def counts() -> dict[str, int]:
    return dict(RecoveryRow.objects.values_list("state").annotate(Count("pk")).order_by("state"))


def decision_to_json(decision: Decision) -> dict[str, Any]:
    """A decision as it is kept: nothing rounded, nothing left out."""
    kept = asdict(decision)
    kept["remedies"] = [_remedy_to_json(remedy) for remedy in decision.remedies]
    kept["reasons"] = list(decision.reasons)
    return kept


def _remedy_to_json(remedy: Remedy) -> dict[str, Any]:
    amount = {"minor": remedy.amount.minor, "currency": remedy.amount.currency} if remedy.amount else None
    return {"kind": remedy.kind, "amount": amount, "owed": remedy.owed}


def decision_from_json(kept: dict[str, Any]) -> Decision:
    remedies = tuple(
        Remedy(item["kind"], Money(**item["amount"]) if item["amount"] else None, item["owed"])
        for item in kept["remedies"]
    )
    return Decision(**{**kept, "remedies": remedies, "reasons": tuple(kept["reasons"])})


def _recovery(row: RecoveryRow) -> Recovery:
    return Recovery(
        recovery_id=row.recovery_id,
        failure_id=row.failure_id,
        customer_id=row.customer_id,
        state=RecoveryState(row.state),
        decision=decision_from_json(row.decision),
        decided_at=row.decided_at,
        changed_at=row.changed_at,
        declined_reason=row.declined_reason,
        signers=row.signers,
        goodwill=Goodwill(row.goodwill),
        held=row.held,
        pay_by_on=row.pay_by_on,
    )


def export_rows() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in RecoveryRow.objects.order_by("pk").values().iterator(5000))
