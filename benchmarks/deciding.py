"""Deciding by columns against hand-written NumPy of the same ten-row table, and the reference; answers must be equal.

python benchmarks/deciding.py [--records 1000000] [--runs 5]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from amends.recoveries.policy import applying
from amends.recoveries.policy.columns import decide_columns
from amends.recoveries.policy.parsing import read_text

TABLE = """
rule: ten_rows
currency: EUR
inputs:
  severity: {type: severity}
  recurrence: {type: count}
  controllable: {type: flag}
  used_anyway: {type: flag}
  evidence: {type: choice, of: [observed, corroborated, claimed with proof, claimed]}
  stall_s: {type: number, unit: seconds}
  price: {type: money}
versions:
  - from: 2026-01-01
    rows:
      - {id: only_claimed, when: {evidence: claimed, price: {not: null}}, then: [], person: look at it}
      - {id: not_ours, when: {controllable: false, severity: minor}, then: []}
      - {id: again_and_again, when: {severity: [major, severe], recurrence: {">=": 3}}, person: call, then: [{refund: {percent: 100, of: price}, owed: true}]}
      - {id: spoiled, when: {severity: severe, used_anyway: false}, then: [{refund: {percent: 100, of: price}, owed: true}]}
      - {id: half, when: {severity: severe, stall_s: {"<": 120}}, then: [{credit: {percent: 33.3, of: price, halve: true}}]}
      - {id: watched, when: {severity: severe}, then: [{credit: {percent: 30, of: price, cap: 20.00, floor: 0.50}}]}
      - {id: long, when: {severity: major, stall_s: {">=": 300}}, then: [{credit: {max_of: [2.50, {percent: 20, of: price}]}}]}
      - {id: again, when: {severity: major, recurrence: {between: [1, 2]}}, then: [{credit: {per_unit: 1.25, unit: recurrence, cap: 2.00}}]}
      - {id: major, when: {severity: major}, then: [{credit: {steps: {0: 0.50, 30: 1.00, 90: 1.75}, by: stall_s}}]}
      - {id: rest, when: {}, then: []}
"""
POLICY = read_text(TABLE, "ten_rows.yaml", {})
EVIDENCE = ("observed", "corroborated", "claimed with proof", "claimed")


def make(records: int) -> pa.Table:
    """A morning after: most were touched lightly, one in five badly; some paid nothing."""
    chance = np.random.default_rng(3)

    def coded(texts: tuple[str, ...], shares: list[float]) -> pa.Array:
        codes = chance.choice(len(texts), records, p=shares).astype(np.int8)
        return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(texts))

    return pa.table(
        {
            "severity": coded(("minor", "major", "severe"), [0.5, 0.3, 0.2]),
            "recurrence": pa.array(chance.poisson(0.6, records)),
            "controllable": pa.array(chance.random(records) < 0.8),
            "used_anyway": pa.array(chance.random(records) < 0.4),
            "evidence": coded(EVIDENCE, [0.6, 0.2, 0.1, 0.1]),
            "stall_s": pa.array(chance.integers(0, 6_000, records) / 10),
            "price": pa.array(chance.integers(99, 2_000, records)),
        }
    )


def by_hand(data: pa.Table) -> tuple[Any, ...]:
    """What somebody who knows NumPy would write for this one table: rows, amounts, what is owed, who must call."""
    severity = data["severity"].combine_chunks().indices.to_numpy()
    evidence = data["evidence"].combine_chunks().indices.to_numpy()
    recurrence, price = data["recurrence"].to_numpy(), data["price"].to_numpy()
    controllable, used = data["controllable"].to_numpy(), data["used_anyway"].to_numpy()
    stall = np.rint(data["stall_s"].to_numpy() * 10).astype(np.int64)  # tenths of a second, exact
    severe, major = severity == 2, severity == 1
    conditions = [
        evidence == 3,
        ~controllable & (severity == 0),
        (severe | major) & (recurrence >= 3),
        severe & ~used,
        severe & (stall < 1200),
        severe,
        major & (stall >= 3000),
        major & (recurrence >= 1) & (recurrence <= 2),
        major,
    ]
    row = np.select(conditions, list(range(9)), 9).astype(np.int16)
    zero = np.zeros(len(row), np.int64)
    amounts = [
        zero,
        zero,
        price,
        price,
        (price * 333 + 1000) // 2000,
        np.minimum(np.maximum((price * 30 + 50) // 100, 50), 2000),
        np.maximum((price * 20 + 50) // 100, 250),
        np.minimum(recurrence * 125, 200),
        np.select([stall >= 900, stall >= 300], [175, 100], 50),
    ]
    amount = np.select(conditions, amounts, 0)
    owed = np.where((row == 2) | (row == 3), amount, 0)
    person = (row == 0) | (row == 2)
    return row, amount, owed, person


def by_columns(data: pa.Table) -> tuple[Any, ...]:
    out = decide_columns(POLICY, data)
    return out.row, out.total, out.owed, out.person


def by_reference(data: pa.Table) -> tuple[Any, ...]:
    rows = {row.row_id: number for number, row in enumerate(POLICY.versions[0].rows)}
    found = []
    for given in data.to_pylist():
        given["price"] = Decimal(given["price"]).scaleb(-2)
        outcome = applying.apply(POLICY, given)
        found.append((rows[outcome.row], outcome.amount.minor))
    return tuple(np.array(part) for part in zip(*found, strict=True))


def timed(work: Callable[[pa.Table], Any], data: pa.Table, runs: int) -> tuple[float, float, Any]:
    """Median wall and CPU seconds, and the last result."""
    walls, cpus, result = [], [], None
    for _ in range(runs):
        wall, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        result = work(data)
        now = resource.getrusage(resource.RUSAGE_SELF)
        walls.append(time.perf_counter() - wall)
        cpus.append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
    return statistics.median(walls), statistics.median(cpus), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    data = make(given.records)
    _, hand_cpu, hand = timed(by_hand, data, given.runs)
    wall, cpu, ours = timed(by_columns, data, given.runs)
    few = data.slice(0, min(10_000, given.records))
    _, one_by_one, reference = timed(by_reference, few, 1)
    same = all(np.array_equal(a, b) for a, b in zip(hand, ours, strict=True))
    same &= all(np.array_equal(a, b[: len(few)]) for a, b in zip(reference, ours, strict=False))
    print(
        f"{given.records:,} records, ten rows; rows, amounts, what is owed and who must call: {'equal' if same else 'DIFFER'}"
    )
    print(
        f"columns      {given.records / cpu / 1e6:6.1f} M decisions per CPU second ({wall:.3f} s wall), traces included"
    )
    print(
        f"by hand      {given.records / hand_cpu / 1e6:6.1f} M per CPU second; columns take {cpu / hand_cpu:.2f} of its time"
    )
    print(f"one by one   {len(few) / one_by_one / 1e6:6.4f} M per CPU second (the reference, whole traces)")
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
