"""The library that makes clocks jump."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def faketime() -> str:
    """Where it is; '' where this machine has none that loads."""
    spec = find_spec("libfaketime")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        library = Path(folder) / "vendor/libfaketime/src/libfaketime.so.1"
        probe = [sys.executable, "-c", "import time; print(time.time())"]
        moved = {"LD_PRELOAD": str(library), "FAKETIME": "+25h"}
        done = subprocess.run(probe, env=os.environ | moved, capture_output=True, text=True)
        if done.returncode == 0 and float(done.stdout) > time.time() + 3600:
            return str(library)
    return ""
