"""Settling looks at what was answered since last time, and misses nothing for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from tests.recoveries.given import NOW, decision, failure, open_all, owed

import amends.outbox.steps
from amends.recoveries import queries
from amends.recoveries.records import RecoveryState, Remedy
from amends.remedies import settling, steps

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def recovery_ids() -> list[str]:
    """Two recoveries under way, after a first turn that has looked at everything."""
    ids = open_all([(failure(n), decision(owed(300))) for n in range(2)])
    steps.provide(NOW)
    assert steps.settle(NOW) == 0
    return list(ids)


def paid(recovery_id: str, at: object = NOW) -> None:
    assert amends.outbox.steps.settle_by_person(f"refund:{recovery_id}", "ref", "provider", at)  # type: ignore[arg-type]


def fails(*_: object) -> int:
    raise OperationalError("database is locked")


def state(recovery_id: str) -> RecoveryState:
    return queries.by_id([recovery_id])[recovery_id].state


def test_an_answer_settles_its_own_recovery_and_leaves_the_others(recovery_ids: list[str]) -> None:
    paid(recovery_ids[0], LATER)

    assert steps.settle(LATER) == 2  # a remedy and its recovery
    assert [state(one) for one in recovery_ids] == [RecoveryState.MADE_RIGHT, RecoveryState.UNDER_WAY]


def test_where_nothing_was_answered_no_open_remedy_is_looked_at(recovery_ids: list[str]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert steps.settle(LATER) == 0

    assert not [one["sql"] for one in asked.captured_queries if "remedies_remedyrow" in one["sql"]]


def test_an_answer_is_found_after_the_clock_was_set_back(recovery_ids: list[str]) -> None:
    assert steps.settle(LATER) == 0
    paid(recovery_ids[0], NOW)

    assert steps.settle(NOW) == 2


def test_what_another_machine_wrote_by_a_slow_clock_is_found_when_all_is_looked_at(recovery_ids: list[str]) -> None:
    paid(recovery_ids[0], NOW - timedelta(hours=1))
    assert steps.settle(LATER) == 0
    assert settling.unsettled() == 1
    settling.forget_place()

    assert steps.settle(LATER) == 2
    assert state(recovery_ids[0]) is RecoveryState.MADE_RIGHT
    assert settling.unsettled() == 0


def test_a_turn_that_failed_is_made_up_for_by_the_next(
    recovery_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(recovery_ids[0], LATER)
    with monkeypatch.context() as broken:
        broken.setattr(settling, "look", fails)
        with pytest.raises(OperationalError):
            steps.settle(LATER)

    assert steps.settle(LATER + timedelta(minutes=1)) == 2


def test_what_needs_no_act_is_made_right_in_the_turn_in_which_it_got_under_way(recovery_ids: list[str]) -> None:
    (new,) = open_all([(failure(7), decision(Remedy("apology")))])
    steps.provide(LATER)

    assert steps.settle(LATER) == 1
    assert state(new) is RecoveryState.MADE_RIGHT
