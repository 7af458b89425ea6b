"""Where reports are: an R*Tree beside the table on SQLite, a GiST index over core points on PostgreSQL, no PostGIS."""

from __future__ import annotations

from django.db import connection

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
