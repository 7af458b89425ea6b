"""What a decision made anew adds to what was begun: a correction downwards adds nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from amends.recoveries import beyond
from amends.recoveries.beyond import Stand
from amends.recoveries.records import Decision, Goodwill, RecoveryState
from tests.recoveries.given import decision, goodwill, owed


def test_a_reason_that_holds_no_longer_is_said_to_be_from_before() -> None:
    said = "the repair is dated before the report (by what was told before)"

    assert person("the repair is dated before the report", "") == said
    assert person(said, "") == said
    assert person(said, "again") == "again"
    assert person("", "") == ""
    assert person("no longer", "", RecoveryState.PROPOSED) == ""


def person(before: str, wanted: str, state: RecoveryState = RecoveryState.MADE_RIGHT) -> str:
    one = replace(decision(owed(500)), person=before)
    stand = Stand(one, state, Goodwill.WITH_THE_REST, more_open=False, yes=False, no="")
    return beyond.revised(stand, replace(one, person=wanted)).decision.person


def more(before: Decision, wanted: Decision) -> list[tuple[int, bool]]:
    stand = Stand(before, RecoveryState.MADE_RIGHT, Goodwill.WITH_THE_REST, more_open=False, yes=False, no="")
    return [(one.amount.minor, one.owed) for one in beyond.revised(stand, wanted).more if one.amount]


@pytest.mark.parametrize(
    ("before", "wanted", "adds"),
    [
        (decision(owed(500), goodwill(175)), decision(goodwill(450)), []),  # three days, then two after all
        (decision(owed(500)), decision(goodwill(450)), []),
        (decision(owed(500)), decision(goodwill(600)), [(100, False)]),
        (decision(owed(500), goodwill(175)), decision(goodwill(900)), [(225, False)]),
        (decision(owed(500)), decision(owed(500), goodwill(300)), [(300, False)]),
        (decision(owed(500)), decision(owed(800), goodwill(300)), [(300, True), (300, False)]),
        (decision(goodwill(450)), decision(owed(1000)), [(1000, True)]),  # what is owed is never set off against a gift
    ],
)
def test_goodwill_is_set_off_against_what_was_owed_too_much(
    before: Decision, wanted: Decision, adds: list[tuple[int, bool]]
) -> None:
    assert more(before, wanted) == adds
