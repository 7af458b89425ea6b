"""`amends policy` as a person runs it: exit codes, JSON, files that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amends.cli.main import app
from amends.ground.marked import Mistake
from amends.recoveries import files

STARTER = Path(files.__file__).parents[1] / "scenarios/starter/policies"
BAD = """policy: p
promise: p
versions:
  - from: 2026-01-01
    rows:
      - {id: broad, when: {}, then: [apology], person: p}
      - {id: hidden, when: {used_anyway: true}, then: [], person: p}
"""


def run(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["policy", *args])
    return done.exit_code, done.output


def test_check_tells_file_line_and_hint_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(BAD)

    code, text = run("check", str(path))

    assert code == 1
    assert f"{path}:7 error row hidden can never be reached" in text
    assert "move it up or narrow the earlier row" in text


def test_check_answers_machines_too(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BAD)

    code, text = run("check", "--json", str(tmp_path))

    assert code == 1
    assert [(one["line"], one["severity"]) for one in json.loads(text)] == [(7, "error")]


def test_check_reads_directories_names_of_rules_and_says_when_all_is_well() -> None:
    assert run("check", str(STARTER), "eu261") == (0, "Everything is in order.\n")


def test_check_of_a_file_that_cannot_be_read_is_an_error_among_others(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xff\xfe")

    assert "not UTF-8" in run("check", str(tmp_path / "p.yaml"))[1]
    assert run("check", str(tmp_path / "none.yaml"))[0] == 1


def test_diff_of_the_same_is_quiet_and_of_others_is_not(tmp_path: Path) -> None:
    old = STARTER / "film-plays.yaml"
    new = tmp_path / "new.yaml"
    new.write_text(old.read_text("utf-8").replace("percent: 30", "percent: 40"), "utf-8")

    assert run("diff", str(old), str(old)) == (0, "They mean the same.\n")
    code, text = run("diff", str(old), str(new), "--samples", "200", "--json")
    assert code == 1
    assert [one["after"] for one in json.loads(text)["changes"]] == ["credit of 40 % of the price and apology"]
    assert set(json.loads(text)["tried"]["counts"]) == {"more"}


def test_explain_says_what_is_missing() -> None:
    code, text = run("explain", "--rule", "eu_rail", "--inputs", '{"ticket_price": "1.00"}')

    assert code == 1
    assert "delay_min: missing" in text
    assert run("explain", "--rule", "moon")[0] == 2
    assert run("explain", "--rule", "eu_rail", "--inputs", "[")[0] == 1


def test_explain_answers_in_sentences_and_in_json() -> None:
    inputs = '{"ticket_price": "80.00", "delay_min": 130}'

    assert "You get €40.00." in run("explain", "--rule", "eu_rail", "--inputs", inputs)[1]
    found = json.loads(run("explain", "--rule", "eu_rail", "--inputs", inputs, "--json")[1])
    assert found["answer"] == "You get €40.00."


def test_docs_writes_a_page_where_it_is_told(tmp_path: Path) -> None:
    assert run("docs", "uk261", "-o", str(tmp_path / "uk261.html"))[0] == 0
    assert (tmp_path / "uk261.html").read_text("utf-8").startswith("<!doctype html>")
    assert run("docs", "uk261", "--format", "md")[1].startswith("# Regulation 261/2004")


@pytest.mark.parametrize("command", ["decide", "check"])
def test_nothing_is_asked_of_an_installation(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "l.jsonl").write_text(
        '{"id": 1, "rule": "uk261", "inputs": {"distance_km": 1, "arrival_delay_h": 4}}\n'
    )

    assert run(command, "l.jsonl" if command == "decide" else "uk261")[0] == 0
    assert list(tmp_path.iterdir()) == [tmp_path / "l.jsonl"]


def test_a_file_that_is_not_there_is_said_so() -> None:
    code, text = run("decide", "nowhere.jsonl")

    assert code == 2
    assert "nowhere.jsonl: No such file" in text


MANY = """policy: p
promise: p
statute: eu_rail
currency: EURO
inputs:
  parcels: {type: counts}
  late_h: {type: number, of: [1]}
  weight: {type: number}
derive:
  heavy: {minus: [weight, parcles]}
  spare: {minus: [weight, late_h]}
exclusions:
  - {when: {weigth: 3}, reason: strike}
versions:
  - from: 2026-01-01 10:00:00
    hit: last
    rows:
      - {id: one, when: {parcels: 3, moon: full, weight: {"~": 2}}, then: [{refund: {percent: 10, of: weight}}, hug]}
      - {id: two, when: {heavy: {">": 1}}, then: apology, preson: p}
      - {when: {}, then: []}
"""


def test_check_tells_every_mistake_that_can_be_read_at_once_and_none_that_only_follows(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MANY)
    (tmp_path / "b.yaml").write_text("policy: p\n")
    (tmp_path / "c.yaml").write_text(BAD)

    code, text = run("check", str(tmp_path))

    assert code == 1
    told = [line.removeprefix(f"{tmp_path}/") for line in text.splitlines() if not line.startswith("    ")]
    assert told == [
        "a.yaml:3 error statute: expected a list, not 'eu_rail'",
        "a.yaml:4 error currency: 'EURO' is not an ISO 4217 currency code such as EUR",
        "a.yaml:6 error parcels: type 'counts' is not known",
        "a.yaml:7 error late_h: of: belongs to a choice, and a choice needs it",
        "a.yaml:10 error minus: 'parcles' is no number, and no input either",
        "a.yaml:13 error 'weigth' is no input",
        "a.yaml:15 error from: 2026-01-01 10:00:00 is a moment, and a day is needed",
        "a.yaml:16 error hit 'last' is not known",
        "a.yaml:18 error 'moon' is no input",
        "a.yaml:18 error weight: '~' is no comparison",
        "a.yaml:18 error percent of 'weight': no amount of money",
        "a.yaml:18 error 'hug' is no remedy",
        "a.yaml:19 error 'preson' is not known here",
        "a.yaml:19 error then: expected a list, not 'apology'",
        "a.yaml:20 error `id:` is missing in this row",
        "b.yaml:1 error `promise:` is missing",
        "b.yaml:1 error `versions:` is missing",
        "c.yaml:7 error row hidden can never be reached: row broad holds whenever it would",
        "18 errors, 0 warnings",
    ]
    assert run("docs", str(tmp_path / "b.yaml"))[1].count("is missing") == 2


def test_the_installations_check_tells_them_all_too(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/a.yaml").write_text(MANY)

    _, mistakes = files.read_all(tmp_path)

    assert len(mistakes) == 15
    with pytest.raises(Mistake, match="EURO"):
        files.read(tmp_path / "policies/a.yaml")


def test_check_of_a_directory_without_a_policy_is_not_in_order(tmp_path: Path) -> None:
    code, text = run("check", str(tmp_path))

    assert (code, text.splitlines()[0]) == (1, f"{tmp_path}:1 error has no policy in it")
    assert "is no file" in run("check", str(tmp_path / "moon"))[1]
