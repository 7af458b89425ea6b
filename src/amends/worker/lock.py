"""One worker at a time moves the story; the lock falls with its holder, however that one died."""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

StillHeld = Callable[[], bool]


@contextmanager
def story_lock(directory: Path) -> Iterator[StillHeld | None]:
    """Yield a way to ask whether we still hold the story, or None when another does.

    A file lock on SQLite, an advisory lock of a session on PostgreSQL.
    """
    if connection.vendor == "postgresql":
        with _advisory_lock("amends.story") as held:
            yield held
    else:
        with _file_lock(directory / "story.lock") as held:
            yield held


@contextmanager
def _file_lock(path: Path) -> Iterator[StillHeld | None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield lambda: True


@contextmanager
def _advisory_lock(name: str) -> Iterator[StillHeld | None]:
    """A lock of its own connection: what recycles the others must not drop it."""
    own = connections.create_connection("default")
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [zlib.crc32(name.encode())])
            (held,) = cursor.fetchone()
        yield (lambda: _answers(own)) if held else None
    finally:
        own.close()


def _answers(own: BaseDatabaseWrapper) -> bool:
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
