"""Every published rule that is shipped answers worked cases to the cent, with reason, deadline and days."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from amends.recoveries.policy import packs
from amends.recoveries.policy.answering import answer

CASES = [
    case
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))["cases"]
]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_published_rule_answers_to_the_cent(case: dict[str, Any]) -> None:
    found = answer(case)

    assert {name: found.get(name, found) for name in case["expected"]} == case["expected"]


def test_every_shipped_rule_has_worked_cases() -> None:
    assert {case["rule"] for case in CASES} == set(packs.names())
