"""Rows as Arrow columns, for studies over millions of them: no row is ever a row in Python.

The database packs a stretch of its table, some thousand rows as they lie, into one JSON text with an array for each
column; while it packs the next, a second thread unpacks this one. One statement reads all stretches, so that they are
of one moment. `connection` is Django's connection; nothing here imports Django.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from operator import attrgetter, methodcaller
from typing import Any

import msgspec
import pyarrow as pa

from amends.ground import bulk

ROWS, PAGES = 10_000, 1_000  # a stretch, in SQLite's rows and in PostgreSQL's pages of eight kilobytes
MOMENT = pa.timestamp("us", "UTC")
Kinds = Mapping[str, pa.DataType]
MIXED = pa.json_(pa.utf8())  # values of several kinds, or nested ones, each as JSON: 4.9 and "4.9" stay apart
Part = Mapping[str, pa.Array]  # the columns of a stretch
_decoded = msgspec.json.Decoder().decode


def read(
    connection: Any,
    table: str,
    kinds: Kinds,
    where: str,
    params: Sequence[Any],
    *,
    inside: str = "",
    names: Sequence[str] = (),
) -> pa.Table:
    """These columns of all rows for which `where` holds, as these kinds: text, whole numbers, flags or MOMENT.

    With them a column for each of the `names` that any row tells `inside` a JSON column; MIXED where not in one kind.
    """
    sql, params = _sql(connection, table, kinds, where, params, inside if names else "", names)
    unpack = _unpacking(kinds, names, apart=connection.vendor == "postgresql")
    with bulk.undisturbed(), ThreadPoolExecutor(1) as second, connection.cursor() as cursor:
        return joined(kinds, names, list(second.map(unpack, _texts(connection, cursor, sql, params))))


def _texts(connection: Any, cursor: Any, sql: str, params: Sequence[Any]) -> Iterator[str]:
    """Each stretch as soon as it is packed; neither database's driver holds the interpreter meanwhile."""
    rows = cursor.stream(sql, params) if connection.vendor == "postgresql" else cursor.execute(sql, params)
    return (text for (text,) in rows if text is not None)


# ---------------------------------------------------------------- packing


def _sql(
    connection: Any, table: str, kinds: Kinds, where: str, params: Sequence[Any], inside: str, names: Sequence[str]
) -> tuple[str, list[Any]]:
    postgres = connection.vendor == "postgresql"
    stretches = _stretches_of_postgres if postgres else _stretches_of_sqlite
    array = "json_agg" if postgres else "json_group_array"
    plain = [f"{name} AT TIME ZONE 'UTC'" if postgres and kind == MOMENT else name for name, kind in kinds.items()]
    told: list[Any] = []
    if inside and postgres:  # it keeps what it can look into fast; SQLite keeps text, and is slower in it than we are
        told = list(names)
        plain += [f"({inside}->%s::text)"] * len(names)
    arrays = [f"{array}({one})::text" if postgres else f"{array}({one})" for one in plain]
    if inside and not postgres:
        arrays += [f"'[' || group_concat({inside}) || ']'"]
    pack = " || ',' || ".join(arrays)
    return stretches(table, f"'[' || {pack} || ']'", where), [*told, *params]


def _stretches_of_sqlite(table: str, pack: str, where: str) -> str:
    return f"""
        WITH RECURSIVE stretch(first) AS (
            SELECT min(rowid) FROM {table}
            UNION ALL
            SELECT (SELECT min(rowid) FROM {table} WHERE rowid >= first + {ROWS}) FROM stretch WHERE first IS NOT NULL
        ) SELECT (SELECT {pack} FROM {table} WHERE rowid >= first AND rowid < first + {ROWS} AND {where})
        FROM stretch WHERE first IS NOT NULL"""  # noqa: S608 - our own names


def _stretches_of_postgres(table: str, pack: str, where: str) -> str:
    return f"""
        SELECT (SELECT {pack} FROM {table}
            WHERE ctid >= ('(' || first || ',0)')::tid AND ctid < ('(' || first + {PAGES} || ',0)')::tid
                AND {where} HAVING count(*) > 0)
        FROM generate_series(0, pg_relation_size('{table}') / current_setting('block_size')::int, {PAGES})
            AS stretch(first)"""  # noqa: S608 - our own names


# ---------------------------------------------------------------- unpacking


def _unpacking(kinds: Kinds, names: Sequence[str], *, apart: bool) -> Callable[[str], Part]:
    """What makes columns of the text of a stretch: an array for each, and for the names each too, where they came
    `apart`, else the JSON column as it is, of which it makes the `names` only."""
    nested = bool(names) and not apart
    one: Any = dict[str, Any]
    members: list[Callable[[Any], Any]] = [methodcaller("get", name) for name in names]
    if not any(not name.isprintable() or set(name) & set('"\\') for name in names):
        fields = {f"f{number}": name for number, name in enumerate(names)}
        one = msgspec.defstruct("One", [(field, Any, None) for field in fields], rename=fields, gc=False)
        members = [attrgetter(field) for field in fields]
    plain: Any = (list[Any],) * len(kinds)
    decoder = msgspec.json.Decoder(tuple[*plain, list[one]] if nested else list[list[Any]])

    def unpack(text: str) -> Part:
        try:
            found = decoder.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            found = msgspec.convert(_anyhow(text, nested), decoder.type)
        columns = zip(kinds.items(), found, strict=False)
        part = {name: _column(values, kind) for (name, kind), values in columns}
        told = [list(map(get, found[-1])) for get in members] if nested else found[len(kinds) :]
        return part | {name: typed(values) for name, values in zip(names, told, strict=True)}

    return unpack


def _anyhow(text: str, nested: bool) -> Any:
    """As Python reads JSON, which may be NaN; what lies inside and is no object tells nothing."""
    found = json.loads(text)
    return [*found[:-1], [one if isinstance(one, dict) else {} for one in found[-1]]] if nested else found


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == MOMENT:
        return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(MOMENT)
    return pa.array(values).cast(kind) if pa.types.is_boolean(kind) else pa.array(values, kind)  # SQLite: 0 and 1


def decoded(text: str) -> Any:
    """JSON, fast where it is strict, and as Python reads it where it is not: that takes NaN as well."""
    try:
        return _decoded(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return json.loads(text)


def typed(values: Sequence[Any]) -> pa.Array:
    """Numbers, flags or texts as a column, MIXED where they are of several kinds or nested; of no type where all are
    unknown."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {int}:
        with suppress(OverflowError):
            return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array(values) if kinds in ({bool}, {str}) else _mixed(values)


def _mixed(values: Sequence[Any]) -> pa.Array:
    texts = [None if value is None else json.dumps(value, default=str) for value in values]
    return pa.ExtensionArray.from_storage(MIXED, pa.array(texts, pa.utf8()))


def joined(kinds: Kinds, names: Sequence[str], parts: Sequence[Part]) -> pa.Table:
    """Stretches under each other; of the names, those that are told."""
    columns = {name: pa.chunked_array([part[name] for part in parts], kind) for name, kind in kinds.items()}
    for name in names:
        found = {part[name].type for part in parts} - {pa.null()}
        if found:
            kind = _common(found)
            columns[name] = pa.chunked_array([_as(part[name], kind) for part in parts], kind)
    return pa.table(columns)


def _common(found: set[pa.DataType]) -> pa.DataType:
    if len(found) == 1:
        return next(iter(found))
    return pa.float64() if found == {pa.int64(), pa.float64()} else MIXED


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if column.type == kind:
        return column
    return _mixed(column.to_pylist()) if kind == MIXED else column.cast(kind, safe=False)
