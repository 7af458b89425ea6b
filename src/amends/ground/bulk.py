"""Many rows at once, past the ORM's one object a row: the same statements on SQLite and PostgreSQL.

`connection` is Django's connection and `model` a Django model; nothing here imports Django.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

AT_ONCE = 2000  # rows of a COPY that are written together
MARKS = BETWEEN, BEHIND, NOTHING = "\x1f", "\x1e", "\x1d"  # between cells, behind rows, for NULL
ESCAPED = (
    *(("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")),
    *((BETWEEN, "\t"), (BEHIND, "\n"), (NOTHING, "\\N")),
)
WRITTEN: Mapping[type, Callable[[Any], str]] = {
    str: str,
    int: str,
    float: repr,
    bool: lambda yes: "t" if yes else "f",
    type(None): lambda _: NOTHING,
    date: str,
    datetime: lru_cache(10_000)(str),
    bytes: lambda raw: f"\\x{raw.hex()}",
}
HELD = '"amends_held"'  # rows on their way into a table where some may be known


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without the collector of cycles: it walks over a batch's ten thousands of rows again and again and finds none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def insert(
    connection: Any,
    model: Any,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    unless_there: bool = False,
    over: tuple[Sequence[str], Sequence[str]] | None = None,
) -> None:
    """Write rows of these columns, in their order; with `unless_there` those whose key is known stay as they are.

    `over` is a key and the columns that are written anew where that key is known; each key may then come once only.
    Moments go through `moment`, JSON is handed over as text; a column that is left out takes the database's default.
    """
    if not rows:
        return
    table, said = _quoted(model._meta.db_table), _listed(columns)
    rest = _when_known(*over) if over else " ON CONFLICT DO NOTHING" if unless_there else ""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({said}) VALUES ({places}){rest}", rows)  # noqa: S608 - our own names
        elif rest:
            _hold(cursor, table, said, rows)
            cursor.execute(f"INSERT INTO {table} ({said}) SELECT {said} FROM {HELD}{rest}; DROP TABLE {HELD}")  # noqa: S608
        else:
            _copy(cursor, table, said, rows)


def rewrite(connection: Any, model: Any, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write these columns of rows that are there anew; each row given begins with its key."""
    if not rows:
        return
    table, said = _quoted(model._meta.db_table), _listed([key, *columns])
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            new = ", ".join(f"{_quoted(column)} = %s" for column in columns)
            sql = f"UPDATE {table} SET {new} WHERE {_quoted(key)} = %s"  # noqa: S608 - our own names
            cursor.executemany(sql, [(*row[1:], row[0]) for row in rows])
            return
        _hold(cursor, table, said, rows)
        new = ", ".join(f"{_quoted(column)} = h.{_quoted(column)}" for column in columns)
        where = f"FROM {HELD} h WHERE {table}.{_quoted(key)} = h.{_quoted(key)}"
        cursor.execute(f"UPDATE {table} SET {new} {where}; DROP TABLE {HELD}")  # noqa: S608


def _when_known(key: Sequence[str], columns: Sequence[str]) -> str:
    new = ", ".join(f"{_quoted(column)} = excluded.{_quoted(column)}" for column in columns)
    return f" ON CONFLICT ({_listed(key)}) DO UPDATE SET {new}"


def _hold(cursor: Any, table: str, said: str, rows: Sequence[Sequence[Any]]) -> None:
    cursor.execute(f"CREATE TEMP TABLE {HELD} AS SELECT {said} FROM {table} WITH NO DATA")  # noqa: S608
    _copy(cursor, HELD, said, rows)


def _copy(cursor: Any, table: str, said: str, rows: Sequence[Sequence[Any]]) -> None:
    with cursor.copy(f"COPY {table} ({said}) FROM STDIN") as copy:
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            if (text := _copied(part)) is not None:
                copy.write(text)
                continue
            for row in part:
                copy.write_row(row)


def _copied(rows: Sequence[Sequence[Any]]) -> str | None:
    """Rows as COPY reads them, written and escaped all at once, which a call for each row takes five times as long for.

    None where a value is of an unusual kind, or holds one of the marks that stand between cells meanwhile.
    """
    columns = [written for column in zip(*rows, strict=True) if (written := _written(column)) is not None]
    if len(columns) < len(rows[0]):
        return None
    text = BEHIND.join(map(BETWEEN.join, zip(*columns, strict=True))) + BEHIND
    nothings = sum(column.count(NOTHING) for column in columns)
    if [text.count(mark) for mark in MARKS] != [len(rows) * (len(columns) - 1), len(rows), nothings]:
        return None
    for mark, written in ESCAPED:
        text = text.replace(mark, written)
    return text


def _written(column: Sequence[Any]) -> Sequence[str] | None:
    """Values of one column as text; None where nobody here knows how to write one of them."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return column
    if not kinds <= WRITTEN.keys():
        return None
    if len(kinds) == 1:
        return list(map(WRITTEN[kinds.pop()], column))
    return [WRITTEN[type(value)](value) for value in column]


def _quoted(name: str) -> str:
    return f'"{name}"'


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))


def moment(connection: Any, at: datetime) -> Any:
    """A moment as this database keeps it."""
    return at if connection.vendor == "postgresql" else _in_utc(at)


@lru_cache(10_000)
def _in_utc(at: datetime) -> str:
    """As Django writes it to SQLite; thousands that come together often share their moments."""
    return str(at.astimezone(UTC).replace(tzinfo=None))


def day(connection: Any, on: date | None) -> Any:
    """A day as this database keeps it."""
    return None if on is None else connection.ops.adapt_datefield_value(on)


def read_moment(kept: Any) -> datetime:
    """A moment as a raw query gives it, or as text; SQLite keeps text in UTC."""
    return _from_text(kept) if isinstance(kept, str) else kept if kept.tzinfo else kept.replace(tzinfo=UTC)


@lru_cache(10_000)
def _from_text(kept: str) -> datetime:
    at = datetime.fromisoformat(kept)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def among(connection: Any, column: str) -> str:
    """An SQL condition: the column is one of any number of texts, which are one parameter (see `texts`)."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s::text[])"
    return f"{column} IN (SELECT value FROM json_each(%s))"  # noqa: S608


def locked(connection: Any) -> str:
    """The end of a SELECT whose rows nobody else may change meanwhile; SQLite has one writer at a time anyway."""
    return " FOR UPDATE" if connection.vendor == "postgresql" else ""


def texts(connection: Any, them: Collection[str]) -> Any:
    """The parameter of `among`."""
    return _array(them) if connection.vendor == "postgresql" else json.dumps(list(them))


def _array(them: Collection[str]) -> str:
    """A PostgreSQL array as text; the driver looks at each by itself."""
    joined = '","'.join(them)
    if not them or "\\" in joined or joined.count('"') != 2 * (len(them) - 1):
        return f"{{{','.join([_in_array(one) for one in them])}}}"
    return f'{{"{joined}"}}'


def _in_array(one: str) -> str:
    escaped = one.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def part(connection: Any, column: str, name: str) -> str:
    """An SQL expression for one part of a JSON column, as JSON text."""
    if connection.vendor == "postgresql":
        return f"({column}->'{name}')::text"
    return f"json_extract({column}, '$.{name}')"


def as_text(connection: Any, column: str) -> str:
    """An SQL expression for a column of JSON or moments as text."""
    return f"{column}::text" if connection.vendor == "postgresql" else column


def fetch(connection: Any, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def change(connection: Any, sql: str, params: Sequence[Any]) -> int:
    """Run a statement; how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def drop_like_indexes(schema_editor: Any, tables: Sequence[str]) -> None:
    """Django gives each indexed text a second index on PostgreSQL, for LIKE; nobody here asks so, every write pays."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    sql = "SELECT indexname FROM pg_indexes WHERE tablename = ANY(%s) AND indexname LIKE '%%\\_like'"
    for (name,) in fetch(connection, sql, [list(tables)]):
        schema_editor.execute(f"DROP INDEX {_quoted(name)}")
