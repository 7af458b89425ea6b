"""The seeded evening is the same for everybody, looks like real life, and is judged as what it is."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from amends.promises import files, rules
from amends.scenarios.buffering_evening import world
from amends.telemetry import kernel, reading

SCENARIOS = Path(files.__file__).parents[1] / "scenarios"
PROMISE = files.read(SCENARIOS / "starter/promises/film-plays.yaml")
TRACES = sorted((SCENARIOS / "buffering_evening/traces").glob("*.jsonl"))
ENDS_MS = 1_795_550_400_000


def told_broken(evening: world.World) -> set[str]:
    """The sessions for which kernel and promise say that the film did not play as it should."""
    body = "\n".join(line for session in evening.sessions for line in world.reports(session)).encode()
    reports, bad = reading.from_event_body(body, ENDS_MS)
    assert bad == []
    rows = kernel.assess(reports).to_pylist()
    verdicts = rules.judge(rules.columns_of(rows), PROMISE.versions[0])
    return {row["session_id"] for row, severity in zip(rows, verdicts.severity, strict=True) if severity}


@given(seed=st.integers(0, 2**32))
@hypothesis_settings(max_examples=12, deadline=None)
def test_the_spoiled_evenings_and_only_they_break_the_promise(seed: int) -> None:
    evening = world.make(seed, 150, ENDS_MS)

    assert told_broken(evening) == {session.session_id for session in evening.sessions if session.spoiled}


def test_a_seed_tells_the_same_evening_whenever_it_ends() -> None:
    first, later = world.make(7, 200, ENDS_MS), world.make(7, 200, ENDS_MS + 86_400_000)

    assert first.customers == later.customers
    assert [s.began_ms + 86_400_000 for s in first.sessions] == [s.began_ms for s in later.sessions]
    assert [s.states for s in first.sessions] == [s.states for s in later.sessions]
    assert world.make(8, 200, ENDS_MS).sessions != first.sessions


def test_each_customers_sessions_are_told_together_and_in_their_order() -> None:
    evening = world.make(7, 200, ENDS_MS)
    told = list(world.by_customer(evening))

    assert sorted(s.session_id for each in told for s in each) == sorted(s.session_id for s in evening.sessions)
    assert len({s.customer_id for s in evening.sessions}) == len(told) < 200
    for each in told:
        assert len({s.customer_id for s in each}) == 1
        assert [s.began_ms for s in each] == sorted(s.began_ms for s in each)


def test_the_evening_has_something_of_everything() -> None:
    evening = world.make(20261120, 3000, ENDS_MS)

    assert {session.kind for session in evening.sessions} == set(world.KINDS)
    assert 0.05 < sum(session.spoiled for session in evening.sessions) / 3000 < 0.20
    assert max(Counter(s.customer_id for s in evening.sessions if s.spoiled).values()) >= 2, "nobody had it twice"
    assert {session.price_minor for session in evening.sessions} == {None, *world.RENTALS}


def test_nobody_in_the_story_can_be_written_to() -> None:
    emails = [customer["email"] for customer in world.make(1, 500, ENDS_MS).customers]

    assert len(set(emails)) == len(emails)
    assert all(re.fullmatch(r"[a-z0-9.]+@viewers\.example", email) for email in emails)


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.stem)
def test_a_recording_keeps_its_length_when_it_is_moved(trace: Path) -> None:
    before = trace.read_text("utf-8").splitlines()
    session_id, after = world.shifted(before, ENDS_MS / 1000)
    (old,) = kernel.assess(reading.from_lines(line.encode() for line in before)[0]).to_pylist()
    (new,) = kernel.assess(reading.from_lines(line.encode() for line in after)[0]).to_pylist()

    assert json.loads(after[-1])["t"] == ENDS_MS / 1000
    assert new["session_id"] == session_id
    for measure in ("startup_s", "stall_s", "watched_s"):
        assert new[measure] == pytest.approx(old[measure], abs=0.01)
