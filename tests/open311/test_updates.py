"""Service request updates, as FixMyStreet and its adapter use them, both ways."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.open311.wire import FORMS, Client, faults, moment, read, stamp, word

pytestmark = pytest.mark.xdist_group("open311")
both = pytest.mark.parametrize("form", FORMS)
STATUSES = ("OPEN", "FIXED", "IN_PROGRESS", "ACTION_SCHEDULED", "INVESTIGATING", "NOT_COUNCILS_RESPONSIBILITY")
MORE = ("NO_FURTHER_ACTION", "INTERNAL_REFERRAL", "FOR_TRIAGE", "REOPEN", "CLOSED", "DUPLICATE")
FIELDS = {"update_id", "service_request_id", "status", "updated_datetime", "description", "media_url"}


@both
def test_updates_are_told_with_their_fields(town: Client, form: str) -> None:
    for row in town.rows(f"servicerequestupdates.{form}"):
        assert row.keys() >= FIELDS
        assert row["status"] in (*STATUSES, *MORE)
        moment(row["updated_datetime"])


@both
def test_an_update_is_taken_and_told(town: Client, form: str) -> None:
    number, words = town.report(), word()
    (row,) = read(town.update(number, form, description=words, status="INVESTIGATING", external_status_code="17"))
    told = town.rows(f"servicerequestupdates.{form}", service_request_id=number)
    found = next(each for each in told if each["update_id"] == row["update_id"])

    assert (found["description"], found["status"], found["external_status_code"]) == (words, "INVESTIGATING", "17")


@pytest.mark.parametrize("status", [*STATUSES, *MORE])
def test_every_status_is_understood(town: Client, status: str) -> None:
    assert town.update(town.report(), status=status).status_code == 200


@pytest.mark.parametrize("status", ["FIXED", "CLOSED", "NO_FURTHER_ACTION", "NOT_COUNCILS_RESPONSIBILITY"])
def test_an_update_may_close(town: Client, status: str) -> None:
    number, words = town.report(), word()
    town.update(number, status=status, description=words)
    row = town.one(number)

    assert (row["status"], row["status_notes"]) == ("closed", words)
    assert number in town.ids(status="closed")


@pytest.mark.parametrize("status", ["OPEN", "REOPEN"])
def test_an_update_may_open_again(town: Client, status: str) -> None:
    number = town.report()
    town.update(number, status="FIXED")
    town.update(number, status=status)

    assert town.one(number)["status"] == "open"


@both
def test_the_same_update_twice_is_one(town: Client, form: str) -> None:
    number, same = town.report(), word()
    first = read(town.update(number, form, update_id=same))
    again = read(town.update(number, form, update_id=same))

    assert first == again
    assert len(town.rows("servicerequestupdates.json", service_request_id=number)) == 2


def test_updates_are_found_by_their_dates(town: Client) -> None:
    number = town.report()
    town.update(number)
    now = datetime.now(UTC)
    near = {"start_date": stamp(now - timedelta(minutes=1)), "end_date": stamp(now + timedelta(minutes=1))}
    far = {"start_date": stamp(now - timedelta(days=50)), "end_date": stamp(now - timedelta(days=40))}

    assert number in [row["service_request_id"] for row in town.rows("servicerequestupdates.json", **near)]
    assert number not in [row["service_request_id"] for row in town.rows("servicerequestupdates.json", **far)]


def test_updates_come_in_their_order(town: Client) -> None:
    told = [moment(row["updated_datetime"]) for row in town.rows("servicerequestupdates.json")]

    assert told == sorted(told)


def test_updates_come_in_pages(town: Client) -> None:
    whole = town.rows("servicerequestupdates.json", page_size="4")
    parts = [town.rows("servicerequestupdates.json", page_size="2", page=page) for page in ("1", "2")]

    assert parts[0] + parts[1] == whole


@pytest.mark.parametrize("name", ["start_date", "end_date"])
def test_dates_need_a_zone(town: Client, name: str) -> None:
    assert town.get("servicerequestupdates.json", **{name: "2026-01-01T00:00:00"}).status_code == 400


@both
@pytest.mark.parametrize("key", [None, "wrong"])
def test_without_a_key_no_update_is_taken(town: Client, form: str, key: str | None) -> None:
    assert town.update("1", form, api_key=key).status_code == 403


@pytest.mark.parametrize("name", ["update_id", "updated_datetime", "service_request_id", "status"])
def test_what_is_missing_is_named(town: Client, name: str) -> None:
    answer = town.update(town.report(), **{name: None})

    assert answer.status_code == 400
    assert any(name in fault["description"] for fault in faults(answer))


def test_all_that_is_missing_is_named_at_once(town: Client) -> None:
    answer = town.update("", update_id=None, updated_datetime=None, status=None)

    assert len(faults(answer)) == 4


@both
@pytest.mark.parametrize("number", ["99999999", "no-such"])
def test_an_update_of_an_unknown_request_is_not_found(town: Client, form: str, number: str) -> None:
    assert town.update(number, form).status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("status", "BROKEN"), ("updated_datetime", "yesterday"), ("updated_datetime", "2026-01-01T00:00:00")),
        *(("description", "x" * 4001), ("media_url", "javascript:x"), ("updated_datetime", "2999-01-01T00:00:00Z")),
    ],
)
def test_what_is_wrong_is_refused(town: Client, name: str, value: str) -> None:
    assert town.update(town.report(), **{name: value}).status_code == 400


def test_updates_change_when_a_request_was_updated(town: Client) -> None:
    number, before = town.report(), stamp()
    town.update(number)

    assert number in town.ids(updated_after=before)


def test_who_sent_an_update_is_not_told(town: Client) -> None:
    number = town.report()
    town.update(number, email="secret@example.org", first_name="Vera", last_name="Secretova")
    told = town.get("servicerequestupdates.json", service_request_id=number).text

    assert "secret@example.org" not in told
    assert "Secretova" not in told


def test_control_characters_do_not_break_the_updates(town: Client) -> None:
    town.update(town.report(), description="a\0\x08\x1fb<&>")

    assert town.rows("servicerequestupdates.xml")


def test_the_same_update_many_times_at_once_is_one(town: Client) -> None:
    number, words, at = town.report(), word(), stamp()
    same = {"update_id": word(), "status": "IN_PROGRESS", "description": words, "updated_datetime": at}
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda _: town.update(number, **same), range(8)))
    told = town.rows("servicerequestupdates.json", service_request_id=number)

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()[0]["update_id"] for answer in answers}) == 1
    assert [row["description"] for row in told].count(words) == 1


def test_an_update_of_the_future_is_refused(town: Client) -> None:
    number = town.report()

    assert town.update(number, status="FIXED", updated_datetime="2099-01-01T00:00:00Z").status_code == 400
    assert town.one(number)["status"] == "open"


def test_an_update_from_before_the_request_does_not_turn_time_back(town: Client) -> None:
    number = town.report()
    town.update(number, status="FIXED", updated_datetime="2001-01-01T00:00:00Z")
    row = town.one(number)

    assert moment(row["updated_datetime"]) >= moment(row["requested_datetime"])


def test_an_update_is_found_by_its_own_moment(town: Client) -> None:
    number, words = town.report(), word()
    town.update(number, status="IN_PROGRESS", description=words)
    (row,) = [
        each
        for each in town.rows("servicerequestupdates.json", service_request_id=number)
        if each["description"] == words
    ]
    at = row["updated_datetime"]

    assert row in town.rows("servicerequestupdates.json", start_date=at, end_date=at, service_request_id=number)
