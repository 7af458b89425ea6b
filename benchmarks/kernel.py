"""The kernel against Polars, DuckDB and pandas on the same Parquet of player heartbeats; rows must come out equal.

python benchmarks/kernel.py [--events 10000000] [--runs 3]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from amends.telemetry import kernel

S, P, R, E = 1, 2, 4, 6  # indices into records.STATES
COLUMNS = ["session", "session_id", "received_ms", "sequence", "mode", "event", "state", "bitrate_kbps"]
Row = tuple[float, int, float, float, int, bool]


def make(path: Path, events: int) -> None:
    """Heartbeats every 10 s in state play, some stalls, 1 % repeated, written in the order of arrival with some late."""
    chance = np.random.default_rng(1)
    sessions = max(1, events // 61)
    count = 61
    session = np.repeat(np.arange(sessions), count)
    step = np.tile(np.arange(count), sessions)
    at = 1_795_000_000_000 + np.repeat(chance.integers(0, 86_400_000, sessions), count) + step * 10_000
    at += np.where(step == 1, -8_000, 0)
    state = np.where(chance.random(len(step)) < 0.03, R, P)
    state[step == 0], state[step == 1], state[step == count - 1] = S, P, E
    rungs = np.array([351, 901, 2601, 5200])
    bitrate = rungs[
        np.clip(np.repeat(chance.integers(0, 4, sessions), count) + (chance.random(len(step)) < 0.05), 0, 3)
    ]
    bitrate[step == 0] = bitrate[step == 1]  # what is asked for before anything plays counts for nobody
    repeat = chance.random(len(step)) < 0.01
    order = np.concatenate([np.arange(len(step)), np.flatnonzero(repeat)])
    late = at[order] + np.where(chance.random(len(order)) < 0.01, 120_000, 0)
    order = order[np.argsort(late, kind="stable")]
    ids = pa.array(np.char.add("s", np.arange(sessions).astype(str)))
    table = pa.table(
        {
            "session": pa.array(session[order].astype(np.uint64) * np.uint64(2654435761)),
            "session_id": pa.DictionaryArray.from_arrays(pa.array(session[order].astype(np.int32)), ids),
            "received_ms": pa.array(at[order]),
            "sequence": pa.array(step[order].astype(np.int32)),
            "mode": pa.array(np.full(len(order), 2, np.int8)),
            "event": pa.array(np.full(len(order), 5, np.int8)),
            "state": pa.array(state[order].astype(np.int8)),
            "bitrate_kbps": pa.array(bitrate[order].astype(np.int32)),
        }
    )
    pq.write_table(table, path, compression="zstd", row_group_size=1_000_000)


def decode(path: Path) -> pa.Table:
    return pq.read_table(path, columns=COLUMNS, read_dictionary=["session_id"])


def by_kernel(path: Path) -> list[Any]:
    given = decode(path)
    out = kernel.assess(given)
    names = ("session_id", "startup_s", "stall_count", "stall_s", "bitrate_kbps_mean", "switches", "ended")
    return [out[n] for n in names]


SQL = """
WITH r AS (SELECT DISTINCT session, session_id, received_ms AS ts, sequence, state, bitrate_kbps AS br FROM '{path}'),
o AS (SELECT *, lag(state) OVER w AS before, lag(br) OVER w AS br_before, min(ts) OVER (PARTITION BY session) AS began,
  max(ts) OVER (PARTITION BY session) AS last FROM r WINDOW w AS (PARTITION BY session ORDER BY ts, sequence)),
c AS (SELECT *, coalesce(lead(ts) OVER (PARTITION BY session ORDER BY ts, sequence), last) AS until FROM o
  WHERE before IS NULL OR before <> state),
g AS (SELECT session, sum(CASE WHEN state = 4 THEN 1 ELSE 0 END) AS n, sum(CASE WHEN state = 4 THEN until - ts ELSE 0 END)
  AS stalled, min(CASE WHEN state = 2 THEN ts END) AS first_play, bool_or(state = 6) AS ended FROM c GROUP BY session),
b AS (SELECT session, any_value(session_id) AS id, min(began) AS began, avg(br) FILTER (state <> 1) AS mean,
  count(*) FILTER (br_before IS NOT NULL AND br_before <> br) AS switches FROM o GROUP BY session)
SELECT id, (first_play - began) / 1000.0, n, stalled / 1000.0, mean, switches, ended FROM g JOIN b USING (session)
"""


def by_duckdb(path: Path) -> list[Any]:
    import duckdb

    found = duckdb.sql(SQL.format(path=path)).arrow()
    table = found.read_all() if hasattr(found, "read_all") else found
    return table.columns


def by_polars(path: Path) -> list[Any]:
    import polars as pl

    at, state, br = pl.col("received_ms"), pl.col("state"), pl.col("bitrate_kbps")
    rows = pl.scan_parquet(path).select(COLUMNS).unique().sort("session", "received_ms", "sequence").collect()
    same = pl.col("session") == pl.col("session").shift()
    rows = rows.with_columns(((state != state.shift()) | ~same.fill_null(False)).alias("new"))
    rows = rows.with_columns((same.fill_null(False) & (br != br.shift())).alias("switch"))
    last = rows.group_by("session").agg(
        pl.col("session_id").first(), at.min().alias("began"), at.max().alias("last"), pl.col("switch").sum(),
        br.filter(state != S).mean().alias("mean"),
    )  # fmt: skip
    runs = rows.filter("new").join(last.select("session", "last"), on="session")
    runs = runs.with_columns(at.shift(-1).over("session").fill_null(pl.col("last")).alias("until"))
    stalls = runs.group_by("session").agg(
        (state == R).sum().alias("n"), ((pl.col("until") - at).filter(state == R)).sum().alias("stalled"),
        at.filter(state == P).min().alias("first"), (state == E).any().alias("ended"),
    )  # fmt: skip
    out = last.join(stalls, on="session").select(
        pl.col("session_id").cast(pl.String), (pl.col("first") - pl.col("began")) / 1000, "n", pl.col("stalled") / 1000,
        "mean", "switch", "ended",
    )  # fmt: skip
    return out.get_columns()


def by_pandas(path: Path) -> list[Any]:
    import pandas as pd

    rows = pd.read_parquet(path, columns=COLUMNS).drop_duplicates().sort_values(["session", "received_ms", "sequence"])
    same = rows["session"].eq(rows["session"].shift())
    rows["new"] = ~(same & rows["state"].eq(rows["state"].shift()))
    rows["switch"] = same & rows["bitrate_kbps"].ne(rows["bitrate_kbps"].shift())
    group = rows.groupby("session")
    out = group.agg(
        id=("session_id", "first"), began=("received_ms", "min"), last=("received_ms", "max"), switch=("switch", "sum")
    )
    out["mean"] = rows[rows["state"] != S].groupby("session")["bitrate_kbps"].mean()
    runs = rows[rows["new"]].copy()
    runs["until"] = runs.groupby("session")["received_ms"].shift(-1)
    runs["until"] = runs["until"].fillna(runs["session"].map(out["last"]))
    stalls = runs[runs["state"] == R]
    out["n"] = stalls.groupby("session").size()
    out["stalled"] = (stalls["until"] - stalls["received_ms"]).groupby(stalls["session"]).sum()
    out["first"] = runs[runs["state"] == P].groupby("session")["received_ms"].min()
    out["ended"] = (runs["state"] == E).groupby(runs["session"]).any()
    out[["n", "stalled"]] = out[["n", "stalled"]].fillna(0)
    startup = (out["first"] - out["began"]) / 1000
    columns = [
        out["id"].astype(str),
        startup,
        out["n"],
        out["stalled"] / 1000,
        out["mean"],
        out["switch"],
        out["ended"],
    ]
    return columns


def rows_of(columns: list[Any]) -> dict[str, Row]:
    """Any library's columns as plain rows, outside the measured time."""
    plain = [
        c.to_pylist() if hasattr(c, "to_pylist") else c.to_list() if hasattr(c, "to_list") else c.tolist()
        for c in columns
    ]
    return {row[0]: row[1:] for row in zip(*plain, strict=True)}


def equal(ours: dict[str, Row], theirs: dict[str, Row]) -> bool:
    if ours.keys() != theirs.keys():
        return False
    return all(all(abs(float(a) - float(b)) < 0.002 for a, b in zip(ours[k], theirs[k], strict=True)) for k in ours)


def timed(work: Callable[[Path], Any], path: Path, runs: int) -> tuple[float, float, Any]:
    """Median wall and CPU seconds, and the last result."""
    walls, cpus, result = [], [], None
    for _ in range(runs):
        wall, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        result = work(path)
        now = resource.getrusage(resource.RUSAGE_SELF)
        walls.append(time.perf_counter() - wall)
        cpus.append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
    return statistics.median(walls), statistics.median(cpus), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heartbeats.parquet"
        make(path, given.events)
        base, base_cpu, _ = timed(decode, path, given.runs)
        print(f"{given.events:,} events; decoding the Parquet alone: {base:.2f} s wall, {base_cpu:.2f} s CPU")
        reference = None
        for name, work in (("kernel", by_kernel), ("DuckDB", by_duckdb), ("Polars", by_polars), ("pandas", by_pandas)):
            wall, cpu, result = timed(work, path, given.runs if name != "pandas" else 1)
            rows = rows_of(result)
            same = "reference" if reference is None else "rows equal" if equal(reference, rows) else "ROWS DIFFER"
            reference = reference or rows
            print(f"{name:8} {wall:7.2f} s wall ({wall / base:4.1f} x decoding) {cpu:7.2f} s CPU   {same}")


if __name__ == "__main__":
    main()
