"""What the README says to type works as it stands there."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _by_hand(tmp_path: Path) -> str:
    """The block, with ports that are free here and this interpreter's environment."""
    readme = (ROOT / "README.md").read_text("utf-8").partition("By hand")[2]
    found = re.search(r"```\n(.*?)```", readme, re.DOTALL)
    assert found
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return found[1].replace("8000", _free_port()).replace("2525", _free_port())


@pytest.mark.slow
def test_by_hand_ends_in_a_mail_with_a_link_that_leads_there(tmp_path: Path) -> None:
    script = _by_hand(tmp_path)
    (port,) = re.findall(r"--port (\d+)", script)
    out = tmp_path / "out"
    with out.open("wb") as log:
        bash = subprocess.Popen(
            ["bash", "-c", script + "\nwait"], cwd=tmp_path, env=OUTSIDE, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and "X-Peer" not in out.read_text("utf-8", "replace"):
            time.sleep(0.3)
        said = out.read_text("utf-8", "replace")
    finally:
        os.killpg(bash.pid, signal.SIGTERM)
        bash.wait(30)

    assert '"accepted": 2' in said
    assert "It took 34 seconds to start." in said
    assert f"http://127.0.0.1:{port}/yours/" in said.replace("=\n", "")
    assert "Traceback" not in said
