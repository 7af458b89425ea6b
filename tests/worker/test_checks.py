"""`amends check` sees what would go wrong later, and says where."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from amends.ground.marked import Mistake
from amends.scenarios.starter import files as starter
from amends.worker import checks

TODAY = date(2026, 11, 24)
POLICY = "policies/film-plays.yaml"
TOML = "amends.toml"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    starter.write(tmp_path)
    return tmp_path


def _changed(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), "utf-8")


def _errors(shop: Path) -> list[Mistake]:
    return [mistake for mistake in checks.findings(shop, TODAY) if mistake.severity == "error"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("budgets:\n  - {name: a, per: incident, policy: film-play, cap: 1.00 EUR}\n", 2),
        ("budgets:\n  - {name: a, per: client, cap: 1.00 EUR}\n", 2),
        ("budgets:\n  - {name: [\n", 3),
    ],
)
def test_a_budget_that_would_limit_nothing_or_stop_all_is_an_error(shop: Path, said: str, line: int) -> None:
    (shop / "budgets.yaml").write_text(said)

    (mistake,) = _errors(shop)
    assert (Path(mistake.file).name, mistake.line) == ("budgets.yaml", line)


def test_what_init_writes_has_no_error_and_one_thing_to_change(shop: Path) -> None:
    (salt,) = checks.findings(shop, TODAY)

    assert (salt.severity, "salt" in salt.says) == ("warning", True)


@pytest.mark.parametrize(
    ("file", "before", "after", "severity", "says"),
    [
        (POLICY, "refund: {percent: 100, of: price}", "refund: {percent: -5, of: price}", "error", "less than nothing"),
        (POLICY, "refund: {percent: 100, of: price}", "refund: -5.00 EUR", "error", "less than nothing"),
        ("policies/any.yaml", "then: []", "then: [{credit: 5.00 USD}]", "warning", "no price says the currency"),
        (POLICY, "from: 2026-01-01", "from: 2099-01-01", "warning", "until then it says nothing"),
        ("promises/film-plays.yaml", "from: 2026-01-01", "from: 2099-01-01", "warning", "until then it says nothing"),
        (POLICY, "promise: film-plays", "promise: film-palys", "warning", "is called film-palys"),
        (POLICY, "promise: film-plays", "promise: film-palys", "warning", "fall to the policy for any"),
        (POLICY, "promise: film-plays", "promise: any", "error", "only one of them is used"),
        (TOML, 'locale = "en"', 'locale = "klingon"', "error", "no language"),
        (TOML, 'locale = "en"', 'locale = "fr"', "warning", "amends has words in en, de"),
        (TOML, '"care@example.org"', '"care"', "error", "no mail address"),
        (TOML, "<care@example.org>", "", "error", "no mail address"),
        (TOML, '"http://127', '"127', "error", "lead nowhere"),
    ],
)
def test_it_sees(shop: Path, file: str, before: str, after: str, severity: str, says: str) -> None:
    _changed(shop / file, before, after)

    assert any(m.severity == severity and says in m.says and m.line for m in checks.findings(shop, TODAY))


def test_a_file_with_another_ending_is_named(shop: Path) -> None:
    (shop / POLICY).rename(shop / "policies/film-plays.yml")

    assert any("film-plays.yml" in m.file and "rename it" in m.hint for m in checks.findings(shop, TODAY))


@pytest.mark.parametrize(
    ("file", "before", "after", "line"),
    [
        (POLICY, "from: 2026-01-01", "from: 2026-13-01", 8),
        ("promises/film-plays.yaml", "from: 2026-01-01", "from: 2026-02-30", 10),
        (POLICY, "{days: 90,", "{days: ninety,", 8),
        (TOML, "silence_s = 60", 'silence_s = "60"', 20),
        (TOML, "silence_s = 60", "silence = 60", 20),
        (TOML, "[limits]", "[limit]", 27),
        (TOML, "share = 0.05", "share = 0.05.", 24),
    ],
)
def test_a_mistake_has_file_line_and_no_traceback(shop: Path, file: str, before: str, after: str, line: int) -> None:
    _changed(shop / file, before, after)

    (mistake,) = _errors(shop)

    assert (mistake.file, mistake.line) == (str(shop / file), line)
    assert str(shop) not in mistake.says


def test_it_is_printed_for_people_even_with_brackets_in_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _changed(shop / TOML, 'name = "Example Streaming"', "name = 3")

    code = checks.check(shop, as_json=False)

    assert code == 1
    assert "[company] name = 3" in capsys.readouterr().out


REPAIRS = """\
promise: lamps
words: {en: x}
measure: repair
calendar: works
versions: [{from: 2026-01-01, rows: [{none: true}]}]
"""


def test_promises_of_repair_and_their_calendars_are_checked_with_the_rest(shop: Path) -> None:
    (shop / "promises/lamps.yaml").write_text(REPAIRS)
    assert [(m.line, m.says) for m in _errors(shop)] == [(4, "no file in calendars/ is called works")]

    (shop / "calendars").mkdir()
    (shop / "calendars/works.yaml").write_text("calendar: works\nzone: Europe/Wien\nhours: {mon: 08:00-16:00}\n")
    assert [(m.line, m.says) for m in _errors(shop)] == [(2, "zone: 'Europe/Wien' is no time zone")]

    (shop / "calendars/works.yaml").write_text("calendar: works\nzone: Europe/Vienna\nhours: {mon: 08:00-16:00}\n")
    assert _errors(shop) == []


CATEGORIES = """\
categories:
  lamp: {name: {en: Lamp}, body: works}
bodies:
  works: {name: {en: Works}, crews: [north]}
"""


@pytest.fixture
def town(shop: Path) -> Path:
    (shop / "calendars").mkdir()
    (shop / "calendars/works.yaml").write_text("calendar: works\nzone: Europe/Vienna\nhours: {mon: 08:00-16:00}\n")
    (shop / "promises/lamps.yaml").write_text(REPAIRS.replace("none: true", "category: lamp, none: true"))
    (shop / "categories.yaml").write_text(CATEGORIES)
    (shop / "routing.yaml").write_text("rules: [{category: [lamp], body: works, crew: north}]\n")
    return shop


def test_one_mistake_in_the_categories_is_told_once_and_not_again_by_all_who_name_them(town: Path) -> None:
    assert _errors(town) == []

    _changed(town / "categories.yaml", "body: works", "body: wroks")

    assert [Path(mistake.file).name for mistake in _errors(town)] == ["categories.yaml"]


@pytest.mark.parametrize(
    ("before", "after"), [("lamp", "lmap"), ("lamp", "[lamp, lmap]"), ("lamp", "lamp, area: lmap")]
)
def test_a_promise_for_what_there_is_not_is_named(town: Path, before: str, after: str) -> None:
    _changed(town / "promises/lamps.yaml", f"category: {before}", f"category: {after}")

    found = [m for m in checks.findings(town, TODAY) if "'lmap'" in m.says]

    assert [(m.line, m.severity) for m in found] == [(5, "warning")]
    assert "holds for no report" in found[0].says
