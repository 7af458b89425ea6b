"""Commands as people type them, on one installation."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from tests import forked

AMENDS = [sys.executable, "-m", "amends"]
OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}


class Shop:
    """An installation in a directory of its own."""

    def __init__(self, place: Path) -> None:
        self.place, self.environment = place, dict(OUTSIDE)
        self.started: list[subprocess.Popen[str]] = []

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        where = () if words[0] in ("init", "--version") else ("--dir", str(self.place))
        return forked.run([*words, *where], env=self.environment | environment)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        command = [*AMENDS, *words, "--dir", str(self.place)]
        env = self.environment | environment
        self.started.append(subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True))
        return self.started[-1]

    def stop(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
            process.stderr and process.stderr.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 30) -> httpx.Response:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return httpx.get(url, timeout=2)
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
