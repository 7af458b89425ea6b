"""Who a worker is and whether it still lives; and the lock by which one worker at a time moves the story."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
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


def worker_name() -> str:
    """A name for one worker that no other has had: machine, process, when that began, and a draw."""
    pid = os.getpid()
    return f"{socket.gethostname()[:24]}:{_machine()}:{pid}:{_began(pid)}:{secrets.token_hex(3)}"


def is_gone(name: str) -> bool:
    """Whether a worker has surely ended: it ran where we can see it, and its process is there no more."""
    parts = name.rsplit(":", 4)
    if len(parts) != 5 or parts[1] != _machine() or not parts[2].isdigit():
        return False  # another machine or container: only its lease can tell
    return _began(int(parts[2])) != parts[3]


@cache
def _machine() -> str:
    """This boot of this machine, and the process numbers we can see: another container has its own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        seen = f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        seen = secrets.token_hex(8)  # no such system: nobody is ever taken for gone
    return hashlib.blake2b(seen.encode(), digest_size=4).hexdigest()


def _began(pid: int) -> str:
    """When a living process began, in clock ticks since the boot; nothing for one that is gone or a zombie."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else rest[18]
