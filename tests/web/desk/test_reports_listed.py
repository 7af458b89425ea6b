"""What the queue lists, as a file: the same reports in the same order, nothing that runs, nothing that is hidden."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from tests.reports.town import intake

from amends.reports import steps
from amends.reports.models import ReportRow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]


def three() -> list[int]:
    """A lamp, a pothole that is hidden, and a lamp with a formula for words; the last is the oldest."""
    now, made = datetime.now(UTC), []
    for form, category, words, ago in (
        ("a", "lamp", "It is dark", 1),
        ("b", "pothole", "a hole", 2),
        ("c", "lamp", "=cmd()", 3),
    ):
        told = intake(form, category, description=words, lat=48.41, long=15.61)
        made.append(steps.receive(told, now - timedelta(hours=ago)).number)
    ReportRow.objects.filter(pk=made[1]).update(visible=False)
    return made


def rows(client: Client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"/desk/reports/listed.csv{query}")
    assert response["Content-Disposition"] == 'attachment; filename="reports.csv"'
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_a_table_has_what_the_queue_lists_in_its_order(rea: Client) -> None:
    lamp, hole, formula = three()

    assert {row["number"] for row in rows(rea)} == {str(lamp), str(hole), str(formula)}
    assert [row["number"] for row in rows(rea, "?category=lamp&order=oldest")] == [str(formula), str(lamp)]
    assert [row["number"] for row in rows(rea, "?category=lamp&order=newest")] == [str(lamp), str(formula)]
    assert rows(rea, "?q=nothing+like+it") == []


def test_nothing_runs_in_a_spreadsheet_and_of_what_is_hidden_nothing_is_said(rea: Client) -> None:
    _, hole, formula = three()
    by_number = {row["number"]: row for row in rows(rea)}

    assert by_number[str(formula)]["description"] == "'=cmd()"
    assert (by_number[str(hole)]["description"], by_number[str(hole)]["lat"]) == ("", "")
    assert by_number[str(hole)]["category"] == "pothole"
    assert "customer_id" not in by_number[str(hole)]


def test_a_map_has_them_with_their_places(rea: Client) -> None:
    lamp, hole, _ = three()
    found = json.loads(rea.get("/desk/reports/listed.geojson").getvalue())
    by_number = {one["id"]: one for one in found["features"]}

    assert found["type"] == "FeatureCollection"
    assert by_number[lamp]["geometry"] == {"type": "Point", "coordinates": [15.61, 48.41]}
    assert by_number[hole]["geometry"] is None
    assert json.loads(rea.get("/desk/reports/listed.geojson?q=nothing+like+it").getvalue())["features"] == []


def test_it_is_for_operators_and_the_queue_leads_there_with_its_filters(rea: Client) -> None:
    three()

    assert Client().get("/desk/reports/listed.csv").status_code == 302
    assert 'href="/desk/reports/listed.csv?category=lamp"' in rea.get("/desk/reports?category=lamp").content.decode()
