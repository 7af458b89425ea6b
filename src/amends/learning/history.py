"""What happened, as columns: failures from the books or from a Parquet file, with what a policy may look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from amends.ground import packed

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DAY_US = 86_400_000_000
PLAIN = pa.schema(
    [
        ("failure_id", pa.string()),
        ("customer_id", pa.string()),
        ("promise", pa.string()),
        ("segment", pa.string()),
        ("incident", pa.string()),
        ("started_at", pa.timestamp("us", "UTC")),
        ("severity", pa.string()),
        ("controllable", pa.bool_()),
        ("stable_cause", pa.bool_()),
        ("loss_kind", pa.string()),
        ("used_anyway", pa.bool_()),
        ("evidence", pa.string()),
        ("price_minor", pa.int64()),
        ("currency", pa.string()),
    ]
)
NEEDED = ("customer_id", "promise", "started_at", "severity")
DEFAULTS: Mapping[str, Any] = {
    "segment": "",
    "incident": "",
    "controllable": True,
    "stable_cause": False,
    "loss_kind": "outcome",
    "used_anyway": False,
    "evidence": "observed",
    "currency": "",
}


class NoHistory(ValueError):
    """A file that is no history; the message says what is missing."""


def from_parquet(path: Path, since: datetime | None, until: datetime | None) -> pa.Table:
    """Failures from a Parquet file: the columns of PLAIN, and further ones as facts (or one column `facts`, JSON)."""
    try:
        found = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise NoHistory(f"{path}: not a readable Parquet file: {error}") from error
    missing = [name for name in NEEDED if name not in found.column_names]
    if missing:
        raise NoHistory(f"{path}: column {missing[0]!r} is missing; needed are {', '.join(NEEDED)}")
    return within(normal(found), since, until)


def normal(found: pa.Table) -> pa.Table:
    """Every column of PLAIN in its type, what is missing by its default, facts as columns of their own."""
    columns: dict[str, pa.ChunkedArray | pa.Array] = {}
    for one in PLAIN:
        if one.name in found.column_names:
            columns[one.name] = _cast(found[one.name], one)
        else:
            columns[one.name] = pa.repeat(pa.scalar(DEFAULTS.get(one.name), one.type), found.num_rows)
    for name in found.column_names:
        if name not in columns and name != "facts":
            columns[name] = found[name]
    if "facts" in found.column_names:
        columns |= {k: v for k, v in facts_of(found["facts"].to_pylist()).items() if k not in columns}
    return pa.table(columns)


def _cast(column: pa.ChunkedArray, to: pa.Field) -> pa.ChunkedArray:
    try:
        if pa.types.is_timestamp(to.type) and pa.types.is_string(column.type):
            column = pc.strptime(pc.utf8_slice_codeunits(column, 0, 19), "%Y-%m-%dT%H:%M:%S", "us")
            column = pc.assume_timezone(column, "UTC")
        cast = column.cast(to.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise NoHistory(f"column {to.name!r}: expected {to.type}: {error}") from error
    default = DEFAULTS.get(to.name)
    return pc.fill_null(cast, pa.scalar(default, to.type)) if default is not None and cast.null_count else cast


def facts_of(told: list[Any]) -> dict[str, pa.Array]:
    """Numbers, flags and short texts among the facts, each as a column; what is mixed or nested is left out."""
    rows = [fact if isinstance(fact, dict) else packed.decoded(fact) if fact else {} for fact in told]
    names = sorted({name for row in rows for name in row})
    columns = {name: packed.typed([row.get(name) for row in rows]) for name in names}
    return {name: column for name, column in columns.items() if column is not None and column.type != pa.null()}


def within(found: pa.Table, since: datetime | None, until: datetime | None) -> pa.Table:
    """Failures that began in [since, until)."""
    keep = pa.array(np.ones(found.num_rows, np.bool_))
    kind = PLAIN.field("started_at").type
    if since is not None:
        keep = pc.and_(keep, pc.greater_equal(found["started_at"], pa.scalar(since, kind)))
    if until is not None:
        keep = pc.and_(keep, pc.less(found["started_at"], pa.scalar(until, kind)))
    return found.filter(keep)


def with_recurrence(found: pa.Table, days: int, half_life_days: float) -> pa.Table:
    """`recurrence` and `recurrence_decayed` of each failure: earlier ones of the same customer and promise.

    Ties in time are broken by id, as the deciding does; decayed by halves (Knox and van Oest 2014).
    """
    at = found["started_at"].cast(pa.int64()).to_numpy()
    owner = codes_of(found["customer_id"]) * (1 << 20) + codes_of(found["promise"])
    order = _in_turn(owner, at, found["failure_id"])
    at, owner = at[order], owner[order]
    count, decayed = np.zeros(len(at), np.int64), np.zeros(len(at))
    rows, back = np.arange(len(at)), 0
    while len(rows):  # those that have one more before them, until nobody has
        back += 1
        rows = rows[rows >= back]
        earlier = rows - back
        age = at[rows] - at[earlier]
        near = (owner[rows] == owner[earlier]) & (age <= days * DAY_US)
        rows = rows[near]
        count[rows] = back
        decayed[rows] += 2.0 ** (-age[near] / (half_life_days * DAY_US))
    there = np.empty(len(at), np.int64)
    there[order] = np.arange(len(at))
    recurrence = pa.array(count[there])
    return found.append_column("recurrence", recurrence).append_column(
        "recurrence_decayed", pa.array(np.round(decayed[there], 6))
    )


def _in_turn(owner: Ints, at: Ints, ids: pa.ChunkedArray) -> Ints:
    """The order by owner, time and id, or place without ids; they are looked at only where all else is the same."""
    order: Ints = np.lexsort((at, owner))
    same = (np.diff(owner[order]) == 0) & (np.diff(at[order]) == 0)
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied) and ids.null_count == 0:
        rows = order[tied]
        by_id = ids.take(pa.array(rows)).to_numpy(zero_copy_only=False)
        order[tied] = rows[np.lexsort((by_id, at[rows], owner[rows]))]
    return order


def codes_of(column: pa.ChunkedArray) -> Ints:
    """A small whole number for each distinct value."""
    codes: Ints = column.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def pieces(found: pa.Table, by: str) -> Iterator[tuple[str, pa.Table]]:
    """The history by the values of one column."""
    for value in pc.unique(found[by]).to_pylist():
        yield str(value), found.filter(pc.equal(found[by], value))
