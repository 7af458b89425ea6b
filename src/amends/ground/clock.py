"""What time it is. A story that is told faster than it happens has a clock of its own, which only a demo ever sets."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

# A file with the seconds by which a story's clock is still behind; it can be behind only, never ahead.
STORY = os.environ.get("AMENDS_STORY_CLOCK", "")


def now() -> datetime:
    """This moment; within a story that is being told, the moment that the story has come to."""
    at = datetime.now(UTC)
    return at - timedelta(seconds=_behind()) if STORY else at


def _behind() -> float:
    try:
        return max(0.0, float(Path(STORY).read_text("ascii") or 0))
    except (OSError, ValueError):  # the story is over, or has not begun
        return 0.0
