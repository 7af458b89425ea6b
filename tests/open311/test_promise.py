"""expected_datetime is our promise: there from the first answer on, in working days, and honest when it slips."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.open311.wire import FORMS, Client, moment

pytestmark = pytest.mark.xdist_group("open311")
both = pytest.mark.parametrize("form", FORMS)


@both
def test_a_new_report_has_a_promise_that_lies_ahead(town: Client, form: str) -> None:
    row = town.one(town.report(), form)

    assert moment(row["expected_datetime"]) > moment(row["requested_datetime"])


def test_a_lamp_is_promised_for_the_third_working_day(town: Client) -> None:
    row = town.one(town.report(service_code="street-light", **{"attribute[fault]": "dark"}))
    waits = moment(row["expected_datetime"]) - moment(row["requested_datetime"])

    assert timedelta(days=2) < waits < timedelta(days=9)
    assert moment(row["expected_datetime"]).astimezone(UTC).minute == 0


def test_the_promise_stays_the_same_however_often_it_is_asked(town: Client) -> None:
    number = town.report()

    assert len({town.one(number)["expected_datetime"] for _ in range(3)}) == 1


def test_requests_of_the_past_have_theirs(town: Client) -> None:
    assert all(row["expected_datetime"] for row in town.requests(status="closed"))


def test_where_it_slips_the_new_date_is_told_and_the_first_kept(town: Client) -> None:
    late = [row["extended_attributes"] | row for row in town.requests(status="open", extensions="true")]
    slipped = [row for row in late if row["new_datetime"]]

    assert slipped
    assert all(row["expected_datetime"] == row["new_datetime"] != row["promised_datetime"] for row in slipped)


def test_kept_and_broken_are_told_apart(town: Client) -> None:
    closed = [row["extended_attributes"]["promise_kept"] for row in town.requests(status="closed", extensions="true")]

    assert {True, False} <= set(closed)


def test_closed_without_repair_never_counts_as_kept(town: Client) -> None:
    closed = [row["extended_attributes"] for row in town.requests(status="closed", extensions="true")]

    assert not any(row["promise_kept"] for row in closed if row["state"] == "not ours")


def test_promises_are_whole_seconds_with_a_zone(town: Client) -> None:
    assert all(moment(row["expected_datetime"]) for row in town.requests() if row["expected_datetime"])


def test_an_update_does_not_move_the_promise(town: Client) -> None:
    number = town.report()
    before = town.one(number)["expected_datetime"]
    town.update(number, status="IN_PROGRESS")

    assert town.one(number)["expected_datetime"] == before


def test_a_token_promises_as_soon_as_it_has_an_id(town: Client) -> None:
    known = town.requests(service_code="bulky-waste")

    assert all(moment(row["expected_datetime"]) > datetime(2026, 1, 1, tzinfo=UTC) for row in known)
