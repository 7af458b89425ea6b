"""What other rooms and pages may ask about acts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count

from amends.outbox.models import ActRow, TryRow
from amends.outbox.records import Act, ActState, Receipt

FOR_A_PERSON = (ActState.PARKED, ActState.REFUSED, ActState.IN_DOUBT)
OPEN = (ActState.DUE, ActState.TRYING, ActState.UNKNOWN)


def acts_of(recovery_ids: Collection[str]) -> dict[str, list[Act]]:
    """Acts by recovery, oldest first."""
    found: dict[str, list[Act]] = {}
    for row in ActRow.objects.filter(recovery_id__in=recovery_ids).order_by("created_at", "key"):
        found.setdefault(row.recovery_id, []).append(_act(row))
    return found


def answers(keys: Collection[str]) -> dict[str, Act]:
    return {row.key: _act(row) for row in ActRow.objects.filter(pk__in=keys)}


def receipts(keys: Collection[str]) -> dict[str, Receipt]:
    rows = ActRow.objects.filter(pk__in=keys, state=ActState.DONE)
    return {row.key: Receipt(row.key, row.recovery_id, row.kind, row.ref, row.changed_at) for row in rows}


def act(key: str) -> Act | None:
    row = ActRow.objects.filter(pk=key).first()
    return _act(row) if row else None


def tries(key: str) -> list[tuple[datetime, str, str, str]]:
    """Every try of an act: when, what (act, find, person), answer, detail."""
    return list(TryRow.objects.filter(act=key).order_by("pk").values_list("at", "what", "answer", "detail"))


def for_a_person(limit: int) -> list[Act]:
    """Acts that a person must decide, oldest first."""
    return [_act(row) for row in ActRow.objects.filter(state__in=FOR_A_PERSON).order_by("changed_at")[:limit]]


def recent(limit: int, state: str = "") -> list[Act]:
    rows = ActRow.objects.order_by("-changed_at")
    return [_act(row) for row in (rows.filter(state=state) if state else rows)[:limit]]


def counts() -> dict[str, int]:
    return dict(ActRow.objects.values_list("state").annotate(Count("pk")).order_by("state"))


def open_count() -> int:
    """Acts that the worker still has to bring to an end by itself."""
    return ActRow.objects.filter(state__in=OPEN).count()


def due_count(now: datetime) -> int:
    """Acts that could be worked on at this moment."""
    return ActRow.objects.filter(state__in=OPEN, due_at__lte=now).count()


def _act(row: ActRow) -> Act:
    return Act(
        key=row.key,
        kind=row.kind,
        connector=row.connector,
        recovery_id=row.recovery_id,
        customer_id=row.customer_id,
        payload=row.payload,
        state=ActState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
        ref=row.ref,
        last_answer=row.last_answer,
    )


def export_rows() -> Iterator[dict[str, Any]]:
    """Every act, streaming; money stands in columns of its own."""
    for row in ActRow.objects.order_by("pk").values().iterator(5000):
        payload = row["payload"]
        yield row | {"amount_minor": payload.get("amount_minor"), "currency": payload.get("currency")}
