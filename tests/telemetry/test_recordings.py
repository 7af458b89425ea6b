"""Recordings of dash.js, hls.js and Shaka against what their <video> elements lived through (see traces/)."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from amends.telemetry import kernel, reading

TRACES = sorted((Path(__file__).parent / "traces").glob("*.jsonl"))
START_S, STALL_S, STALL_SHARE = 1.0, 1.5, 0.1  # how near the kernel must come
FLAGS = {"failed_start": "failed_start", "exited_before_start": "exited_before_start", "playback_failed": "fatal_error"}


def lines_of(trace: Path) -> list[bytes]:
    return trace.read_bytes().splitlines(keepends=True)


def assessed(lines: list[bytes]) -> dict[str, Any]:
    table, _ = reading.from_lines(lines)
    (row,) = kernel.assess(table).to_pylist()
    found: dict[str, Any] = row
    return found


def truth_of(trace: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(trace.with_suffix("").with_suffix(".truth.json").read_text())
    return found


def check_numbers(row: dict[str, Any], truth: dict[str, Any]) -> None:
    if truth["startup_s"] is None:
        assert row["startup_s"] is None
        return
    assert row["startup_s"] == pytest.approx(truth["startup_s"], abs=START_S)
    assert row["stall_s"] == pytest.approx(truth["stall_s"], abs=max(STALL_S, STALL_SHARE * truth["stall_s"]))
    if truth["stall_s"] == 0:
        assert row["stall_count"] == 0


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_a_recording_is_judged_as_it_was_lived(trace: Path) -> None:
    row, truth = assessed(lines_of(trace)), truth_of(trace)

    check_numbers(row, truth)
    assert {ours: row[ours] for ours in FLAGS} == {ours: truth[theirs] for ours, theirs in FLAGS.items()}


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_order_and_repeats_change_nothing(trace: Path) -> None:
    lines = lines_of(trace)
    mixed = lines + lines[::3]
    random.Random(7).shuffle(mixed)

    assert assessed(mixed) == assessed(lines)


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_a_few_lost_lines_do_not_turn_the_verdict(trace: Path) -> None:
    chance = random.Random(trace.stem)
    kept = [line for line in lines_of(trace) if chance.random() > 0.03]

    check_numbers(assessed(kept), truth_of(trace))


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_a_player_whose_clock_is_wrong_is_judged_the_same(trace: Path) -> None:
    skewed = [line.replace(b"ts=1795", b"ts=1794") for line in lines_of(trace)]

    row, straight = assessed(skewed), assessed(lines_of(trace))
    assert (row["startup_s"], row["stall_s"]) == (straight["startup_s"], straight["stall_s"])


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_without_status_codes_nothing_false_is_claimed(trace: Path) -> None:
    bare = [without(line, "status", "bytes", "secs") for line in lines_of(trace)]

    row, truth = assessed(bare), truth_of(trace)
    assert all(row[ours] in (None, truth[theirs]) for ours, theirs in FLAGS.items())


def without(line: bytes, *names: str) -> bytes:
    record = json.loads(line)
    return json.dumps({name: value for name, value in record.items() if name not in names}).encode()


def test_sessions_do_not_touch_each_other() -> None:
    several = [trace for trace in TRACES if trace.stem.split("-")[0] not in ("dash", "hls", "shaka")]  # those share ids
    alone = {row["session_id"]: row for row in map(assessed, map(lines_of, several))}
    together, _ = reading.from_lines([line for trace in several for line in lines_of(trace)])

    assert {row["session_id"]: row for row in kernel.assess(together).to_pylist()} == alone


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_spans_follow_each_other_and_fit_the_session(trace: Path) -> None:
    spans = assessed(lines_of(trace))["spans"]

    assert all(span["from_s"] <= span["to_s"] for span in spans)
    assert all(a["to_s"] <= b["from_s"] + 0.01 for a, b in pairwise(spans))


def test_requests_alone_never_claim_what_events_alone_deny() -> None:
    for trace in TRACES:
        requests = [line for line in lines_of(trace) if b'"kind": "request"' in line]
        row, truth = assessed(requests), truth_of(trace)
        if (
            row["confidence"] >= 0.5 and trace.stem != "pausestall-dash-v2"
        ):  # a pause inside a stall looks like one stall
            check_numbers(row, truth)
