"""What an answer means for an act, when to try again, and how fast a batch may go. No clock, no chance of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from amends.ground.ids import share_of
from amends.outbox.records import (
    ActState,
    Answer,
    BatchState,
    Claimed,
    Declaration,
    Done,
    Found,
    Lane,
    Later,
    NotDone,
    Order,
    Refused,
    Unknown,
)

DONE = ActState.DONE  # asked of the enum it costs ten times as much, and every act that goes well asks four times
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 3600.0
MOST_UNCLEAR = 30  # tries in a row without a clear answer: a person looks at it
GIVE_UP_AFTER = timedelta(days=5)  # put off for so long, and so often that it was not just the clock that jumped
GIVE_UP_TRIES = 20
LEASE = timedelta(seconds=30)
NO_LEASE = timedelta(minutes=5)  # a lease further ahead than this was written before the clock was set back
WINDOW_SHARE = 0.8
BROKEN_AFTER = 5  # so many unclear or late answers in a row: the other side is left in peace for a while
LONGEST_PEACE_S = 60.0
LOST_BY_CHANCE = 3  # of the first acts of a batch; fewer say nothing about the rest
BUCKET_S = 0.25  # a bucket holds what flows in meanwhile: no second gets more than a quarter above its rate
JITTER_OF_CLOCKS = timedelta(seconds=5)


class Next(NamedTuple):
    """Where an act stands after an answer, and from when it may be tried again."""

    state: ActState
    due_at: datetime
    ref: str = ""
    says: str = ""
    unclear: int = 0


def wait_s(key: str, attempts: int) -> float:
    """Back-off that doubles up to an hour, spread by the key so that not everybody knocks at once."""
    wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(20, max(0, attempts - 1)))
    return wait * (0.5 + 0.5 * share_of("back-off", f"{key}:{attempts}"))


def asked_wait_s(key: str, after_s: float) -> float:
    """The wait that the other side asked for, at most a day, and up to a tenth more so that it is not a stampede."""
    asked = min(max(0.0, after_s), 24 * LONGEST_WAIT_S) if math.isfinite(after_s) else LONGEST_WAIT_S
    return asked * (1.0 + 0.1 * share_of("asked", key))


def moves_money(order: Order) -> bool:
    return "amount_minor" in order.payload


def before_try(claimed: Claimed, declaration: Declaration, now: datetime) -> str:
    """What comes first: `act`, `find` (look it up), or `person` when neither is safe any more."""
    if claimed.called_off:
        return "find" if declaration.can_find else "person"
    if claimed.attempt == 1:
        return "act"
    over = _window_over(claimed.first_at, declaration.key_window, now)
    if declaration.can_find:
        return "find" if claimed.unclear or over else "act"
    return "person" if claimed.unclear and not _repeatable(claimed, declaration, now) else "act"


def _window_over(first_at: datetime, window: timedelta | None, now: datetime) -> bool:
    """Whether the other side may have forgotten the key; a clock that was set back proves nothing."""
    if window is None:
        return False
    age = now - first_at
    return age >= window * WINDOW_SHARE or age < -JITTER_OF_CLOCKS


def _repeatable(claimed: Claimed, declaration: Declaration, now: datetime) -> bool:
    """Whether an unclear act may simply be sent again, though nobody can look it up."""
    if declaration.key_window is not None and not _window_over(claimed.first_at, declaration.key_window, now):
        return True
    return declaration.harmless_twice and not moves_money(claimed.order)


def after_try(claimed: Claimed, answer: Answer, now: datetime, declaration: Declaration) -> Next:
    """After acting: done, refused (a person decides), later, or unknown (made sure of before the next try)."""
    if isinstance(answer, Done):
        return Next(DONE, now, answer.ref, "already done" if answer.already else "done")
    if isinstance(answer, Refused):
        return Next(ActState.REFUSED, now, "", answer.reason)
    if isinstance(answer, Later):
        return _after_later(claimed, answer, now, declaration)
    if isinstance(answer, Unknown) and (declaration.can_find or _repeatable(claimed, declaration, now)):
        return _unclear(claimed, answer.reason, now)
    reason = answer.reason if isinstance(answer, Unknown) else f"the connector answered {answer!r}"[:300]
    return in_doubt(claimed, f"{reason}; nobody can look it up, so a person decides", now)


def called_off(now: datetime) -> Next:
    """It was never done, as the other side says, and its batch was aborted meanwhile."""
    return Next(ActState.CANCELLED, now, "", "looked up: it was not done, and its batch was aborted")


def in_doubt(claimed: Claimed, says: str, now: datetime) -> Next:
    """It may or may not have happened, and only a person can find out."""
    return Next(ActState.IN_DOUBT, now, "", says, claimed.unclear + 1)


def _after_later(claimed: Claimed, answer: Later, now: datetime, declaration: Declaration) -> Next:
    key, attempt = claimed.order.key, claimed.attempt
    wait = wait_s(key, attempt) if answer.after_s is None else asked_wait_s(key, answer.after_s)
    # What was unclear was looked up before this try where that is possible; elsewhere it stays unclear.
    unclear = 0 if declaration.can_find else claimed.unclear
    given_up = attempt >= GIVE_UP_TRIES and now - claimed.first_at >= GIVE_UP_AFTER
    state = ActState.PARKED if given_up else ActState.UNKNOWN if unclear else ActState.DUE
    return Next(state, now + timedelta(seconds=wait), "", answer.reason, unclear)


def _unclear(claimed: Claimed, reason: str, now: datetime) -> Next:
    unclear = claimed.unclear + 1
    state = ActState.PARKED if unclear >= MOST_UNCLEAR else ActState.UNKNOWN
    return Next(state, now + timedelta(seconds=wait_s(claimed.order.key, unclear)), "", reason, unclear)


def after_find(claimed: Claimed, found: Found, now: datetime) -> Next | None:
    """After looking up: done, or still unknown; None when it was never done and may be tried with the same key."""
    if isinstance(found, Done):
        return Next(DONE, now, found.ref, "found done when looked up")
    if isinstance(found, NotDone):
        return None
    return _unclear(claimed, found.reason if isinstance(found, Unknown) else f"looked up: {found!r}"[:300], now)


def after_loss(claimed: Claimed, declaration: Declaration | None, now: datetime) -> Next:
    """A worker died, or was held up past its lease, with this act on its way.

    What several workers died of waits longer each time, so that it does not keep them from everything else.
    """
    says = "the worker went away while this was on its way"
    if declaration is None or not (declaration.can_find or _repeatable(claimed, declaration, now)):
        return in_doubt(claimed, f"{says}; it may or may not have arrived", now)
    after = _unclear(claimed, says, now)
    return after if after.unclear > 2 or after.state is ActState.PARKED else _at_once(after, now)


def _at_once(after: Next, now: datetime) -> Next:
    return Next(after.state, now, after.ref, after.says, after.unclear)


def in_turn(lanes: Iterable[Lane]) -> list[Lane]:
    """Single acts before batches, then the more urgent, then the older: nothing single waits behind a million."""
    return sorted(lanes, key=lambda lane: (lane.batch != "", lane.urgency, lane.due_at))


def may_go(lane: Lane, state: BatchState | None) -> bool:
    """Whether acts of this lane may be begun, by the state of their batch."""
    if not lane.batch or state in (None, BatchState.OPEN, BatchState.ABORTED):
        return True  # of an aborted batch only what may have happened is left: it is looked up
    return state is BatchState.CANARY and lane.canary


def refilled(tokens: float, filled_at: datetime, now: datetime, per_s: float) -> tuple[float, datetime]:
    """Tokens in the bucket now, and the moment they are counted from.

    Machines whose clocks differ by a little must not fill it twice; a clock that was set back must not stop it.
    """
    elapsed = (now - filled_at).total_seconds()
    if -JITTER_OF_CLOCKS.total_seconds() <= elapsed < 0:
        return tokens, filled_at
    return min(bucket(per_s), tokens + max(0.0, elapsed) * per_s), now


def bucket(per_s: float) -> float:
    """What a full bucket holds."""
    return max(1.0, per_s * BUCKET_S)


def peace_s(name: str, broken: int) -> float:
    """How long an endpoint that fails again and again is left alone: doubling to a minute, spread a little."""
    wait = min(LONGEST_PEACE_S, 2.0 ** min(10, max(1, broken)))
    return wait * (0.75 + 0.25 * share_of("peace", f"{name}:{broken}"))


def judge_canaries(canaries: int, done: int, lost: int, good_share: float) -> BatchState:
    """Whether the first acts of a batch let the rest go (`open`), stop it (`paused`) or say nothing yet (`canary`).

    One or two that are lost stop nothing: that happens to single acts too.
    """
    if lost >= LOST_BY_CHANCE and lost > canaries * (1 - good_share) + 1e-9:
        return BatchState.PAUSED
    enough = done >= canaries * good_share - 1e-9 or done + lost >= canaries
    return BatchState.OPEN if canaries and enough else BatchState.CANARY


def left_s(waiting: int, speed: float, per_s: float) -> float | None:
    """How long what waits will take: by the speed seen lately, else by the limit; None when neither is known."""
    pace = speed or per_s
    return waiting / pace if pace > 0 else None


def smoothed(before: float, now: float, share: float = 0.3) -> float:
    return now if before <= 0 else before + share * (now - before)


def endpoints(declaration: Declaration, kind: str) -> Sequence[tuple[str, float]]:
    """The buckets that a request of this kind takes from: name and requests a second."""
    found = []
    if declaration.per_s > 0:
        found.append((declaration.name, declaration.per_s))
    if declaration.per_s_of.get(kind, 0) > 0:
        found.append((f"{declaration.name}/{kind}", declaration.per_s_of[kind]))
    return found
