"""An aborted batch pays nobody more: what is certainly not done is cancelled, what may have happened is looked up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.outbox.test_pacing import NOW, SOON, Provider, batch, orders, states
from tests.outbox.working import begin, work

from amends.outbox import answering, rules, steps
from amends.outbox.answering import Answered
from amends.outbox.records import Answer, BatchState, Done, Later, NotDone, Refused, Unknown

pytestmark = pytest.mark.django_db


def test_an_aborted_batch_cancels_all_that_is_certainly_not_done() -> None:
    provider = Provider(lambda order: Later("busy", 30))
    steps.enqueue(orders(50), NOW)
    work(provider, NOW, room=3)
    provider.answer = lambda order: Done("ref")
    assert steps.abort("inc_1", "op", "wrong customers", NOW + SOON) == 1
    assert states() == {"cancelled": 50}

    assert work(provider, NOW + timedelta(minutes=1)) == []
    assert batch().state is BatchState.ABORTED
    assert steps.resume("inc_1", "op", "after all", NOW) == 0


def test_what_was_on_its_way_and_is_not_done_is_cancelled_as_well() -> None:
    steps.enqueue(orders(5), NOW)
    claims = begin(Provider().declaration, NOW, room=3)
    steps.abort("inc_1", "op", "wrong customers", NOW)
    assert states() == {"trying": 3, "cancelled": 2}

    said: list[Answer] = [Done("ref"), Later("busy", 0), Refused("no")]
    for one, answer in zip(claims, said, strict=True):
        after = rules.after_try(one, answer, NOW, Provider().declaration)
        answering.record("w", [Answered(one.order.key, one.attempt, "act", after)], NOW)
    assert begin(Provider().declaration, NOW + timedelta(minutes=1)) == []
    steps.take_stock(0.9, NOW + timedelta(minutes=1))
    assert states() == {"done": 1, "refused": 1, "cancelled": 3}


@pytest.mark.parametrize(
    ("found", "finds", "after"),
    [
        (NotDone(), True, "cancelled"),
        (Done("there"), True, "done"),
        (Unknown("?"), True, "unknown"),
        (None, False, "in doubt"),
    ],
)
def test_what_may_have_happened_is_looked_up_and_never_tried_again(found: Any, finds: bool, after: str) -> None:
    provider = Provider(lambda order: Unknown("timeout"))
    steps.enqueue(orders(1), NOW)
    work(provider, NOW)
    steps.abort("inc_1", "op", "wrong customers", NOW)
    assert states() == {"unknown": 1}

    provider.declaration = replace(provider.declaration, can_find=finds)
    provider.find = lambda order: found  # type: ignore[method-assign]
    provider.answer = lambda order: pytest.fail("it was tried again")
    work(provider, NOW + timedelta(minutes=1))
    assert states() == {after: 1}


def test_what_a_person_has_tried_again_after_an_abort_goes_alone() -> None:
    provider = Provider(lambda order: Refused("no such account"))
    steps.enqueue(orders(1), NOW)
    work(provider, NOW)
    steps.abort("inc_1", "op", "wrong customers", NOW)

    provider.answer = lambda order: Done("ref")
    assert steps.retry_now("act:0", "op", NOW)
    steps.take_stock(0.9, NOW + timedelta(minutes=1))
    work(provider, NOW + timedelta(minutes=1))
    assert states() == {"done": 1}


def test_what_is_enqueued_for_an_aborted_batch_is_cancelled_too() -> None:
    steps.enqueue(orders(3), NOW)
    steps.abort("inc_1", "op", "wrong", NOW)
    steps.enqueue(orders(5, name="late"), NOW)
    assert begin(Provider().declaration, NOW) == []

    while batch().state is not BatchState.ABORTED:
        steps.take_stock(0.9, NOW + SOON)
    assert states() == {"cancelled": 8}
