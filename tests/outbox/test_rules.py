"""What must come before a try, and how waiting, rates and first acts are judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.outbox import rules
from amends.outbox.records import (
    ActState,
    BatchState,
    Claimed,
    Declaration,
    Done,
    Lane,
    Later,
    Order,
    Refused,
    Unknown,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
STRIPE = Declaration("stripe", can_find=True, key_window=timedelta(hours=24))
RESEND = Declaration("resend", key_window=timedelta(hours=24))
SMTP = Declaration("smtp")
CHAT = Declaration("chat", harmless_twice=True)


def claimed(*, unclear: int = 0, age: timedelta = timedelta(0), attempt: int = 2, money: bool = True) -> Claimed:
    payload = {"amount_minor": 499} if money else {}
    return Claimed(Order("k", "remedy.refund", "c", "r", "ada", payload), attempt, unclear, NOW - age)


@pytest.mark.parametrize(
    ("declaration", "unclear", "hours", "first"),
    [
        (STRIPE, 0, 1, "act"),
        (STRIPE, 1, 1, "find"),
        (STRIPE, 0, 20, "find"),  # more than four fifths of the window: the key may be forgotten before we are through
        (STRIPE, 0, -2, "find"),  # the clock was set back: nobody knows how old the key is
        (RESEND, 1, 1, "act"),  # cannot be looked up, but the same key cannot act twice
        (RESEND, 1, 20, "person"),
        (SMTP, 0, 500, "act"),
        (SMTP, 1, 0, "person"),
        (CHAT, 1, 0, "person"),  # money is never harmless
    ],
)
def test_what_comes_before_a_try(declaration: Declaration, unclear: int, hours: float, first: str) -> None:
    assert rules.before_try(claimed(unclear=unclear, age=timedelta(hours=hours)), declaration, NOW) == first


def test_a_harmless_message_is_simply_sent_again() -> None:
    assert rules.before_try(claimed(unclear=1, money=False), CHAT, NOW) == "act"
    assert rules.after_try(claimed(money=False), Unknown("?"), NOW, CHAT).state is ActState.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "declaration", "state"),
    [
        (Done("re_1"), STRIPE, ActState.DONE),
        (Refused("no"), STRIPE, ActState.REFUSED),
        (Later("busy"), STRIPE, ActState.DUE),
        (Unknown("?"), STRIPE, ActState.UNKNOWN),
        (Unknown("?"), SMTP, ActState.IN_DOUBT),
        (None, STRIPE, ActState.IN_DOUBT),  # a connector that answers nonsense
    ],
)
def test_what_an_answer_means(answer: object, declaration: Declaration, state: ActState) -> None:
    assert rules.after_try(claimed(), answer, NOW, declaration).state is state  # type: ignore[arg-type]


def test_what_stays_unclear_again_and_again_goes_before_a_person() -> None:
    last = claimed(unclear=rules.MOST_UNCLEAR - 1)

    assert rules.after_try(last, Unknown("?"), NOW, STRIPE).state is ActState.PARKED
    assert rules.after_loss(last, STRIPE, NOW).state is ActState.PARKED


def test_a_clock_that_jumps_weeks_ahead_gives_nothing_up() -> None:
    jumped = claimed(age=timedelta(days=46), attempt=2)

    assert rules.after_try(jumped, Later("busy"), NOW, STRIPE).state is ActState.DUE
    often = claimed(age=timedelta(days=6), attempt=rules.GIVE_UP_TRIES)
    assert rules.after_try(often, Later("busy"), NOW, STRIPE).state is ActState.PARKED


@given(after_s=st.floats(), attempt=st.integers(1, 1000))
def test_no_answer_sends_an_act_beyond_tomorrow(after_s: float, attempt: int) -> None:
    asked = rules.after_try(claimed(attempt=attempt), Later("busy", after_s), NOW, STRIPE)
    plain = rules.after_try(claimed(attempt=attempt), Later("busy"), NOW, STRIPE)

    assert NOW <= asked.due_at <= NOW + timedelta(hours=27)
    assert NOW < plain.due_at <= NOW + timedelta(hours=1)


@given(gaps=st.lists(st.floats(0, 3), max_size=60), per_s=st.floats(0.5, 50))
def test_a_bucket_never_gives_more_than_its_rate_and_one_fill(gaps: list[float], per_s: float) -> None:
    tokens, at, now, given_out = rules.bucket(per_s), NOW, NOW, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        tokens, at = rules.refilled(tokens, at, now, per_s)
        given_out += int(tokens)
        tokens -= int(tokens)

    assert given_out <= rules.bucket(per_s) + per_s * (now - NOW).total_seconds() + 1e-6


def test_clocks_a_little_apart_do_not_fill_a_bucket_twice_and_a_clock_set_back_does_not_stop_it() -> None:
    ahead = NOW + timedelta(seconds=1)
    assert rules.refilled(0.0, ahead, NOW, 25) == (0.0, ahead)

    tokens, at = rules.refilled(0.0, NOW + timedelta(hours=1), NOW, 25)
    assert rules.refilled(tokens, at, NOW + timedelta(seconds=1), 25)[0] == rules.bucket(25)


@pytest.mark.parametrize(
    ("done", "lost", "state"),
    [
        (17, 0, BatchState.CANARY),
        (18, 0, BatchState.OPEN),
        (0, 2, BatchState.CANARY),
        (0, 3, BatchState.PAUSED),
        (0, 0, BatchState.CANARY),
    ],
)
def test_the_first_acts_decide_about_the_rest(done: int, lost: int, state: BatchState) -> None:
    assert rules.judge_canaries(20, done, lost, 0.9) is state


def test_single_acts_go_before_batches_and_urgent_ones_before_both() -> None:
    def lane(batch: str, urgency: int) -> Lane:
        return Lane("c", "k", batch, False, urgency, NOW)

    lanes = [lane("inc_1", 0), lane("", 5), lane("inc_2", 3), lane("", 1)]
    assert [(found.batch, found.urgency) for found in rules.in_turn(lanes)] == [
        ("", 1),
        ("", 5),
        ("inc_1", 0),
        ("inc_2", 3),
    ]


def test_how_long_the_rest_takes() -> None:
    assert rules.left_s(1_000_000, 0.0, 25) == 40_000
    assert rules.left_s(100, 50.0, 25) == 2
    assert rules.left_s(100, 0.0, 0) is None
