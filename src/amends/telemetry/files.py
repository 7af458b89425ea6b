"""Files of any kind we read, plain or compressed, as Arrow tables of `records.REPORTS`; memory stays flat."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from amends.telemetry import blocks
from amends.telemetry.cmcd import CmcdSettings, Unreadable
from amends.telemetry.combined import Lines
from amends.telemetry.logs import LineReader, from_names, read_combined, reader_for
from amends.telemetry.reading import DEFAULT, MAX_LINE, BadLine, OnBad, Rows, add_record
from amends.telemetry.records import REPORTS

BATCH_ROWS = 100_000
BLOCK_BYTES, BLOCKS_AHEAD = 4 * 2**20, 4
GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, OSError)


def read_file(
    path: str, *, settings: CmcdSettings = DEFAULT, on_bad: OnBad, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.Table]:
    """Read JSON lines, access logs (combined, W3C, JSON) or Parquet; `-` is standard input.

    A line that cannot be read goes to `on_bad`; a compressed file that breaks off gives what could be read first.
    """
    if path != "-":
        with Path(path).open("rb") as file:
            if file.read(4) == PARQUET:
                yield from _read_parquet(path, settings, on_bad, batch_rows)
                return
    with opened(path) as file:
        yield from _read_lines(path, file, settings, on_bad, batch_rows)


class ToTheBreak(io.RawIOBase):
    """A compressed stream that ends where it breaks off, and keeps why."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.broken: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        try:
            piece = self.source.read1(len(into))
        except BROKEN as error:
            self.broken = error
            return 0
        into[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self.source.close()
        super().close()


def opened(path: str) -> io.BufferedReader:
    raw: Any = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115 - closed by the reader
    buffered = io.BufferedReader(raw, 1 << 20)
    start = buffered.peek(4)[:4]
    if start.startswith(GZIP):
        return io.BufferedReader(ToTheBreak(gzip.GzipFile(fileobj=buffered)), 1 << 20)
    if start == ZSTD:
        frames = zstandard.ZstdDecompressor().stream_reader(buffered, read_across_frames=True)
        return io.BufferedReader(ToTheBreak(frames), 1 << 20)
    return buffered


def _tell_break(path: str, file: io.BufferedReader, line: int, on_bad: OnBad) -> None:
    broken = getattr(file.raw, "broken", None)
    if broken:
        on_bad(BadLine(line, f"the file breaks off here ({broken}); what came before it was read", "", path))


def _read_lines(
    path: str, file: io.BufferedReader, settings: CmcdSettings, on_bad: OnBad, batch_rows: int
) -> Iterator[pa.Table]:
    if _is_combined(file):
        yield from _read_blocks(path, file, settings, on_bad)
        return
    rows, reader = Rows(settings), None
    for number, line in numbered(path, file, on_bad):
        text = line.decode("utf-8", "surrogateescape")
        if not text.strip():
            continue
        reader = reader or reader_for(text)
        _add(rows, reader, text, number, path, on_bad)
        if len(rows.rows) >= batch_rows:
            yield rows.table()
    yield rows.table()


def _is_combined(file: io.BufferedReader) -> bool:
    first = file.peek(4096)[:4096].split(b"\n", 1)[0].decode("utf-8", "replace")
    return bool(first.strip()) and reader_for(first) is read_combined


def _read_blocks(path: str, file: io.BufferedReader, settings: CmcdSettings, on_bad: OnBad) -> Iterator[pa.Table]:
    """A combined log, block by block on two threads; odd lines one by one. Blocks come out in order."""
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[Future[tuple[pa.Table, list[BadLine]]]] = deque()
        for first, block in _line_blocks(path, file, on_bad):
            waiting.append(pool.submit(_read_block, path, first, block, settings))
            if len(waiting) > BLOCKS_AHEAD:
                yield from _done(waiting.popleft(), on_bad)
        while waiting:
            yield from _done(waiting.popleft(), on_bad)


def _done(work: Future[tuple[pa.Table, list[BadLine]]], on_bad: OnBad) -> Iterator[pa.Table]:
    table, bad = work.result()
    for wrong in bad:
        on_bad(wrong)
    yield table


def _line_blocks(path: str, file: io.BufferedReader, on_bad: OnBad) -> Iterator[tuple[int, bytes]]:
    """Whole lines in blocks of some megabytes, each with the number of its first line."""
    number, rest = 1, b""
    while piece := file.read(BLOCK_BYTES):
        end = piece.rfind(b"\n")
        if end < 0:
            rest += piece
            continue
        whole, rest = rest + piece[:end], piece[end + 1 :]
        yield number, whole
        number += whole.count(b"\n") + 1
    if rest.strip():
        yield number, rest
    _tell_break(path, file, number + 1, on_bad)


def _read_block(path: str, first: int, block: bytes, settings: CmcdSettings) -> tuple[pa.Table, list[BadLine]]:
    bad: list[BadLine] = []
    rows, lines = Rows(settings), Lines.of(block)
    try:
        str(block, "utf-8")
        table, read = blocks.read_combined(lines, settings)
    except UnicodeDecodeError:
        table, read = REPORTS.empty_table(), np.zeros(len(lines), np.bool_)
    odd = np.flatnonzero(~read)
    texts = lines.texts(odd)
    for index, text in zip(odd.tolist(), texts, strict=True):
        if text.strip():
            _add(rows, read_combined, text, first + index, path, bad.append)
    return pa.concat_tables([table, rows.table()]), bad


def numbered(path: str, file: io.BufferedReader, on_bad: OnBad) -> Iterator[tuple[int, bytes]]:
    number = 0
    for number, line in enumerate(file, 1):
        yield number, line
    _tell_break(path, file, number + 1, on_bad)


def _add(rows: Rows, reader: LineReader, text: str, number: int, path: str, on_bad: OnBad) -> None:
    try:
        if len(text) > MAX_LINE:
            raise Unreadable(f"line: longer than {MAX_LINE} characters")
        text.encode("utf-8")
        record = reader(text)
        if record is not None:
            add_record(rows, record)
    except (Unreadable, ValueError) as error:
        reason = "line: not UTF-8" if isinstance(error, UnicodeEncodeError) else str(error)
        on_bad(BadLine(number, reason, text[:MAX_LINE].encode("utf-8", "replace").decode(), path))


def _read_parquet(path: str, settings: CmcdSettings, on_bad: OnBad, batch_rows: int) -> Iterator[pa.Table]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        on_bad(BadLine(0, f"not a readable Parquet file: {error}", "", path))
        return
    ours = set(REPORTS.names) <= set(file.schema_arrow.names)
    done = 0
    for batch in file.iter_batches(batch_rows, columns=REPORTS.names if ours else None):
        if ours:
            yield pa.Table.from_batches([batch]).cast(REPORTS)
        else:
            yield _from_columns(batch.to_pylist(), done, path, settings, on_bad)
        done += batch.num_rows


def _from_columns(
    found: Iterable[dict[str, object]], done: int, path: str, settings: CmcdSettings, on_bad: OnBad
) -> pa.Table:
    """Parquet whose columns are named like a log's."""
    rows = Rows(settings)
    for number, row in enumerate(found, done + 1):
        try:
            record = row if "kind" in row else from_names(row)
            if record is not None:
                add_record(rows, record)
        except (Unreadable, ValueError, TypeError) as error:
            on_bad(BadLine(number, str(error), str(row)[:MAX_LINE], path))
    return rows.table()


def parquet_rows(path: str) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet log as records of our own line form."""
    for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
        for row in batch.to_pylist():
            record = row if "kind" in row or "specversion" in row else from_names(row)
            if record is not None:
                yield record
