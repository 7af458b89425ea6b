"""`amends export`: everything, streaming, in batches whose size does not depend on how much there is."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from itertools import islice
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

import amends.closure.queries
import amends.customers.queries
import amends.failures.queries
import amends.incidents.queries
import amends.ledger.queries
import amends.notices.queries
import amends.outbox.queries
import amends.recoveries.queries
import amends.signals.queries
from amends.ground.moments import format_moment

Row = Mapping[str, Any]
TABLES: Mapping[str, Callable[[], Iterator[Row]]] = {
    "signals": amends.signals.queries.export_rows,
    "sessions": amends.signals.queries.export_viewings,
    "quarantine": amends.signals.queries.export_quarantine,
    "customers": amends.customers.queries.export_rows,
    "failures": amends.failures.queries.export_rows,
    "incidents": amends.incidents.queries.export_rows,
    "recoveries": amends.recoveries.queries.export_rows,
    "acts": amends.outbox.queries.export_rows,
    "ledger": amends.ledger.queries.export_rows,
    "notices": amends.notices.queries.export_rows,
    "outcomes": amends.closure.queries.export_rows,
}
BATCH = 5000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


def export(what: str, format_: str, output: str) -> int:
    """Write one table to `output` (`-` is standard output); 2 when the table or format is unknown."""
    writers = {"jsonl": _write_jsonl, "csv": _write_csv, "parquet": _write_parquet}
    if what not in TABLES or format_ not in writers:
        print(f"amends export: tables are {', '.join(TABLES)}; formats are {', '.join(writers)}", file=sys.stderr)
        return 2
    with _opened(output) as file:
        writers[format_](TABLES[what](), file)
    return 0


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes]]:
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with open(output, "wb") as file:
            yield file


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _flat(value: Any) -> Any:
    """Nested values as JSON text, for formats that have none."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value


def _write_jsonl(rows: Iterator[Row], file: IO[bytes]) -> None:
    for row in rows:
        line = json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False, default=str)
        file.write(line.encode() + b"\n")


def _write_csv(rows: Iterator[Row], file: IO[bytes]) -> None:
    writer = None
    for row in rows:
        cells = {name: _harmless(_flat(_plain(value))) for name, value in row.items()}
        if writer is None:
            writer = csv.DictWriter(_TextInto(file), fieldnames=list(cells))
            writer.writeheader()
        writer.writerow(cells)


def _harmless(cell: Any) -> Any:
    """A spreadsheet must not run what a customer typed (OWASP ASVS 1.2.10)."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return "'" + cell
    return cell


class _TextInto:
    """What csv needs to write into a binary file."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def write(self, text: str) -> int:
        return self.file.write(text.encode())


def _write_parquet(rows: Iterator[Row], file: IO[bytes]) -> None:
    writer = None
    while batch := list(islice(rows, BATCH)):
        columns = {name: [_flat(row[name]) for row in batch] for name in batch[0]}
        if writer is None:
            schema = pa.schema([(name, _type_of(name, values)) for name, values in columns.items()])
            writer = pq.ParquetWriter(file, schema, compression="zstd")
        writer.write_table(pa.table(columns, schema=writer.schema))
    if writer is None:
        writer = pq.ParquetWriter(file, pa.schema([]))
    writer.close()


def _type_of(name: str, values: list[Any]) -> pa.DataType:
    """A column's type from its name's ending and, failing that, from its first value."""
    if name.endswith("_at") or name == "at":
        return pa.timestamp("us", tz="UTC")
    if name.endswith("minor"):
        return pa.int64()
    first = next((value for value in values if value is not None), "")
    moment = pa.timestamp("us", tz="UTC")
    kinds = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), date: pa.date32(), datetime: moment}
    return kinds.get(type(first), pa.string())
