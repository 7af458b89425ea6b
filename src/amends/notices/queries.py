"""What other rooms and pages may ask about notices."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import amends.outbox.queries
from amends.notices.models import NoticeRow
from amends.notices.records import Finding, Notice


def of_recoveries(recovery_ids: Collection[str]) -> dict[str, list[Notice]]:
    found: dict[str, list[Notice]] = {}
    for row in NoticeRow.objects.filter(recovery_id__in=recovery_ids).order_by("composed_at"):
        found.setdefault(row.recovery_id, []).append(_notice(row))
    return found


def mailed(recovery_ids: Collection[str]) -> set[str]:
    """Those of these recoveries whose customer was written to: the mail has its receipt."""
    rows = NoticeRow.objects.filter(recovery_id__in=recovery_ids, state="enqueued").values_list(
        "act_key", "recovery_id"
    )
    keys = dict(rows)
    return {keys[key] for key in amends.outbox.queries.receipts(keys)}


def one(notice_id: str) -> Notice | None:
    row = NoticeRow.objects.filter(pk=notice_id).first()
    return _notice(row) if row else None


def held(limit: int) -> list[Notice]:
    """Notices that were not sent, and why; oldest first."""
    return [_notice(row) for row in NoticeRow.objects.filter(state="held").order_by("composed_at")[:limit]]


def _notice(row: NoticeRow) -> Notice:
    return Notice(
        notice_id=row.notice_id,
        recovery_id=row.recovery_id,
        customer_id=row.customer_id,
        channel=row.channel,
        locale=row.locale,
        subject=row.subject,
        text=row.text,
        html=row.html,
        slots=row.slots,
        act_key=row.act_key,
        state=row.state,
        findings=tuple(Finding(**finding) for finding in row.findings),
        composed_at=row.composed_at,
        about=row.about,
    )


def export_rows() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in NoticeRow.objects.order_by("pk").values().iterator(2000))
