"""What the queue lists, with its filters and in its order, as a file: CSV for tables, GeoJSON for maps."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from amends.ground import clock
from amends.ground.cells import cell, lines
from amends.reports import exporting, queueing
from amends.web.desk.access import operator
from amends.web.desk.reports import asked_for, order

TYPES = {"csv": "text/csv; charset=utf-8", "geojson": "application/geo+json"}
Parts = Iterator[Iterator[dict[str, Any]]]


@operator
def listed(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """The same rows as `amends export reports`: of a hidden one what is counted, and nothing that is somebody's own."""
    written = {"csv": _csv, "geojson": _geojson}[form](_parts(request))
    headers = {"Content-Disposition": f'attachment; filename="reports.{form}"'}
    return StreamingHttpResponse(written, content_type=TYPES[form], headers=headers)


def _parts(request: HttpRequest) -> Parts:
    asked, now, order_, offset = asked_for(request), clock.now(), order(request), 0
    while part := queueing.page(asked, now, exporting.PART, offset, order_):
        yield exporting.rows_of(part)
        offset += exporting.PART


def _csv(parts: Parts) -> Iterator[bytes]:
    yield lines([exporting.columns()])
    for rows in parts:
        yield lines([map(cell, row.values()) for row in rows])


def _geojson(parts: Parts) -> Iterator[bytes]:
    return exporting.geojson(chain.from_iterable(parts))
