from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from amends.learning import history

START = datetime(2026, 1, 1, tzinfo=UTC)


def some(number: int, seed: int = 1) -> pa.Table:
    chance = random.Random(seed)
    rows = [
        {
            "failure_id": f"f{n:05d}",
            "customer_id": f"c{chance.randrange(number // 5 + 1)}",
            "promise": chance.choice(["film-plays", "line-up"]),
            "started_at": START + timedelta(hours=chance.randrange(24 * 200)),
            "severity": chance.choice(["minor", "severe"]),
        }
        for n in range(number)
    ]
    return history.normal(pa.Table.from_pylist(rows))


def at_once(number: int) -> pa.Table:
    """Several a day, so that some begin at the very same moment, and not by id."""
    table = some(number)
    days = pc.floor_temporal(table["started_at"], unit="day").cast(history.PLAIN.field("started_at").type)
    table = table.set_column(table.schema.get_field_index("started_at"), "started_at", days)
    return table.take(pa.array(random.Random(2).sample(range(number), number)))


def ages_apart(number: int) -> pa.Table:
    """From the first year to the last: the time between, for that many customers, is more than 64 bits hold."""
    table = some(number)
    first, days = datetime(2, 1, 1, tzinfo=UTC), 365 * 9990
    told = [first + timedelta(days=n * 30 if n < number // 2 else days - n) for n in range(number)]
    moments = pa.array(told, history.PLAIN.field("started_at").type)
    return table.set_column(table.schema.get_field_index("started_at"), "started_at", moments)


@pytest.mark.parametrize("made", [some, at_once, ages_apart])
def test_recurrence_is_what_counting_one_by_one_gives(made: Callable[[int], pa.Table]) -> None:
    found = history.with_recurrence(made(600), 90, 30.0)
    rows = found.to_pylist()

    for row in rows:
        earlier = [
            (row["started_at"] - other["started_at"]) / timedelta(days=1)
            for other in rows
            if (other["customer_id"], other["promise"]) == (row["customer_id"], row["promise"])
            and (other["started_at"], other["failure_id"]) < (row["started_at"], row["failure_id"])
            and other["started_at"] >= row["started_at"] - timedelta(days=90)
        ]
        assert row["recurrence"] == len(earlier)
        assert row["recurrence_decayed"] == pytest.approx(sum(2 ** (-age / 30) for age in earlier), abs=1e-5)


def test_a_parquet_file_is_read_with_defaults_facts_and_a_span_of_time(tmp_path: Path) -> None:
    table = some(50).select(["customer_id", "promise", "started_at", "severity"])
    table = table.append_column("facts", pa.array(['{"stall_s": 12.5, "product": "rental", "deep": {"a": 1}}'] * 50))
    pq.write_table(table, tmp_path / "history.parquet")

    found, _ = history.filled(history.from_parquet(tmp_path / "history.parquet", START, START + timedelta(days=100)))
    assert 0 < found.num_rows < 50
    assert found["evidence"].to_pylist()[0] == "observed"
    assert found["stall_s"].to_pylist()[0] == 12.5
    assert found["deep"].to_pylist()[0] == '{"a": 1}'


def test_a_file_that_is_no_history_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"customer_id": ["ada"]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")

    with pytest.raises(history.NoHistory, match="'promise' is missing"):
        history.from_parquet(tmp_path / "other.parquet", None, None)
    with pytest.raises(history.NoHistory, match="not a readable Parquet file"):
        history.from_parquet(tmp_path / "text.parquet", None, None)
