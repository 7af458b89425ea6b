"""The public scoreboard as people and machines read it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from tests.reports.town import intake

from amends.reports import scoreboard, steps
from amends.reports.models import TallyRow
from amends.reports.records import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = datetime.now(UTC).replace(hour=12) - timedelta(days=40)


def make() -> None:
    """One kept, one late, one closed without repair, one overdue, two without target."""
    for form, category, state, days in (
        *(("a", "lamp", State.FIXED, 1), ("b", "lamp", State.FIXED, 20), ("c", "lamp", State.NOT_FIXED, 1)),
        *(("d", "lamp", None, 0), ("e", "tree", State.FIXED, 1), ("f", "tree", None, 0)),
    ):
        report = steps.receive(intake(form, category), NOW)
        if state:
            steps.move(report.number, state, who="x", now=NOW + timedelta(days=days), words="because")
    scoreboard.keep_up(datetime.now(UTC))


def test_the_page_says_what_was_kept_what_was_not_and_what_had_no_target(client: Client) -> None:
    make()

    page = client.get("/promises").content.decode()

    assert "2 of 6 reports had no target." in page
    assert "<dt>kept, of those kept or broken</dt><dd>25 %</dd>" in page
    assert "<dt>overdue, not mended yet</dt><dd>1</dd>" in page
    assert "<dt>closed without repair</dt><dd>1</dd>" in page
    assert '<th scope="row">Street light</th>' in page


def test_page_csv_and_json_say_the_same(client: Client) -> None:
    make()
    total = client.get("/promises.json").json()["total"]
    answer = client.get("/promises.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]

    for name in ("made", "kept", "late", "late_open", "unrepaired", "reopened", "open", "without"):
        assert sum(int(row[name]) for row in rows) == total[name]
    assert (total["made"], total["kept"], total["late"], total["without"], total["kept_share"]) == (4, 1, 1, 2, 0.25)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_a_period_a_category_and_an_area_are_chosen(client: Client) -> None:
    make()
    day = NOW.date().isoformat()

    assert client.get(f"/promises.json?since={day}&until={day}&category=tree").json()["total"]["reports"] == 2
    assert client.get("/promises.json?area=nowhere").json()["total"]["reports"] == 0
    assert client.get("/promises.json?area=-").json()["total"]["reports"] == 6
    assert (
        "Nothing was reported in this period."
        in client.get("/promises?since=1999-01-01&until=1999-01-02").content.decode()
    )


@pytest.mark.parametrize(
    "asked", ["since=yesterday", "since=2026-13-01", "until=9999-99-99", "since=2026-02-01&until=2026-01-01"]
)
def test_what_is_no_period_is_said_to_be_none(client: Client, asked: str) -> None:
    make()

    assert client.get(f"/promises?{asked}").status_code == 422
    assert client.get(f"/promises.json?{asked}").status_code == client.get(f"/promises.csv?{asked}").status_code == 400


def test_a_spreadsheet_runs_nothing_of_it(client: Client) -> None:
    TallyRow.objects.create(day=NOW.date(), category="=cmd()", area="@x", made=1, reckoned_at=NOW)

    lines = b"".join(client.get("/promises.csv").streaming_content).decode()  # type: ignore[attr-defined]

    assert ",'=cmd(),'@x,1," in lines


def test_where_nothing_was_reported_nothing_is_claimed(client: Client) -> None:
    page = client.get("/promises").content.decode()

    assert "Nothing has been reported yet" in page
    assert "%" not in page.partition("<main")[2]


def test_many_years_are_drawn_by_year(client: Client) -> None:
    for year in range(2015, 2026):
        days = [date(year, month, 1) for month in range(1, 13)]
        rows = [TallyRow(day=day, category="lamp", made=3, kept=2, reckoned_at=NOW) for day in days]
        TallyRow.objects.bulk_create(rows)
        scoreboard.add_up({(day, "lamp") for day in days}, NOW)

    page = client.get("/promises?since=2015-01-01").content.decode()

    assert "2015: 24 kept" in page
    assert page.count('<rect class="kept"') == 11


def test_the_page_speaks_german(client: Client) -> None:
    make()

    page = client.get("/promises?lang=de").content.decode()

    assert "2 von 6 Meldungen hatten kein Ziel." in page
    assert '<th scope="row">Straßenlampe</th>' in page
