"""Asking other bodies' servers how our reports stand there. Threads touch the wire, the story's own hand the rows."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from zoneinfo import ZoneInfo

from django.conf import settings

from amends.connectors.open311 import far, fetching
from amends.connectors.open311.far import Far
from amends.connectors.open311.fetching import Asked, Brought
from amends.reports import forwarding, reading, updating
from amends.reports.catalogue import Body, Open311

log = logging.getLogger("amends.open311")
READER, NIGHT = "updates:{}", "updates by night:{}"
OVERLAP = timedelta(minutes=30)  # clocks differ, and some servers tell an update only once it is through a queue
FIRST_LOOK = timedelta(days=1)
CATCH_UP = timedelta(days=1)  # once a night: what came later than the overlap forgives
FURTHEST = timedelta(days=30)  # behind, after a long silence of ours
NIGHT_HOUR = 3
LONGEST_PEACE_S = 3600.0
LOOK_S = 0.1  # so long a turn of the story waits for what is on its way


@dataclass
class Asking:
    """What this worker has on its way, and whom it leaves in peace."""

    back: SimpleQueue[tuple[str, Asked, Brought]] = field(default_factory=SimpleQueue)
    running: set[str] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    not_before: dict[str, float] = field(default_factory=dict)
    fars: dict[str, tuple[Open311, Far]] = field(default_factory=dict)


asking = Asking()


def go_on(now: datetime) -> int:
    """Take in what has come, and ask whom it is time to ask; how much changed, one for what is on its way included."""
    bodies = {body.code: body for body in forwarding.bodies()}
    if not bodies and not asking.running:
        return 0
    for body in bodies.values():
        if body.code not in asking.running and time.monotonic() >= asking.not_before.get(body.code, 0.0):
            _begin(body, now)
    changed = _take_in(bodies, now)
    return changed + len(asking.running)


def _begin(body: Body, now: datetime) -> None:
    """Ask a body whose time has come, if there is anything of ours there."""
    there = body.open311
    last = datetime.fromtimestamp(reading.upto(READER.format(body.code)), UTC)
    if there is None or last <= now < last + timedelta(seconds=there.every_s):
        return
    watched = updating.watched(body, now)
    if not watched.ids and not watched.tokens:
        return
    whole = reading.upto(NIGHT.format(body.code)) < _night(now)
    since = max(min(last, now) - OVERLAP, now - FURTHEST) if last.year > 1970 else now - FIRST_LOOK
    asked = Asked(min(since, now - CATCH_UP) if whole else since, now, watched.ids, watched.tokens, whole)
    asking.running.add(body.code)
    Thread(target=_ask, args=(body.code, _far(body, there), asked), name=f"fetch-{body.code}", daemon=True).start()


def _night(now: datetime) -> int:
    """The day to which this moment's night belongs."""
    here = now.astimezone(ZoneInfo(settings.AMENDS.company.time_zone))
    return (here - timedelta(hours=NIGHT_HOUR)).toordinal()


def _far(body: Body, there: Open311) -> Far:
    known = asking.fars.get(body.code)
    if known is None or known[0] != there:
        known = asking.fars[body.code] = (there, far.of(forwarding.name_of(body), there))
    return known[1]


def _ask(code: str, there: Far, asked: Asked) -> None:
    try:
        brought = fetching.fetch(there, asked)
    except Exception as error:
        log.exception("a body's server could not be asked", extra={"body": code})
        brought = Brought(trouble=f"{type(error).__name__}: {error}")
    asking.back.put((code, asked, brought))


def _take_in(bodies: Mapping[str, Body], now: datetime) -> int:
    changed = 0
    while asking.running:
        try:
            code, asked, brought = asking.back.get(timeout=LOOK_S)
        except Empty:
            return changed
        asking.running.discard(code)
        if code in bodies:
            changed += _took(bodies[code], asked, brought, now)
    return changed


def _took(body: Body, asked: Asked, brought: Brought, now: datetime) -> int:
    """What came is taken in also where not all came; the window moves on only where it did."""
    changed = sum(updating.resolve(body, token, number, now) for token, number in brought.numbers.items())
    changed += updating.take(body, brought.told, now)
    changed += sum(updating.expect(body, number, at, now) for number, at in brought.expected.items())
    changed += sum(updating.late(body, token, now) for token in asked.tokens if token not in brought.numbers)
    if brought.trouble:
        _failed(body.code, brought.trouble)
        return changed
    asking.failures.pop(body.code, None)
    reading.read(READER.format(body.code), int(asked.until.timestamp()))
    if asked.whole:
        reading.read(NIGHT.format(body.code), _night(asked.until))
    return changed


def _failed(code: str, trouble: str) -> None:
    count = asking.failures[code] = asking.failures.get(code, 0) + 1
    wait_s = min(LONGEST_PEACE_S, 15.0 * 2.0 ** min(count, 10))
    asking.not_before[code] = time.monotonic() + wait_s
    log.warning("%s was not heard: %s; asked again in %.0f s", code, trouble, wait_s, extra={"body": code})
