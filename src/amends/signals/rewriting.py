"""Landing segments changed in place, so that no offset moves and whoever appends goes on: by a redo log, kill-safe.

What is to be written stands in a file beside the segment, on disk, before the segment is touched. A kill in the middle
leaves the file, and whoever comes next writes all of it again.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from amends.signals import landing
from amends.signals.landing import HEADER, Landed

REDO, DRAFT = ".redo", ".draft"
PLACE = struct.Struct("<QQ")  # offset, length
CHECK = struct.Struct("<I")
Patch = tuple[int, bytes]


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """One process at a time changes segments; what a killed one left is finished first."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "rewriting.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for draft in directory.glob(f"*{DRAFT}"):
            draft.unlink()  # a kill came before anything was changed
        for redo in sorted(directory.glob(f"*{REDO}")):
            _write(redo, directory / redo.name.removesuffix(REDO))
        yield


def left_behind(directory: Path) -> bool:
    """Whether a kill has left something half written."""
    return any(directory.glob(f"*{REDO}"))


def patches(path: Path, change: Callable[[Landed], bytes], start: int = 0, end: int | None = None) -> list[Patch]:
    """The records between two offsets that `change` makes different, as they are to stand; none gets longer."""
    found: list[Patch] = []
    for landed in landing.read(path, start, 2**62 if end is None else end - start):
        body = change(landed)
        if body != landed.body:
            if len(body) > len(landed.body):
                raise ValueError(f"{path.name}: a record would become longer, {len(body)} bytes")
            body = body.ljust(len(landed.body))
            at = landed.next_offset - HEADER.size - len(body)
            found.append((at, landing.header(landed.kind, body, landed.received_ms) + body))
    return found


def apply(path: Path, changes: Sequence[Patch]) -> None:
    """Write the changes, all or none of them, whatever dies in between. Call inside `alone`."""
    redo = path.with_name(path.name + REDO)
    draft = redo.with_suffix(DRAFT)
    body = b"".join(PLACE.pack(at, len(record)) + record for at, record in changes)
    with draft.open("wb") as file:
        file.write(body + CHECK.pack(zlib.crc32(body)))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(redo)
    _sync(path.parent)
    _write(redo, path)


def _write(redo: Path, path: Path) -> None:
    """Write what the redo log says into the segment, once or again, and forget the log."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        descriptor = -1  # read to its end and gone meanwhile
    if descriptor >= 0:
        try:
            before = os.fstat(descriptor)
            for at, record in _changes(redo.read_bytes()):
                _overwrite(descriptor, at, record)
            os.fdatasync(descriptor)
            os.utime(descriptor, ns=(before.st_atime_ns, before.st_mtime_ns))  # it is not kept longer for this
        finally:
            os.close(descriptor)
    redo.unlink()
    _sync(path.parent)


def _changes(log: bytes) -> Iterator[Patch]:
    body = log[: -CHECK.size]
    if CHECK.pack(zlib.crc32(body)) != log[-CHECK.size :]:
        raise ValueError("a redo log beside a landing segment is damaged; restore it or remove it by hand")
    at = 0
    while at < len(body):
        place, length = PLACE.unpack_from(body, at)
        at += PLACE.size + length
        yield place, body[at - length : at]


def _overwrite(descriptor: int, at: int, record: bytes) -> None:
    if at + len(record) > os.fstat(descriptor).st_size:
        return  # it had not been answered yet, and its writer has taken it back
    rest = memoryview(record)
    while rest:
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
