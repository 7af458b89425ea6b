"""From files and books to a report, as the command does it."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from django.db import DatabaseError
from tests.learning.test_history import some
from typer.testing import CliRunner

import amends.failures.steps
import amends.recoveries.files
from amends.cli.main import app
from amends.failures.models import FailureRow
from amends.failures.records import Evidence, Failure, LossKind, Recurrence, Severity
from amends.ground import packed
from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.learning import history, printing, queries, running
from amends.recoveries import rules, versions
from amends.recoveries.models import PolicyRow
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
    found = history.with_recurrence(running._in_currency(priced(300), "EUR")[0], 90, 30.0)
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
    (tmp_path / "budgets.yaml").write_text("budgets: [{name: b, per: incident, cap: 1.00 EUR}]")
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
def test_facts_are_columns_and_json_where_they_are_of_several_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
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
        "mixed": ["1", '"1"', None, None],
        "deep": ['{"a": 1}', None, None, None],
        "far": [None, "[1]", None, None],
    }


@pytest.mark.django_db
def test_facts_that_are_no_facts_tell_nothing() -> None:
    told: list[Any] = [{"stall_s": 1}, [1], "stall_s"]
    FailureRow.objects.bulk_create(FailureRow(**row(f"f{n}", facts=facts)) for n, facts in enumerate(told))

    assert queries.recorded(None, None, ["stall_s"])["stall_s"].to_pylist() == [1.0, None, None]


AGAIN = """policy: trains
promise: any
versions:
  - from: 2020-01-01
    memory: {days: %s}
    rows:
      - {id: again, when: {recurrence: {">=": 1}}, then: [{credit: 1.00 EUR}]}
      - {id: first, when: {}, then: [apology]}
"""


def twice(directory: Path, days: tuple[int, int]) -> tuple[Path, Path]:
    """Two policies with memories of so many days."""
    paths = directory / "old.yaml", directory / "new.yaml"
    for path, remembered in zip(paths, days, strict=True):
        path.write_text(AGAIN % remembered)
    return paths


@pytest.mark.django_db
@pytest.mark.parametrize("from_file", [True, False])
def test_what_happened_before_the_span_counts_as_each_policy_remembers_it(tmp_path: Path, from_file: bool) -> None:
    old, new = twice(tmp_path, (10, 30))
    rows = [row(f"f{days}", started_at=NOW - timedelta(days=days)) for days in (25, 1)]
    FailureRow.objects.bulk_create(FailureRow(**one) for one in rows)
    names = ("customer_id", "promise", "started_at", "severity")
    pq.write_table(pa.Table.from_pylist([{n: one[n] for n in names} for one in rows]), tmp_path / "h.parquet")

    since, file = NOW - timedelta(days=9), tmp_path / "h.parquet" if from_file else None
    (found,) = running.simulate(new, str(old), tmp_path, (since, None), file)
    assert (found.whole.failures, found.whole.before, found.whole.after) == (1, 0, 100)
    (found,) = running.simulate(old, str(new), tmp_path, (since, None), file)
    assert (found.whole.failures, found.whole.before, found.whole.after) == (1, 100, 0)


STATUTE = """policy: trains
promise: any
currency: EUR
statute: [%s]
versions: [{from: 2026-01-01, rows: [{id: all, when: {}, then: [{credit: 1.00 EUR}]}]}]
"""


def with_statute(directory: Path, rule: str, **facts: Any) -> list[Any]:
    path, table = directory / "trains.yaml", some(3).select(["customer_id", "promise", "started_at", "severity"])
    path.write_text(STATUTE % rule)
    pq.write_table(pa.table(dict(zip(table.column_names, table.columns, strict=True)) | facts), directory / "h.parquet")
    return running.simulate(path, str(path), directory, (None, None), directory / "h.parquet")


def test_a_statute_is_asked_with_facts_as_they_stand(tmp_path: Path) -> None:
    (found,) = with_statute(tmp_path, "eu_rail", ticket_price=[80.0, 80.0, None], delay_min=[119, 20, 119])

    assert (found.whole.owed_after, found.whole.persons_after) == (2000, 1)
    says = {note.says: note.failures for note in found.notes}
    (why,) = [says_ for says_ in says if "(ticket_price is not known): a person decides" in says_]
    assert says[why] == 1


@pytest.mark.parametrize("year", [2020, 2026])
def test_a_statute_is_asked_as_it_stood_on_the_day(tmp_path: Path, year: int) -> None:
    facts = {"distance_km": [900] * 3, "arrival_delay_h": [4] * 3, "currency": ["GBP"] * 3}
    at = [datetime(year, 7, 1, 20, tzinfo=UTC)] * 3
    path = tmp_path / "flights.yaml"
    path.write_text(STATUTE.replace("EUR", "GBP").replace("2026-01-01", "2019-01-01") % "uk261")
    told = {"customer_id": ["a", "b", "c"], "promise": ["any"] * 3, "severity": ["minor"] * 3, "started_at": at}
    pq.write_table(pa.table(told | facts), tmp_path / "h.parquet")

    (found,) = running.simulate(path, str(path), tmp_path, (None, None), tmp_path / "h.parquet")
    known = year > 2020
    assert (found.whole.owed_after, found.whole.persons_after) == ((66000, 0) if known else (0, 3))
    assert any("has no version for 2020-07-01" in note.says for note in found.notes) != known


DAYS = [date(2015, 3, 31), date(2023, 8, 31), date(2023, 9, 1), date(2025, 3, 31), date(2025, 4, 1)]


@pytest.mark.parametrize("named", [None, "2015"])
def test_and_one_whose_versions_go_by_name_is_that_of_the_day(tmp_path: Path, named: str | None) -> None:
    path = tmp_path / "power.yaml"
    path.write_text(STATUTE.replace("EUR", "GBP").replace("2026-01-01", "2010-01-01") % "gb_gsop_electricity")
    policy = amends.recoveries.files.read(path)
    facts: dict[str, Any] = {"off_h": 30, "weather": "category1"} | ({"version": named} if named else {})
    told = [{"customer_id": f"c{n}", "started_at": datetime.combine(day, time(12), UTC)} for n, day in enumerate(DAYS)]
    same = facts | {"promise": "any", "severity": "minor", "currency": "GBP"}
    pq.write_table(pa.Table.from_pylist([one | same for one in told]), tmp_path / "h.parquet")

    how: dict[str, Any] = {"currency": "GBP", "holdout": ("s", 0.0), "approve_up_to": 10**9}
    lived = Failure("f", "any", "c", "s", NOW, Severity.MINOR, facts=facts, currency="GBP")
    alone = [rules.decide(lived, Recurrence(), policy, day, **how) for day in DAYS]
    owed = [sum(one.amount.minor for one in each.remedies if one.amount and one.owed) for each in alone]
    assert owed == ([7000] * 5 if named else [0, 7000, 12000, 12000, 12000])
    assert [bool(each.person) for each in alone] == [not named, False, False, False, False]
    (found,) = running.simulate(path, str(path), tmp_path, (None, None), tmp_path / "h.parquet")
    assert (found.whole.owed_after, found.whole.persons_after) == (sum(owed), int(not named))


def test_what_a_statute_owes_in_another_currency_is_not_added_but_said(tmp_path: Path) -> None:
    (found,) = with_statute(tmp_path, "ofcom_missed_appointment", appointment_on=[date(2026, 7, 1)] * 2 + [None])

    assert (found.whole.owed_after, found.whole.persons_after) == (0, 3)
    assert sorted(note.failures for note in found.notes if "a person decides" in note.says) == [1, 2]
    assert any("could not be given the GBP that" in note.says for note in found.notes)


def four_eyed(directory: Path) -> Path:
    """An installation whose policy was changed behind the worker's back, under four eyes."""
    files.write(directory)
    (directory / "budgets.yaml").write_text("approval: {policies: four eyes}\n")
    path = directory / "policies/film-plays.yaml"
    versions.see({"film-plays": amends.recoveries.files.read(path)}, True, NOW)
    path.write_text(path.read_text("utf-8").replace("{percent: 30, of: price}", "{percent: 50, of: price}"))
    pq.write_table(priced(400), directory / "history.parquet")
    return path


@pytest.mark.django_db
def test_under_four_eyes_current_is_the_text_approved_last(tmp_path: Path) -> None:
    path = four_eyed(tmp_path)
    read = (tmp_path, (None, None), tmp_path / "history.parquet")

    (found,) = running.simulate(path, "current", *read)
    assert found.whole.after > found.whole.before
    assert "as approved last: two operators have not approved the text that film-plays.yaml has now" in found.before
    digest = amends.recoveries.files.read(path).digest
    assert PolicyRow.objects.filter(pk=digest).count() == 0
    for who in ("ada", "bob"):
        versions.see({"film-plays": amends.recoveries.files.read(path)}, True, NOW)
        versions.approve(digest, who, "", NOW)
    (found,) = running.simulate(path, "current", *read)
    assert (found.whole.after, "approved" in found.before) == (found.whole.before, False)


@pytest.mark.django_db
def test_with_one_pair_of_eyes_current_is_the_file(tmp_path: Path) -> None:
    path = four_eyed(tmp_path)
    (tmp_path / "budgets.yaml").unlink()

    (found,) = running.simulate(path, "current", tmp_path, (None, None), tmp_path / "history.parquet")
    assert found.whole.after == found.whole.before


def test_a_current_policy_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    files.write(tmp_path)
    (tmp_path / "policies/film-plays.yaml").write_text("policy: film-plays\n")

    with pytest.raises(Mistake, match="`promise:` is missing"):
        running.simulate(CURRENT, "current", tmp_path, (None, None), None)


def test_a_database_that_does_not_answer_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(*asked: Any) -> None:
        raise DatabaseError("connection refused")

    monkeypatch.setattr(running, "simulate", no_answer)
    call = ["simulate", "--policy", str(CURRENT), "--against", str(CURRENT), "--history", str(tmp_path / "h.parquet")]
    told = CliRunner().invoke(app, call)
    assert (told.exit_code, "connection refused; name a policy file with --against" in told.output) == (2, True)


def test_a_report_into_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    pq.write_table(priced(40), tmp_path / "history.parquet")
    call = ["simulate", "--policy", str(candidate(tmp_path)), "--against", str(CURRENT)]
    call += ["--history", str(tmp_path / "history.parquet"), "--report", str(tmp_path / "nowhere/report.html")]

    told = CliRunner().invoke(app, call)
    assert told.exit_code == 2
    assert "No such file or directory" in told.output
    assert "nowhere/report.html" in told.output
    assert "Traceback" not in told.output
    assert isinstance(told.exception, SystemExit)


def test_every_version_that_decided_is_named(tmp_path: Path) -> None:
    path, text = tmp_path / "two.yaml", CURRENT.read_text("utf-8")
    head, _, version = text.partition("  - from: ")
    first = version.partition("\n")[2]
    path.write_text(f"{head}  - from: 2020-01-01\n{first.rstrip()}\n  - from: 2026-03-01\n{first}")
    table = priced(400)
    pq.write_table(table, tmp_path / "history.parquet")
    call = ["simulate", "--policy", str(path), "--against", str(CURRENT), "--report", str(tmp_path / "report.html")]
    told = CliRunner().invoke(app, [*call, "--history", str(tmp_path / "history.parquet")]).output

    told_of = table.filter(pc.equal(table["promise"], "film-plays"))["started_at"].to_pylist()
    later = sum(moment >= datetime(2026, 3, 1, tzinfo=UTC) for moment in told_of)
    page = (tmp_path / "report.html").read_text("utf-8")
    for says in (f"2020-01-01 decided {len(told_of) - later} failures", f"2026-03-01 decided {later} failures"):
        assert f"version {says}" in told
        assert f"version {says}" in page
    assert "spoiled (2026-03-01)" in page


def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    assert "nothing to compare" in printing.page([], "All recorded failures.")
    wrong = CliRunner().invoke(app, ["simulate", "--policy", str(tmp_path / "no.yaml"), "--against", str(CURRENT)])
    assert wrong.exit_code != 0
