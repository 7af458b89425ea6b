"""The web processes: granian serving WSGI, many threads in each (its ASGI path costs half as much again)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

THREADS = 16
PROCESSES = min(4, os.cpu_count() or 1)  # decoding holds the interpreter's lock: one process a core
PR_SET_PDEATHSIG = 1


def die_with_parent(how: signal.Signals = signal.SIGTERM) -> None:
    """On Linux, be told when the parent is gone, so that a killed `serve` leaves no orphan on its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how.value)
        if os.getppid() == 1:
            os.kill(os.getpid(), how)


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
