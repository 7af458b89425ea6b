"""The deliver loop: claim acts, hand each to its connector, write the answer down. Any number of workers may run it."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from threading import Event
from typing import IO

from django.conf import settings
from django.db import close_old_connections, connection

from amends.outbox import rules, steps
from amends.outbox.records import Answer, Connector, Done, Later, Order, Unknown
from amends.worker import wires

log = logging.getLogger("amends.deliver")
THREADS = 4
BATCH = 20
IDLE_S = 0.1
BROKEN_AFTER = 5  # so many unclear or late answers in a row: the other side is left in peace for a while
PEACE_S = 10.0


class Breaker:
    """Leaves a connector in peace when it fails again and again, so that acts are not burnt on it."""

    def __init__(self) -> None:
        self.failed: dict[str, int] = {}
        self.until: dict[str, float] = {}

    def note(self, name: str, answer: Answer) -> None:
        if not isinstance(answer, Unknown | Later):
            self.failed[name] = 0
            return
        self.failed[name] = self.failed.get(name, 0) + 1
        if self.failed[name] >= BROKEN_AFTER:
            self.failed[name] = 0
            self.until[name] = time.monotonic() + PEACE_S

    def open_for(self, names: Mapping[str, Connector]) -> list[str]:
        now = time.monotonic()
        return [name for name in names if self.until.get(name, 0.0) <= now]


@cache
def _name() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"


@cache
def _connectors() -> Mapping[str, Connector]:
    return wires.connect(settings.AMENDS)


@cache
def _breaker() -> Breaker:
    return Breaker()


def clock() -> datetime:
    return datetime.now(UTC)


def once(now: datetime) -> int:
    """Deliver what is due now, and say how many acts were worked on."""
    with ThreadPoolExecutor(THREADS) as pool:
        return _round(pool, now)


def _round(pool: ThreadPoolExecutor, now: datetime) -> int:
    connectors = _connectors()
    swept = steps.sweep([name for name, connector in connectors.items() if connector.can_find], now)
    orders = steps.claim(_name(), _breaker().open_for(connectors), BATCH, now)
    for _ in pool.map(_deliver, orders):
        pass
    return swept + len(orders)


def run(stop: Event) -> None:
    """Deliver until told to stop; what is on its way is finished, what is only claimed is given back."""
    presence = _be_present()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="deliver") as pool:
        while not stop.is_set():
            close_old_connections()
            try:
                pause = 0.0 if _round(pool, clock()) else IDLE_S
            except Exception:
                log.exception("a round of deliveries failed; nothing is lost, it is tried again")
                pause = 2.0
            stop.wait(pause)
    steps.release(_name(), clock())
    presence.close()


def _be_present() -> IO[str]:
    """Hold a shared lock while delivering; who starts and finds nobody need not wait for dead workers' leases."""
    settings.AMENDS.var.mkdir(parents=True, exist_ok=True)
    file = (settings.AMENDS.var / "deliver.lock").open("a")  # closed by the caller when it stops
    if connection.vendor == "sqlite":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            steps.expire_leases_of_the_dead(clock(), alone=True)
        except BlockingIOError:
            pass
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _deliver(order: Order) -> None:
    """One act, from the committed claim to the written answer."""
    try:
        _try(order, _connectors()[order.connector])
    except Exception:
        log.exception("an act could not be worked on; its lease runs out and it is looked at again", extra=_ids(order))
    finally:
        close_old_connections()


def _try(order: Order, connector: Connector) -> None:
    begun = steps.begin(_name(), order.key, clock())
    if begun is None:
        return
    attempts, look_up = begun
    if look_up:
        found = connector.find(order)
        known = rules.after_find(order.key, attempts, found, clock())
        if known is not None:
            steps.record(_name(), order.key, "find", known, clock())
            return
    answer = _act(connector, order)
    _breaker().note(connector.name, answer)
    after = rules.after_try(order.key, attempts, answer, clock(), can_find=connector.can_find)
    steps.record(_name(), order.key, "act", after, clock())
    level = logging.INFO if isinstance(answer, Done) else logging.WARNING
    log.log(level, "%s: %s", after.state, after.says, extra=_ids(order))


def _act(connector: Connector, order: Order) -> Answer:
    """A connector that fails in a way it did not foresee may have acted: that is unknown, not no."""
    try:
        return connector.act(order, clock())
    except Exception as error:
        log.exception("a connector failed", extra=_ids(order))
        return Unknown(f"the connector failed: {type(error).__name__}: {error}")


def _ids(order: Order) -> dict[str, str]:
    return {"act": order.key, "recovery": order.recovery_id}
