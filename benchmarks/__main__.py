"""`make bench`: every measurement of docs/explanation/performance.md, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    failed = 0
    for script in sorted(path for path in HERE.glob("*.py") if not path.name.startswith("_")):
        print(f"\n== {script.name}", flush=True)
        failed += subprocess.run([sys.executable, str(script), *sys.argv[1:]], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
