"""How many reports stand where, at every zoom of a map: a grid of counts that follows the history.

Cells of one level are four times as wide as those of the next: level 16 is 400 m wide at 45° north. The finest level
is counted from reports, each other from the one below it: a change costs a handful of rows, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import connection, transaction

from amends.reports import queries, reading, spatial
from amends.reports.records import Cluster, Filter, Move

READER = "cells"
BATCH = 500
LEVELS = (18, 16, 14, 12, 10, 8, 6, 4)  # a level's cells are 360°/2^level wide and half as high
COUNTED_TO = 17  # zoom; from the next one on, the reports in sight are few enough to be grouped as they lie
FINEST = 24
MOST = 5000  # cells of one answer
FLOOR = {"sqlite": "CAST({0} AS INTEGER)", "postgresql": "CAST(FLOOR({0}) AS BIGINT)"}
Cell = tuple[int, int]


def level_of(zoom: int) -> int:
    """The level whose cells are 64 to 128 pixels wide at a zoom."""
    even = (max(2, min(zoom, 22)) + 2) // 2 * 2
    return max(LEVELS[-1], min(even, FINEST))


def cell_at(lat: float, long: float, level: int) -> Cell:
    return int((long + 180.0) / (360.0 / 2**level)), int((lat + 90.0) / (180.0 / 2**level))


def _x(level: int) -> str:
    return FLOOR[connection.vendor].format(f"((long + 180.0) / {360.0 / 2**level!r})")


def _y(level: int) -> str:
    return FLOOR[connection.vendor].format(f"((lat + 90.0) / {180.0 / 2**level!r})")


# Asking


def clusters(bbox: tuple[float, float, float, float], zoom: int, wanted: Filter = Filter()) -> list[Cluster]:
    """Visible reports in a box, those that stand close together at this zoom as one."""
    level = level_of(zoom)
    plain = Filter(categories=wanted.categories, open=wanted.open)
    if zoom <= COUNTED_TO and wanted == plain:
        return [found for half in _halves(bbox) for found in _counted(half, level, plain)]
    return _grouped(bbox, level, wanted)


def _halves(bbox: tuple[float, float, float, float]) -> Sequence[tuple[float, float, float, float]]:
    west, south, east, north = bbox
    return [bbox] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


def _counted(bbox: tuple[float, float, float, float], level: int, wanted: Filter) -> list[Cluster]:
    west, south, east, north = bbox
    (first_x, first_y), (last_x, last_y) = cell_at(south, west, level), cell_at(north, east, level)
    where = ["level = %s AND x BETWEEN %s AND %s AND y BETWEEN %s AND %s"]
    params: list[Any] = [level, first_x, last_x, first_y, last_y]
    if wanted.categories is not None:
        where.append(f"category IN ({', '.join(['%s'] * len(wanted.categories))})" if wanted.categories else "FALSE")
        params += wanted.categories
    if wanted.open is not None:
        where.append("open" if wanted.open else "NOT open")
    return _clusters(
        f"""SELECT SUM(lat_sum) / SUM(count), SUM(long_sum) / SUM(count), SUM(count),
              SUM(CASE WHEN open THEN count ELSE 0 END), MIN(number)
            FROM reports_cellrow WHERE {" AND ".join(where)} GROUP BY x, y LIMIT {MOST}""",  # noqa: S608 - conditions
        params,
    )


def _grouped(bbox: tuple[float, float, float, float], level: int, wanted: Filter) -> list[Cluster]:
    where, params = queries.conditions(wanted)
    inside, corners = spatial.inside(*bbox)
    return _clusters(
        f"""SELECT AVG(lat), AVG(long), COUNT(*), SUM(CASE WHEN open THEN 1 ELSE 0 END), MIN(number)
            FROM reports_reportrow WHERE {" AND ".join([*where, inside])}
            GROUP BY {_x(level)}, {_y(level)} LIMIT {MOST}""",  # noqa: S608 - conditions
        [*params, *corners],
    )


def _clusters(sql: str, params: Sequence[Any]) -> list[Cluster]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [
            Cluster(float(lat), float(long), int(count), int(open_), int(number) if count == 1 else None)
            for lat, long, count, open_, number in cursor.fetchall()
        ]


# Counting


@transaction.atomic
def follow(now: datetime) -> int:
    """Count those cells anew where something has happened since; doing it again changes nothing. A worker step."""
    moves = reading.unread(READER, BATCH, now)
    if not moves:
        return 0
    _count_anew(_touched(moves))
    reading.read(READER, moves[-1].number)
    return len(moves)


@transaction.atomic
def count_all(now: datetime) -> None:
    """Count every cell from nothing: after an import that wrote no history."""
    upto = reading.newest(now)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM reports_cellrow")
        cursor.execute(_FROM_REPORTS.format(where="lat IS NOT NULL AND long IS NOT NULL", **_named(LEVELS[0])))
        for fine, coarse in pairwise(LEVELS):
            cursor.execute(_FROM_BELOW.format(where="TRUE", fine=fine, level=coarse))
    reading.read(READER, upto)


def _touched(moves: Iterable[Move]) -> set[Cell]:
    """The finest cells in which the reports of these moves stand, and in which they stood before."""
    found = list(moves)
    reports = queries.by_numbers([move.report for move in found])
    places = [(report.lat, report.long) for report in reports.values()]
    for move in found:
        report = reports.get(move.report)
        if report and ("lat" in move.was or "long" in move.was):
            places.append((move.was.get("lat", report.lat), move.was.get("long", report.long)))
    return {cell_at(lat, long, LEVELS[0]) for lat, long in places if lat is not None and long is not None}


def _count_anew(cells: set[Cell]) -> None:
    with connection.cursor() as cursor:
        for x, y in sorted(cells):
            inside, corners = spatial.inside(*_box(x, y, LEVELS[0]))
            cursor.execute("DELETE FROM reports_cellrow WHERE level = %s AND x = %s AND y = %s", [LEVELS[0], x, y])
            where = f"{inside} AND {_x(LEVELS[0])} = %s AND {_y(LEVELS[0])} = %s"
            cursor.execute(_FROM_REPORTS.format(where=where, **_named(LEVELS[0])), [*corners, x, y])
        for fine, coarse in pairwise(LEVELS):
            cells = {(x >> fine - coarse, y >> fine - coarse) for x, y in cells}
            for x, y in sorted(cells):
                _add_up(cursor, fine, coarse, x, y)


def _add_up(cursor: Any, fine: int, coarse: int, x: int, y: int) -> None:
    wide = 1 << fine - coarse
    cursor.execute("DELETE FROM reports_cellrow WHERE level = %s AND x = %s AND y = %s", [coarse, x, y])
    where = "x BETWEEN %s AND %s AND y BETWEEN %s AND %s"
    corners = [x * wide, x * wide + wide - 1, y * wide, y * wide + wide - 1]
    cursor.execute(_FROM_BELOW.format(where=where, fine=fine, level=coarse), corners)


def _box(x: int, y: int, level: int) -> tuple[float, float, float, float]:
    """A cell's box, a hair wider: which side its edges belong to is decided by the cells' own arithmetic."""
    wide, high, hair = 360.0 / 2**level, 180.0 / 2**level, 1e-9
    west, south = x * wide - 180.0, y * high - 90.0
    return west - hair, south - hair, west + wide + hair, south + high + hair


def _named(level: int) -> dict[str, Any]:
    return {"level": level, "x": _x(level), "y": _y(level)}


_INTO = "INSERT INTO reports_cellrow (level, x, y, category, open, count, lat_sum, long_sum, number) "
_FROM_REPORTS = (
    _INTO + "SELECT {level}, {x}, {y}, category, open, COUNT(*), SUM(lat), SUM(long), MIN(number) "
    "FROM reports_reportrow WHERE visible AND {where} GROUP BY 2, 3, category, open"
)
_FROM_BELOW = (
    _INTO + "SELECT {level}, x / 4, y / 4, category, open, SUM(count), SUM(lat_sum), SUM(long_sum), "  # noqa: S608 - ours
    "MIN(number) FROM reports_cellrow WHERE level = {fine} AND {where} GROUP BY 2, 3, category, open"
)
