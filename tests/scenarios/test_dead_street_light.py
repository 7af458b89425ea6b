"""The town's year: what comes of it does not depend on the day it is told; a smaller one is told through real doors."""

from __future__ import annotations

import io
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from PIL import Image
from rich.console import Console

from amends.notices import lint
from amends.recoveries import files
from amends.scenarios.dead_street_light import demo, world
from amends.scenarios.dead_street_light.world import ZONE, Told, Town

HERE = Path(world.__file__).parent
EXPECTED = tomllib.loads((HERE / "expected.toml").read_text("utf-8"))
SMALL = {"seed": 3, "reports": 45}
NOTICES = sorted((HERE / "notices").glob("*.md"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    place = tmp_path_factory.mktemp("files") / "town"
    shutil.copytree(HERE, place, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return Town(place)


def outcomes(year: list[Told], town: Town) -> Counter[str]:
    """How the promises of a year ended, by their own moments."""
    came = {one.report: one for one in year if not one.status}
    told = {one.report: one for one in year if one.status}  # the last word on each
    found: Counter[str] = Counter()
    for number, first in came.items():
        due, last = town.due(first.category, first.at), told.get(number)
        if last is None or last.status not in ("FIXED", "NO_FURTHER_ACTION", "NOT_COUNCILS_RESPONSIBILITY"):
            found["open"] += 1
        elif last.status != "FIXED":
            found["unrepaired"] += 1
        else:
            found["kept" if due and last.at <= due else "late" if due else "without"] += 1
    return found


def test_the_year_comes_out_the_same_on_any_day(town: Town) -> None:
    days = [datetime(2026, 11, 28, 23, 0, tzinfo=ZONE) + timedelta(days=13 * n, hours=5 * n) for n in range(20)]

    found = [outcomes(world.year(EXPECTED["seed"], EXPECTED["reports"], town, day), town) for day in days]

    assert found[0]["kept"] > found[0]["late"] > 5
    assert all(one == found[0] for one in found)


def test_nothing_is_told_before_it_came_in_nor_after_today(town: Town) -> None:
    now = datetime(2027, 1, 4, 6, 0, tzinfo=ZONE)
    seen: set[int] = set()
    for one in world.year(EXPECTED["seed"], EXPECTED["reports"], town, now):
        assert one.at < now
        assert (one.report in seen) == bool(one.status)
        seen.add(one.report)


def test_the_policy_can_be_read() -> None:
    assert files.read(HERE / "policies/mended.yaml").promise == "mended"


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: path.name)
def test_nothing_is_asked_and_nothing_is_doubted_in_what_is_said(path: Path) -> None:
    assert lint.lint_file(path) == []


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[demo.Krems]:
    """A smaller year, told whole; its server still runs."""
    told = demo.Krems(tmp_path_factory.mktemp("krems"), 0, Console(quiet=True))
    try:
        told.set_up()
        told.send(SMALL)
        told.wait()
        yield told
    finally:
        told.stop()


@pytest.mark.slow
@pytest.mark.xdist_group("dead-street-light")
def test_both_promises_end_as_they_should(told: demo.Krems) -> None:
    found = told.tally.gather(told.place, told.environment)

    about = {name: value for name, value in EXPECTED["outcome"].items() if name.startswith(("lamp", "hole"))}
    about.pop("hole_told_before")  # so short a history foretells nothing
    assert {name: found[name] for name in about} == about
    assert found["reports"] == SMALL["reports"] + 4
    assert found["in_doubt"] == 0


@pytest.mark.slow
@pytest.mark.xdist_group("dead-street-light")
def test_the_mails_own_up_and_lead_to_a_photo_without_a_place_in_it(told: demo.Krems) -> None:
    mails = {who: [_text(mail) for mail in told.box.mails() if who in str(mail["To"])] for who in (demo.ANNA, demo.BEN)}

    assert "haben wir gehalten" in mails[demo.ANNA][-1]
    assert any("coupon worth" in text for text in mails[demo.BEN])
    assert any("We did not keep that, and we are sorry" in text for text in mails[demo.BEN])
    assert "cycle path" in mails[demo.BEN][-1]
    for text in (mails[demo.ANNA][-1], mails[demo.BEN][-1]):
        link = re.search(r"http\S+/yours/[^\s?]+", text)
        assert link
        page = httpx.get(link[0])
        after = re.findall(r'src="(/yours/[^"]+\.jpg)"', page.text)
        assert page.status_code == 200
        assert len(after) == 2
        for photo in after:
            assert dict(Image.open(io.BytesIO(httpx.get(told.url + photo).content)).getexif()) == {}


@pytest.mark.slow
@pytest.mark.xdist_group("dead-street-light")
def test_the_story_ends_with_the_clock_on_the_wall(told: demo.Krems) -> None:
    assert float(told.clock.read_text()) == 0.0
    assert httpx.get(f"{told.url}/reports").status_code == 200

    told.send(SMALL)  # told before: nothing happens twice
    assert told.tally.gather(told.place, told.environment)["reports"] == SMALL["reports"] + 4


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""


def test_the_tutorial_shows_the_year_as_it_comes_out() -> None:
    shown = (HERE / "story.md").read_text("utf-8").partition("ends like this")[2].split("```")[1]
    lines = {words: int(number) for number, words in re.findall(r"^ *(\d+)  (\S.*)$", shown, re.MULTILINE)}
    names = {words: name for name, words in demo.Krems.tally.words.items()}

    assert len(lines) > 8
    assert {names[words]: number for words, number in lines.items()}.items() <= EXPECTED["outcome"].items()
