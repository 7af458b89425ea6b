"""The doctor names what waits: acts of which nothing is known for long, and notices held back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from amends.notices.models import NoticeRow
from amends.outbox.models import ActRow
from amends.worker import doctor

NOW = datetime.now(UTC)


def act(key: str, created_at: datetime, attempts: int) -> None:
    ActRow.objects.create(
        key=key,
        kind="remedy.refund",
        connector="billing",
        recovery_id="rec_1",
        customer_id="ada",
        payload={},
        state="unknown",
        attempts=attempts,
        due_at=NOW,
        created_at=created_at,
        changed_at=NOW,
        last_answer="timed out",
    )


@pytest.mark.django_db
def test_an_act_of_which_nothing_is_known_for_long_is_named() -> None:
    act("refund:young", NOW, 1)
    act("refund:old", NOW - timedelta(hours=2), 2)
    act("refund:tried", NOW, 9)

    said = "\n".join(line.says for line in doctor._unclear())

    assert "refund:old" in said
    assert "refund:tried" in said
    assert "timed out" in said
    assert "refund:young" not in said


@pytest.mark.django_db
def test_notices_held_back_are_counted_by_why() -> None:
    for number in range(3):
        finding = {"file": "", "line": 0, "severity": "error", "rule": "no-address", "text": "", "hint": ""}
        NoticeRow.objects.create(
            notice_id=f"note_{number}",
            recovery_id="rec_1",
            customer_id="ada",
            template="x",
            locale="en",
            subject="",
            text="",
            html="",
            slots={},
            findings=[finding],
            state="held",
            composed_at=NOW,
        )

    (line,) = doctor._held()

    assert (line.state, "3 are held back (3 no-address)" in line.says) == ("warning", True)
