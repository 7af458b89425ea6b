"""A campaign: workers die, Stripe fails, a day goes by and its keys are forgotten. The money moves once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product

import pytest
from tests.outbox.working import begin

from amends.connectors.stripe.connector import StripeConnector
from amends.outbox import answering, claiming, queries, steps
from amends.outbox.records import ActState, Found, NotDone, Order, declared
from amends.testing.contract import NOW
from amends.testing.stripe import StripeStandIn
from amends.worker.lanes import attempt

SECRET = "sk_test_campaign"
FAULTS = ("", "before", "after", "drop", "cut", "busy", "html", "truncated", "other")
KILLS = ("never", "before the wire", "before the answer is written")
JUMPS = (timedelta(minutes=2), timedelta(hours=25))
FIRST_AND_SECOND = product(FAULTS, ("", "before", "after", "drop", "busy"), KILLS)
SCHEDULES = [(*plan, JUMPS[n % 2]) for n, plan in enumerate(FIRST_AND_SECOND)]  # every pair of ways meets both jumps


class Blind(StripeConnector):
    """The mistake that the campaign must catch: it never looks anything up."""

    def find(self, order: Order) -> Found:
        return NotDone()


class World:
    """One Stripe, one outbox, one clock."""

    def __init__(self, standin: StripeStandIn, connector: StripeConnector) -> None:
        self.standin, self.connector, self.now = standin, connector, NOW
        standin.clock = lambda: self.now

    def live(self, key: str, faults: tuple[str, str], kill: str, jump: timedelta) -> ActState:
        """One refund from its booking to its end."""
        payload = {"payment_ref": "pi_1", "amount_minor": 1, "currency": "EUR", "decided_at": "2026-11-24T12:00:00Z"}
        steps.enqueue([Order(key, "remedy.refund", "stripe", "rec", "ada", payload)], self.now)
        self.standin.fault = lambda seen, times: faults[times - 1] if times <= len(faults) else ""
        for tried in range(80):
            self._round(kill if tried == 0 else "never")
            self.now += jump if tried == 0 else timedelta(hours=1)
            claiming.sweep("sweeper", {"stripe": declared(self.connector)}, lambda name: False, self.now)
            act = queries.act(key)
            assert act
            if act.state not in (ActState.DUE, ActState.UNKNOWN, ActState.TRYING):
                break
        return act.state

    def _round(self, kill: str) -> None:
        claims = begin(declared(self.connector), self.now)
        if kill == "before the wire":
            return
        backs = [attempt(claimed, self.connector, declared(self.connector), self._clock) for claimed in claims]
        if kill == "never":
            answering.record("w", [back.answered for back in backs if back.answered], self.now)

    def _clock(self) -> datetime:
        return self.now


@pytest.fixture
def standin() -> Iterator[StripeStandIn]:
    with StripeStandIn(SECRET) as standin:
        standin.paid("pi_1", 1_000_000, "eur")
        yield standin


@pytest.mark.slow
@pytest.mark.django_db
def test_whoever_dies_and_whatever_fails_the_money_moves_once(standin: StripeStandIn) -> None:
    world = World(standin, StripeConnector(standin.url, SECRET, timeout_s=2.0))
    ends = {f"refund:{n}": world.live(f"refund:{n}", plan[:2], *plan[2:]) for n, plan in enumerate(SCHEDULES)}

    moved = Counter(effect["key"] for effect in standin.journal)
    wrong = {SCHEDULES[n]: (ends[key], moved[key]) for n, key in enumerate(ends) if moved[key] != 1}
    assert wrong == {}
    assert set(ends.values()) == {ActState.DONE}
    assert len(SCHEDULES) == 135


@pytest.mark.django_db
def test_the_campaign_catches_a_connector_that_does_not_look(standin: StripeStandIn) -> None:
    world = World(standin, Blind(standin.url, SECRET, timeout_s=2.0))
    for n, fault in enumerate(("drop", "after", "html")):
        world.live(f"refund:{n}", (fault, ""), "never", timedelta(hours=25))

    assert max(Counter(effect["key"] for effect in standin.journal).values()) == 2
