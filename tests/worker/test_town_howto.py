"""`amends init --for town` writes a town that works, as it is and as docs/how-to/set-up-a-town.md changes it."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from tests.worker.shop import Shop, free_port, wait_for

from amends.ground.config import read_config
from amends.ground.moments import parse_moment
from amends.promises import calendars, files, repairs
from amends.promises.repairs import Due
from amends.reports import categories, places, routing
from amends.reports.routing import Asked
from amends.scenarios.starter import files as starter
from amends.worker import checks

PAGE = (Path(__file__).parents[2] / "docs/how-to/set-up-a-town.md").read_text("utf-8")
ENTRIES = re.findall(r"`([\w/.]+)`, below `(\w+:)`[^\n]*:\n\n```yaml\n(.*?)^```", PAGE, re.M | re.S)
(FIELDS,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)
TODAY = date(2026, 11, 30)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("town")
    starter.write(where, starter.TOWN)
    return where


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the page's own lines typed in where it says."""
    where = tmp_path_factory.mktemp("changed")
    starter.write(where, starter.TOWN)
    toml = (where / "amends.toml").read_text("utf-8")
    for field, value in re.findall(r"^(\w+) = (.+)$", FIELDS, re.M):
        toml, found = re.subn(rf'^{field} = "[^"]*"', f"{field} = {value}", toml, flags=re.M)
        assert found == 1, field
    (where / "amends.toml").write_text(toml, "utf-8")
    assert [file for file, _below, _lines in ENTRIES] == ["categories.yaml", "promises/mended.yaml", "routing.yaml"]
    for file, below, lines in ENTRIES:
        text, found = re.subn(rf"^( *{below}\n)", rf"\g<1>{lines}", (where / file).read_text("utf-8"), flags=re.M)
        assert found == 1, file
        (where / file).write_text(text, "utf-8")
    return where


def promised(town: Path, category: str) -> Due | None:
    known = {one.name: one for one in calendars.read_all(town)[0]}
    given = {"category": category, "area": "north", "severity": "minor"}
    at = parse_moment("2026-11-30T09:00:00+01:00")
    return repairs.promised_by(files.repairs_in_use(town), **given, received_at=at, calendars=known)


def test_nothing_is_wrong_in_it_as_it_is_and_as_it_is_changed(town: Path, changed: Path) -> None:
    assert checks.findings(town, TODAY) == []
    assert checks.findings(changed, TODAY) == []
    assert read_config(changed, {}).company.name == "Neustadt"


def test_it_has_what_a_town_needs_and_nothing_of_a_streaming_service(town: Path) -> None:
    catalogue = categories.read_all(town)[0]
    assert sorted(catalogue.categories) == ["litter", "pothole", "street-light"]
    assert [code for code, one in catalogue.categories.items() if one.attributes] == ["street-light"]
    assert sorted(places.read_all(town)[0].layers) == ["addresses", "areas", "boundary", "lamps", "streets"]
    assert [path for path in town.rglob("*") if "film" in path.name] == []


def test_a_lamp_shines_by_the_day_it_says_and_a_bench_by_the_day_that_the_page_adds(town: Path, changed: Path) -> None:
    lamp, bench = promised(town, "street-light"), promised(changed, "bench")

    assert lamp is not None
    assert lamp.due_at == parse_moment("2026-12-03T15:30:00+01:00")
    assert bench is not None
    assert bench.due_at == parse_moment("2026-12-15T15:30:00+01:00")


@pytest.mark.parametrize(
    ("category", "lat", "long", "body", "crew"),
    [
        ("pothole", 48.3014, 14.2801, "roads", ""),
        ("pothole", 48.3061, 14.2801, "works", "north"),
        ("street-light", 48.2970, 14.2851, "works", "south"),
    ],
    ids=["on the state road", "in a lane", "a lamp"],
)
def test_each_report_goes_to_who_mends_it(
    town: Path, category: str, lat: float, long: float, body: str, crew: str
) -> None:
    at = parse_moment("2026-11-30T09:00:00+01:00")
    bodies = routing.bodies_of(categories.read_all(town)[0])
    (way,) = routing.in_use(town, "Europe/Vienna").ways(Asked.one(category, "minor", lat, long, at), bodies)

    assert (way.body, way.crew) == (body, crew)


def test_it_is_served_at_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "town")
    made = shop.run("init", str(shop.place), "--for", "town", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["api_key"]
    checked = shop.run("check")
    assert (checked.returncode, checked.stdout) == (0, "Everything is in order.\n")

    port = free_port()
    shop.start("serve", "--port", str(port), "--processes", "1")
    try:
        page = wait_for(f"http://127.0.0.1:{port}/report").text
    finally:
        shop.stop()

    assert [name for name in ("Musterstadt", "Street light", "Pothole", "Litter") if name not in page] == []


def test_the_choices_are_told_and_another_is_an_error(tmp_path: Path) -> None:
    done = Shop(tmp_path).run("init", str(tmp_path / "x"), "--for", "village")

    assert done.returncode == 2
    assert done.stderr == "no example is for 'village'; there are streaming and town\n"
    assert not (tmp_path / "x").exists()
    said = Shop(tmp_path).run("init", "--help").stdout
    assert [kind for kind in starter.KINDS if kind not in said] == []


def test_one_example_is_not_mixed_into_another(town: Path, tmp_path: Path) -> None:
    starter.write(tmp_path / "films")
    before = sorted(tmp_path.rglob("*"))

    mixed = Shop(tmp_path).run("init", str(tmp_path / "films"), "--for", "town")

    assert (mixed.returncode, "holds an example for streaming" in mixed.stderr) == (2, True)
    assert sorted(tmp_path.rglob("*")) == before
    assert starter.there(town) == ["town"], "so that a second `amends init` there writes nothing of another kind"
