"""The command line, as anybody would call it beside a running story."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence


def amends(words: Sequence[str], environment: Mapping[str, str]) -> str:
    """What `amends` with these words prints; `RuntimeError` with what it says where it fails."""
    command = [sys.executable, "-m", "amends", *words]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"amends {' '.join(words[:2])} failed: {done.stderr[-2000:]}")
    return done.stdout
