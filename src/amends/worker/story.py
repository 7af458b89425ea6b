"""The story loop: each room in turn pulls from the rooms before it; stopping anywhere loses nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event

from django.db import close_old_connections

import amends.closure.steps
import amends.failures.steps
import amends.incidents.steps
import amends.notices.steps
import amends.recoveries.steps
import amends.remedies.steps
import amends.signals.steps

log = logging.getLogger("amends.worker")
Step = Callable[[datetime], int]

STORY: Sequence[Step] = (
    amends.signals.steps.absorb,
    amends.signals.steps.view,
    amends.failures.steps.judge,
    amends.failures.steps.take_observed,
    amends.incidents.steps.gather,
    amends.incidents.steps.settle,
    amends.recoveries.steps.decide,
    amends.remedies.steps.provide,
    amends.remedies.steps.settle,
    amends.notices.steps.compose,
    amends.closure.steps.follow_up,
)
IDLE_S = 0.2
TROUBLE_S = 2.0


def clock() -> datetime:
    return datetime.now(UTC)


def turn(now: datetime | None = None) -> int:
    """Let every room do its part once; the number of things that changed."""
    changed = 0
    for step in STORY:
        changed += step(now or clock())
    return changed


def run(stop: Event, still_held: Callable[[], bool]) -> None:
    """Turn until told to stop or the story is lost; an error in one turn is logged and the next tries again."""
    amends.signals.steps.open_reports.cache_clear()  # another worker may have gone on since we last looked
    while not stop.is_set() and still_held():
        close_old_connections()
        try:
            pause = 0.0 if turn() else IDLE_S
        except Exception:
            log.exception("a turn of the story failed; nothing is lost, it is tried again")
            pause = TROUBLE_S
        stop.wait(pause)


def run_until_idle(deliver_once: Callable[[datetime], int], deadline: float) -> bool:
    """Turn story and delivery by turns until neither changes anything; False when time ran out first."""
    while time.monotonic() < deadline:
        if not turn() + deliver_once(clock()):
            return True
    return False
