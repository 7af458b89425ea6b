"""What happened, as columns: failures from the books or from a Parquet file, with what a policy may look at."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
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
Bools = npt.NDArray[np.bool_]

DAY_US = 86_400_000_000
PLAIN = pa.schema(
    [
        ("failure_id", pa.string()),
        ("customer_id", pa.string()),
        ("promise", pa.string()),
        ("segment", pa.string()),
        ("incident", pa.string()),
        ("started_at", packed.MOMENT),
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
ZONED = (
    "expected moments with a zone, such as 2026-07-01T20:00:00+02:00: say in which zone they are, for instance"
    " timezone('Europe/Berlin', started_at) in DuckDB or .dt.tz_localize(\"Europe/Berlin\") in pandas"
)
COUNTED = ("recurrence", "recurrence_decayed")  # from the history itself, whatever a file says
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
        said = without(missing[0], found.column_names, [name for name in found.column_names if name not in PLAIN.names])
        raise NoHistory(f"{path}: {said}; needed are {', '.join(NEEDED)}")
    try:
        return within(told(found), since, until)
    except NoHistory as error:
        raise NoHistory(f"{path}: {error}") from error


def without(name: str, known: Sequence[str], free: Collection[str]) -> str:
    """That a column is missing, what there is, and which of the free ones was perhaps meant."""
    near = nearest(name, free)
    meant = f" (is {near!r} meant?)" if near else ""
    return f"column {name!r} is missing; the file has {', '.join(known)}{meant}"


def nearest(name: str, free: Collection[str], *, alike: float = 0.7) -> str:
    """The column that a name was perhaps meant to be; empty when none is alike."""
    by_lower = {one.lower(): one for one in sorted(free)}
    found = difflib.get_close_matches(name.lower(), by_lower, 1, alike)
    return by_lower[found[0]] if found else ""


def told(found: pa.Table) -> pa.Table:
    """What a file tells: the columns of PLAIN in their types, facts as columns of their own; never `recurrence`."""
    columns = {name: found[name] for name in found.column_names if name not in ("facts", *COUNTED)}
    if "facts" in found.column_names:
        facts = facts_of(found["facts"].to_pylist())
        columns |= {k: v for k, v in facts.items() if k not in (*columns, *COUNTED) and _may_be(k, v)}
    for one in PLAIN:
        if one.name in columns:
            columns[one.name] = _cast(columns[one.name], one)
    return pa.table(columns)


def _may_be(name: str, told: pa.Array) -> bool:
    """Whether a fact may stand for a column of that name: one of PLAIN is never of several kinds."""
    return told.type != packed.MIXED or name not in PLAIN.names


def filled(found: pa.Table) -> tuple[pa.Table, dict[str, Bools]]:
    """Every column of PLAIN, what is missing by its default; and by column, for which failures that was so."""
    columns, assumed = {name: found[name] for name in found.column_names}, {}
    for one in PLAIN:
        default = pa.scalar(DEFAULTS.get(one.name), one.type)
        column = columns.setdefault(one.name, pa.chunked_array([pa.nulls(found.num_rows, one.type)]))
        if default.is_valid and column.null_count:
            assumed[one.name] = pc.is_null(column).to_numpy(zero_copy_only=False)
            columns[one.name] = pc.fill_null(column, default)
    return pa.table(columns), assumed


def normal(found: pa.Table) -> pa.Table:
    """Every column of PLAIN in its type, what is missing by its default, facts as columns of their own."""
    return filled(told(found))[0]


def _cast(column: pa.ChunkedArray, to: pa.Field) -> pa.ChunkedArray:
    try:
        cast = _moments(column) if pa.types.is_timestamp(to.type) else column.cast(to.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise NoHistory(f"column {to.name!r}: expected {to.type}: {error}") from error
    if to.name in NEEDED and cast.null_count:
        raise NoHistory(f"column {to.name!r} is empty in {cast.null_count:,} of {len(cast):,} rows; each needs one")
    return cast


def _moments(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments with a zone, or text with one; where a naive one lies on the time line nobody knows."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz:
        return column.cast(packed.MOMENT, safe=False)  # nanoseconds are cut off
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise NoHistory(f"column 'started_at' is {kind}, without a zone; {ZONED}")
    naive = pc.invert(pc.match_substring_regex(column, r"(Z|[+-]\d\d(:?\d\d)?)$"))
    if first := column.filter(naive).drop_null().slice(0, 1).to_pylist():
        raise NoHistory(f"column 'started_at': {first[0]!r} has no zone; {ZONED}")
    return pc.replace_substring_regex(column, r"(\.\d{6})\d+", r"\1").cast(packed.MOMENT)


def facts_of(told: list[Any]) -> dict[str, pa.Array]:
    """What is told among the facts, each as a column; packed.MIXED where it is of several kinds or nested."""
    rows = [fact if isinstance(fact, dict) else packed.decoded(fact) if fact else {} for fact in told]
    names = sorted({name for row in rows for name in row})
    columns = {name: packed.typed([row.get(name) for row in rows]) for name in names}
    return {name: column for name, column in columns.items() if column.type != pa.null()}


def within(found: pa.Table, since: datetime | None, until: datetime | None) -> pa.Table:
    """Failures that began in [since, until)."""
    if since is None and until is None:
        return found  # not copied
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
    order = _in_turn(owner, at, found["failure_id"] if "failure_id" in found.column_names else None)
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


def _in_turn(owner: Ints, at: Ints, ids: pa.ChunkedArray | None) -> Ints:
    """The order by owner, time and id, or place without ids; they are looked at only where all else is the same."""
    order: Ints = np.lexsort((at, owner))
    same = (np.diff(owner[order]) == 0) & (np.diff(at[order]) == 0)
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied) and ids is not None and ids.null_count == 0:
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
