"""Requests of the shape that FixMyStreet's own client sends them in, written anew from reading and watching it.

That client itself was driven against this server by hand, and docs/reference/open311.md says how it went; it is under a
licence that keeps it out of this repository.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.open311.wire import PIN, Client, read, stamp, word

pytestmark = pytest.mark.xdist_group("open311")
STATUSES = (
    *("OPEN", "FIXED", "IN_PROGRESS", "ACTION_SCHEDULED", "INVESTIGATING", "DUPLICATE", "NOT_COUNCILS_RESPONSIBILITY"),
    *("NO_FURTHER_ACTION", "INTERNAL_REFERRAL", "REOPEN", "CLOSED"),
)


def send(town: Client, **more: Any) -> dict[str, Any]:
    """A report with title, words and address of its page in the description, and a name cut in two."""
    words = f"A title & <more>\n\n{word()}\n\nhttps://street.example/report/7\n"
    said = {"description": words, "first_name": "Vera", "last_name": "", "phone": "+43 1", "email": "v@example.org"}
    answer = town.post("xml", jurisdiction_id="conformance-town.example", **said | more)
    assert answer.status_code == 200, answer.text
    (row,) = read(answer)
    return dict(row)


def test_it_reports_with_attributes_that_nobody_asked_for(town: Client) -> None:
    asked = {"attribute[fault]": "dark", "attribute[title]": "MS", "attribute[easting]": "1", "deviceid": "iPhone"}

    assert send(town, service_code="street-light", **asked)["service_request_id"]


def test_several_photos_come_as_the_same_field_again(town: Client) -> None:
    made = send(town, media_url=["https://street.example/1.jpg", "https://street.example/2.jpg"])
    (row,) = town.requests("xml", service_request_id=made["service_request_id"])

    assert row["media_url"] == "https://street.example/1.jpg"


def test_it_reports_a_place_by_its_postcode_alone(town: Client) -> None:
    assert send(town, lat=None, long=None, address_string="3500 Krems")["service_request_id"]


def test_it_asks_for_updates_with_its_key_and_a_window(town: Client) -> None:
    number = send(town)["service_request_id"]
    now = datetime.now(UTC)
    window = {"start_date": stamp(now - timedelta(hours=1)), "end_date": stamp(now + timedelta(minutes=1))}
    told = town.rows("servicerequestupdates.xml", api_key=town.key, **window)

    assert number in [row["service_request_id"] for row in told]


@pytest.mark.parametrize("before", ["FIXED", "CLOSED", "NOT_COUNCILS_RESPONSIBILITY", "OPEN"])
@pytest.mark.parametrize("status", STATUSES)
def test_whatever_follows_whatever_an_update_is_taken(town: Client, before: str, status: str) -> None:
    """Who sends it sends it until it is taken: one that were refused for the state of things would come for ever."""
    number = town.report(**PIN)
    town.update(number, status=before)
    words = word()

    assert town.update(number, "xml", status=status, description=words).status_code == 200
    told = town.rows("servicerequestupdates.json", service_request_id=number)
    assert words in [row["description"] for row in told]


@pytest.mark.parametrize(("before", "status", "now"), [("FIXED", "IN_PROGRESS", "open"), ("CLOSED", "FIXED", "closed")])
def test_a_closed_request_opens_for_work_and_for_nothing_else(town: Client, before: str, status: str, now: str) -> None:
    number = town.report()
    town.update(number, status=before)
    town.update(number, status=status)

    assert town.one(number)["status"] == now
