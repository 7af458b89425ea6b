"""Landing segments: what was answered with 2xx is on disk before the answer.

A segment is an append-only file of records; each is a header of 24 bytes (magic, kind, length, CRC-32, receive time in
ms) and the body as received. Threads of a process share one fsync (group commit). A torn tail, from a kill in the
middle of a write, is recognised by its length or CRC and was never answered.
"""

from __future__ import annotations

import os
import secrets
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER = struct.Struct("<4sIQQ")  # magic, CRC-32 of kind, time and body; (kind << 56 | length); receive time in ms
MAGIC = b"AMS1"
KINDS = ("", "events", "event-lines", "cmcd", "lines", "refused")
ROLL_BYTES = 64 * 2**20
SUFFIX = ".landing"
PARTS_AT_ONCE = 512  # POSIX lets a system take as few as 16; Linux, macOS and the BSDs take 1,024


@dataclass(frozen=True)
class Landed:
    """One record of a segment: what kind of body, when it came, the body, and where the next record begins."""

    kind: str
    received_ms: int
    body: bytes
    next_offset: int


class _Ask:
    """One thread's wish to have its record on disk."""

    __slots__ = ("body", "done", "error", "header")

    def __init__(self, header: bytes, body: bytes) -> None:
        self.header, self.body = header, body
        self.done = False
        self.error: OSError | None = None


class Log:
    """This process's own segment; `append` returns once the body is on disk."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._gate = threading.Condition()
        self._waiting: list[_Ask] = []
        self._busy = False
        self._descriptor = -1
        self._size = 0

    def append(self, kind: str, body: bytes, received_ms: int) -> None:
        """Write and fsync, together with whatever other threads ask for meanwhile. OSError when the disk says no."""
        ask = _Ask(header(kind, body, received_ms), body)
        with self._gate:
            self._waiting.append(ask)
            while self._busy and not ask.done:
                self._gate.wait()
            if ask.done:
                return _settle(ask)
            self._busy, batch, self._waiting = True, self._waiting, []
        self._commit_all(batch)
        return _settle(ask)

    def _commit_all(self, batch: list[_Ask]) -> None:
        """The first thread of a batch writes for all of it; an error is everybody's."""
        error: OSError | None = None
        try:
            self._commit([part for ask in batch for part in (ask.header, ask.body)])
        except OSError as met:
            error = met
        with self._gate:
            for ask in batch:
                ask.done, ask.error = True, error
            self._busy = False
            self._gate.notify_all()

    def _commit(self, parts: list[bytes]) -> None:
        if self._descriptor < 0 or self._size > ROLL_BYTES or self._is_gone():
            self._open()
        start = self._size
        try:
            for first in range(0, len(parts), PARTS_AT_ONCE):
                _write(self._descriptor, parts[first : first + PARTS_AT_ONCE])
            os.fdatasync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, start)
            raise
        self._size += sum(map(len, parts))
        if self._is_gone():
            self._commit(parts)  # removed between our look and our write: nobody would have read it

    def _is_gone(self) -> bool:
        """Whether our segment was quiet for so long that it has been read to its end and removed."""
        return os.fstat(self._descriptor).st_nlink == 0

    def _open(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self.directory.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(3)}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor, self._size = os.open(self.directory / name, flags, 0o640), 0
        folder = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _settle(ask: _Ask) -> None:
    if ask.error is not None:
        raise ask.error


def _write(descriptor: int, parts: list[bytes]) -> None:
    """All of the parts, in one call where the system takes them so."""
    written = os.writev(descriptor, parts)
    if written < sum(map(len, parts)):
        rest = memoryview(b"".join(parts))[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def header(kind: str, body: bytes, received_ms: int) -> bytes:
    tagged = KINDS.index(kind) << 56 | len(body)
    checksum = zlib.crc32(body, zlib.crc32(struct.pack("<QQ", tagged, received_ms)))
    return HEADER.pack(MAGIC, checksum, tagged, received_ms)


def segments(directory: Path) -> list[Path]:
    """Every segment, oldest first."""
    return sorted(directory.glob(f"*{SUFFIX}"))


def read(path: Path, offset: int, at_most: int) -> Iterator[Landed]:
    """Whole records from `offset` on, about `at_most` bytes of them; stops before a torn tail."""
    with path.open("rb") as file:
        file.seek(offset)
        taken = 0
        while taken < at_most:
            header = file.read(HEADER.size)
            if len(header) < HEADER.size:
                return
            magic, checksum, tagged, received_ms = HEADER.unpack(header)
            body = file.read(tagged & (1 << 56) - 1) if magic == MAGIC else b""
            good = zlib.crc32(body, zlib.crc32(header[8:])) == checksum
            if magic != MAGIC or len(body) != tagged & (1 << 56) - 1 or not good:
                return
            offset += HEADER.size + len(body)
            taken += HEADER.size + len(body)
            yield Landed(KINDS[tagged >> 56], received_ms, body, offset)
