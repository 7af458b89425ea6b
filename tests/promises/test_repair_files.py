"""`measure: repair` in promises/: what is read, what is told with its line, and that viewings never see it."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path

import pytest

from amends.ground.marked import Mistake
from amends.promises import calendars, files
from amends.promises.repairs import Kind, RepairPromise, Within

CALENDAR = "calendar: works\nzone: Europe/Vienna\nhours: {mon-fri: 08:00-16:00}\n"
GOOD = """\
promise: lamps-mended
words: {en: A lamp that is dark is mended in time.}
measure: repair
calendar: works
versions:
  - from: 2026-01-01
    reopened_within_days: 21
    rows:
      - {category: lamp, severity: severe, within: {hours: 1.5}}
      - category: [lamp, lantern]
        area: centre
        within: {working_days: 3}
        words: {en: A lamp in the centre.}
      - {category: idea, none: true}
      - within: {days: 30}
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    for folder, name, text in (("calendars", "works", CALENDAR), ("promises", "lamps", GOOD)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.yaml").write_text(text)
    return tmp_path


def test_a_promise_of_repair_says_all_of_this(town: Path) -> None:
    promise = files.read(town / "promises/lamps.yaml")

    assert isinstance(promise, RepairPromise)
    (version,) = promise.versions
    assert (version.since, version.reopened_within_days) == (date(2026, 1, 1), 21)
    found = [row.within for row in version.rows]
    assert found == [Within(Kind.HOURS, 1.5), Within(Kind.WORKING_DAYS, 3), None, Within(Kind.DAYS, 30)]
    assert version.rows[1].category == {"lamp", "lantern"}
    assert version.rows[1].words == {"en": "A lamp in the centre."}
    assert {row.calendar for row in version.rows} == {"works"}


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("calendar: works\n", "", 1, "`calendar:` is missing"),
        ("measure: repair", "measure: mood", 3, "unknown"),
        ("from: 2026-01-01", "from: soon", 6, "no day"),
        ("days: 21", "days: -1", 7, "no number of days"),
        ("severity: severe", "severity: awful", 9, "no severity"),
        ("{hours: 1.5}", "{hours: 0}", 9, "cannot be promised"),
        ("{hours: 1.5}", "{hours: .nan}", 9, "cannot be promised"),
        ("{hours: 1.5}", "{hours: yes}", 9, "cannot be promised"),
        ("{hours: 1.5}", "{weeks: 1}", 9, "expected one of"),
        ("{hours: 1.5}", "{hours: 1, days: 1}", 9, "expected one of"),
        ("{hours: 1.5}}", "{hours: 1}, none: true}", 9, "either within: or none"),
        ("{working_days: 3}", "{working_days: 2.5}", 12, "cannot be promised"),
        ("[lamp, lantern]", "[]", 10, "a code or several"),
        ("none: true", "none: false", 14, "can only be true"),
        ("none: true", "why: not", 14, "not known"),
        ("{category: idea, none: true}", "none: true", 15, "row 4 is never reached: row 3 holds"),
        ("{category: idea, none: true}", "soon", 14, "a row needs"),
        ("words: {en: A lamp in the centre.}", "words: dark", 13, "one text a language"),
        ("    rows:", "    row:", 8, "not known"),
    ],
)
def test_a_mistake_is_told_with_its_line(town: Path, before: str, after: str, line: int, says: str) -> None:
    path = town / "promises/lamps.yaml"
    assert before in GOOD
    path.write_text(GOOD.replace(before, after, 1))

    with pytest.raises(Mistake, match=says) as caught:
        files.read(path)
    assert caught.value.line == line
    assert caught.value.hint


def test_two_versions_of_one_day_are_told(town: Path) -> None:
    path = town / "promises/lamps.yaml"
    path.write_text(GOOD + "  - from: 2026-01-01\n    rows: [{none: true}]\n")

    with pytest.raises(Mistake, match="two versions begin on 2026-01-01"):
        files.read(path)


def test_viewings_are_held_against_promises_of_playback_only(town: Path) -> None:
    starter = Path(files.__file__).parents[1] / "scenarios/starter/promises/film-plays.yaml"
    (town / "promises/film-plays.yaml").write_text(starter.read_text())

    assert [promise.name for promise in files.in_use(town)] == ["film-plays"]
    assert [promise.name for promise in files.repairs_in_use(town)] == ["lamps-mended"]
    assert [promise.name for promise in files.read_all(town)[0]] == ["film-plays", "lamps-mended"]


def test_a_calendar_that_nobody_wrote_is_told_where_it_is_named(town: Path) -> None:
    (town / "promises/lamps.yaml").write_text(GOOD.replace("{hours: 1.5}", "{hours: 1}, calendar: nights"))

    (mistake,) = files.read_all(town)[1]
    assert (mistake.line, mistake.hint) == (9, "known: works")
    assert "calendars/ is called nights" in mistake.says


def test_a_calendar_that_cannot_be_read_is_told_once(town: Path) -> None:
    (town / "calendars/works.yaml").write_text(CALENDAR.replace("Vienna", "Wien"))

    assert files.read_all(town)[1] == []
    assert ["no time zone" in mistake.says for mistake in calendars.read_all(town)[1]] == [True]


def test_without_its_calendar_a_promise_is_not_made(town: Path, caplog: pytest.LogCaptureFixture) -> None:
    (town / "calendars/works.yaml").unlink()

    with caplog.at_level(logging.ERROR):
        assert files.repairs_in_use(town) == []
    assert "calendar that is not there" in caplog.text


def test_a_broken_change_leaves_the_last_good_version_in_use(town: Path) -> None:
    before = files.repairs_in_use(town)
    (town / "promises/lamps.yaml").write_text(GOOD + "  - from: never\n")

    assert files.repairs_in_use(town) == before
