from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amends.ground.marked import Mistake
from amends.promises import files, rules

STARTER = Path(files.__file__).parents[1] / "scenarios/starter"
PROMISE = files.read(STARTER / "promises/film-plays.yaml")
GOOD = {"startup_s": 1.0, "stall_s": 0.0, "stall_count": 0, "watched_s": 5400.0, "played_s": 5399.0, "confidence": 0.9}


def severity(**facts: Any) -> str:
    verdicts = rules.judge(rules.columns_of([GOOD | facts]), PROMISE.versions[0])
    return rules.SEVERITIES[verdicts.severity[0]]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ""),
        ({"stall_s": 4.9}, ""),
        ({"stall_s": 5.0}, "minor"),
        ({"stall_s": 60.0}, "severe"),
        ({"stall_s": 20.0, "watched_s": 70.0}, "severe"),
        ({"startup_s": 25.0}, "major"),
        ({"failed_start": True, "startup_s": None, "stall_s": None}, "severe"),
        ({"playback_failed": True}, "severe"),
        ({"exited_before_start": True, "watched_s": 12.0, "stall_s": None}, "minor"),
        ({"exited_before_start": True, "watched_s": 2.0, "stall_s": None}, ""),
        ({"stall_s": 60.0, "confidence": 0.4}, ""),
        ({"stall_s": None, "startup_s": None}, ""),
    ],
)
def test_an_evening_is_as_bad_as_its_worst_part(facts: dict[str, Any], expected: str) -> None:
    assert severity(**facts) == expected


def test_a_batch_is_judged_as_each_alone() -> None:
    evenings = [GOOD | {"stall_s": float(s)} for s in (0, 6, 20, 100)]

    together = rules.judge(rules.columns_of(evenings), PROMISE.versions[0]).severity
    assert [rules.SEVERITIES[code] for code in together] == ["", "minor", "major", "severe"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("failed_start: severe", "failed_start: awful", "no severity"),
        ("stall_s: {minor: 5", "stal_s: {minor: 5", "not measured"),
        ("{minor: 5, major: 15, severe: 60}", "{minor: 50, major: 15, severe: 60}", "grow with severity"),
        ("from: 2026-01-01", "from: once", "no day"),
        ("least_confidence: 0.5", "least_confidence: 7", "no share"),
        ("measure: playback", "measure: mood", "unknown"),
    ],
)
def test_a_mistake_in_a_promise_is_told(tmp_path: Path, before: str, after: str, says: str) -> None:
    text = (STARTER / "promises/film-plays.yaml").read_text()
    (tmp_path / "p.yaml").write_text(text.replace(before, after, 1))

    with pytest.raises(Mistake, match=says):
        files.read(tmp_path / "p.yaml")
