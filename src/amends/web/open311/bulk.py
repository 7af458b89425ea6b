"""All requests in one file, written while they are read: CSV, JSON or XML (GeoReport Bulk, proposed)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from amends.ground.cells import harmless
from amends.ground.cells import lines as lines_of
from amends.reports import lines
from amends.reports.records import Filter
from amends.web.open311.listing import Spoken
from amends.web.open311.services import catalogue, locale
from amends.web.open311.writing import TYPES, json_pieces, xml_pieces

COLUMNS = (
    *("service_request_id", "requested_datetime", "updated_datetime", "closed_date", "status_description"),
    *("status_notes", "source", "service_name", "service_subtype", "description", "agency_responsible"),
    *("address", "lat", "long"),
)


def everything(request: HttpRequest, form: str) -> HttpResponseBase:
    """Every public request, by its number."""
    headers = {"Content-Disposition": f'attachment; filename="service_requests.{form}"'}
    if request.method == "HEAD":
        return HttpResponse(content_type=TYPES[form], headers=headers)
    spoken = Spoken.of(catalogue(), locale(request))
    pieces = ([_row(line, spoken) for line in found] for found in lines.every(Filter()))
    written = {"xml": lambda: xml_pieces("service_requests", pieces), "json": lambda: json_pieces(pieces)}
    made: Iterable[bytes] = written[form]() if form in written else _csv(pieces)
    return StreamingHttpResponse(made, content_type=TYPES[form], headers=headers)


def _row(line: lines.Line, spoken: Spoken) -> dict[str, Any]:
    return {
        "service_request_id": str(line.number),
        "requested_datetime": line.requested_at,
        "updated_datetime": line.updated_at,
        "closed_date": line.closed_at,
        "status_description": line.state,
        "status_notes": line.status_notes or None,
        "source": line.source or None,
        "service_name": spoken.services.get(line.category, line.category),
        "service_subtype": None,
        "description": line.description or None,
        "agency_responsible": spoken.agencies.get(line.body) or line.body or None,
        "address": line.address or None,
        "lat": line.lat,
        "long": line.long,
    }


def _csv(pieces: Iterable[Sequence[dict[str, Any]]]) -> Iterator[bytes]:
    yield lines_of([COLUMNS])
    for rows in pieces:
        yield lines_of([map(harmless, row.values()) for row in rows])
