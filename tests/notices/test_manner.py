"""A notice says of people, repetition and pictures only what the record knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import amends.customers.steps
import amends.failures.steps
import amends.recoveries.approval
import amends.recoveries.queries
import amends.recoveries.steps
from amends.customers.models import CustomerRow
from amends.notices import queries, steps
from amends.notices.records import Notice
from amends.outbox import steps as outbox
from amends.outbox.models import ActRow
from amends.recoveries.records import RecoveryState
from amends.remedies import steps as remedies
from amends.scenarios.starter import files
from amends.signals.models import SignalRow, ViewingRow

NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _starter(db: None, settings: Any) -> None:
    files.write(settings.AMENDS.directory)


def told(subject: str, promise: str = "film-plays", **more: Any) -> None:
    """Another system tells of a failure of Ada's, and it is decided."""
    data = {"customer_id": "ada", "promise": promise, "subject": subject, "started_at": NOW.isoformat()} | more
    SignalRow.objects.create(
        source="t", event_id=subject, type=amends.failures.steps.OBSERVED, data=data, received_at=NOW
    )
    amends.failures.steps.take_observed(NOW)
    amends.recoveries.steps.decide(NOW + timedelta(seconds=1))


def approve_all() -> None:
    for recovery in amends.recoveries.queries.recent(10):
        if recovery.state is RecoveryState.PROPOSED:
            amends.recoveries.approval.approve(recovery.recovery_id, "op", "it is fair", NOW)


def carry_out() -> list[Notice]:
    """Start what was granted, let billing say yes, and read the notices."""
    remedies.provide(NOW)
    ActRow.objects.filter(connector="billing").update(state="done", ref="pay-1")
    remedies.settle(NOW)
    steps.compose(LATER)
    found = amends.recoveries.queries.recent(10)
    return [one for many in queries.of_recoveries([r.recovery_id for r in found]).values() for one in many]


def ada(**more: Any) -> None:
    CustomerRow.objects.create(customer_id="ada", name="Ada", told_at=NOW, **{"email": "ada@example.org"} | more)


def test_a_first_time_that_a_person_decides_claims_no_repetition() -> None:
    ada()
    told("parcel-1", promise="parcel", severity="severe")
    approve_all()

    (notice,) = carry_out()

    assert (notice.state, notice.findings) == ("enqueued", ())
    for untrue in ("again", "before", "call you", "minute by minute"):
        assert untrue not in notice.subject + notice.text
    assert "One of us will write to you." in notice.text


@pytest.mark.parametrize(
    ("customer", "says"),
    [
        ({"phone": "+43 1 23"}, "One of us will call you."),
        ({"phone": "+43 1 23", "contact": {"phone": False}}, "One of us will write to you."),
        ({"locale": "de"}, "Jemand von uns schreibt Ihnen."),
    ],
)
def test_we_promise_to_ring_only_where_there_is_a_number(customer: dict[str, Any], says: str) -> None:
    ada(**customer)
    told("parcel-1", promise="parcel")
    approve_all()

    (notice,) = carry_out()

    assert says in notice.text


def test_the_second_time_is_called_so_and_the_first_is_not() -> None:
    ada(phone="+43 1 23")
    told("s-1", severity="severe", price_minor=499, currency="EUR", used_anyway=False)
    told("s-2", severity="severe", price_minor=399, currency="EUR", used_anyway=False)

    first, second = sorted(carry_out(), key=lambda notice: "It happened again" in notice.subject)

    assert "happened again" not in first.subject + first.text
    assert "We have paid back €3.99" in second.text.replace("the ", "")
    assert "it has happened to you before" in second.text
    assert "One of us will call you." in second.text


def test_a_time_line_is_named_only_where_there_is_one() -> None:
    ada()
    told("s-1", severity="minor")
    told("s-2", severity="minor")
    spans = [{"kind": "startup", "from_s": 0.0, "to_s": 12.0}]
    ViewingRow.objects.create(
        session_id="s-2", hashed=1, started_at=NOW, last_seen_at=NOW, first_report_at=NOW, spans=spans, changed_at=NOW
    )

    without, with_one = sorted(carry_out(), key=lambda notice: "minute by minute" in notice.text)

    assert "minute by minute" not in without.text
    assert "minute by minute" in with_one.text


def test_an_open_call_is_not_made_right_and_its_note_makes_it_so() -> None:
    ada()
    told("parcel-1", promise="parcel")
    approve_all()
    (notice,) = carry_out()
    (recovery,) = amends.recoveries.queries.recent(1)
    assert recovery.state is RecoveryState.CALL_OPEN
    assert "receipt" not in str(amends.recoveries.queries.history(recovery.recovery_id)[-1].after)

    outbox.settle_by_person(f"call:{recovery.recovery_id}", "talked on Tuesday", "op", LATER)
    remedies.settle(LATER)
    steps.compose(LATER + timedelta(minutes=1))

    (recovery,) = amends.recoveries.queries.recent(1)
    assert recovery.state is RecoveryState.MADE_RIGHT
    assert [one.notice_id for one in queries.of_recoveries([recovery.recovery_id])[recovery.recovery_id]] == [
        notice.notice_id
    ]


def test_refund_and_notice_do_not_wait_for_the_call() -> None:
    ada()
    told("s-1", severity="severe", price_minor=499, currency="EUR", evidence="claimed")
    told("s-2", severity="severe", price_minor=499, currency="EUR", used_anyway=False)
    approve_all()

    assert any("€4.99" in notice.text and notice.state == "enqueued" for notice in carry_out())
