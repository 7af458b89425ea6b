"""One conformance town for all checks: a fresh server, spoken to by HTTP only."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.environment import fresh_database
from tests.open311.wire import Client


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(place: Path, port: int) -> tuple[subprocess.Popen[str], str]:
    """A server of the town and the key that it prints."""
    command = [sys.executable, "-m", "amends", "serve", "--scenario", "conformance-town"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    if os.environ.get("AMENDS_TEST_POSTGRES"):
        environment["AMENDS_DATABASE_URL"] = fresh_database()
    process = subprocess.Popen(
        [*command, "--dir", str(place), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=(place.parent / "town.log").open("a"),
        text=True,
        env=environment,
    )
    assert process.stdout
    said = re.search(r"amk_\S+", process.stdout.readline())
    assert said
    for _ in range(150):
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return process, said[0]
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError((place.parent / "town.log").read_text())


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    port = free_port()
    process, key = serve(tmp_path_factory.mktemp("conformance") / "town", port)
    yield Client(f"http://127.0.0.1:{port}/open311/v2", key)
    process.terminate()
    process.wait(20)
