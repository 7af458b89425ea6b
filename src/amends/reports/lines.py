"""Reports as lines of the public lists, straight from the columns: thousands are read without a row object each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from amends.reports import queries
from amends.reports.records import Filter, Order

ORDERS = {
    Order.NEWEST: "requested_at DESC, number DESC",
    Order.OLDEST: "requested_at, number",
    Order.UPDATED: "updated_at DESC, number DESC",
}
UPDATED = "CASE WHEN open THEN updated_at ELSE COALESCE(closed_at, updated_at) END"
EXPECTED = "COALESCE(new_due_at, due_at)"
FIRST_PHOTO = """(SELECT name FROM reports_photorow p
  WHERE p.report = reports_reportrow.number AND p.visible ORDER BY p.at, p.name LIMIT 1)"""
# The database writes moments as answers tell them: that costs a tenth of reading and writing thousands in Python.
TOLD = {
    "sqlite": "substr({0}, 1, 10) || 'T' || substr({0}, 12, 8) || 'Z'",
    "postgresql": """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}
PIECE = 2000
Cells = tuple[Any, ...]  # of one line, in the order of `Line`


class Line(NamedTuple):
    """One report as the public may see it; moments as text in UTC, to the second. `photo` is the name of the first."""

    number: int
    open: bool
    state: str
    category: str
    description: str
    body: str
    source: str
    notice: str
    status_notes: str
    requested_at: str
    updated_at: str
    closed_at: str | None
    expected_at: str | None
    address: str
    address_id: str
    zipcode: str
    lat: float | None
    long: float | None
    media_url: str
    photo: str | None


def photo_url(name: str) -> str:
    """Where everybody finds a photo of a public report: an address of GeoReport."""
    return f"{settings.AMENDS.public_url}/open311/v2/media/{name}.jpg"


def search(wanted: Filter, *, order: Order = Order.NEWEST, limit: int = 1000, offset: int = 0) -> list[Cells]:
    """A page of the reports that a filter lets through, in one query; when they were closed is left out."""
    where, params = queries.conditions(wanted)
    return _lines(where, params, ORDERS[order], limit, offset, closed="NULL")


def every(wanted: Filter = Filter()) -> Iterator[list[Line]]:
    """All of them in pieces, oldest number first; between pieces nothing is held in the database."""
    where, params = queries.conditions(wanted)
    last = 0
    while found := _lines([*where, "number > %s"], [*params, last], "number", PIECE, 0):
        yield list(map(Line._make, found))
        last = found[-1][0]


def _lines(where: list[str], params: list[Any], order: str, limit: int, offset: int, closed: str = "") -> list[Cells]:
    condition = " AND ".join(where) or "TRUE"
    sql = f"SELECT {_columns(closed)} FROM reports_reportrow WHERE {condition} ORDER BY {order} LIMIT %s OFFSET %s"  # noqa: S608 - columns and marks only
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, limit, offset])
        found: list[Cells] = cursor.fetchall()
        return found


def _columns(closed: str = "") -> str:
    told = TOLD[connection.vendor].format
    moments = [told("requested_at"), told(UPDATED), closed or told("closed_at"), told(EXPECTED)]
    before = ("number", "open", "state", "category", "description", "body", "source", "notice", "status_notes")
    after = ("address", "address_id", "zipcode", "lat", "long", "media_url", FIRST_PHOTO)
    return ", ".join((*before, *moments, *after))
