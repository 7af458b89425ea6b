"""`amends export`: everything, streaming, in batches whose size does not depend on how much there is."""

from __future__ import annotations

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
from amends.ground.cells import cell, flat, lines, plain
from amends.reports import exporting

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
# These leave out whatever is somebody's own, unless it is asked for.
GUARDED: Mapping[str, Callable[[bool], Iterator[Row]]] = {
    "reports": exporting.report_rows,
    "moves": exporting.move_rows,
}
WITH_PLACES = ("reports",)
BATCH = 5000


def export(what: str, format_: str, output: str, *, personal: bool = False) -> int:
    """Write one table to `output` (`-` is standard output); 2 when the table or format is unknown."""
    writers = {"jsonl": _write_jsonl, "csv": _write_csv, "parquet": _write_parquet, "geojson": _write_geojson}
    known = (*TABLES, *GUARDED)
    if what not in known or format_ not in writers:
        print(f"amends export: tables are {', '.join(known)}; formats are {', '.join(writers)}", file=sys.stderr)
        return 2
    if format_ == "geojson" and what not in WITH_PLACES:
        print(f"amends export: only {', '.join(WITH_PLACES)} have places for geojson", file=sys.stderr)
        return 2
    with _opened(output) as file:
        writers[format_](GUARDED[what](personal) if what in GUARDED else TABLES[what](), file)
    return 0


@contextmanager
def _opened(output: str) -> Iterator[IO[bytes]]:
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with open(output, "wb") as file:
            yield file


def _write_jsonl(rows: Iterator[Row], file: IO[bytes]) -> None:
    for row in rows:
        line = json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False, default=str)
        file.write(line.encode() + b"\n")


def _write_csv(rows: Iterator[Row], file: IO[bytes]) -> None:
    names: list[str] = []
    while batch := list(islice(rows, BATCH)):
        if not names:
            names = list(batch[0])
            file.write(lines([names]))
        file.write(lines([[cell(row[name]) for name in names] for row in batch]))


def _write_geojson(rows: Iterator[Row], file: IO[bytes]) -> None:
    file.writelines(exporting.geojson(rows))


def _write_parquet(rows: Iterator[Row], file: IO[bytes]) -> None:
    writer = None
    while batch := list(islice(rows, BATCH)):
        columns = {name: [flat(row[name]) for row in batch] for name in batch[0]}
        if writer is None:
            schema = pa.schema([(name, _type_of(name, values)) for name, values in columns.items()])
            writer = pq.ParquetWriter(file, schema, compression="zstd")
        writer.write_table(pa.table(columns, schema=writer.schema))
    if writer is None:
        writer = pq.ParquetWriter(file, pa.schema([]))
    writer.close()


# Columns that may be empty for thousands of rows before their first value says what they are.
KINDS: Mapping[str, pa.DataType] = {
    "lat": pa.float64(),
    "long": pa.float64(),
    "kept": pa.bool_(),
    "duplicate_of": pa.int64(),
}


def _type_of(name: str, values: list[Any]) -> pa.DataType:
    """A column's type from its name or its ending and, failing that, from its first value."""
    if name in KINDS:
        return KINDS[name]
    if name.endswith("_at") or name == "at":
        return pa.timestamp("us", tz="UTC")
    if name.endswith("minor"):
        return pa.int64()
    first = next((value for value in values if value is not None), "")
    moment = pa.timestamp("us", tz="UTC")
    kinds = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), date: pa.date32(), datetime: moment}
    return kinds.get(type(first), pa.string())
