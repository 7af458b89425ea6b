"""`categories.yaml`: mistakes with file, line and hint; answers checked, every problem at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from amends.ground.config import Config, Map
from amends.ground.marked import Mistake
from amends.reports import checking
from amends.reports.catalogue import address_variable
from amends.reports.categories import (
    Answers,
    Catalogue,
    Datatype,
    Kind,
    check_answers,
    in_language,
    in_use,
    moment,
    read,
)

GOOD = """\
categories:
  street-light:
    name: {en: Street light, de: Straßenlampe}
    description: {en: A lamp is dark.}
    keywords: [lamp, dark]
    body: works
    assets: lamps
    notice: {en: Never touch a cable.}
    attributes:
      - {code: WARN, datatype: text, variable: false, description: {en: Call 112 where a cable hangs.}}
      - code: WHAT
        datatype: singlevaluelist
        required: true
        description: {en: "What is wrong?"}
        values:
          - {key: dark, name: {en: Dark}}
          - {key: flickers, name: {en: Flickers}}
      - code: MORE
        datatype: multivaluelist
        description: {en: Also}
        values: [{key: glass, name: {en: Broken glass}}, {key: pole, name: {en: Pole bent}}]
      - {code: COUNT, datatype: number, required: true, description: {en: "How many?"}}
      - {code: SINCE, datatype: datetime, description: {en: "Since when?"}}
      - {code: SHORT, datatype: string, description: {en: In a word}}
      - {code: LONG, datatype: text, description: {en: In many}}
  "001":
    name: Pothole
    type: batch
    areas: [old-town]
bodies:
  works:
    name: {en: Town works}
    mail: works@example.org
    crews: [north, south]
    open311: {url: "https://works.example.org/v2/", key_env: WORKS_KEY, services: {street-light: "17"}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "categories.yaml").write_text(GOOD, "utf-8")
    return tmp_path / "categories.yaml"


def spoil(path: Path, before: str, after: str) -> int:
    """Write it wrong; the line where that is."""
    assert before in GOOD
    path.write_text(GOOD.replace(before, after, 1), "utf-8")
    return GOOD[: GOOD.index(before)].count("\n") + 1


def test_what_can_be_reported_is_read_in_order(path: Path) -> None:
    catalogue = read(path)

    light, hole = catalogue.categories.values()
    assert (light.code, hole.code) == ("street-light", "001")
    assert (light.type, hole.type) == (Kind.REALTIME, Kind.BATCH)
    assert in_language(light.name, "de-AT") == "Straßenlampe"
    assert in_language(hole.name, "de") == "Pothole"
    assert [attribute.datatype for attribute in light.attributes][:2] == [Datatype.TEXT, Datatype.SINGLE]
    body = catalogue.body_of(light)
    assert body is not None
    assert body.crews == ("north", "south")
    assert body.open311 is not None
    assert body.open311.url == "https://works.example.org/v2"
    assert (body.open311.theirs("street-light"), body.open311.theirs("001")) == ("17", "001")


def test_crews_have_names_where_they_are_given(path: Path) -> None:
    spoil(path, "crews: [north, south]", "crews: {north: {en: North crew, de: Trupp Nord}, south: South crew}")
    catalogue = read(path)

    assert catalogue.bodies["works"].crews == ("north", "south")
    assert [catalogue.crew(code, "de") for code in ("north", "south", "west")] == ["Trupp Nord", "South crew", "west"]


def test_the_environment_says_where_a_bodys_server_is_before_the_file_does(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMENDS_OPEN311_WORKS_URL", "http://127.0.0.1:9/v2/")
    body = read(path).bodies["works"]

    assert body.open311 is not None
    assert (body.open311.url, body.open311.key_env) == ("http://127.0.0.1:9/v2", "WORKS_KEY")
    assert address_variable("road-office.2") == "AMENDS_OPEN311_ROAD_OFFICE_2_URL"


def test_without_a_file_there_is_nothing_to_report(tmp_path: Path) -> None:
    assert in_use(tmp_path) == Catalogue()


def test_a_typo_leaves_the_last_good_version_in_use(path: Path) -> None:
    before = in_use(path.parent)
    spoil(path, "body: works", "boddy: works")

    assert in_use(path.parent) == before
    assert before.categories


MISTAKES = [
    ("    body: works", "    body: workz", "not one of the bodies", "known: works"),
    ("    body: works", "    boddy: works", "not known here", "known: name"),
    ("    type: batch", "    type: bach", "'bach' is unknown", "known: realtime, batch, blackbox"),
    ("    keywords: [lamp, dark]", '    keywords: ["lamp, dark"]', "has a comma", "two keywords"),
    ("        datatype: singlevaluelist", "        datatype: list", "'list' is unknown", "known: string"),
    ("          - {key: flickers, name", "          - {key: dark, name", "stands twice", "keep one"),
    ("          - {key: dark, name: {en: Dark}}", "          - {key: 01, name: {en: Dark}}", "is no text", "quotes"),
    ("          - {key: dark, name: {en: Dark}}", "          - {key: no, name: {en: Dark}}", "is no text", "quotes"),
    ("variable: false", "variable: false, required: true", "cannot be required", "leave"),
    ("      - {code: SHORT", "      - {code: LONG", "stands twice", "keep one"),
    ("SHORT, datatype: string", "SHORT, datatype: multivaluelist", "nothing to choose from", "values"),
    ("    mail: works@example.org", "    mail: works at example", "no mail address", "example.org"),
    ('{url: "https://works.example.org/v2/"', '{url: "javascript:alert(1)"', "no address", "https"),
    ("key_env: WORKS_KEY", 'key_env: "s3cr3t-key"', "environment variable", "never the key"),
    ("    name: {en: Street light", "    name: {english: Street light", "no language", "write en"),
    ("    name: Pothole\n", "", "is missing", "write"),
    ('  "001":', '  "0 1":', "cannot be", "letters"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "says", "hint"), MISTAKES, ids=[each[1].strip()[:40] for each in MISTAKES])
def test_a_mistake_comes_with_its_line_and_what_to_write(
    path: Path, before: str, after: str, says: str, hint: str
) -> None:
    line = spoil(path, before, after)

    with pytest.raises(Mistake, match=says) as wrong:
        read(path)

    assert hint in wrong.value.hint
    assert abs(wrong.value.line - line) <= (says in ("stands twice", "is missing"))
    assert wrong.value.file == str(path)


def answers(path: Path, **given: list[str] | str) -> Answers | list[str]:
    many = {code: [value] if isinstance(value, str) else value for code, value in given.items()}
    found = check_answers(read(path).categories["street-light"], many)
    return found if isinstance(found, Answers) else [f"{problem.code} {problem.kind}" for problem in found]


def test_all_that_is_missing_is_named_at_once(path: Path) -> None:
    assert answers(path) == ["WHAT required", "COUNT required"]
    assert answers(path, WHAT=" ", COUNT=["", "\n"]) == ["WHAT required", "COUNT required"]


def test_everything_wrong_is_told_together(path: Path) -> None:
    given = {
        "WHAT": "red",
        "MORE": ["glass", "sky"],
        "COUNT": "nan",
        "SINCE": "yesterday",
        "SHORT": "a\nb",
        "WARN": "yes",
    }

    found = answers(path, NEW="1", **given)

    assert found == [
        "NEW unknown",
        "WARN invalid",
        "WHAT invalid",
        "MORE invalid",
        "COUNT invalid",
        "SINCE invalid",
        "SHORT invalid",
    ]


def test_good_answers_come_out_in_one_form(path: Path) -> None:
    given = {"MORE": ["pole", "glass", "pole"], "SINCE": "2026-11-25T08:30 01:00", "LONG": "two\r\nlines\x00\x0b!"}

    found = answers(path, WHAT="dark", COUNT="+2.50", **given)

    assert isinstance(found, Answers)
    assert found.values["MORE"] == ("pole", "glass")
    assert found.first("COUNT") == "2.50"
    assert found.first("SINCE") == "2026-11-25T08:30:00+01:00"
    assert found.first("LONG") == "two\nlines!"
    assert "SHORT" not in found.values


@pytest.mark.parametrize(
    "number", ["nan", "inf", "-Infinity", "0x10", "1_000", "1e999", "٣", "1,5", "1 2", "two", "1e", "."]
)
def test_what_is_no_number_is_refused(path: Path, number: str) -> None:
    assert answers(path, WHAT="dark", COUNT=number) == ["COUNT invalid"]


@pytest.mark.parametrize("text", ["a\rb", "a\u2028b", "a\x85b", "a" * 1001])
def test_a_string_is_one_short_line(path: Path, text: str) -> None:
    assert answers(path, WHAT="dark", COUNT="1", SHORT=text) == ["SHORT invalid"]


def test_one_answer_is_one(path: Path) -> None:
    assert answers(path, WHAT=["dark", "flickers"], COUNT=["1", "2"]) == ["WHAT invalid", "COUNT invalid"]
    assert isinstance(answers(path, WHAT=["dark", "dark"], COUNT="1"), Answers)


@pytest.mark.parametrize(
    "text", ["2026-11-25T08:30:00", "2026-11-25", "2026-13-25T08:30:00Z", "2026-11-25T08:30:00+99:99", "now"]
)
def test_a_moment_without_a_zone_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        moment(text)


def test_amends_check_sees_layers_and_areas_that_are_not_there(path: Path) -> None:
    config = Config(path.parent, map=Map(area="ours", tiles="https://tiles.example.org/", bounds="15,48,16,49"))

    found = list(checking.check(path.parent, config))

    told = {mistake.says.split(":")[0]: mistake.line for mistake in found}
    assert told["street-light"] == 7
    assert told["001"] == 29
    assert {"area", "tiles"} <= {
        word for mistake in found for word in ("area", "tiles") if f"[map] {word}" in mistake.says
    }


def test_amends_check_tells_a_file_that_is_not_read(path: Path) -> None:
    os.rename(path, path.with_suffix(".yml"))

    (found,) = checking.check(path.parent, Config(path.parent))

    assert found.severity == "warning"
    assert "categories.yaml" in found.says
