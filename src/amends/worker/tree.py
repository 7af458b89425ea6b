"""Processes: `serve` keeps a web and a worker child. It knows none of the rooms, so that it starts at once."""

from __future__ import annotations

import fcntl
import http.client
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from django.conf import settings

from amends.ground.config import Config
from amends.web import server
from amends.worker import addresses
from amends.worker.logs import set_up

log = logging.getLogger("amends.worker")
GRACE_S = 20.0
RESTART_S = 1.0
QUICK_S, QUICK_DEATHS = 10.0, 3


def serve(directory: Path, host: str, port: int, processes: int = 0) -> int:
    """Run web and worker until SIGTERM or SIGINT; a child that dies is started again.

    2 where it must not begin: the port or the directory is taken, or a secret cannot be used. 1 where the web
    dies at once again and again.
    """
    set_up()
    stop = stop_on_signals()
    if os.environ.get("AMENDS_CHILD"):
        server.die_with_parent()
    with _alone(settings.AMENDS.var / "serve.lock") as alone:
        if not alone:
            return give_up(f"`amends serve` runs for {directory} already; stop it first, or use another --dir")
        try:
            place = server.usable(host, port)
        except server.NoPlace as error:
            return give_up(str(error))
        if wrong := addresses.undecodable(settings.AMENDS.billing.secret):
            return give_up(f"{wrong}; nothing sent with it would be believed")
        _warn(*place)
        return _keep_running(directory, *place, processes, stop)


def give_up(why: str, code: int = 2) -> int:
    print(why, file=sys.stderr)
    return code


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether nobody else serves this directory; the lock goes with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        deadline = time.monotonic() + RESTART_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    yield False
                    return
                time.sleep(0.1)
            else:
                yield True
                return


def _warn(host: str, port: int) -> None:
    """What works, but probably not as somebody meant it. Links follow the port where no other address was chosen."""
    config = settings.AMENDS
    for says in addresses.doubts(config):
        log.error(says)
    if config.public_url == Config.public_url:
        os.environ["AMENDS_PUBLIC_URL"] = f"http://{_reach(host)}:{port}"
        return
    public = urlsplit(config.public_url)
    near = public.hostname in ("127.0.0.1", "localhost", "::1")
    if near and (public.port or 80) != port:
        says = "links in mails lead to another port than the one served; set web.public_url or --port"
        log.warning(says, extra={"public_url": config.public_url, "port": port})


def _reach(host: str) -> str:
    """How this machine reaches what listens on `host`."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked, not bound
    return f"[{reached}]" if ":" in reached else reached


def _keep_running(directory: Path, host: str, port: int, processes: int, stop: threading.Event) -> int:
    address = ["--host", host, "--port", str(port), "--processes", str(processes)]
    children = [
        Child([sys.executable, "-m", "amends", "web", "--dir", str(directory), *address], gives_up=True),
        Child([sys.executable, "-m", "amends", "worker", "--dir", str(directory)]),
    ]
    told = False
    while not stop.wait(0.3):
        if not told and _answers(host, port):
            told = True
            log.info("serving", extra={"url": f"http://{_reach(host)}:{port}/", "directory": str(directory)})
        for child in children:
            if child.process.poll() is None:
                continue
            if child.is_hopeless():
                _stop_children(children)
                return give_up(f"the web ends at once, {QUICK_DEATHS} times in a row; its own words stand above", 1)
            log.error("a child died and is started again", extra={"command": child.command[3]})
            stop.wait(RESTART_S)
            child.start()
    return _stop_children(children)


class Child:
    """A process that is kept running; one that `gives_up` is not started for ever when it ends at once."""

    def __init__(self, command: list[str], *, gives_up: bool = False) -> None:
        self.command, self.gives_up = command, gives_up
        self.quick = 0
        self.start()

    def start(self) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(self.command, env=os.environ | {"AMENDS_CHILD": "1"})  # noqa: S603 - our own

    def is_hopeless(self) -> bool:
        """Whether it has ended, once more, before it was of any use."""
        self.quick = self.quick + 1 if time.monotonic() - self.began < QUICK_S else 0
        return self.gives_up and self.quick >= QUICK_DEATHS


def _answers(host: str, port: int) -> bool:
    wire = http.client.HTTPConnection(_reach(host).strip("[]"), port, timeout=2)
    try:
        wire.request("GET", "/healthz", headers={"Host": "localhost"})
        return wire.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        wire.close()


def _stop_children(children: Sequence[Child]) -> int:
    for child in children:
        child.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    for child in children:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
    return 0


def stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop
