"""The kernel's columns against the same arithmetic in plain Python, one session after the other."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.telemetry.plain import requests as plain

from amends.telemetry import kernel, reading
from amends.telemetry.cmcd import hash_session
from amends.telemetry.ordered import order
from amends.telemetry.records import OBJECT_TYPES, REPORTS

TRACES = sorted((Path(__file__).parent / "traces").glob("*.jsonl"))
NAMES = ("seg-{n:05d}.m4s", "chunk-{kind}-{n}.mp4", "t{ticks}.m4s", "film-{kind}.mp4", "piece{letter}.ts")


def a_session(number: int, chance: random.Random) -> list[dict[str, Any]]:
    """A player that plays, waits, seeks, pauses and fails as it comes; names, lengths and buffers as players differ."""
    name, length = chance.choice(NAMES), chance.choice((2.0, 4.0, 6.006))
    kinds = chance.choice((["v"], ["v", "a"], ["av"], ["a"]))
    says = {key: chance.random() < share for key, share in {"d": 0.8, "bl": 0.95, "nor": 0.7, "status": 0.6}.items()}
    rows: list[dict[str, Any]] = []
    at, piece, buffer, rung = chance.choice((0.0, 1.5)), chance.randrange(1, 4), 0.0, 1500
    if chance.random() < 0.4:
        rows.append({"at": at, "ot": "m", "status": 404 if chance.random() < 0.3 else 200, "path": "/film.mpd"})
    for _ in range(chance.randrange(0, 60)):
        for kind in kinds:
            row: dict[str, Any] = {"at": at, "ot": kind, "bl": max(0.0, buffer) if chance.random() < 0.97 else None}
            row["path"] = "/v/" + name.format(n=piece, kind=kind, ticks=piece * 180_000, letter=chr(97 + piece % 26))
            row |= {"d": length, "nor": "next.m4s", "br": rung, "rate": chance.choice((None, None, None, 1.5, 0.0))}
            row["status"] = 503 if chance.random() < 0.04 else 200
            rows.append({key: value for key, value in row.items() if says.get(key, True)})
        passed = chance.choice((0.0, 0.3, length, length, length, length * 1.5, 25.0 if chance.random() < 0.1 else 0.4))
        at += passed
        buffer = max(0.0, buffer + length - passed) if chance.random() < 0.9 else round(chance.random() * 12, 1)
        piece = max(1, piece + (1 if chance.random() < 0.93 else chance.randrange(-9, 30)))
        rung = rung if chance.random() < 0.8 else chance.choice((400, 900, 1500, 4200))
    if rows and chance.random() < 0.3:
        rows[-1].pop("nor", None)
    for row in rows:
        row["session_id"] = f"session-{number}"
    return rows


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    def whole(row: dict[str, Any], key: str) -> int | None:
        return None if row.get(key) is None else round(row[key] * 1000)

    return pa.Table.from_pylist(
        [
            {
                "session": hash_session(row["session_id"]),
                "session_id": row["session_id"],
                "received_ms": 1_795_000_000_000 + round(row["at"] * 1000),
                "mode": 1,
                "event": 0,
                "state": 0,
                "object_type": OBJECT_TYPES.index(row["ot"]),
                "bitrate_kbps": row.get("br"),
                "buffer_ms": whole(row, "bl"),
                "duration_ms": whole(row, "d"),
                "rate": row.get("rate"),
                "path": row.get("path"),
                "next_path": row.get("nor"),
                "status": row.get("status"),
            }
            for row in rows
        ],
        schema=REPORTS,
    )


def check_equal(table: pa.Table) -> None:
    ordered = order(table)
    asked = np.ones(ordered.sessions, np.bool_)
    outcomes = plain.assess_requests(ordered, asked)
    names = ordered.reports["session_id"].take(pa.array(ordered.order[ordered.first])).to_pylist()
    found = {row["session_id"]: row for row in kernel.assess(table).to_pylist()}
    for session, name in enumerate(names):
        expected = outcomes[session].row(int(ordered.began_ms[session]))
        for column in plain.COLUMNS:
            assert same(found[name][column], expected.get(column)), (name, column, found[name], expected)


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(
            a["kind"] == b["kind"] and same(a["from_s"], b["from_s"]) and same(a["to_s"], b["to_s"])
            for a, b in zip(ours, theirs, strict=True)
        )
    if isinstance(theirs, float) and ours is not None:
        return math.isclose(ours, theirs, abs_tol=0.002)
    return bool(ours == theirs)


@pytest.mark.parametrize("seed", range(12))
def test_columns_say_what_plain_python_says(seed: int) -> None:
    chance = random.Random(seed)
    rows = [row for number in range(80) for row in a_session(number, chance)]

    check_equal(table_of(rows))


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_recordings_without_their_events_too(trace: Path) -> None:
    lines = [line for line in trace.read_bytes().splitlines() if b'"kind": "request"' in line]
    table, _ = reading.from_lines(lines)

    check_equal(table)
