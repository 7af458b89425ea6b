"""docs/how-to/set-up-a-town.md, typed in as it stands, is a town in which everything fits together."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from amends.ground.config import read_config
from amends.ground.moments import parse_moment
from amends.promises import calendars, files, repairs
from amends.reports import categories, places, routing_files
from amends.reports.checking import check
from amends.scenarios.starter import files as starter
from amends.worker import checks

PAGE = (Path(__file__).parents[2] / "docs/how-to/set-up-a-town.md").read_text("utf-8")
FILES = re.findall(r"^`([\w/.-]+)`[^\n]*:\n\n```\w+\n(.*?)^```", PAGE, re.M | re.S)
(TOML,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("town")
    starter.write(where)
    for line in re.findall(r"^rm (.+?)\s*(?:#.*)?$", PAGE, re.M):
        for pattern in line.split():
            for gone in where.glob(pattern):
                gone.unlink()
    for name, text in FILES:
        (where / name).parent.mkdir(exist_ok=True)
        (where / name).write_text(text, "utf-8")
    (where / "amends.toml").write_text(TOML, "utf-8")
    return where


def test_nothing_is_wrong_in_it_but_that_no_policy_says_what_is_owed(town: Path) -> None:
    found = checks.findings(town, date(2026, 11, 30))

    assert [(one.severity, Path(one.file).name) for one in found] == [("warning", "any.yaml")]
    assert tomllib.loads(TOML)["map"]["area"] == "boundary"
    assert list(check(town, read_config(town, {}))) == []


def test_its_pothole_on_the_state_road_is_anothers_and_its_lamp_shines_by_the_day_it_says(town: Path) -> None:
    catalogue, (promise,) = categories.read_all(town)[0], files.repairs_in_use(town)
    known = {one.name: one for one in calendars.read_all(town)[0]}

    due = repairs.promised_by(
        [promise],
        category="street-light",
        area="west",
        severity="minor",
        received_at=parse_moment("2026-11-30T09:00:00+01:00"),
        calendars=known,
    )

    assert due is not None
    assert due.due_at == parse_moment("2026-12-03T15:30:00+01:00")
    assert sorted(catalogue.categories) == ["pothole", "street-light"]
    assert next(rule.name for rule in routing_files.read(town / "routing.yaml").rules) == "state road"
    assert sorted(places.read_all(town)[0].layers) == ["addresses", "areas", "boundary", "lamps", "streets"]
