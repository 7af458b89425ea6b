"""The evening without television: what is sent is what is true of each household, and nobody is told anything else."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from amends.incidents import rules
from amends.notices import lint
from amends.scenarios.outage_yesterday import demo, world
from amends.signals.records import Viewing
from amends.telemetry import kernel, reading

HERE = Path(world.__file__).parent
NOW_MS = 1_795_550_400_000
NOTICES = sorted((HERE / "notices").glob("*.md"))


def traces(evening: world.World) -> dict[str, rules.Trace]:
    """What the log of the evening says of each household, judged as the worker judges it."""
    owners = {session.session_id: session.customer_id for session in evening.sessions}
    reports, bad = reading.from_lines(line.encode() for line in world.log(evening))
    assert bad == []
    mine: dict[str, list[Viewing]] = {}
    for row in kernel.assess(reports).to_pylist():
        spans = tuple(row["spans"])
        began, seen = (
            datetime.fromtimestamp(row[name] / 1000, world.UTC) for name in ("started_at_ms", "last_seen_ms")
        )
        viewing = Viewing(row["session_id"], began, seen, True, None, 0, row, spans, "", "", None, seen)
        mine.setdefault(owners[row["session_id"]], []).append(viewing)
    gone, back = (datetime.fromtimestamp(ms / 1000, world.UTC) for ms in (evening.gone_ms, evening.back_ms))
    return {customer_id: rules.trace_of(viewings, gone, back) for customer_id, viewings in mine.items()}


@given(seed=st.integers(0, 2**32))
@hypothesis_settings(max_examples=8, deadline=None)
def test_those_and_only_those_who_tried_are_seen_to_have_tried(seed: int) -> None:
    evening = world.make(seed, 250, NOW_MS)
    found = traces(evening)

    tried = {customer for customer, trace in found.items() if trace.proves}
    assert tried == {customer for customer, kind in evening.truth.items() if kind in world.TRYING}
    through = {customer for customer, trace in found.items() if trace.undisturbed} & set(evening.truth)
    assert through == {customer for customer, kind in evening.truth.items() if kind == "through"}


def test_the_evening_has_something_of_everything() -> None:
    evening = world.make(20261123, 4000, NOW_MS)

    assert set(evening.truth.values()) == {*world.EAST, "moved away"}
    assert Counter(who["email"] == "" for who in evening.customers)[True] > 10
    assert evening.back_ms - evening.gone_ms == 95 * world.MINUTE


def test_the_end_is_told_before_the_start() -> None:
    first, *others = world.tellings(world.make(1, 1, NOW_MS))

    assert first["type"].endswith("outage.ended")
    assert {other["type"] for other in others} == {"com.amends.outage.started"}


@pytest.mark.parametrize("path", NOTICES, ids=lambda path: path.name)
def test_nothing_is_asked_and_nothing_is_doubted_in_what_is_said(path: Path) -> None:
    assert lint.lint_file(path) == []


@pytest.mark.slow
def test_the_story_comes_out_as_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.run(headless=True, directory=tmp_path / "demo", port=0) == 0
    assert "Everything came out as expected" in capsys.readouterr().out
