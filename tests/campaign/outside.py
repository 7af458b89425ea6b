"""What both outside parts share: a journal on disk, chance that repeats itself, a hand on the caller's process."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

THAW_AFTER_S = 2.0
LEASE_AND_MORE_S = 120


class Journal:
    """Lines that are on disk before anybody hears of them; read back when the process is started again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def append(self, line: Mapping[str, Any]) -> None:
        with self._lock, self.path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[dict[str, Any]]:
        """Whole lines only: one torn by a kill was never answered for."""
        if not self.path.exists():
            return []
        whole = self.path.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]


def share(*parts: object) -> float:
    """A number from 0 to 1 that depends on nothing but its words: the same seed gives the same faults."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def pick(menu: Mapping[str, float], *parts: object) -> str:
    """One word of the menu by its weight; weights may sum to less than 1, the rest is no fault ('')."""
    at = share(*parts)
    for word, weight in menu.items():
        at -= weight
        if at < 0:
            return word
    return ""


class Clock:
    """An offset from true time that libfaketime reads from a file; every process under it jumps."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def offset_s(self) -> int:
        text = self.path.read_text() if self.path.exists() else ""
        return int(text or 0)

    def jump(self, by_s: int) -> int:
        """Move, whoever else moves it meanwhile; the new offset."""
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            new = self.offset_s() + by_s
            fresh = self.path.with_suffix(".new")
            fresh.write_text(f"{new:+d}")
            fresh.rename(self.path)
        return new

    def now(self) -> float:
        return time.time() + self.offset_s()


class Hand:
    """Kills or freezes the process at the other end of a connection, if it is one of ours to kill (`pids`)."""

    def __init__(self, place: Path) -> None:
        self.pids = place / "victims.json"
        self.log = Journal(place / "kills.jsonl")
        self.clock = Clock(place / "clock")

    def kill(self, connection: socket.socket, point: str) -> bool:
        pid = self._caller(connection)
        if pid:
            os.kill(pid, signal.SIGKILL)
            self.log.append({"pid": pid, "by": point})
        return bool(pid)

    def freeze(self, connection: socket.socket, point: str) -> bool:
        """Stop it past its lease: the clock jumps, others take over, then it wakes up as if nothing had been."""
        pid = self._caller(connection)
        if pid:
            os.kill(pid, signal.SIGSTOP)
            self.log.append({"pid": pid, "by": point, "frozen": True})
            self.clock.jump(LEASE_AND_MORE_S)
            threading.Timer(THAW_AFTER_S, self._thaw, [pid]).start()
        return bool(pid)

    @staticmethod
    def _thaw(pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def _caller(self, connection: socket.socket) -> int:
        try:
            port = connection.getpeername()[1]
            ours = connection.getsockname()[1]
            pids = json.loads(self.pids.read_text())
        except (OSError, ValueError):
            return 0
        inode = _inode(port, ours)
        return next((pid for pid in pids if inode and _holds(pid, inode)), 0)


def _inode(port: int, to: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        if int(parts[1].split(":")[1], 16) == port and int(parts[2].split(":")[1], 16) == to:
            return parts[9]
    return ""


def _holds(pid: int, inode: str) -> bool:
    try:
        return any(os.readlink(entry) == f"socket:[{inode}]" for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
