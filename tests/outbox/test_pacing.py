"""Batches go out a few first; they pause, resume and abort as one; endpoints that fail are left in peace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from tests.outbox.working import begin, work

from amends.outbox import claiming, queries, rules, steps
from amends.outbox.records import (
    Act,
    ActState,
    Answer,
    BatchState,
    Declaration,
    Done,
    Found,
    Later,
    NotDone,
    Order,
    Refused,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOON = timedelta(seconds=1)
pytestmark = pytest.mark.django_db


class Provider:
    """Answers as the test says, and remembers what it was asked."""

    name = "billing"
    can_find = True

    def __init__(self, answer: Callable[[Order], Answer] = lambda order: Done("ref")) -> None:
        self.declaration = Declaration("billing", can_find=True, key_window=timedelta(hours=24))
        self.answer = answer
        self.acted: list[str] = []
        self.found: list[str] = []

    def act(self, order: Order, now: datetime) -> Answer:
        self.acted.append(order.key)
        return self.answer(order)

    def find(self, order: Order) -> Found:
        self.found.append(order.key)
        return Done("found") if order.key in self.acted else NotDone()


def orders(number: int, batch: str = "inc_1", urgency: int = 1, name: str = "act") -> list[Order]:
    payload = {"amount_minor": 499, "currency": "EUR"}
    return [
        Order(f"{name}:{n}", "remedy.refund", "billing", f"rec_{n}", "ada", payload, urgency, None, batch)
        for n in range(number)
    ]


def states() -> dict[str, int]:
    return queries.counts()


def batch(name: str = "inc_1") -> Any:
    (found,) = queries.batches(batch=name)
    return found


def test_the_first_acts_go_alone_and_the_rest_follows_when_they_are_done() -> None:
    provider = Provider()
    steps.enqueue(orders(50), NOW)
    work(provider, NOW)
    work(provider, NOW)
    assert states() == {"done": 20, "due": 30}

    assert steps.take_stock(0.9, NOW + SOON) == 1
    work(provider, NOW + SOON)
    assert states() == {"done": 50}
    assert batch().says == "20 of the first 20 are done"


def test_a_batch_whose_first_acts_are_refused_pauses_and_says_why() -> None:
    provider = Provider(lambda order: Refused("402 the account is closed"))
    steps.enqueue(orders(50), NOW)
    work(provider, NOW)
    steps.take_stock(0.9, NOW + SOON)
    work(provider, NOW + SOON)

    assert states() == {"refused": 20, "due": 30}
    assert batch().state is BatchState.PAUSED
    assert batch().says == "20 of the first 20 came to nothing, the last with: 402 the account is closed"


def test_what_comes_later_waits_for_the_first_as_well() -> None:
    steps.enqueue(orders(15), NOW)
    steps.enqueue(orders(15, name="late"), NOW)

    assert len(begin(Provider().declaration, NOW)) == 20


def test_a_single_act_does_not_wait_behind_a_batch_however_urgent_that_is() -> None:
    steps.enqueue(orders(50, urgency=0), NOW)
    steps.enqueue(orders(1, batch="", urgency=5, name="single"), NOW + SOON)

    (first,) = begin(Provider().declaration, NOW + SOON, room=1)
    assert first.order.key == "single:0"


def test_a_paused_batch_begins_nothing_and_goes_on_where_it_was() -> None:
    provider = Provider()
    steps.enqueue(orders(50), NOW)
    work(provider, NOW, room=5)
    assert steps.pause("inc_1", "op", "the amounts look wrong", NOW) == 1
    assert work(provider, NOW + SOON) == []

    assert steps.resume("inc_1", "op", "they are right", NOW) == 1
    assert batch().state is BatchState.CANARY
    assert len(work(provider, NOW + SOON)) == 15
    assert [(who, state) for _, _, who, state, _ in queries.moves("inc_1")] == [("op", "paused"), ("op", "canary")]


def test_a_paused_million_costs_a_claim_nothing() -> None:
    steps.enqueue(orders(3000), NOW)
    steps.pause("inc_1", "op", "look first", NOW)
    steps.enqueue(orders(1, batch="", name="single"), NOW)
    with connection.execute_wrapper(_no_scan):
        (claimed,) = begin(Provider().declaration, NOW)

    assert claimed.order.key == "single:0"


def _no_scan(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if connection.vendor == "sqlite" and "outbox_actrow" in sql and sql.lstrip().startswith(("WITH", "SELECT")):
        plan = execute("EXPLAIN QUERY PLAN " + sql, params, many, context).fetchall()
        assert not any("SCAN outbox_actrow" in str(row) or "SCAN b" in str(row) for row in plan), plan
    return execute(sql, params, many, context)


def test_how_far_a_batch_is_and_how_long_it_will_take() -> None:
    provider = Provider()
    steps.enqueue(orders(100), NOW)
    work(provider, NOW)
    steps.take_stock(0.9, NOW + timedelta(seconds=10))

    found = batch()
    assert (found.total, found.done, found.waiting, found.speed) == (100, 20, 80, 2.0)
    assert found.left_s == 40


def test_a_broken_endpoint_is_left_in_peace_then_probed_with_one_act() -> None:
    declaration = Provider().declaration
    steps.enqueue(orders(30, batch=""), NOW)
    wait = claiming.broke("billing", 0.0, "503", NOW)
    assert begin(declaration, NOW + SOON / 2) == []

    after = NOW + timedelta(seconds=wait)
    (probe,) = begin(declaration, after)
    assert probe.probe
    assert begin(declaration, after, "another") == []  # one probe at a time, over all workers
    claiming.works("billing")
    assert len(begin(declaration, after)) == 29


def test_what_waits_for_an_endpoint_left_in_peace_is_not_due() -> None:
    steps.enqueue(orders(3, batch=""), NOW)
    wait = claiming.broke("billing", 0.0, "503", NOW)

    assert queries.due_count(NOW) == 0
    assert queries.due_count(NOW + timedelta(seconds=wait)) == 3
    assert queries.due_count(NOW - timedelta(days=9)) == 0


def test_peace_grows_with_every_failure_and_a_clock_set_back_does_not_prolong_it() -> None:
    waits = [claiming.broke("billing", 0.0, "503", NOW) for _ in range(9)]
    assert waits[0] < waits[2] < waits[4] <= rules.LONGEST_PEACE_S
    steps.enqueue(orders(1, batch=""), NOW - timedelta(hours=2))

    assert len(begin(Provider().declaration, NOW - timedelta(hours=1))) == 1


def test_an_act_past_four_fifths_of_the_key_window_is_looked_up_before_it_is_tried_again() -> None:
    provider = Provider(lambda order: Later("busy"))
    steps.enqueue(orders(1, batch=""), NOW)
    work(provider, NOW)
    work(provider, NOW + timedelta(hours=1))
    assert provider.found == []

    provider.answer = lambda order: Done("ref")
    work(provider, NOW + timedelta(hours=25))
    assert provider.found == ["act:0"]
    assert states() == {"done": 1}
    assert len(provider.acted) == 2  # the look-up found it: it was not done a third time


def test_a_limit_for_one_kind_holds_that_kind_only() -> None:
    declaration = Declaration("billing", can_find=True, per_s_of={"remedy.refund": 8})
    credit = [Order(f"credit:{n}", "remedy.credit", "billing", f"r{n}", "ada", {}) for n in range(10)]
    steps.enqueue([*orders(10, batch=""), *credit], NOW)

    kinds = [claimed.order.kind for claimed in begin(declaration, NOW)]
    assert kinds.count("remedy.refund") == 2  # a quarter of a second's worth
    assert kinds.count("remedy.credit") == 10


def test_what_other_sides_write_can_always_be_kept() -> None:
    provider = Provider(lambda order: Done("ref \x00 \ud800 " + "x" * 9000))
    steps.enqueue(orders(1, batch=""), NOW)
    work(provider, NOW)

    assert queries.recent(1)[0].ref.startswith("ref ? ? xxx")


def test_a_connector_that_breaks_on_one_act_parks_that_act_and_serves_the_others() -> None:
    def answer(order: Order) -> Answer:
        if order.key == "act:0":
            raise KeyError("poison")
        return Done("ref")

    provider = Provider(answer)
    provider.find = lambda order: NotDone()  # type: ignore[method-assign]
    steps.enqueue(orders(3, batch=""), NOW)
    for hour in range(rules.MOST_UNCLEAR + 1):
        work(provider, NOW + timedelta(hours=hour))

    assert states() == {"done": 2, "parked": 1}
    assert "KeyError" in queries.for_a_person(5)[0].last_answer


def test_a_damaged_payload_stops_nobody_else() -> None:
    steps.enqueue(orders(3, batch=""), NOW)
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL refuses to keep it")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute("""UPDATE outbox_actrow SET payload = '{"amount' WHERE "key" = 'act:1'""")
        cursor.execute("PRAGMA ignore_check_constraints = OFF")

    assert len(work(Provider(), NOW)) == 2
    assert states() == {"done": 2, "parked": 1}


@pytest.mark.parametrize("jump", [timedelta(minutes=2), timedelta(hours=25), timedelta(days=46), -timedelta(hours=1)])
def test_a_clock_that_jumps_loses_nothing_and_doubles_nothing(jump: timedelta) -> None:
    provider = Provider()
    steps.enqueue(orders(4, batch=""), NOW)
    held = begin(provider.declaration, NOW, "old", room=2)  # on its way when the clock is set
    provider.acted.append(held[0].order.key)  # one of them had taken effect
    steps.clock_went_back(NOW + jump)
    for minutes, gone in ((0, False), (1, False), (10, True)):
        now = NOW + jump + timedelta(minutes=minutes)
        claiming.sweep("w", {"billing": provider.declaration}, lambda name, gone=gone: gone, now)  # type: ignore[misc]
        work(provider, now)

    assert states() == {"done": 4}
    assert sorted(provider.acted) == [f"act:{n}" for n in range(4)]


def test_a_clock_set_back_keeps_the_day_that_was_planned() -> None:
    planned = Order("call:1", "remedy.call", "billing", "r", "ada", {}, 5, NOW + timedelta(days=3))
    steps.enqueue([planned, *orders(1, batch="")], NOW)
    steps.clock_went_back(NOW - timedelta(hours=1))

    due = {act.key: act.due_at for act in queries.recent(5)}
    assert due == {"call:1": NOW + timedelta(days=3), "act:0": NOW - timedelta(hours=1)}


def test_a_claim_given_back_is_as_if_it_had_not_been() -> None:
    steps.enqueue(orders(2, batch=""), NOW)
    claims = begin(Provider().declaration, NOW)
    assert claiming.give_back("w", claims, NOW) == 2

    act: Act = queries.recent(1)[0]
    assert (act.state, act.attempts) == (ActState.DUE, 0)


def test_the_desk_shows_a_batch_and_stops_it_with_a_reason(client: Client) -> None:
    user = User.objects.create_user("op", password="a long password", is_staff=True)
    user.groups.add(Group.objects.create(name="care"))
    client.force_login(user)
    steps.enqueue(orders(50), datetime.now(UTC))
    assert b"inc_1" in client.get("/desk/sending").content

    client.post("/desk/sending/inc_1/pause", {"why": " "})
    assert batch().state is BatchState.CANARY
    client.post("/desk/sending/inc_1/pause", {"why": "wrong amounts"})
    assert batch().state is BatchState.PAUSED
    page = client.get("/desk/sending/inc_1").content.decode()
    assert "wrong amounts" in page
    client.post("/desk/sending/inc_1/abort", {"why": "wrong customers"})
    assert states() == {"cancelled": 50}
