"""One session id for more than one attempt, and a startup that equals its span."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amends.telemetry import kernel, reading

T0 = 1_790_000_000
HOUR = 3600.0
FIRST = [(0.0, "s"), (0.3, "p"), (40.0, "r"), (52.0, "p"), (90.0, "e")]
TRACES = sorted((Path(__file__).parent / "traces").glob("*.jsonl"))


def event(at: float, state: str, number: int) -> bytes:
    body = f'e=ps,sta={state},sid="x",sn={number},ts={int((T0 + at) * 1000)},v=2'
    return json.dumps({"t": T0 + at, "kind": "event", "body": body}).encode() + b"\n"


def events(states: list[tuple[float, str]], since: float = 0.0, number: int = 0) -> list[bytes]:
    return [event(since + at, state, number + n) for n, (at, state) in enumerate(states)]


def judged(lines: list[bytes]) -> dict[str, Any]:
    table, _ = reading.from_lines(lines)
    (row,) = kernel.assess(table).to_pylist()
    found: dict[str, Any] = row
    return found


def of_kind(row: dict[str, Any], kind: str) -> float:
    return sum(span["to_s"] - span["from_s"] for span in row["spans"] if span["kind"] == kind)


@pytest.mark.parametrize("later", [HOUR, 510.0])
@pytest.mark.parametrize("left", [[(0.0, "s"), (0.3, "e")], FIRST, [(0.0, "s")], [(0.0, "s"), (0.3, "p"), (9.0, "r")]])
def test_the_same_id_later_is_judged_by_its_last_attempt(left: list[tuple[float, str]], later: float) -> None:
    alone = judged(events(FIRST, since=later))
    both = judged(events(left) + events(FIRST, since=later))

    assert both == alone
    assert (both["startup_s"], both["stall_s"]) == (0.3, 12.0)


def test_it_makes_no_difference_in_which_order_they_come() -> None:
    lines = events(FIRST) + events(FIRST, since=HOUR)

    assert judged(lines[::-1]) == judged(lines)


def test_a_wait_through_a_silence_of_an_hour_is_not_claimed() -> None:
    row = judged(events([(0.0, "s"), (0.3, "p"), (40.0, "r"), (HOUR, "p"), (HOUR + 60, "e")]))

    assert (row["stall_s"], row["longest_stall_s"], row["startup_s"]) == (None, None, None)
    assert row["confidence"] < 0.5


def test_a_pause_of_an_hour_is_a_pause() -> None:
    row = judged(events([(0.0, "s"), (0.3, "p"), (40.0, "a"), (HOUR, "p"), (HOUR + 60, "e")]))

    assert (row["stall_s"], row["startup_s"]) == (0.0, 0.3)
    assert row["confidence"] > 0.9


def test_attempts_nearer_than_that_are_one_session_with_the_startup_of_its_spans() -> None:
    row = judged(events([(0.0, "s"), (0.3, "e"), (60.7, "s"), (61.0, "p"), (90.0, "e")]))

    assert row["startup_s"] == pytest.approx(of_kind(row, "startup"), abs=0.002)
    assert row["startup_s"] == pytest.approx(0.6, abs=0.01)


def test_a_pause_of_ten_minutes_and_a_seek_are_no_new_attempt() -> None:
    row = judged(events([(0.0, "s"), (0.3, "p"), (40.0, "a"), (640.0, "k"), (641.0, "p"), (700.0, "e")]))

    assert (row["startup_s"], of_kind(row, "pause")) == (0.3, 600.0)


def test_two_recordings_under_one_id_do_not_make_a_startup_of_minutes() -> None:
    traces = [path for path in TRACES if path.stem in ("hls-v1-header", "hls-v1-query", "hls-v2-query")]
    lines = [line for path in traces for line in path.read_bytes().splitlines(keepends=True)]
    (row,) = [one for one in kernel.assess(reading.from_lines(lines)[0]).to_pylist() if one["session_id"][0] == "7"]
    assert row["startup_s"] == pytest.approx(of_kind(row, "startup"), abs=0.01)
    assert row["startup_s"] < 2


@given(st.lists(st.tuples(st.floats(0.05, 4000), st.sampled_from("sprakedf")), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_startup_is_what_the_spans_say_whatever_a_player_tells(steps: list[tuple[float, str]]) -> None:
    at, states = 0.0, []
    for step, state in steps:
        at += round(step, 3)
        states.append((at, state))
    row = judged(events(states))

    if row["startup_s"] is not None:
        assert row["startup_s"] == pytest.approx(of_kind(row, "startup"), abs=0.01)


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_startup_of_a_recording_is_what_its_spans_say(trace: Path) -> None:
    row = judged(trace.read_bytes().splitlines(keepends=True))

    if row["startup_s"] is not None:
        assert row["startup_s"] == pytest.approx(of_kind(row, "startup"), abs=0.01)


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_a_recording_seen_again_two_hours_later_is_judged_by_the_second(trace: Path) -> None:
    lines = [json.loads(line) for line in trace.read_bytes().splitlines() if line.strip()]
    again = []
    for line in lines:
        text = json.dumps(line | {"t": line["t"] + 2 * HOUR})
        again.append(text.encode() + b"\n")
    first = [json.dumps(line).encode() + b"\n" for line in lines]
    row = judged(first + again)

    assert row["startup_s"] is None or row["startup_s"] < 120
    assert row["longest_stall_s"] is None or row["longest_stall_s"] < 600
