"""Whether anything may be new since a turn of the story began: asked often, for next to nothing."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings
from django.db import connection

from amends.signals import landing

LOOK_S = 0.2
AT_MOST_S = 1.0  # then it is the time itself that may have brought something: a day, a silence, a next try
ASK = {
    "sqlite": "PRAGMA data_version",  # another connection has committed
    "postgresql": "SELECT pg_current_wal_insert_lsn()::text",  # somebody has written
}


def mark() -> tuple[Any, ...]:
    """Something that is another as soon as somebody else has written to the database or at the doors."""
    return _written(), *(_size(path) for path in landing.segments(settings.AMENDS.var / "landing"))


def _written() -> Any:
    with connection.cursor() as cursor:
        cursor.execute(ASK[connection.vendor])
        return cursor.fetchone()


def _size(path: Path) -> tuple[str, int]:
    return path.name, path.stat().st_size if path.exists() else 0


def wait(stop: Event, before: tuple[Any, ...]) -> None:
    """Return as soon as something is new since `before`, or told to stop; after a second in any case."""
    if connection.vendor == "postgresql":  # there the locks of a turn count as written: from now on, then
        before = (_written(), *before[1:])
    until = time.monotonic() + AT_MOST_S
    while not stop.wait(LOOK_S) and time.monotonic() < until and mark() == before:
        pass
