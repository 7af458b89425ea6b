"""From files and books to a report, as the command does it."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.learning.test_history import some
from typer.testing import CliRunner

import amends.failures.steps
import amends.recoveries.files
from amends.cli.main import app
from amends.failures.models import FailureRow
from amends.failures.records import Evidence, Failure, LossKind, Recurrence, Severity
from amends.ground import packed
from amends.ground.money import Money
from amends.learning import history, printing, queries, running
from amends.recoveries import rules
from amends.scenarios.starter import files
from amends.signals.models import SignalRow

STARTER = Path(files.__file__).parent
CURRENT = STARTER / "policies/film-plays.yaml"
NOW = datetime.now(UTC)


def priced(number: int) -> pa.Table:
    table = some(number)
    minor = pa.array([299 + 100 * (n % 7) if n % 5 else None for n in range(number)], pa.int64())
    table = table.set_column(table.schema.get_field_index("price_minor"), "price_minor", minor)
    used = pa.array([n % 3 == 0 for n in range(number)])
    return table.set_column(table.schema.get_field_index("used_anyway"), "used_anyway", used)


def test_columns_give_each_failure_what_deciding_it_alone_gives() -> None:
    policy = amends.recoveries.files.read(CURRENT)
    found = history.with_recurrence(running._in_currency(priced(300), "EUR"), 90, 30.0)
    columns = running.decided(found, policy, ZoneInfo("UTC"))

    for number, row in enumerate(found.to_pylist()):
        price = Money(row["price_minor"], "EUR") if row["price_minor"] is not None else None
        more: dict[str, Any] = {"used_anyway": row["used_anyway"], "price": price, "loss_kind": LossKind.OUTCOME}
        failure = Failure("f", "film-plays", "c", "s", row["started_at"], Severity(row["severity"]), **more)
        recurrence = Recurrence(row["recurrence"], row["recurrence_decayed"])
        how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 10**9}
        alone = rules.decide(failure, recurrence, policy, row["started_at"].date(), **how)
        owed = sum(remedy.amount.minor for remedy in alone.remedies if remedy.amount and remedy.owed)
        total = sum(remedy.amount.minor for remedy in alone.remedies if remedy.amount)
        assert (columns.owed[number], columns.total[number]) == (owed, total)
        assert columns.row[columns.held[number]] == alone.row
        assert bool(columns.person[number]) == bool(alone.person)
    assert failure.evidence is Evidence.OBSERVED


def candidate(directory: Path) -> Path:
    path = directory / "candidate.yaml"
    path.write_text(CURRENT.read_text().replace("{percent: 30, of: price}", "{percent: 50, of: price}"))
    return path


def test_the_command_tells_the_same_twice_and_writes_a_report(tmp_path: Path) -> None:
    pq.write_table(priced(400), tmp_path / "history.parquet")
    call = ["simulate", "--policy", str(candidate(tmp_path)), "--against", str(CURRENT)]
    call += ["--history", str(tmp_path / "history.parquet"), "--report", str(tmp_path / "report.html"), "--json"]

    first, second = (CliRunner().invoke(app, call) for _ in range(2))
    assert first.exit_code == 0
    assert first.output == second.output
    (told,) = json.loads(first.output)
    assert told["whole"]["goodwill_after"] > told["whole"]["goodwill_before"] > 0
    assert told["whole"]["owed_after"] == told["whole"]["owed_before"]
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")


@pytest.mark.django_db
def test_recorded_failures_are_a_history_too(settings: Any) -> None:
    data = {"customer_id": "ada", "promise": "film-plays", "subject": "s-1", "severity": "severe", "price_minor": 499}
    data |= {"currency": "EUR", "started_at": (NOW - timedelta(days=3)).isoformat(), "facts": {"stall_s": 84.5}}
    told = {"source": "t", "event_id": "1", "type": amends.failures.steps.OBSERVED}
    SignalRow.objects.create(**told, data=data, received_at=NOW)
    amends.failures.steps.take_observed(NOW)

    (row,) = queries.recorded(NOW - timedelta(days=9), None, ["stall_s"]).to_pylist()
    assert (row["price_minor"], row["stall_s"], row["severity"]) == (499, 84.5, "severe")
    assert abs(row["started_at"] - (NOW - timedelta(days=3))) < timedelta(milliseconds=1)
    assert queries.recorded(NOW, None).num_rows == 0


@pytest.mark.django_db
def test_recorded_or_from_a_file_the_same_failures_tell_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(packed, "ROWS", 70)
    monkeypatch.setattr(packed, "PAGES", 2)
    table = priced(400)
    pq.write_table(table, tmp_path / "history.parquet")
    recorded(table.take(pa.array(random.Random(1).sample(range(400), 400))).to_pylist())
    FailureRow.objects.create(**(row("gone") | {"withdrawn_at": NOW}))

    call = ["simulate", "--policy", str(candidate(tmp_path)), "--against", str(CURRENT), "--json"]
    (tmp_path / "amends.toml").write_text("")
    file = CliRunner().invoke(app, [*call, "--dir", str(tmp_path), "--history", str(tmp_path / "history.parquet")])
    books = running.simulate(candidate(tmp_path), str(CURRENT), tmp_path, (None, None), None)
    assert file.exit_code == 0
    assert json.dumps(printing.as_json(books)) == file.output.strip()


def row(failure_id: str, **more: Any) -> dict[str, Any]:
    plain = {"customer_id": "ada", "promise": "film-plays", "subject": "s", "started_at": NOW, "severity": "severe"}
    return plain | {"failure_id": failure_id, "recorded_at": NOW, "revised_at": NOW} | more


def recorded(rows: list[dict[str, Any]]) -> None:
    known = ("failure_id", "customer_id", "promise", "started_at", "severity", "used_anyway", "price_minor", "currency")
    FailureRow.objects.bulk_create(FailureRow(**row(**{name: one[name] for name in known})) for one in rows)


@pytest.mark.django_db
def test_facts_are_columns_where_they_are_always_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "ROWS", 2)
    monkeypatch.setattr(packed, "PAGES", 1)
    told: list[dict[str, Any]] = [
        {"stall_s": 1, "disputed": True, "room": "1", "mixed": 1, "deep": {"a": 1}, 'a "b" c': 2, "null": None},
        {"stall_s": 0.1 + 0.2, "disputed": None, "room": "zwölf", "mixed": "1", "far": [1]},
        {"stall_s": None, "disputed": False},
        {"stall_s": 2**60, "late": "x"},
        {},
    ]
    FailureRow.objects.bulk_create(FailureRow(**row(f"f{n}", facts=facts)) for n, facts in enumerate(told))
    FailureRow.objects.filter(pk="f4").delete()

    names = ["stall_s", "disputed", "room", "mixed", "deep", "far", 'a "b" c', "null", "late", "never"]
    found = queries.recorded(None, None, names)
    assert {name: found[name].to_pylist() for name in names if name in found.column_names} == {
        "stall_s": [1.0, 0.1 + 0.2, None, float(2**60)],
        "disputed": [True, None, False, None],
        "room": ["1", "zwölf", None, None],
        'a "b" c': [2.0, None, None, None],
        "late": [None, None, None, "x"],
    }


@pytest.mark.django_db
def test_facts_that_are_no_facts_tell_nothing() -> None:
    told: list[Any] = [{"stall_s": 1}, [1], "stall_s"]
    FailureRow.objects.bulk_create(FailureRow(**row(f"f{n}", facts=facts)) for n, facts in enumerate(told))

    assert queries.recorded(None, None, ["stall_s"])["stall_s"].to_pylist() == [1.0, None, None]


def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    assert "nothing to compare" in printing.page([], "All recorded failures.")
    wrong = CliRunner().invoke(app, ["simulate", "--policy", str(tmp_path / "no.yaml"), "--against", str(CURRENT)])
    assert wrong.exit_code != 0
