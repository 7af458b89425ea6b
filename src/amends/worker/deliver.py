"""The deliver loop: claim acts in groups, hand them to their connectors' lanes, write the answers down in groups.

One thread speaks with the database, so that a group is one commit however many lanes work. Any number of workers may
run.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from queue import Empty, SimpleQueue
from threading import Event

from django.conf import settings
from django.db import DatabaseError, OperationalError, close_old_connections, transaction

import amends.ground.clock
from amends.outbox import answering, claiming, steps
from amends.outbox.records import Claimed, Connector, Lane, Later, Unknown, declared
from amends.outbox.rules import BROKEN_AFTER, DONE, LEASE
from amends.recoveries.queries import stopped_policies
from amends.worker import wires
from amends.worker.lanes import Back, Lanes, failed
from amends.worker.lock import is_gone, worker_name

log = logging.getLogger("amends.deliver")
IDLE_S = 0.1
GATHER_S = 0.005  # so long the first answer of a group waits for others, or twice as long as a commit takes
MOST_GATHER_S = 0.1
SOON_S = 2.0  # no more is begun than is answered in about so many seconds
SWEEP_S = 1.0
RENEW_S = LEASE.total_seconds() / 4
HELD_UP_S = 300.0  # a lane that hangs for so long loses its lease
JUMP_S = 5.0
TROUBLE_S = 2.0
GRACE_S = 18.0
ROUND_S = 1.0
MONEY = "remedy."


def clock() -> datetime:
    return amends.ground.clock.now()


class Door:
    """What this worker knows of one connector: its lanes, what is on its way, and how much of it may be."""

    def __init__(self, connector: Connector, out: SimpleQueue[list[Back]]) -> None:
        self.declaration = declared(connector)
        self.lanes = Lanes(connector, self.declaration, clock, out)
        self.out: dict[str, tuple[Claimed, float]] = {}
        self.window = 2 * self.declaration.at_once
        self.failed = 0

    def room(self) -> int:
        """How many acts may be begun now: not one by one, and no more than a commit should begin."""
        room = min(self.window - len(self.out), self.declaration.batch)
        return room if room * 2 >= min(self.window, self.declaration.batch) else 0

    def send(self, claims: list[Claimed], good_until: float) -> None:
        began = time.monotonic()
        self.out |= {claimed.order.key: (claimed, began) for claimed in claims}
        self.lanes.put(claims, good_until)

    def took(self, backs: Sequence[Back]) -> None:
        """Answers have come: as long as they come soon after the claim, twice as much may be on its way, else half."""
        began = [out[1] for back in backs if (out := self.out.pop(back.claimed.order.key, None))]
        longest = time.monotonic() - min(began) if began else 0.0
        most = self.declaration.batch * (2 if self.declaration.can_find else 1)
        if longest > SOON_S:
            self.window = max(self.declaration.at_once, self.window // 2)
        elif longest < SOON_S / 2:
            self.window = min(max(most, self.declaration.at_once), self.window * 2)


class Deliverer:
    """One worker's deliveries."""

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self.name = worker_name()
        self.back: SimpleQueue[list[Back]] = SimpleQueue()
        self.doors = {name: Door(connector, self.back) for name, connector in connectors.items()}
        self.declarations = {name: door.declaration for name, door in self.doors.items()}
        self.unwritten: list[Back] = []
        self.good_until = 0.0
        self.commit_s = 0.0
        self.swept = self.renewed = 0.0
        self.no_sweep_until = 0.0
        self.offset = time.time() - time.monotonic()

    def turn(self, *, claim: bool = True) -> int:
        """Gather answers, write them down and begin what there is room for, in one commit; how much changed."""
        self._look_at_the_clock()
        changed = self._tidy()
        self.unwritten += self._gather()
        now, started = clock(), time.monotonic()
        rooms = self._rooms() if claim else {}
        due = _unless_stopped(claiming.lanes(list(rooms), now))
        if not due and not self.unwritten:
            return changed
        with transaction.atomic():
            late = self._write(self.unwritten, now)
            claims = self._claim(due, rooms, now)
        self.commit_s = time.monotonic() - started
        backs, self.unwritten = self.unwritten, []
        self._note(backs, late)
        for name, claimed in claims.items():
            if not self.on_its_way():
                self.good_until = started + LEASE.total_seconds() * 0.8
            self.doors[name].send(claimed, self.good_until)
        return changed + len(backs) + sum(len(claimed) for claimed in claims.values())

    def look_round(self) -> bool:
        """Before the first turn: what kept a connector from answering may have been mended, the clock been set back."""
        claiming.probe_at_once(list(self.doors), clock())
        steps.clock_went_back(clock())
        return True

    def on_its_way(self) -> int:
        return sum(len(door.out) for door in self.doors.values())

    def _gather(self) -> list[Back]:
        """The answers that are there; waits a little for the first, and a moment for those close behind."""
        backs: list[Back] = []
        expected = self.on_its_way()
        until = time.monotonic() + IDLE_S
        while len(backs) < expected:
            try:
                first = self.back.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if not backs:
                until = time.monotonic() + min(MOST_GATHER_S, max(GATHER_S, 2 * self.commit_s))
            backs += first
        return backs

    def _write(self, backs: Sequence[Back], now: datetime) -> set[str]:
        answered = [back.answered for back in backs if back.answered is not None]
        untouched = [back.claimed for back in backs if back.answered is None]
        if untouched:
            claiming.give_back(self.name, untouched, now)
        return answering.record(self.name, answered, now)

    def _rooms(self) -> dict[str, int]:
        return {name: room for name, door in self.doors.items() if (room := door.room()) > 0}

    def _claim(self, due: Sequence[Lane], rooms: Mapping[str, int], now: datetime) -> dict[str, list[Claimed]]:
        found = {}
        for name in dict.fromkeys(lane.connector for lane in due):
            own = [lane for lane in due if lane.connector == name]
            claimed = claiming.claim(self.name, self.declarations[name], own, rooms[name], now)
            if claimed:
                found[name] = claimed
        return found

    def one_by_one(self) -> None:
        """Write answers singly, when a group cannot be: one that the database will not have is left to its lease."""
        backs, self.unwritten = self.unwritten, []
        for back in backs:
            try:
                self._write([back], clock())
            except DatabaseError:
                log.exception("an answer could not be written down", extra={"act": back.claimed.order.key})
            self.doors[back.claimed.order.connector].took([back])

    def _note(self, backs: Sequence[Back], late: set[str]) -> None:
        """Speed, breaker and log, once the answers are written."""
        by_name: dict[str, list[Back]] = {}
        for back in backs:
            by_name.setdefault(back.claimed.order.connector, []).append(back)
        for name, own in by_name.items():
            self.doors[name].took(own)
            self._note_breaks(self.doors[name], own)
        _log(backs, late)

    def _note_breaks(self, door: Door, backs: Sequence[Back]) -> None:
        for back in backs:
            if back.said is None:
                continue
            if not failed(back):
                door.failed = 0
                if back.claimed.probe:
                    claiming.works(door.declaration.name)
                continue
            door.failed += 1
            if back.claimed.probe or door.failed >= BROKEN_AFTER:
                self._broke(door, back)

    def _broke(self, door: Door, back: Back) -> None:
        said = back.said
        asked = said.after_s or 0.0 if isinstance(said, Later) else 0.0
        says = said.reason if isinstance(said, Later | Unknown) else ""
        wait = claiming.broke(door.declaration.name, asked, says, clock())
        door.failed, door.window = 0, 2 * door.declaration.at_once
        log.warning("%s is left in peace for %.0f s: %s", door.declaration.name, wait, says)

    def _tidy(self) -> int:
        """Now and then: keep leases, take up what dead workers left, see how batches go."""
        at, changed = time.monotonic(), 0
        if self.on_its_way() and at - self.renewed >= RENEW_S:
            self._renew(at)
        if at - self.swept >= SWEEP_S:
            self.swept = at
            by_lease = at >= self.no_sweep_until
            changed += claiming.sweep(self.name, self.declarations, is_gone, clock(), by_lease=by_lease)
            changed += steps.take_stock(settings.AMENDS.sending.canary_share, clock())
        return changed

    def _renew(self, at: float) -> None:
        keys = [key for door in self.doors.values() for key, (_, began) in door.out.items() if at - began < HELD_UP_S]
        claiming.renew(self.name, keys, clock())
        self.renewed, self.good_until = at, at + LEASE.total_seconds() * 0.8
        for door in self.doors.values():
            door.lanes.good_until = self.good_until

    def _look_at_the_clock(self) -> None:
        """When the clock of the wall was set, leases are renewed by it before anybody takes them for run out."""
        offset = time.time() - time.monotonic()
        jumped, self.offset = offset - self.offset, offset
        if abs(jumped) < JUMP_S:
            return
        log.warning("the clock was set by %+.0f s", jumped)
        self.no_sweep_until = time.monotonic() + 2 * RENEW_S
        if jumped < 0:
            steps.clock_went_back(clock())
        self._renew(time.monotonic())

    def stop(self) -> None:
        """Finish what is on the wire, give back the rest."""
        for door in self.doors.values():
            self.unwritten += [Back(claimed, None) for claimed in door.lanes.stop()]
        until = time.monotonic() + GRACE_S
        while (self.on_its_way() or self.unwritten) and time.monotonic() < until:
            try:
                self.turn(claim=False)
            except DatabaseError:
                log.exception("answers could not be written down yet")
                time.sleep(TROUBLE_S)


def _unless_stopped(lanes: list[Lane]) -> list[Lane]:
    """While paying is stopped for all, no remedy is begun; mails and calls go on."""
    if not any(lane.kind.startswith(MONEY) for lane in lanes) or "" not in stopped_policies():
        return lanes
    return [lane for lane in lanes if not lane.kind.startswith(MONEY)]


def _log(backs: Sequence[Back], late: set[str]) -> None:
    """One line for all that went well, one for each that did not; every line names acts and recoveries."""
    answered = [(back.claimed.order, back.answered.after) for back in backs if back.answered is not None]
    done = [order for order, after in answered if after.state is DONE]
    if done and log.isEnabledFor(logging.INFO):
        ids = {"acts": [order.key for order in done], "recoveries": [order.recovery_id for order in done]}
        log.info("%d done", len(done), extra=ids)
    for order, after in answered if len(done) < len(answered) else ():
        if after.state is DONE:
            continue
        its = {"act": order.key, "recovery": order.recovery_id, "late": order.key in late}
        log.warning("%s: %s", after.state, after.says, extra=its)


def settle_memory() -> None:
    """What was loaded at the start stays: having the collector look through it again costs a third of a delivery."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@cache
def _deliverer() -> Deliverer:
    return Deliverer(wires.connect(settings.AMENDS))


def once(now: datetime) -> int:
    """Deliver what is due for a moment, bring it to its end, and say how much was done."""
    deliverer, until, changed = _deliverer(), time.monotonic() + ROUND_S, 0
    while (done := deliverer.turn(claim=time.monotonic() < until)) or deliverer.on_its_way():
        changed += done
    return changed


def run(stop: Event) -> None:
    """Deliver until told to stop; what is on its way is finished, what is only claimed is given back."""
    deliverer, looked_round = Deliverer(wires.connect(settings.AMENDS)), False
    settle_memory()
    while not stop.is_set():
        close_old_connections()
        try:
            looked_round = looked_round or deliverer.look_round()
            if not deliverer.turn() and not deliverer.on_its_way():
                stop.wait(IDLE_S)
        except Exception as error:
            log.exception("a round of deliveries failed; nothing is lost, it is tried again")
            if deliverer.unwritten and not isinstance(error, OperationalError):
                deliverer.one_by_one()
            stop.wait(TROUBLE_S)
    deliverer.stop()
