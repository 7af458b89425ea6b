"""What a worker outlives: a clock that was set while nobody ran, workers that died, a database that is away."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.outbox.test_pacing import Provider, orders, states
from tests.outbox.working import begin, work
from tests.worker.shop import Shop, free_port

from amends.outbox import steps
from amends.outbox.records import Done, Later
from amends.worker.deliver import Deliverer
from amends.worker.lock import worker_name


def _turn_until_done(deliverer: Deliverer, seconds: float) -> None:
    until = time.monotonic() + seconds
    while set(states()) != {"done"} and time.monotonic() < until:
        deliverer.turn()


@pytest.mark.django_db
def test_what_was_put_off_before_the_clock_was_set_back_waits_no_longer_for_a_worker_that_starts_after() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    provider = Provider(lambda order: Later("busy", 0.1))
    steps.enqueue(orders(2, batch=""), ahead)
    work(provider, ahead)
    provider.answer = lambda order: Done("ref")

    deliverer = Deliverer({"billing": provider})
    deliverer.look_round()
    _turn_until_done(deliverer, 5)

    assert states() == {"done": 2}


@pytest.mark.django_db
def test_what_a_dead_worker_left_is_taken_up_though_leases_cannot_be_judged_by_the_clock() -> None:
    provider = Provider()
    steps.enqueue(orders(2, batch=""), datetime.now(UTC))
    machine = worker_name().rsplit(":", 3)[0]
    begin(provider.declaration, datetime.now(UTC), f"{machine}:4194304:1:dead")

    deliverer = Deliverer({"billing": provider})
    deliverer.no_sweep_until = float("inf")
    _turn_until_done(deliverer, 5)

    assert states() == {"done": 2}


@pytest.mark.django_db
def test_what_a_worker_elsewhere_has_begun_is_left_to_it_while_leases_cannot_be_judged_by_the_clock() -> None:
    provider = Provider()
    before = datetime.now(UTC) - timedelta(minutes=2)
    steps.enqueue(orders(2, batch=""), before)
    begin(provider.declaration, before, "elsewhere")

    deliverer = Deliverer({"billing": provider})
    deliverer.no_sweep_until = float("inf")
    _turn_until_done(deliverer, 1.5)

    assert states() == {"trying": 2}


def test_a_database_that_does_not_answer_is_asked_again_and_ends_no_worker(shop: Shop) -> None:
    nowhere = f"postgresql://127.0.0.1:{free_port()}/amends"
    worker = shop.start("worker", AMENDS_DATABASE_URL=nowhere)
    assert worker.stderr
    told = 0
    while told < 2:
        told += "the database does not answer" in (line := worker.stderr.readline())
        assert line
    assert worker.poll() is None

    asked = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - asked < 3
