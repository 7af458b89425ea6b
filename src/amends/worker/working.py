"""What a worker does: it moves the story and delivers acts, until it is stopped or nothing is left to do."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from datetime import UTC, datetime

from django.conf import settings
from django.db import DatabaseError

import amends.incidents.queries
import amends.outbox.queries
import amends.recoveries.queries
import amends.remedies.settling
import amends.signals.queries
from amends.ground.counts import counted
from amends.web import server
from amends.worker import addresses, deliver, story
from amends.worker.lock import story_lock
from amends.worker.logs import set_up
from amends.worker.tree import GRACE_S, give_up, stop_on_signals

log = logging.getLogger("amends.worker")
STORY_S = 1.0  # so often a worker looks whether the story is free


def work() -> int:
    """Deliver acts, and move the story while no other worker does, until SIGTERM or SIGINT."""
    set_up()
    if wrong := addresses.undecodable(settings.AMENDS.billing.secret):
        return give_up(f"{wrong}; nothing sent with it would be believed")
    if os.environ.get("AMENDS_CHILD"):
        server.die_with_parent()
    stop = stop_on_signals()
    delivering = threading.Thread(target=deliver.run, args=(stop,), name="deliver")
    delivering.start()
    while not stop.is_set():
        try:
            _tell_the_story(stop)
        except DatabaseError as error:
            log.error("the database does not answer; it is asked again: %s", " ".join(str(error).split()))
            stop.wait(story.TROUBLE_S)
    delivering.join(GRACE_S)
    return 0


def _tell_the_story(stop: threading.Event) -> None:
    """Move the story as long as we may, or wait a moment while another does."""
    with story_lock(settings.AMENDS.var) as held:
        if held:
            story.run(stop, held)
        else:
            stop.wait(STORY_S)


def drain(until_idle: bool, timeout: float) -> int:
    """Run until nothing is due; with `until_idle` also until no session is open and no act waits for a later try.

    1 when time ran out. Where another worker holds the story, its work is watched instead.
    """
    set_up(os.environ.get("AMENDS_LOG", "WARNING"))
    deadline, before, quiet = time.monotonic() + timeout, {"": -1}, 0.0
    while time.monotonic() < deadline:
        with story_lock(settings.AMENDS.var) as held:
            idle = story.run_until_idle(deliver.once, deadline) if held else False
        left = pending(until_idle)
        if not any(left.values()):
            left["answers to settle"] = amends.remedies.settling.unsettled()
        quiet = 0.0 if any(left.values()) else quiet or time.time()
        if quiet and (idle or _agrees(quiet, left == before)):
            _tell_what_waits()
            return 0
        before = left
        time.sleep(0.2 if held else 1.0)
    print(f"not idle after {timeout:g} s: {', '.join(f'{n} {what}' for what, n in left.items() if n)}", file=sys.stderr)
    return 1


def _tell_what_waits() -> None:
    """Nothing more can be done now; where that is because another side does not answer, this says so."""
    for one in amends.outbox.queries.endpoints():
        if one.waiting and one.broken and one.peace_until:
            waits = counted(one.waiting, "act waits", "acts wait")
            print(
                f"{waits} for {one.name}, to be tried again from {one.peace_until:%H:%M} UTC on: {one.says}",
                file=sys.stderr,
            )


def _agrees(quiet: float, twice: bool) -> bool:
    """Whether the worker that holds the story found nothing to do either, in a turn begun since we saw nothing left."""
    began = story.last_idle(settings.AMENDS.var)
    return twice if began is None else began > quiet


def pending(until_idle: bool) -> dict[str, int]:
    """What is left to do by machine."""
    signals = amends.signals.queries.pending()
    if not until_idle:
        signals.pop("open sessions")
        return signals | {"acts due": amends.outbox.queries.due_count(datetime.now(UTC))}
    recoveries = amends.recoveries.queries.counts()
    return signals | {
        "acts": amends.outbox.queries.open_count(),
        "approved recoveries": recoveries.get("approved", 0),
        "incidents to settle": amends.incidents.queries.unsettled(),
    }
