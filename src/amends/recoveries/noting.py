"""What later rooms write into a recovery's history, and ask about goodwill that came after the rest."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

import amends.recoveries.queries
from amends.recoveries.models import MoveRow, RecoveryRow
from amends.recoveries.records import Goodwill, Recovery, RecoveryState

OVER = (RecoveryState.CLOSED, RecoveryState.REOPENED)


@transaction.atomic
def note(recovery_id: str, who: str, why: str, now: datetime) -> bool:
    """A line in a recovery's history that moves nothing."""
    row = RecoveryRow.objects.filter(pk=recovery_id).first()
    if row is not None:
        MoveRow.objects.create(recovery=row, before=row.state, after=row.state, who=who[:200], why=why, at=now)
    return row is not None


def untold_goodwill(limit: int) -> list[Recovery]:
    """Recoveries closed or reopened before goodwill was given that nobody was told of (`steps.told`)."""
    rows = RecoveryRow.objects.filter(state__in=OVER, untold=True, goodwill=Goodwill.GIVEN).order_by("recovery_id")
    return list(amends.recoveries.queries.by_id(list(rows.values_list("pk", flat=True)[:limit])).values())
