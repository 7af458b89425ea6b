"""Where reports are: an R*Tree beside the table on SQLite, a GiST index over core points on PostgreSQL, no PostGIS."""

from __future__ import annotations

import math

from django.db import connection

EARTH_M = 6_371_008.8  # mean radius (IUGG)
# The tree keeps 32-bit numbers, rounded outwards: it finds candidates, the comparison with the row's own decides.
IN_TREE = """SELECT number FROM reports_place
  WHERE max_long >= %s AND min_long <= %s AND max_lat >= %s AND min_lat <= %s"""
IN_BOX = "point(long, lat) <@ box(point(%s, %s), point(%s, %s))"


def inside(west: float, south: float, east: float, north: float) -> tuple[str, list[float]]:
    """The condition for rows that lie in a box, its edges included, and its numbers. West may lie beyond the 180th."""
    if west > east:
        (one, numbers), (other, more) = inside(west, south, 180.0, north), inside(-180.0, south, east, north)
        return f"({one} OR {other})", numbers + more
    exact = "long >= %s AND long <= %s AND lat >= %s AND lat <= %s"
    if connection.vendor == "sqlite":
        return f"(number IN ({IN_TREE}) AND {exact})", [west, east, south, north] * 2
    return f"({IN_BOX} AND {exact})", [west, south, east, north, west, east, south, north]


def box_around(lat: float, long: float, metres: float) -> tuple[float, float, float, float]:
    """The box that holds all within so many metres: west, south, east, north in degrees."""
    up = math.degrees(metres / EARTH_M)
    aside = min(180.0, up / max(1e-9, math.cos(math.radians(min(89.9, abs(lat) + up)))))
    return (max(-180.0, long - aside), max(-90.0, lat - up), min(180.0, long + aside), min(90.0, lat + up))


def metres(lat: float, long: float, other_lat: float | None, other_long: float | None) -> float:
    """The great-circle distance (haversine) in metres; infinite where the other has no place."""
    if other_lat is None or other_long is None:
        return math.inf
    a, b = math.radians(lat), math.radians(other_lat)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(other_long - long) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half)))
