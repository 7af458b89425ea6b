"""What was held back is looked at again when that may help, and a person may send or dismiss it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

import amends.failures.steps
import amends.recoveries.steps
from amends.customers.models import CustomerRow
from amends.notices import queries, steps
from amends.notices.records import Notice
from amends.outbox.models import ActRow
from amends.remedies import steps as remedies
from amends.scenarios.starter import files
from amends.signals.models import SignalRow

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _held(db: None, settings: Any) -> None:
    """Four evenings of Ada, whose address nobody knows."""
    files.write(settings.AMENDS.directory)
    for number in range(4):
        data = {"customer_id": "ada", "promise": "film-plays", "subject": f"s-{number}", "started_at": NOW.isoformat()}
        SignalRow.objects.create(
            source="t", event_id=str(number), type=amends.failures.steps.OBSERVED, data=data, received_at=NOW
        )
    amends.failures.steps.take_observed(NOW)
    amends.recoveries.steps.decide(NOW + timedelta(seconds=1))
    remedies.provide(NOW)
    remedies.settle(NOW)
    steps.compose(NOW)
    assert [rule(notice) for notice in queries.held(9)] == ["no-address"] * 4


def rule(notice: Notice) -> str:
    return notice.findings[-1].rule


def address_comes() -> None:
    CustomerRow.objects.create(customer_id="ada", name="Ada", email="ada@example.org", told_at=NOW)
    data = {"customer_id": "ada"}
    SignalRow.objects.create(source="t", event_id="u", type=steps.UPSERTED, data=data, received_at=NOW)


def mails() -> int:
    return ActRow.objects.filter(connector="smtp").count()


def test_an_address_that_comes_lets_the_mails_go_but_not_more_than_a_day_may_see() -> None:
    address_comes()

    assert steps.reconsider(NOW) == 3
    assert steps.reconsider(NOW) == 0
    assert mails() == 3
    (notice,) = queries.held(9)
    assert rule(notice) == "too-many-mails"
    assert "Dear Ada" in notice.text


def test_without_an_address_nothing_changes() -> None:
    assert steps.reconsider(NOW) == 0
    assert (mails(), len(queries.held(9))) == (0, 4)


def test_a_person_sends_what_was_too_much_for_a_day(client: Client) -> None:
    address_comes()
    steps.reconsider(NOW)
    (notice,) = queries.held(9)
    client.force_login(User.objects.create_superuser("op", password="a long password"))

    client.post(f"/desk/notices/{notice.notice_id}/send")

    assert mails() == 4
    sent = queries.one(notice.notice_id)
    assert sent
    assert (sent.state, rule(sent), sent.findings[-1].text) == ("enqueued", "sent-by-person", "op")


def test_what_cannot_go_says_why_and_stays() -> None:
    notice = queries.held(1)[0]

    assert "no mail address" in steps.send_held(notice.notice_id, "op", NOW)
    assert (mails(), len(queries.held(9))) == (0, 4)


def test_a_person_dismisses_it_with_a_reason(client: Client) -> None:
    notice = queries.held(1)[0]
    client.force_login(User.objects.create_superuser("op", password="a long password"))
    page = client.get(f"/desk/recoveries/{notice.recovery_id}").content.decode()
    assert "Send now" in page

    client.post(f"/desk/notices/{notice.notice_id}/dismiss", {"why": "told on the phone"})

    dismissed = queries.one(notice.notice_id)
    assert dismissed
    assert (dismissed.state, dismissed.findings[-1].hint) == ("dismissed", "told on the phone")
    assert len(queries.held(9)) == 3
