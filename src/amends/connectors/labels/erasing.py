"""Return labels carry a name and an address: the files of somebody who is forgotten are removed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from amends.connectors.labels.numbers import file_of

HALF_DRAWN_S = 600.0


def erase(var: Path, act_keys: Collection[str], *, really: bool) -> Counter[str]:
    """Remove the labels of these acts, and what kills in the middle of drawing have left."""
    folder = var / "labels"
    files = [path for path in (file_of(folder, key) for key in act_keys) if path.exists()]
    files += [path for path in folder.glob("*.tmp") if time.time() - path.stat().st_mtime > HALF_DRAWN_S]
    for path in files if really else ():
        path.unlink(missing_ok=True)
    return Counter({"return labels": len(files)})
