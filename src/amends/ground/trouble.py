"""How the worker's turns go, in a small file that every process can read: the last failure, and how many there were."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

FILE = "story.json"


@dataclass(frozen=True)
class Trouble:
    """What is known of failing turns. `failing` tells how many failed in a row up to now."""

    failed: int = 0
    failing: int = 0
    at: str = ""
    error: str = ""


def last(var: Path) -> Trouble:
    """What the last worker left; nothing known where there is no such file."""
    try:
        return Trouble(**json.loads((var / FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return Trouble()


def note_failure(var: Path, error: BaseException, now: datetime) -> Trouble:
    """A turn has failed."""
    before = last(var)
    words = f"{type(error).__name__}: {error}"[:500]
    found = Trouble(before.failed + 1, before.failing + 1, now.isoformat(timespec="seconds"), words)
    _write(var, found)
    return found


def note_success(var: Path) -> None:
    """A turn went well after others had failed."""
    before = last(var)
    if before.failing:
        _write(var, Trouble(before.failed, 0, before.at, before.error))


def _write(var: Path, found: Trouble) -> None:
    """Best effort: telling of trouble must not make more of it."""
    try:
        draft = var / f"{FILE}.{os.getpid()}"
        draft.write_text(json.dumps(asdict(found)), "utf-8")
        draft.replace(var / FILE)
    except OSError:
        pass
