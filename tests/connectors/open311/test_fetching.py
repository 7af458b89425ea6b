"""Asking other servers how our reports stand: bounded, overlapping, wider at night, never in the story's way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.connectors.open311.standin import KEY, FarSide, FarSideInXml
from tests.connectors.open311.test_forwarding import FILES
from tests.reports.town import at, intake, town

from amends.connectors.open311.far import Far
from amends.connectors.open311.fetching import Asked, Brought, fetch
from amends.reports import queries, steps
from amends.reports.catalogue import Open311
from amends.reports.models import ReportRow
from amends.reports.records import Report, State
from amends.worker import fetching

NOON = at("2026-11-23T12:00")
BOMB = b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">]><service_request_updates>&a;</service_request_updates>'


def later(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture(params=[FarSide, FarSideInXml])
def there(request: pytest.FixtureRequest) -> Iterator[FarSide]:
    with request.param() as standin:
        standin.effect("x", number="SR:1", code="17", said={"description": "A hole", "lat": "1", "long": "1"})
        yield standin


def ask(there: FarSide, *ids: str, tokens: tuple[str, ...] = (), whole: bool = False) -> Brought:
    far = Far("roads", Open311(there.url, form=there.form), KEY, timeout_s=2)
    return fetch(far, Asked(NOON - timedelta(hours=1), later(60), ids, tokens, whole))


def update(number: str = "SR:1", **more: Any) -> dict[str, Any]:
    known = {"update_id": "7", "service_request_id": number, "status": "FIXED"}
    return known | {"updated_datetime": "2026-11-23T11:05:00Z", "description": "Done & dusted <b>"} | more


# What is asked


def test_updates_are_read_where_there_are_some(there: FarSide) -> None:
    there.updates = [update(media_url="https://far.example/x.jpg", external_status_code="060")]
    brought = ask(there, "SR:1")

    assert brought.trouble == ""
    (told,) = brought.told
    assert (told.request, told.update_id, told.status, told.words) == ("SR:1", "7", "FIXED", "Done & dusted <b>")
    assert (told.at, told.code, told.media_url) == (later(5), "060", "https://far.example/x.jpg")
    (asked,) = there.requests
    assert (asked.query["start_date"], asked.query["end_date"]) == ("2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z")


def test_updates_are_read_page_by_page(there: FarSide) -> None:
    there.updates, there.page_size = [update(update_id=str(n)) for n in range(95)], 30

    assert [told.update_id for told in ask(there).told] == [str(n) for n in range(95)]


def test_where_there_are_no_updates_each_request_is_asked_for(there: FarSide) -> None:
    there.status["SR:1"] = {"status": "closed", "status_notes": "Filled.", "updated_datetime": "2026-11-23T11:05:00Z"}
    there.status["SR:1"] |= {"expected_datetime": "2027-01-02T17:00:00Z"}
    first, again = ask(there, "SR:1", "SR:9"), ask(there, "SR:1")

    (told,) = first.told
    assert (told.status, told.words, told.at, told.news) == ("closed", "Filled.", later(5), True)
    assert first.told == again.told, "the same as long as nothing has changed"
    there.status["SR:1"]["status_notes"] = "Filled again."
    assert ask(there, "SR:1").told[0].update_id != told.update_id
    assert list(first.expected) == ["SR:1"]


def test_at_night_it_is_seen_what_no_update_has_told(there: FarSide) -> None:
    there.updates = []
    there.status["SR:1"] = {"status": "closed"}

    assert ask(there, "SR:1").told == []
    (told,) = ask(there, "SR:1", whole=True).told
    assert (told.status, told.news) == ("closed", False)


def test_tokens_are_asked_for_their_numbers(there: FarSide) -> None:
    there.tokens = {"T:1": "SR:1", "T:2": ""}

    assert ask(there, tokens=("T:1", "T:2", "T:3")).numbers == {"T:1": "SR:1"}


@pytest.mark.parametrize("fault", ["before", "busy", "html", "truncated", "huge", "hang", "redirect", "cut"])
def test_what_goes_wrong_is_told_and_brings_nothing(there: FarSide, fault: str) -> None:
    there.updates, there.lookup_fault = [update()], fault
    brought = ask(there, "SR:1")

    assert brought.trouble
    assert brought.told == []
    assert not [request for request in there.requests if "elsewhere" in request.path]


def test_a_bomb_of_theirs_does_not_go_off(there: FarSide) -> None:
    there._get = lambda path, request: there.__class__._reply(there, 200, [], "x").__class__(200, BOMB)  # type: ignore[method-assign]
    brought = ask(there, "SR:1")

    assert "document type" in brought.trouble


def test_rows_that_make_no_sense_are_left_out(there: FarSide) -> None:
    odd = [update(""), update(updated_datetime="2999-01-01T00:00:00Z"), update(updated_datetime="yesterday")]
    there.updates = [*odd, update(updated_datetime="2026-11-23T11:05:00"), update(status="", description="")]

    assert [told.at for told in ask(there).told] == [None, None, None, later(5)]


# When it is asked


@pytest.fixture
def near(there: FarSide, monkeypatch: pytest.MonkeyPatch) -> Iterator[FarSide]:
    """Our side, with a body whose server is there."""
    monkeypatch.setattr(fetching, "asking", fetching.Asking())
    files = FILES.replace("http://127.0.0.1:9", there.url).replace("listed_within_s: 0", f"format: {there.form}")
    with town(categories=files):
        yield there


def report(number: str = "SR:1") -> Report:
    made = steps.receive(intake(f"f{number}", "pothole", lat=1.0, long=1.0), NOON)
    ReportRow.objects.filter(pk=made.number).update(external_id=number)
    return made


def heard(now: datetime) -> None:
    """Turn like the story does, until nothing is on its way."""
    until = time.monotonic() + 20
    while fetching.go_on(now) and time.monotonic() < until:
        pass


def windows(there: FarSide) -> list[tuple[str, str]]:
    asked = [request.query for request in there.requests if "updates" in request.path]
    return [(query["start_date"][8:16], query["end_date"][8:16]) for query in asked]


@pytest.mark.django_db
def test_what_is_said_there_stands_here(near: FarSide) -> None:
    made = report()
    near.updates = [update()]
    heard(later(6))
    found = queries.one(made.number)

    assert found
    assert (found.state, found.status_notes, found.kept) == (State.FIXED, "Done & dusted <b>", True)


@pytest.mark.django_db
def test_each_window_begins_before_the_last_has_ended_and_once_a_night_a_day_before(near: FarSide) -> None:
    report()
    near.updates = []
    for minutes in (0, 1, 5, 10, 60 * 16, 60 * 16 + 1, 60 * 16 + 6):
        heard(later(minutes))

    assert windows(near) == [
        ("22T11:00", "23T11:00"),  # the first look, and the night's
        ("23T10:30", "23T11:05"),
        ("23T10:35", "23T11:10"),
        ("23T03:00", "24T03:00"),  # it is three o'clock
        ("24T02:30", "24T03:06"),
    ]


@pytest.mark.django_db
def test_nobody_is_asked_about_nothing(near: FarSide) -> None:
    heard(NOON)

    assert near.requests == []


@pytest.mark.django_db
def test_after_trouble_the_window_stays_and_the_server_is_left_in_peace(near: FarSide) -> None:
    made = report()
    near.updates, near.lookup_fault = [update()], "before"
    heard(NOON)
    heard(later(10))
    assert len(near.requests) == 1, "not again at once"
    near.lookup_fault = ""
    fetching.asking.not_before.clear()
    heard(later(20))

    assert windows(near)[0][0] == "22T11:00"
    assert windows(near)[1][0] == "22T11:20"
    assert getattr(queries.one(made.number), "state", None) is State.FIXED


@pytest.mark.django_db
def test_the_story_does_not_wait_for_who_is_slow(near: FarSide) -> None:
    report()
    near.lookup_fault, near.hang_s = "hang", 1.5
    began = time.monotonic()
    fetching.go_on(NOON)

    assert time.monotonic() - began < 1.0
    assert fetching.asking.running == {"roads"}
    heard(NOON)


@pytest.mark.django_db
def test_a_clock_that_was_set_back_stops_nothing(near: FarSide) -> None:
    report()
    near.updates = []
    heard(later(600))
    heard(NOON)

    assert len(windows(near)) == 2
