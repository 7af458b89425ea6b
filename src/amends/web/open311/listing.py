"""Requests as GeoReport tells them: never a name, an address of mail, a number or a device of who reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from amends.ground import clock
from amends.reports import lines, queries
from amends.reports.catalogue import Catalogue, in_language
from amends.reports.lines import Cells, photo_url
from amends.reports.records import Filter, Move, PhotoOf, Report
from amends.web.open311 import asking
from amends.web.open311.refusing import refuse
from amends.web.open311.services import catalogue, locale
from amends.web.open311.writing import answer

YES = ("true", "1", "yes")
Row = dict[str, Any]


@dataclass(frozen=True)
class Spoken:
    """Names in one language by code, made once for a whole list."""

    services: Mapping[str, str]
    notices: Mapping[str, str]
    agencies: Mapping[str, str]

    @classmethod
    def of(cls, known: Catalogue, language: str) -> Spoken:
        return cls(
            {code: in_language(each.name, language) for code, each in known.categories.items()},
            {code: in_language(each.notice, language) for code, each in known.categories.items() if each.notice},
            {code: in_language(each.name, language) for code, each in known.bodies.items()},
        )


def many(request: HttpRequest, form: str) -> HttpResponse:
    """The requests that the filters let through, newest first."""
    asked = asking.requests(request, clock.now())
    page = asked.page
    found = lines.search(asked.wanted, order=asked.order, limit=page.limit + 1, offset=page.offset)
    rows = _rows(request, found[: page.limit])
    headers = {"Link": _next(request, page.number)} if len(found) > page.limit else {}
    return answer("service_requests", rows, form, headers=headers)


def _next(request: HttpRequest, number: int) -> str:
    """Where the next page is, as RFC 8288 tells it."""
    query = request.GET.copy()
    query["page"] = str(number + 1)
    return f'<{settings.AMENDS.public_url}{request.path_info}?{query.urlencode()}>; rel="next"'


def one(request: HttpRequest, form: str, code: str) -> HttpResponse:
    """One request, still as a list of one."""
    known = code.isascii() and code.isdigit() and len(code) < 19
    found = lines.search(Filter(numbers=[int(code)])) if known else []
    if not found:
        raise refuse(404, "service_request_id is not known here")
    return answer("service_requests", _rows(request, found), form)


def token(request: HttpRequest, form: str, code: str) -> HttpResponse:
    """The id behind a token of a batch service; empty as long as it has none."""
    report = queries.by_token(code) if len(code) <= 64 else None
    if report is None:
        raise refuse(404, "token is not known here")
    number = None if report.state == "pending" else str(report.number)
    return answer("service_requests", [{"service_request_id": number, "token": code}], form)


def not_given(request: HttpRequest, form: str, name: str) -> HttpResponse:
    """An address that lacks what it asks for."""
    lacks = {"services": "service_code", "requests": "service_request_id", "tokens": "token"}[name]
    raise refuse(400, f"{lacks} required: write it before .{form}")


def _rows(request: HttpRequest, found: Sequence[Cells]) -> Sequence[Told | Row]:
    spoken = Spoken.of(catalogue(), locale(request))
    rows = [told(line, spoken) for line in found]
    if request.GET.get("extensions", "").strip().lower() not in YES:
        return rows
    return _extended([msgspec.structs.asdict(row) for row in rows], [line[0] for line in found])


class Told(msgspec.Struct, gc=False):
    """One request with the fields of the standard, in its order; an answer has up to a thousand."""

    service_request_id: str
    status: str
    status_notes: str | None
    service_name: str
    service_code: str
    description: str | None
    agency_responsible: str | None
    service_notice: str | None
    requested_datetime: str
    updated_datetime: str
    expected_datetime: str | None
    address: str | None
    address_id: str | None
    zipcode: str | None
    lat: float | None
    long: float | None
    media_url: str | None


def told(line: Cells, spoken: Spoken) -> Told:
    """One request as it is told; what is not known is empty."""
    number, open_, _, category, description, body, _, notice, notes, requested, updated, _, expected, *rest = line
    address, address_id, zipcode, lat, long, media_url, photo = rest
    return Told(
        str(number),
        "open" if open_ else "closed",
        notes or None,
        spoken.services.get(category, category),
        category,
        description or None,
        spoken.agencies.get(body) or body or None,
        notice or spoken.notices.get(category),
        requested,
        updated,
        expected,
        address or None,
        address_id or None,
        zipcode or None,
        lat,
        long,
        photo_url(photo) if photo else media_url or None,
    )


# What is told beyond the standard, where it is asked for


def _extended(rows: Sequence[Row], numbers: Sequence[int]) -> Sequence[Row]:
    reports, moves, photos = queries.by_numbers(numbers), queries.history(numbers), queries.photos_of(numbers)
    for number, row in zip(numbers, rows, strict=True):
        row["extended_attributes"] = _beyond(reports[number], photos.get(number, ()))
        row["attributes"] = [
            {"code": code, "value": value} for code, values in reports[number].answers for value in values
        ]
        row["notes"] = [_note(move) for move in moves.get(number, ())]
    return rows


def _beyond(report: Report, photos: Sequence[PhotoOf]) -> Row:
    return {
        "state": report.state.value,
        "area": report.area or None,
        "agency_code": report.body or None,
        "asset_id": report.asset or None,
        "channel": report.source or None,
        "affected": report.affected,
        "promised_datetime": second(report.due_at),
        "new_datetime": second(report.new_due_at),
        "promise_kept": report.kept,
        "reopened": report.reopened,
        "closed_datetime": second(report.closed_at),
        "duplicate_of": str(report.duplicate_of) if report.duplicate_of else None,
        "photos": [
            {"url": photo_url(photo.name), "kind": photo.kind, "width": photo.width, "height": photo.height}
            for photo in photos
        ],
    }


def _note(move: Move) -> Row:
    return {
        "datetime": second(move.at),
        "type": move.kind,
        "status": move.state.value,
        "description": move.words or None,
    }


def second(at: datetime | None) -> str | None:
    """A moment as every answer tells it: in UTC, to the second."""
    return f"{at.astimezone(UTC).isoformat()[:19]}Z" if at else None
