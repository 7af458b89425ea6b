"""What an answer means for an act, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from amends.ground.ids import share_of
from amends.outbox.records import ActState, Answer, Done, Found, Later, NotDone, Refused

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 3600.0
MOST_TRIES = 60
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class Next:
    """Where an act stands after an answer, and from when it may be tried again."""

    state: ActState
    due_at: datetime
    ref: str = ""
    says: str = ""


def wait_s(key: str, attempts: int) -> float:
    """Back-off that doubles up to an hour, spread by the key so that not everybody knocks at once."""
    wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(20, max(0, attempts - 1)))
    return wait * (0.5 + 0.5 * share_of("back-off", f"{key}:{attempts}"))


def after_try(key: str, attempts: int, answer: Answer, now: datetime, *, can_find: bool) -> Next:
    """After acting: done, refused (a person decides), later, or unknown (looked up before the next try)."""
    if isinstance(answer, Done):
        return Next(ActState.DONE, now, answer.ref, "already done" if answer.already else "done")
    if isinstance(answer, Refused):
        return Next(ActState.REFUSED, now, "", answer.reason)
    again = now + timedelta(seconds=wait_s(key, attempts))
    if isinstance(answer, Later):
        if answer.after_s is not None:
            again = now + timedelta(seconds=min(max(0.0, answer.after_s), 24 * LONGEST_WAIT_S))
        return Next(_or_parked(ActState.DUE, attempts), again, "", answer.reason)
    if not can_find:
        return Next(ActState.IN_DOUBT, now, "", f"{answer.reason}; nobody can look it up, so a person decides")
    return Next(_or_parked(ActState.UNKNOWN, attempts), again, "", answer.reason)


def after_find(key: str, attempts: int, found: Found, now: datetime) -> Next | None:
    """After looking up: done, or still unknown; None when it was never done and may be tried with the same key."""
    if isinstance(found, Done):
        return Next(ActState.DONE, now, found.ref, "found done when looked up")
    if isinstance(found, NotDone):
        return None
    again = now + timedelta(seconds=wait_s(key, attempts))
    return Next(_or_parked(ActState.UNKNOWN, attempts), again, "", found.reason)


def _or_parked(state: ActState, attempts: int) -> ActState:
    return ActState.PARKED if attempts >= MOST_TRIES else state
