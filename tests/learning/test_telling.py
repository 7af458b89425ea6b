"""What a history does not tell is refused or said, never passed over: a simulation of nothing costs nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import amends.recoveries.files
from amends.cli.main import app
from amends.failures.records import Failure, Recurrence, Severity
from amends.ground.money import Money
from amends.learning import history, running
from amends.recoveries import rules

AT = datetime(2026, 7, 1, 20, tzinfo=UTC)
POLICY = """policy: trains
promise: trains-run
currency: EUR
inputs:
  delay_min: {type: number, also: [late_by], default: null}
  claimed: {type: flag, default: false}
  travelled_on: {type: day, default: null}
  paid_this_year: {type: money, default: 0}
  tariff: {type: choice, of: [saver, flex], default: null}
versions:
  - from: 2026-01-01
    rows:
      - id: saver
        when: {tariff: saver, disputed: false, delay_min: {">=": 60}}
        then: [{credit: {left_of: 12.00, used: paid_this_year}}]
      - id: late
        when: {delay_min: {">=": 60}, claimed: false, travelled_on: {">=": 2026-06-01}}
        then: [{credit: {percent: %s, of: price}}]
      - {id: otherwise, when: {}, then: [apology]}
"""


def failures(number: int = 9, **more: Any) -> dict[str, Any]:
    told = {"customer_id": [f"c{n % 4}" for n in range(number)], "promise": ["trains-run"] * number}
    told |= {"started_at": [AT + timedelta(days=n) for n in range(number)], "severity": ["major"] * number}
    told |= {"price_minor": [4990] * number, "currency": ["EUR"] * number, "delay_min": [90] * number}
    told |= {"claimed": [False] * number, "travelled_on": [AT.date()] * number, "tariff": ["flex"] * number}
    told |= {"paid_this_year": [0] * number, "late_by": [None] * number, "disputed": [None] * number}
    return {name: column for name, column in (told | more).items() if column is not None}


@pytest.fixture
def policies(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "candidate.yaml", tmp_path / "current.yaml"
    for path, percent in zip(paths, (50, 25), strict=True):
        path.write_text(POLICY % percent)
    return paths


def simulated(policies: tuple[Path, Path], told: dict[str, Any], *more: str) -> Any:
    pq.write_table(pa.table(told), policies[0].parent / "history.parquet")
    call = ["simulate", "--policy", str(policies[0]), "--against", str(policies[1])]
    return CliRunner().invoke(app, [*call, "--history", str(policies[0].parent / "history.parquet"), *more])


def notes(policies: tuple[Path, Path], told: dict[str, Any]) -> dict[str, int]:
    found = simulated(policies, told, "--json")
    assert found.exit_code == 0, found.output
    return {note["says"]: note["failures"] for one in json.loads(found.output) for note in one["notes"]}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"delay_min": None, "late_by": None, "dely_min": [90] * 9}, "column 'delay_min' is missing; the file has"),
        ({"delay_min": None, "late_by": None, "dely_min": [90] * 9}, "is 'dely_min' meant?"),
        ({"delay_min": None, "late_by": None}, "where nobody knows it, give an empty column 'delay_min'"),
        ({"disputed": None, "dispute": [True] * 9}, "is 'dispute' meant?"),
        ({"price_minor": None, "price": [49.9] * 9}, "give 'price_minor', in whole minor units"),
        ({"severity": None, "Severity": ["major"] * 9}, "is 'Severity' meant?"),
        ({"delay_min": ["soon"] * 9}, "each of 9 failures told delay_min as no number"),
        ({"claimed": ["no"] * 9}, "each of 9 failures told claimed as neither true nor false"),
        ({"promise": ["train-runs"] * 9}, "never says 'trains-run'; it says train-runs"),
        ({"customer_id": ["ada"] * 8 + [None]}, "'customer_id' is empty in 1 of 9 rows"),
        ({"started_at": [datetime(2026, 7, 1)] * 9}, "column 'started_at' is timestamp[us], without a zone"),
        ({"started_at": [AT.date()] * 9}, "column 'started_at' is date32[day], without a zone"),
        ({"started_at": [1] * 9}, "column 'started_at' is int64, without a zone"),
        ({"started_at": ["2026-07-01T20:00:00"] * 9}, "'2026-07-01T20:00:00' has no zone"),
    ],
)
def test_a_file_that_cannot_be_meant_so_is_refused(
    policies: tuple[Path, Path], more: dict[str, Any], says: str
) -> None:
    refused = simulated(policies, failures(**more))

    assert refused.exit_code == 2
    assert says in refused.output
    assert "history.parquet: " in refused.output


def test_what_some_failures_do_not_tell_is_counted_in_table_json_and_report(policies: tuple[Path, Path]) -> None:
    told = failures(delay_min=[90] * 6 + [None] * 3, tariff=["flex"] * 8 + ["gold"], price_minor=[4990] * 8 + [None])
    del told["currency"]
    expected = {
        "had no delay_min": 3,
        "told tariff as none of saver, flex: a person decides": 1,
        "had no price": 1,
        "had no currency: EUR was assumed, the company's own": 9,
    }

    assert notes(policies, told) == expected
    report = policies[0].parent / "report.html"
    shown = simulated(policies, told, "--report", str(report)).output
    for says, count in expected.items():
        sentence = f"{count} failure{'s' * (count > 1)} {says}"
        assert sentence in " ".join(shown.split())
        assert sentence.replace("'", "&#x27;") in report.read_text("utf-8")


def test_a_history_that_tells_all_says_nothing(policies: tuple[Path, Path]) -> None:
    assert notes(policies, failures()) == {}


def test_an_empty_column_says_that_nobody_knows(policies: tuple[Path, Path]) -> None:
    assert notes(policies, failures(delay_min=[None] * 9)) == {"had no delay_min": 9}


def test_a_built_in_input_that_is_not_there_is_said(policies: tuple[Path, Path]) -> None:
    for path in policies:
        path.write_text(path.read_text("utf-8").replace("tariff: saver,", "used_anyway: false, stall_s: null,"))

    assert notes(policies, failures()) == {"had no used_anyway: false was assumed": 9, "had no stall_s": 9}


def test_what_cannot_be_reckoned_is_said_with_its_reason_and_number(policies: tuple[Path, Path]) -> None:
    told = failures(tariff=["saver"] * 9, currency=["EUR"] * 5 + ["USD"] * 4)
    lost = "could not be reckoned in full by row saver of {}: the policy speaks of EUR, the customer paid in USD; "

    found = notes(policies, told)
    assert found == {f"{lost.format(who)}a person decides": 4 for who in ("the policy in force", "the candidate")}


def test_failures_before_the_first_version_are_said(policies: tuple[Path, Path]) -> None:
    told = failures(started_at=[datetime(2025, 7, 1, tzinfo=UTC)] * 9)

    says = "came before the first version of {}: a person decides"
    assert notes(policies, told) == {says.format(who): 9 for who in ("the policy in force", "the candidate")}


def test_moments_are_read_with_their_zone(policies: tuple[Path, Path]) -> None:
    texts = ["2026-07-01T00:30:00+02:00", "2026-06-30T22:30:00.123456789Z", "2026-06-30 22:30:00+00"]
    found = history.told(pa.table(failures(3, started_at=texts)))

    assert {moment.replace(microsecond=0) for moment in found["started_at"].to_pylist()} == {
        datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    }
    nanoseconds = pa.array([1_782_936_000_000_000_001], pa.timestamp("ns", "Europe/Berlin"))
    assert history.told(pa.table({"started_at": nanoseconds}))["started_at"].to_pylist() == [
        datetime(2026, 7, 1, 20, tzinfo=UTC)
    ]


def test_recurrence_is_counted_whatever_the_file_says(policies: tuple[Path, Path]) -> None:
    assert simulated(policies, failures(recurrence=[7] * 9), "--json").exit_code == 0
    assert simulated(policies, failures(recurrence=[7] * 9), "--json").output == (
        simulated(policies, failures(), "--json").output
    )


FACTS: list[dict[str, Any]] = [
    {"delay_min": 90, "travelled_on": "2026-07-01"},
    {"late_by": 90, "travelled_on": "2026-07-01"},
    {"delay_min": "90.5", "travelled_on": "2026-05-01"},
    {"delay_min": 90, "travelled_on": "soon", "tariff": "flex"},
    {"delay_min": 90, "tariff": "saver"},
    {"delay_min": 90, "tariff": "saver", "disputed": True},
    {"delay_min": 90, "tariff": "saver", "paid_this_year": 2.5},
    {"delay_min": 90, "tariff": "saver", "paid_this_year": 12},
    {"delay_min": 90, "tariff": "gold", "claimed": True},
    {"delay_min": 90, "claimed": None, "travelled_on": "2026-07-01"},
    {"tariff": "saver"},
    {"delay_min": -1, "tariff": "flex"},
    {"delay_min": "-0.5", "tariff": "saver"},
    {"delay_min": 90, "tariff": "saver", "paid_this_year": -1},
    {"delay_min": 10**13, "travelled_on": "2026-07-01"},
    {"delay_min": "nan", "travelled_on": "2026-07-01"},
]


def test_facts_are_told_a_policy_as_deciding_alone_reads_them(policies: tuple[Path, Path]) -> None:
    policy = amends.recoveries.files.read(policies[0])
    names = sorted({name for facts in FACTS for name in facts})
    columns: dict[str, Any] = {name: [facts.get(name) for facts in FACTS] for name in names if name != "delay_min"}
    columns["delay_min"] = [None if "delay_min" not in facts else str(facts["delay_min"]) for facts in FACTS]
    told = history.normal(pa.table(failures(len(FACTS)) | columns))
    found = running.decided(history.with_recurrence(told, 90, 30.0), policy, ZoneInfo("UTC"))

    for number, facts in enumerate(FACTS):
        failure = Failure("f", "trains-run", "c", "s", AT, Severity.MAJOR, price=Money(4990, "EUR"), facts=facts)
        how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 10**9}
        alone = rules.decide(failure, Recurrence(0, 0.0), policy, AT.date(), **how)
        assert found.total[number] == sum(one.amount.minor for one in alone.remedies if one.amount), facts
        held = int(found.held[number])
        assert (found.row[held] if held >= 0 else "") == alone.row, facts
        assert bool(found.person[number]) == bool(alone.person), facts


def test_a_table_looks_at_what_rows_amounts_and_derived_values_name(policies: tuple[Path, Path]) -> None:
    policy = amends.recoveries.files.read(policies[0])

    own = {"delay_min", "claimed", "travelled_on", "paid_this_year", "tariff"}
    assert policy.looked_at == own | {"disputed", "price"}
