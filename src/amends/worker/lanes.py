"""The threads that touch the wire. They read no clock of the wall and no database: claims in, answers out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import NamedTuple

from amends.outbox import rules
from amends.outbox.answering import Answered
from amends.outbox.records import (
    Answer,
    Claimed,
    Connector,
    Declaration,
    Done,
    Found,
    Later,
    Unknown,
)

log = logging.getLogger("amends.deliver")
Clock = Callable[[], datetime]
NO_CLEAR_ANSWER = (Unknown, Later)
HAND_OVER_S = 0.005  # answers that come faster than this are handed over together


class Back(NamedTuple):
    """What a lane hands back: the answer to write down (None: never touched the wire), and what the other side said."""

    claimed: Claimed
    answered: Answered | None
    said: Answer | Found | None = None


class Lanes:
    """One connector's lanes in this worker: `at_once` threads that take claims one by one."""

    def __init__(
        self, connector: Connector, declaration: Declaration, clock: Clock, out: SimpleQueue[list[Back]]
    ) -> None:
        self.connector = connector
        self.declaration = declaration
        self.clock = clock
        self.out = out
        self.waiting: SimpleQueue[Claimed | None] = SimpleQueue()
        self.stopped = Event()
        self.good_until = 0.0  # by the monotonic clock: the leases surely hold until then
        self.threads: list[Thread] = []

    def put(self, claims: list[Claimed], good_until: float) -> None:
        """Hand claims over. They are not sent after `good_until`, when somebody else may have taken them."""
        self.good_until = good_until
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        for _ in range(min(len(claims), self.declaration.at_once - len(self.threads))):
            thread = Thread(target=self._run, name=f"lane-{self.declaration.name}-{len(self.threads)}", daemon=True)
            self.threads.append(thread)
            thread.start()
        for claimed in claims:
            self.waiting.put(claimed)

    def stop(self) -> list[Claimed]:
        """What is on the wire is finished; the rest is handed back, untouched."""
        self.stopped.set()
        untouched = []
        while True:
            try:
                claimed = self.waiting.get_nowait()
            except Empty:
                break
            untouched += [claimed] if claimed is not None else []
        for _ in self.threads:
            self.waiting.put(None)
        return untouched

    def _run(self) -> None:
        done: list[Back] = []
        since = time.monotonic()
        while (claimed := self.waiting.get()) is not None:
            at = time.monotonic()
            stays = self.stopped.is_set() or at >= self.good_until
            done.append(
                Back(claimed, None) if stays else attempt(claimed, self.connector, self.declaration, self.clock)
            )
            if self.waiting.empty() or at - since > HAND_OVER_S:
                self.out.put(done)
                done, since = [], time.monotonic()
        self.out.put(done)


def attempt(claimed: Claimed, connector: Connector, declaration: Declaration, clock: Clock) -> Back:
    """One try of one act: looked up first where that must be, and what a connector did not foresee is unclear."""
    try:
        return _attempt(claimed, connector, declaration, clock)
    except Exception as error:
        log.exception("a connector failed", extra={"act": claimed.order.key})
        unknown = Unknown(f"the connector failed: {type(error).__name__}: {error}")
        return _back(claimed, "act", rules.after_try(claimed, unknown, clock(), declaration), unknown)


def _attempt(claimed: Claimed, connector: Connector, declaration: Declaration, clock: Clock) -> Back:
    now = clock()
    first = rules.before_try(claimed, declaration, now)
    if first == "person":
        says = "it was unclear, nobody can look it up, and the other side may have forgotten the key"
        if claimed.called_off:
            says = "its batch was aborted, and nobody can look up whether it was done"
        return _back(claimed, "act", rules.in_doubt(claimed, says, clock()), None)
    if first == "find":
        found = connector.find(claimed.order)
        known = rules.after_find(claimed, found, clock())
        if known is None and claimed.called_off:
            known = rules.called_off(clock())
        if known is not None:
            return _back(claimed, "find", known, found)
        now = clock()
    answer = connector.act(claimed.order, now)
    then = now if isinstance(answer, Done) else clock()
    return _back(claimed, "act", rules.after_try(claimed, answer, then, declaration), answer)


def _back(claimed: Claimed, what: str, after: rules.Next, said: Answer | Found | None) -> Back:
    return Back(claimed, Answered(claimed.order.key, claimed.attempt, what, after, claimed.place), said)


def failed(back: Back) -> bool:
    """Whether the other side gave no clear answer."""
    return isinstance(back.said, NO_CLEAR_ANSWER)
