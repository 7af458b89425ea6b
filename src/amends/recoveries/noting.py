"""What later rooms write into a recovery's history, and ask about goodwill that came after the rest."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

import amends.recoveries.queries
from amends.recoveries import holding
from amends.recoveries.models import FormerRow, MoveRow, RecoveryRow
from amends.recoveries.records import RecoveryState

OVER = (RecoveryState.CLOSED, RecoveryState.REOPENED)


@transaction.atomic
def note(recovery_id: str, who: str, why: str, now: datetime) -> bool:
    """A line in a recovery's history that moves nothing."""
    row = RecoveryRow.objects.filter(pk=recovery_id).first()
    if row is not None:
        MoveRow.objects.create(recovery=row, before=row.state, after=row.state, who=who[:200], why=why, at=now)
    return row is not None


def untold_over(limit: int) -> dict[str, bool]:
    """Recoveries closed or reopened with something untold (`steps.told`): whether anything came after the rest, or
    after nothing was due."""
    rows = RecoveryRow.objects.filter(state__in=OVER, untold=True).order_by("recovery_id")
    found = amends.recoveries.queries.by_id(list(rows.values_list("pk", flat=True)[:limit]))
    formers = FormerRow.objects.filter(recovery_id__in=found).values_list("recovery_id", "decision")
    decisions = [(id_, amends.recoveries.queries.decision_from_json(kept)) for id_, kept in formers]
    nothing = {id_ for id_, decision in decisions if holding.gives_nothing(decision)}
    return {id_: recovery.has_later or id_ in nothing for id_, recovery in found.items()}
