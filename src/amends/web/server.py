"""The web processes: granian serving WSGI, many threads in each (its ASGI path costs half as much again)."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import sys
import time

THREADS = 16
PROCESSES = min(4, os.cpu_count() or 1)  # decoding holds the interpreter's lock: one process a core
PR_SET_PDEATHSIG = 1


def die_with_parent(how: signal.Signals = signal.SIGTERM) -> None:
    """On Linux, be told when the parent is gone, so that a killed `serve` leaves no orphan on its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how.value)
        if os.getppid() == 1:
            os.kill(os.getpid(), how)


class NoPlace(Exception):
    """This address cannot be served; the message says why."""


def usable(host: str, port: int, patience_s: float = 3.0) -> tuple[str, int]:
    """The address to listen on, a free port for 0. NoPlace where somebody listens there: two would share requests.

    A server that is just ending has a moment to do so.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return _probe(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise NoPlace(_reason(host, port, error)) from error
        time.sleep(0.2)


def _probe(host: str, port: int) -> tuple[str, int]:
    family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place)
        found = probe.getsockname()
        return str(found[0]), int(found[1])


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken: something listens on {host}:{port} already; stop it or give another --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs rights that this user does not have; give a --port above 1023"
    if isinstance(error, socket.gaierror):
        return f"host {host!r} is not known: {error.strerror}"
    return f"{host}:{port} cannot be served: {error.strerror or error}"


def run(host: str, port: int, processes: int = PROCESSES) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first."""
    os.environ["AMENDS_PROCESSES"] = str(processes)
    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        "amends.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=processes,
        blocking_threads=THREADS,
        backpressure=512,
        backlog=1024,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
    ).serve()
