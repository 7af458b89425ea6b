"""Reports of play sessions: Parquet pieces on disk, and in memory the sessions that are still open."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from amends.telemetry.records import REPORTS

SLACK = timedelta(minutes=5)


def write_piece(directory: Path, name: str, reports: pa.Table) -> None:
    """Put reports on disk under a name that follows from where they came from: written twice, it is one file."""
    directory.mkdir(parents=True, exist_ok=True)
    path, draft = directory / f"{name}.parquet", directory / f".{name}.draft"
    pq.write_table(reports, draft, compression="zstd", write_statistics=["session"])
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name too is on disk before the checkpoint moves
    finally:
        os.close(folder)


class OpenReports:
    """Reports of the sessions somebody still looks at. What is not in memory is read from the pieces again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.table = REPORTS.empty_table()
        self.complete: set[int] = set()  # sessions of which memory holds every report

    def add(self, reports: pa.Table, new_sessions: Collection[int]) -> None:
        """Take in reports that have just been written; sessions seen for the first time are complete with them."""
        self.complete.update(new_sessions)
        known = pc.is_in(reports["session"], pa.array(sorted(self.complete), pa.uint64()))
        self.table = pa.concat_tables([self.table, reports.filter(known)])

    def of(self, sessions: Collection[int], since: datetime) -> pa.Table:
        """Every report of these sessions; `since` is when the first of them was taken in."""
        missing = set(sessions) - self.complete
        if missing:
            self._load(missing, since)
        return self.table.filter(pc.is_in(self.table["session"], pa.array(sorted(sessions), pa.uint64())))

    def forget(self, sessions: Collection[int]) -> None:
        """Sessions that are closed need no memory."""
        gone = set(sessions) & self.complete
        if gone:
            self.complete -= gone
            keep = pc.invert(pc.is_in(self.table["session"], pa.array(sorted(gone), pa.uint64())))
            self.table = self.table.filter(keep).combine_chunks()

    def _load(self, sessions: set[int], since: datetime) -> None:
        oldest = (since - SLACK).timestamp()
        pieces = [str(path) for path in sorted(self.directory.glob("*.parquet")) if path.stat().st_mtime >= oldest]
        wanted = ds.field("session").isin(pa.array(sorted(sessions), pa.uint64()))
        found = ds.dataset(pieces, schema=REPORTS).to_table(filter=wanted) if pieces else REPORTS.empty_table()
        kept = self.table.filter(pc.invert(pc.is_in(self.table["session"], pa.array(sorted(sessions), pa.uint64()))))
        self.table = pa.concat_tables([kept, found])
        self.complete |= sessions
