"""Processes: `serve` keeps a web and a worker child; a worker moves the story and delivers acts."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from django.conf import settings

import amends.incidents.queries
import amends.outbox.queries
import amends.recoveries.queries
import amends.signals.queries
from amends.web.server import die_with_parent
from amends.worker import deliver, story
from amends.worker.lock import story_lock
from amends.worker.logs import set_up

log = logging.getLogger("amends.worker")
GRACE_S = 20.0
RESTART_S = 1.0


def serve(directory: Path, host: str, port: int, processes: int = 0) -> int:
    """Run web and worker until SIGTERM or SIGINT; a child that dies is started again."""
    set_up()
    stop = _stop_on_signals()
    address = ["--host", host, "--port", str(port), "--processes", str(processes)]
    commands = (
        [sys.executable, "-m", "amends", "web", "--dir", str(directory), *address],
        [sys.executable, "-m", "amends", "worker", "--dir", str(directory)],
    )
    children = [_start(command) for command in commands]
    log.info("serving", extra={"url": f"http://{host}:{port}/", "directory": str(directory)})
    while not stop.wait(0.3):
        for index, child in enumerate(children):
            if child.poll() is not None:
                log.error("a child died and is started again", extra={"command": commands[index][3]})
                time.sleep(RESTART_S)
                children[index] = _start(commands[index])
    return _stop_children(children)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=os.environ | {"AMENDS_CHILD": "1"})  # noqa: S603 - our own command


def _stop_children(children: list[subprocess.Popen[bytes]]) -> int:
    for child in children:
        child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
    return 0


def work() -> int:
    """Deliver acts, and move the story while no other worker does, until SIGTERM or SIGINT."""
    set_up()
    if os.environ.get("AMENDS_CHILD"):
        die_with_parent()
    stop = _stop_on_signals()
    delivering = threading.Thread(target=deliver.run, args=(stop,), name="deliver")
    delivering.start()
    while not stop.is_set():
        with story_lock(settings.AMENDS.var) as held:
            if held:
                story.run(stop, held)
            else:
                stop.wait(1.0)
    delivering.join(GRACE_S)
    return 0


def drain(until_idle: bool, timeout: float) -> int:
    """Run until nothing is due; with `until_idle` also until no session is open and no act waits for a later try.

    1 when time ran out. Where another worker holds the story, its work is watched instead.
    """
    set_up(os.environ.get("AMENDS_LOG", "WARNING"))
    deadline, before = time.monotonic() + timeout, {"": -1}
    while time.monotonic() < deadline:
        with story_lock(settings.AMENDS.var) as held:
            idle = story.run_until_idle(deliver.once, deadline) if held else False
        left = pending(until_idle)
        if not any(left.values()) and (idle or left == before):
            return 0
        before = left
        time.sleep(0.2 if held else 1.0)
    print(f"not idle after {timeout:g} s: {', '.join(f'{n} {what}' for what, n in left.items() if n)}", file=sys.stderr)
    return 1


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


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop
