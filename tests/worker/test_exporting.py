"""Reports leave the house whole, in formats that others read, and without what is somebody's own."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.test import Client
from tests.reports.town import ann, at, intake
from tests.web.report.krems import picture

from amends.reports import album, moderation, steps
from amends.reports.records import State
from amends.worker.exports import export

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")


@pytest.fixture
def made() -> list[int]:
    """One with a place, one without, one hidden."""
    texts = ("=HYPERLINK(1)", "+43 1 234", "Bob lives here")
    reports = [
        steps.receive(intake(f"r{n}", description=text, reporter=ann(), lat=48.41 if n != 1 else None, long=-15.6), NOW)
        for n, text in enumerate(texts)
    ]
    moderation.hide(reports[2].number, "names Bob", who="Officer Olga", now=NOW)
    steps.move(reports[0].number, State.FIXED, who="Officer Olga", now=NOW, words="@done", note="was easy")
    return [report.number for report in reports]


def written(tmp_path: Path, what: str, format_: str, *, personal: bool = False) -> Path:
    path = tmp_path / f"{what}.{format_}"
    assert export(what, format_, str(path), personal=personal) == 0
    return path


def test_nothing_personal_leaves_unless_it_is_asked_for(tmp_path: Path, made: list[int]) -> None:
    own = ("resident_", "Olga", "was easy", "Bob")
    for what in ("reports", "moves"):
        plain = written(tmp_path, what, "jsonl").read_text()
        assert [word for word in own if word in plain] == []

    reports = written(tmp_path, "reports", "jsonl", personal=True).read_text()
    moves = written(tmp_path, "moves", "jsonl", personal=True).read_text()
    assert "resident_" in reports
    assert "Bob lives here" in reports
    assert "Olga" in moves


def test_a_hidden_report_is_there_to_be_counted(tmp_path: Path, made: list[int]) -> None:
    rows = [json.loads(line) for line in written(tmp_path, "reports", "jsonl").read_text().splitlines()]

    hidden = rows[2]
    assert [row["number"] for row in rows] == made
    assert (hidden["visible"], hidden["description"], hidden["lat"]) == (False, "", None)
    assert hidden["due_at"] is not None


def test_steps_that_are_not_public_stay_in_the_house(tmp_path: Path, made: list[int]) -> None:
    def reports_of(personal: bool) -> list[tuple[int, str]]:
        lines = written(tmp_path, "moves", "jsonl", personal=personal).read_text().splitlines()
        return [(row["report"], row["kind"]) for row in map(json.loads, lines)]

    first, second, hidden = made
    assert reports_of(False) == [(first, "state"), (second, "state"), (first, "state")]
    assert (hidden, "moderation") in reports_of(True)


def test_a_spreadsheet_runs_nothing_and_numbers_stay_numbers(tmp_path: Path, made: list[int]) -> None:
    rows = list(csv.DictReader(written(tmp_path, "reports", "csv").open()))
    moves = list(csv.DictReader(written(tmp_path, "moves", "csv").open()))

    assert [row["description"] for row in rows[:2]] == ["'=HYPERLINK(1)", "'+43 1 234"]
    assert rows[0]["long"] == "-15.6"
    assert moves[-1]["words"] == "'@done"


def test_geojson_is_what_a_map_reads(tmp_path: Path, made: list[int]) -> None:
    found = json.loads(written(tmp_path, "reports", "geojson").read_text())

    assert found["type"] == "FeatureCollection"
    assert [feature["geometry"] for feature in found["features"]] == [
        {"type": "Point", "coordinates": [-15.6, 48.41]},
        None,
        None,
    ]
    assert found["features"][0]["properties"]["category"] == "lamp"


def test_parquet_and_an_empty_town(tmp_path: Path) -> None:
    assert json.loads(written(tmp_path, "reports", "geojson").read_text())["features"] == []
    steps.receive(intake("a", lat=48.41, long=15.6), NOW)

    table = pq.read_table(written(tmp_path, "reports", "parquet"))
    assert table.column("lat").to_pylist() == [48.41]
    assert table.column("requested_at").to_pylist() == [NOW]


def test_parquet_knows_a_column_before_its_first_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amends.worker.exports.BATCH", 1)
    steps.receive(intake("a"), NOW)
    second = steps.receive(intake("b", lat=48.41, long=15.6), NOW)
    steps.move(second.number, State.FIXED, who="x", now=NOW)

    table = pq.read_table(written(tmp_path, "reports", "parquet"))

    assert (table.column("kept").to_pylist(), table.column("lat").to_pylist()) == ([None, True], [None, 48.41])


def test_only_what_has_places_is_geojson(capsys: pytest.CaptureFixture[str]) -> None:
    assert export("moves", "geojson", "-") == 2
    assert "only reports have places" in capsys.readouterr().err


@pytest.fixture
def pictured(in_town: None) -> Iterator[list[int]]:
    """Whose first photo is hidden; who has one elsewhere; who has none; who is hidden with its photo."""
    elsewhere = {1: "https://street.example/1.jpg"}
    names = [[album.keep(picture(), kind="before", who="ann", now=NOW) for _ in range(n)] for n in (3, 0, 0, 1)]
    made = [
        steps.receive(intake(f"p{n}", photos=photos, media_url=elsewhere.get(n, "")), NOW)
        for n, photos in enumerate(names)
    ]
    moderation.show_photo(min(names[0]), False, "a face", who="eva", now=NOW)
    moderation.hide(made[3].number, "names Bob", who="eva", now=NOW)
    yield [report.number for report in made]
    shutil.rmtree(settings.AMENDS.var / "photos")


@pytest.mark.parametrize("personal", [False, True])
def test_photos_are_told_as_georeport_tells_them(
    tmp_path: Path, client: Client, pictured: list[int], personal: bool
) -> None:
    rows = [json.loads(line) for line in written(tmp_path, "reports", "jsonl", personal=personal).open()]
    told = client.get("/open311/v2/requests.json?start_date=2026-11-01T00:00:00Z").json()

    assert [row["media_url"] for row in rows][1:] == ["https://street.example/1.jpg", "", ""]
    theirs = {int(one["service_request_id"]): one["media_url"] or "" for one in told}
    assert {row["number"]: row["media_url"] for row in rows[:3]} == theirs
    assert client.get(rows[0]["media_url"].removeprefix(settings.AMENDS.public_url)).status_code == 200
    with written(tmp_path, "reports", "csv").open(newline="") as file:
        assert next(csv.DictReader(file))["media_url"] == rows[0]["media_url"]
    (first, *_) = json.loads(written(tmp_path, "reports", "geojson").read_text())["features"]
    assert first["properties"]["media_url"] == rows[0]["media_url"]


@pytest.mark.usefixtures("pictured")
def test_photos_are_asked_for_once_for_many_reports(
    tmp_path: Path, django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    with django_assert_max_num_queries(2):
        written(tmp_path, "reports", "jsonl")
