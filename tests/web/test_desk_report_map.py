"""The queue on the desk's map: the same reports as the list, one by one or counted, by how their promises stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tests.reports.town import ann, intake

from amends.reports import steps
from amends.reports.models import ReportRow
from amends.reports.records import Report, State
from amends.web.desk import reports_map

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = datetime.now(UTC)
BOX = "bbox=15.5,48.3,15.7,48.5&zoom=15"


@pytest.fixture
def eva() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("eva"))
    return client


def received(form: str, days_ago: int = 0, **more: object) -> Report:
    where = {"lat": 48.41, "long": 15.6, "reporter": ann()}
    return steps.receive(intake(form, **where | more), NOW - timedelta(days=days_ago))


def seen(client: Client, query: str = BOX) -> list[dict[str, Any]]:
    answer = client.get(f"/desk/reports/pins.geojson?{query}")
    assert answer.status_code == 200
    return [one["properties"] for one in answer.json()["features"]]


def test_the_map_has_the_reports_of_the_list_that_have_a_place(eva: Client) -> None:
    there = received("there")
    received("nowhere", lat=None, long=None)
    received("elsewhere", lat=50.0)
    hidden = received("hidden")
    ReportRow.objects.filter(pk=hidden.number).update(visible=False)  # staff sees it all the same

    found = seen(eva)

    assert {one["number"] for one in found} == {there.number, hidden.number}
    assert found[0]["standing"] == "running"
    assert found[0]["category"] == "Street light"


def test_the_filters_of_the_list_hold_for_the_map(eva: Client) -> None:
    late, fixed = received("late", days_ago=30), received("fixed")
    steps.move(fixed.number, State.FIXED, who="eva", now=NOW)
    received("hole", category="pothole")

    assert [one["number"] for one in seen(eva, f"{BOX}&standing=late")] == [late.number]
    assert [one["number"] for one in seen(eva, f"{BOX}&category=lamp")] == [late.number]
    (over,) = seen(eva, f"{BOX}&standing=over")
    assert (over["number"], over["standing"]) == (fixed.number, "over")


def test_many_are_counted_by_the_worst_of_their_promises(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports_map, "SINGLY", 3)
    received("a", days_ago=30)
    received("b")
    for form in ("c", "d"):
        received(form, lat=48.45)
    received("e", lat=48.45, category="tree")  # nothing is promised for trees here

    found = sorted(seen(eva), key=lambda one: one["count"])

    assert found == [{"count": 2, "standing": "late"}, {"count": 3, "standing": "no target"}]
    assert sum(one["count"] for one in seen(eva, "bbox=15.5,48.3,15.7,48.5&zoom=4")) == 5


def test_closed_ones_that_are_many_are_called_over(eva: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports_map, "SINGLY", 0)
    steps.move(received("a", days_ago=30).number, State.FIXED, who="eva", now=NOW)

    assert seen(eva, f"{BOX}&standing=over") == [{"count": 1, "standing": "over"}]


@pytest.mark.parametrize("query", ["", "bbox=1,2,3&zoom=3", "bbox=nan,0,1,1&zoom=3", "bbox=15.5,48.3,15.7,48.5&zoom=x"])
def test_a_box_that_is_none_is_refused(eva: Client, query: str) -> None:
    assert eva.get(f"/desk/reports/pins.geojson?{query}").status_code == 400


def test_strangers_see_no_map(client: Client) -> None:
    assert client.get(f"/desk/reports/pins.geojson?{BOX}").status_code == 302
