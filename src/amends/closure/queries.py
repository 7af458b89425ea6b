"""What other rooms and pages may ask about customers' answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from amends.closure.models import AnswerRow
from amends.closure.records import CustomerAnswer


def answers_of(recovery_ids: Collection[str]) -> dict[str, list[CustomerAnswer]]:
    """Answers by recovery, oldest first."""
    found: dict[str, list[CustomerAnswer]] = {}
    for row in AnswerRow.objects.filter(recovery_id__in=recovery_ids).order_by("pk"):
        found.setdefault(row.recovery_id, []).append(CustomerAnswer(row.recovery_id, row.answer, row.words, row.at))
    return found


def export_rows() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in AnswerRow.objects.order_by("pk").values().iterator(5000))
