"""More reports than memory should hold: kept on disk in parts of whole sessions, and judged part by part."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from amends.telemetry import kernel
from amends.telemetry.records import REPORTS

HELD_ROWS = 4_000_000  # about 2 GiB
PARTS = 64
NEEDED = pa.schema([REPORTS.field(name) for name in kernel.USED])


class Reports:
    """Reports gathered in any order; `sessions` judges them all, with never much more than HELD_ROWS in memory."""

    def __init__(self) -> None:
        self.held: list[pa.Table] = []
        self.rows = 0
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.files: list[pa.ipc.RecordBatchFileWriter] = []

    def __enter__(self) -> Reports:
        return self

    def __exit__(self, *met: object) -> None:
        if self.folder:
            self.folder.cleanup()

    def add(self, table: pa.Table) -> None:
        self.held.append(table.select(kernel.USED))  # the rest is nothing that a verdict needs
        self.rows += table.num_rows
        if self.rows > HELD_ROWS:
            self._put_down()

    def sessions(self) -> pa.Table:
        if not self.folder:
            return kernel.assess(pa.concat_tables([NEEDED.empty_table(), *self.held]))
        self._put_down()
        for file in self.files:
            file.close()
        found = pa.concat_tables(kernel.assess(self._read(part)) for part in range(PARTS))
        return found.sort_by(kernel.ORDER)

    def _put_down(self) -> None:
        if not self.folder:
            self.folder = tempfile.TemporaryDirectory(prefix="amends-")
            self.files = [pa.ipc.new_file(str(self._path(part)), NEEDED) for part in range(PARTS)]
        for table in self.held:
            part = (table["session"].to_numpy() >> np.uint64(17)) % np.uint64(PARTS)
            for one in np.unique(part).tolist():
                self.files[one].write_table(table.filter(pa.array(part == one)))
        self.held, self.rows = [], 0

    def _path(self, part: int) -> Path:
        assert self.folder
        return Path(self.folder.name) / f"{part}.arrow"

    def _read(self, part: int) -> pa.Table:
        with pa.memory_map(str(self._path(part))) as file:
            return pa.ipc.open_file(file).read_all()
