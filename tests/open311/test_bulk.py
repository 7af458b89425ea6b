"""All requests in one file: CSV, JSON and XML."""

from __future__ import annotations

import csv
import io

import pytest

from tests.open311.wire import Client, moment, read, word

pytestmark = pytest.mark.xdist_group("open311")
COLUMNS = [
    *("service_request_id", "requested_datetime", "updated_datetime", "closed_date", "status_description"),
    *("status_notes", "source", "service_name", "service_subtype", "description", "agency_responsible"),
    *("address", "lat", "long"),
]
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xml": "text/xml; charset=utf-8",
}


def table(town: Client) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(town.get("bulk.csv").text, newline="")))


@pytest.mark.parametrize("form", KINDS)
@pytest.mark.parametrize("path", ["bulk", "bulk/requests", "../bulk/requests"])
def test_the_file_is_there_in_each_format(town: Client, form: str, path: str) -> None:
    answer = town.wire.get(f"{town.base}/{path}.{form}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == KINDS[form]


def test_a_table_has_its_columns(town: Client) -> None:
    assert town.get("bulk.csv").text.split("\r\n")[0].split(",") == COLUMNS


def test_every_request_is_in_it_however_old(town: Client) -> None:
    rows = table(town)

    assert {row["service_request_id"] for row in rows} >= set(town.ids())
    assert min(moment(row["requested_datetime"]).year for row in rows) < 2026


@pytest.mark.parametrize("form", ["json", "xml"])
def test_all_formats_say_the_same(town: Client, form: str) -> None:
    rows = {row["service_request_id"]: row for row in read(town.get(f"bulk.{form}"))}
    first = table(town)[0]
    told = rows[first["service_request_id"]]

    assert set(told) == set(COLUMNS)
    assert (told["description"] or "") == first["description"]
    assert float(told["lat"]) == float(first["lat"])


def test_closed_requests_say_when(town: Client) -> None:
    closed = [row for row in table(town) if row["closed_date"]]

    assert closed
    assert all(moment(row["closed_date"]) == moment(row["updated_datetime"]) for row in closed)


def test_no_cell_is_a_formula(town: Client) -> None:
    town.report(description="=HYPERLINK(1)", lat="-1.5", long="-2.5")
    rows = table(town)

    assert not [row for row in rows if row["description"].startswith(("=", "+", "-", "@"))]
    assert "-1.5" in [row["lat"] for row in rows]


def test_quotes_commas_and_line_breaks_survive(town: Client) -> None:
    words = f'{word()}, "quoted"\nsecond line; Straße'
    town.report(description=words)

    assert words in [row["description"] for row in table(town)]


def test_a_new_report_is_in_the_file(town: Client) -> None:
    number = town.report()

    assert number in [row["service_request_id"] for row in table(town)]


@pytest.mark.parametrize("form", KINDS)
def test_head_tells_the_kind_only(town: Client, form: str) -> None:
    answer = town.wire.head(f"{town.base}/bulk.{form}")

    assert (answer.status_code, answer.content) == (200, b"")


def test_the_file_is_not_posted_to(town: Client) -> None:
    assert town.wire.post(f"{town.base}/bulk.csv").status_code == 405


def test_discovery_names_the_file(town: Client) -> None:
    ends = town.rows("discovery.json")["endpoints"]
    url = next(end["url"] for end in ends if "Bulk" in end["specification"])

    assert town.wire.get(f"{url}.csv").status_code == 200
