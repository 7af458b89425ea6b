"""The process that forks web, workers and commands for all rounds on one ground: imports are paid for once.

What it has read of its installation it hands down, so rounds happen in one place and under the same ports.
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tests.campaign.faking import faketime
from tests.campaign.outside import Clock

ROOT = Path(__file__).resolve().parents[2]
PORTS = range(20_000, 32_000)  # below those that connections are given: free now, and free after a kill


def free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Mother:
    """Starts when it is first asked, under the clock of `outside`."""

    def __init__(
        self, directory: Path, outside: Path, environment: dict[str, str], ports: Mapping[str, int] | None = None
    ) -> None:
        self.directory, self.outside = directory, outside
        self.ports = ports or {name: free_port() for name in ("web", "billing", "mailbox")}
        self.environment = environment | self._addresses() | self._clock()
        self.process: subprocess.Popen[str] | None = None

    def _addresses(self) -> dict[str, str]:
        return {
            "AMENDS_BILLING_URL": f"http://127.0.0.1:{self.ports['billing']}",
            "AMENDS_SMTP_URL": f"smtp://127.0.0.1:{self.ports['mailbox']}",
        }

    def _clock(self) -> dict[str, str]:
        library = faketime()
        if not library:
            return {}
        return {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(Clock(self.outside / "clock").path),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else whoever waits for Python's own lock spins
            "NO_FAKE_STAT": "1",
        }

    def ask(self, order: dict[str, Any]) -> dict[str, int]:
        """What `warm.obey` does with it."""
        if self.process is None:
            self.process = self._started()
        say, hear = _pipes(self.process)
        say.write(json.dumps(order) + "\n")
        say.flush()
        found: dict[str, int] = json.loads(hear.readline())
        return found

    def _started(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.campaign.warm", str(self.directory)]
        log = self.outside.with_name(f"{self.outside.name}.mother.log")
        with log.open("ab") as file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
            )
        if not _pipes(process)[1].readline():
            raise AssertionError(f"amends does not start: {log.read_text()[-2000:]}")
        return process

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin
    assert process.stdout
    return process.stdin, process.stdout
