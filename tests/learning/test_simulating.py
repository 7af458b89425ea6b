from __future__ import annotations

import numpy as np
import pyarrow as pa

from amends.learning import history, simulating
from amends.learning.records import Decided


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
    return Decided(name, "2026-01-01", "ab" * 32, np.array(owed), np.array(goodwill), held == 1, ("pays", "rest"), held)


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


def test_an_empty_history_is_no_reason_to_fail() -> None:
    nothing = decided("now", [], [])

    assert simulating.compare(failures().slice(0, 0), nothing, nothing) == []
