"""Files that people change while we run: where a change breaks one, its last good version stays in use."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from amends.ground.marked import Mistake

log = logging.getLogger("amends.files")
T = TypeVar("T")
Stamp = tuple[int, int, int]


class Kept(Generic[T]):
    """What the files of one folder say, each read again when it changes.

    A good version is copied to `var/good`, so that it outlives a restart; a bad one is logged with file, line and hint.
    """

    def __init__(self, folder: str, read: Callable[[Path], T], files: str = "*.yaml") -> None:
        self.folder, self.read, self.files = folder, read, files
        self._known: dict[Path, tuple[Stamp, T | None]] = {}

    def all(self, directory: Path) -> list[T]:
        """Everything in use, in the order of the file names; a file that is gone is not used any more."""
        paths = sorted((directory / self.folder).glob(self.files))
        for gone in [path for path in self._known if path.parent == directory / self.folder and path not in paths]:
            del self._known[gone]
            log.warning("a file is gone, and what it said with it", extra={"file": str(gone)})
        found = [self._one(path, directory / "var" / "good" / self.folder / path.name) for path in paths]
        return [value for value in found if value is not None]

    def _one(self, path: Path, copy: Path) -> T | None:
        stamp, (before, value) = _stamp(path), self._known.get(path, (None, None))
        if stamp == before:
            return value
        try:
            value = self.read(path)
        except Mistake as mistake:
            value = value if value is not None else self._last_good(copy)
            _tell(mistake, kept=value is not None)
        else:
            _copy(path, copy, stamp)
        self._known[path] = (stamp, value)
        return value

    def _last_good(self, copy: Path) -> T | None:
        try:
            return self.read(copy) if copy.exists() else None
        except Mistake:
            return None


def _tell(mistake: Mistake, *, kept: bool) -> None:
    instead = "the last good version of it stays in use" if kept else "nothing of it is in use"
    tell(f"a file cannot be used; {instead}", mistake)


def tell(says: str, mistake: Mistake) -> None:
    """What follows from a mistake in a file, in the log, with where it is."""
    where = {"file": mistake.file, "line": mistake.line, "hint": mistake.hint, "mistake": mistake.says}
    log.error(says, extra=where)


def _stamp(path: Path) -> Stamp:
    try:
        seen = path.stat()
    except OSError:
        return (0, 0, 0)
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)


def _copy(path: Path, copy: Path, stamp: Stamp) -> None:
    """Keep this good version, unless the file has changed since it was read."""
    try:
        text = path.read_bytes()
        if _stamp(path) != stamp or (copy.exists() and copy.read_bytes() == text):
            return
        copy.parent.mkdir(parents=True, exist_ok=True)
        draft = copy.with_suffix(f".{os.getpid()}")
        draft.write_bytes(text)
        draft.replace(copy)
    except OSError as error:
        log.warning("a good version could not be kept", extra={"file": str(path), "error": str(error)})
