"""What the queue lists, with its filters and in its order, as a file: CSV for tables, GeoJSON for maps."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from amends.ground import clock
from amends.ground.cells import cell
from amends.reports import exporting, queueing
from amends.web.desk.access import operator
from amends.web.desk.reports import asked_for, order

TYPES = {"csv": "text/csv; charset=utf-8", "geojson": "application/geo+json"}
Parts = Iterator[list[dict[str, Any]]]


@operator
def listed(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """The same rows as `amends export reports`: of a hidden one what is counted, and nothing that is somebody's own."""
    written = {"csv": _csv, "geojson": _geojson}[form](_parts(request))
    headers = {"Content-Disposition": f'attachment; filename="reports.{form}"'}
    return StreamingHttpResponse(written, content_type=TYPES[form], headers=headers)


def _parts(request: HttpRequest) -> Parts:
    asked, now, order_, offset = asked_for(request), clock.now(), order(request), 0
    while part := queueing.page(asked, now, exporting.PART, offset, order_):
        yield list(exporting.rows_of(part))
        offset += exporting.PART


def _csv(parts: Parts) -> Iterator[bytes]:
    yield _lines([list(exporting.columns())])
    for rows in parts:
        yield _lines([[cell(value) for value in row.values()] for row in rows])


def _lines(rows: list[list[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _geojson(parts: Parts) -> Iterator[bytes]:
    yield b'{"type": "FeatureCollection", "features": ['
    before = "\n"
    for rows in parts:
        for row in rows:
            yield (before + json.dumps(exporting.feature(row), ensure_ascii=False, default=str)).encode()
            before = ",\n"
    yield b"\n]}\n"
