"""Reports as lines of the public lists, straight from the columns: thousands are read without a row object each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db import connection

from amends.reports import queries
from amends.reports.records import Filter, Order

ORDERS = {
    Order.NEWEST: "requested_at DESC, number DESC",
    Order.OLDEST: "requested_at, number",
    Order.UPDATED: "updated_at DESC, number DESC",
}
COLUMNS = (
    "number, open, state, category, description, body, source, notice, status_notes, requested_at, "
    "CASE WHEN open THEN updated_at ELSE COALESCE(closed_at, updated_at) END, closed_at, COALESCE(new_due_at, due_at), "
    "address, address_id, zipcode, lat, long, media_url, (SELECT name FROM reports_photorow p "
    "WHERE p.report = reports_reportrow.number AND p.visible ORDER BY p.at, p.name LIMIT 1)"
)
PIECE = 2000


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


def search(wanted: Filter, *, order: Order = Order.NEWEST, limit: int = 1000, offset: int = 0) -> list[Line]:
    """A page of the reports that a filter lets through, in one query."""
    where, params = queries.conditions(wanted)
    return _lines(where, params, ORDERS[order], limit, offset)


def every(wanted: Filter = Filter()) -> Iterator[list[Line]]:
    """All of them in pieces, oldest number first; between pieces nothing is held in the database."""
    where, params = queries.conditions(wanted)
    last = 0
    while found := _lines([*where, "number > %s"], [*params, last], "number", PIECE, 0):
        yield found
        last = found[-1].number


def _lines(where: list[str], params: list[Any], order: str, limit: int, offset: int) -> list[Line]:
    condition = " AND ".join(where) or "TRUE"
    sql = f"SELECT {COLUMNS} FROM reports_reportrow WHERE {condition} ORDER BY {order} LIMIT %s OFFSET %s"  # noqa: S608 - columns and marks only
    told = _TOLD[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, limit, offset])
        return [
            Line(*row[:9], told(row[9]), told(row[10]), row[11] and told(row[11]), row[12] and told(row[12]), *row[13:])
            for row in cursor.fetchall()
        ]


def _from_text(value: str) -> str:
    return f"{value[:10]}T{value[11:19]}Z"


def _from_moment(value: Any) -> str:
    return f"{value.isoformat()[:19]}Z"  # the connection's zone is UTC


_TOLD: dict[str, Callable[[Any], str]] = {"sqlite": _from_text, "postgresql": _from_moment}
