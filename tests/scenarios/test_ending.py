"""A demo that is told to end, or killed, leaves no server behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}


def _serving(place: Path) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(place).encode() in words and b"demo" not in words:
            found.append(int(entry.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_demo_that_ends_early(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "amends", "demo", "--headless", "--dir", str(tmp_path), "--port", "0"]
    demo = subprocess.Popen(command, env=OUTSIDE, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(_serving(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(_serving(tmp_path)) >= 3

    demo.send_signal(how)
    demo.wait(40)
    while _serving(tmp_path) and time.monotonic() < deadline + 40:
        time.sleep(0.2)

    assert _serving(tmp_path) == []
