from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
import typer

from amends.cli import studies
from amends.learning import history, printing, running, simulating
from amends.learning.records import Decided, Note


def failures() -> pa.Table:
    rows = [
        {
            "failure_id": f"f{n}",
            "customer_id": f"c{n % 4}",
            "promise": "film-plays",
            "severity": severity,
            "currency": "EUR",
        }
        | {"started_at": f"2026-0{1 + n % 3}-10T20:00:00Z", "segment": "gold" if n % 4 == 0 else "basic"}
        for n, severity in enumerate(["severe", "minor"] * 6)
    ]
    table = history.normal(pa.Table.from_pylist(rows))
    return history.with_recurrence(table, 90, 30.0)


def decided(name: str, owed: list[int], goodwill: list[int]) -> Decided:
    held = np.array([0 if amount else 1 for amount in owed])
    versions, by = ("2026-01-01", "2026-03-01"), np.array([0, 0, 1] * (len(owed) // 3), np.int64)
    money = (np.array(owed), np.array(goodwill))
    return Decided(name, versions, by, "ab" * 32, *money, held == 1, ("pays", "rest"), held)


def test_a_candidate_is_told_in_money_people_and_groups() -> None:
    before = decided("now", [500, 0] * 6, [0, 100] * 6)
    after = decided("new", [500, 0] * 6, [0, 0] * 6)

    (found,) = simulating.compare(failures(), before, after)
    assert (found.whole.before, found.whole.after) == (3600, 3000)
    assert (found.whole.owed_before, found.whole.owed_after) == (3000, 3000)
    assert (found.whole.more, found.whole.less) == (0, 2)
    assert {group.name: group.failures for group in found.by["severity"]} == {"severe": 6, "minor": 6}
    assert sum(group.before for group in found.by["segment"]) == found.whole.before
    assert sum(group.after for group in found.by["recurrence"]) == found.whole.after
    assert [sum(month[1:]) for month in found.months] == [2200, 2200, 2200]
    assert found.rows[0] == ("rest", "rest", 6, -600)
    assert found.examples[0].before - found.examples[0].after == 100


def test_customers_not_failures_are_what_is_counted_in_the_spread() -> None:
    before = decided("now", [500, 0] * 6, [0, 100] * 6)

    (found,) = simulating.compare(failures(), before, before)
    assert found.spread_before.paid == 4
    assert found.spread_before.quantiles[50] == 300
    assert found.spread_before.quantiles[100] == 1500
    assert sum(count for _, count in found.spread_before.buckets) == 4
    assert found.examples == ()


def test_the_last_bucket_is_open_and_left_out_when_nobody_is_in_it() -> None:
    few = decided("now", [500, 0] * 6, [0, 100] * 6)

    (found,) = simulating.compare(failures(), few, few)
    assert [name for name, *_ in printing._bucket_pairs(found)][-1] == "≤ €15.00"
    paid = np.append(np.full(199, 100), 9000)
    edges = simulating._edges(paid)
    buckets = simulating._spread(paid, edges).buckets
    assert (buckets[-2:], edges[-1]) == (((108, 199), (None, 1)), 108)
    spread = replace(found.spread_before, buckets=buckets)
    pairs = printing._bucket_pairs(replace(found, spread_before=spread, spread_after=spread))
    assert pairs[-1] == ("> €1.08", 1, 1)
    assert len({name for name, *_ in pairs}) == len(pairs)


def test_both_policies_are_counted_on_the_same_edges() -> None:
    less, more = decided("now", [500, 0] * 6, [0] * 12), decided("new", [900, 0] * 6, [0] * 12)

    (found,) = simulating.compare(failures(), less, more)
    assert [edge for edge, _ in found.spread_before.buckets] == [edge for edge, _ in found.spread_after.buckets]
    (found,) = simulating.compare(failures(), decided("now", [0] * 12, [0] * 12), more)
    assert sum(count for _, _, count in printing._bucket_pairs(found)) == found.spread_after.paid


def test_versions_and_notes_are_counted_by_currency() -> None:
    currency = pa.array(["EUR", "USD", "USD"] * 4)
    told = failures()
    told = told.set_column(told.schema.get_field_index("currency"), "currency", currency)
    before = decided("now", [500, 0] * 6, [0, 100] * 6)
    notes = {"had no delay_min": np.arange(12) < 3, "had no price": np.arange(12) == 0}

    dollars, euros = simulating.compare(
        told, before, replace(before, notes=notes), {"had no price": np.arange(12) == 2}
    )
    assert (euros.versions_after, dollars.versions_after) == (
        (("2026-01-01", 4),),
        (("2026-01-01", 4), ("2026-03-01", 4)),
    )
    assert euros.notes == (Note(1, "had no delay_min"), Note(1, "had no price"))
    assert dollars.notes == (Note(2, "had no delay_min"), Note(1, "had no price"))


def test_an_empty_history_is_no_reason_to_fail() -> None:
    nothing = decided("now", [], [])

    assert simulating.compare(failures().slice(0, 0), nothing, nothing) == []


def test_months_are_the_companys() -> None:
    late = ["2026-05-31T21:59:59Z", "2026-05-31T22:00:00Z", "2026-06-30T21:59:59Z", "2026-06-30T22:00:00Z"]
    rows = [
        {"customer_id": "c", "promise": "p", "severity": "minor", "currency": "EUR", "started_at": at} for at in late
    ]
    found = history.with_recurrence(history.normal(pa.Table.from_pylist(rows)), 90, 30.0)
    one = Decided(
        "p",
        ("2026-01-01",),
        np.zeros(4, np.int64),
        "ab" * 32,
        *[np.array([1, 10, 100, 1000])] * 2,
        np.zeros(4, np.bool_),
        ("all",),
        np.zeros(4, np.int64),
    )

    def months(zone: str) -> list[tuple[str, int]]:
        (told,) = simulating.compare(found, one, one, None, ZoneInfo(zone))
        return [(month, after) for month, _, after in told.months]

    assert months("Europe/Berlin") == [("2026-05", 2), ("2026-06", 220), ("2026-07", 2000)]
    assert months("UTC") == [("2026-05", 22), ("2026-06", 2200)]


def test_a_day_is_the_companys_and_a_moment_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "amends.toml").write_text('[company]\ntime_zone = "Europe/Berlin"\n')
    day = studies.moment("2026-06-01", "--since", tmp_path)

    assert day == datetime(2026, 5, 31, 22, tzinfo=UTC)
    assert running.span_words(day, datetime(2026, 7, 1, 8, tzinfo=UTC)) == (
        "Failures from 2026-06-01 to before 2026-07-01T08:00:00.000Z."
    )
    assert studies.moment("2026-06-01T00:00:00Z", "--since", tmp_path) == datetime(2026, 6, 1, tzinfo=UTC)
    for wrong in ("2026-02-30", "June", "2026-06-01T00:00:00"):
        with pytest.raises(typer.BadParameter, match="is no day"):
            studies.moment(wrong, "--since", tmp_path)
