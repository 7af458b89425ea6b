"""Reports and their moves as rows for export: what is public, and only where asked for what is somebody's own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from amends.ground.cells import plain
from amends.reports import queries
from amends.reports.lines import photo_url
from amends.reports.records import Filter, Move, Report

PART = 2000
PLAIN = (
    *("number", "category", "state", "severity", "body", "crew", "area", "source", "requested_at", "updated_at"),
    *("closed_at", "due_at", "new_due_at", "kept", "reopened", "duplicate_of", "affected", "visible"),
)
SEEN = ("description", "answers", "lat", "long", "address", "zipcode", "asset", "media_url", "status_notes")
OWN = ("customer_id", "privacy", "locale", "assignee", "address_id", "external_id")
MOVE = ("number", "report", "at", "kind", "state", "public", "words", "media_url", "external_code")
MOVE_OWN = ("who", "note", "was")


def report_rows(personal: bool = False) -> Iterator[dict[str, Any]]:
    """Every report, oldest first. Of one that is hidden only what is counted, unless `personal`.

    Its `media_url` is that of GeoReport: the first photo that everybody may see, else the address that came with it.
    """
    reports = queries.every(Filter(hidden_too=True))
    while part := list(islice(reports, PART)):
        yield from rows_of(part, personal)


def columns(personal: bool = False) -> tuple[str, ...]:
    """What a row of a report has, in order."""
    return (*PLAIN, *SEEN, *(OWN if personal else ()))


def rows_of(reports: Sequence[Report], personal: bool = False) -> Iterator[dict[str, Any]]:
    """Rows of these reports, in their order."""
    photos = queries.photos_of([report.number for report in reports if report.visible])
    for report in reports:
        first = next(iter(photos.get(report.number, ())), None)
        media_url = photo_url(first.name) if first else report.media_url
        hidden = not (report.visible or personal)
        yield {name: _value(report, name, media_url, hidden=hidden) for name in columns(personal)}


def geojson(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """A FeatureCollection (RFC 7946), a feature a line."""
    yield b'{"type": "FeatureCollection", "features": ['
    before = "\n"
    for row in rows:
        yield (before + json.dumps(_feature(row), ensure_ascii=False, default=str)).encode()
        before = ",\n"
    yield b"\n]}\n"


def _feature(row: Mapping[str, Any]) -> dict[str, Any]:
    """What has no place has no geometry."""
    lat, long = row["lat"], row["long"]
    place = None if lat is None or long is None else {"type": "Point", "coordinates": [long, lat]}
    properties = {name: plain(value) for name, value in row.items() if name not in ("lat", "long")}
    return {"type": "Feature", "id": row["number"], "geometry": place, "properties": properties}


def _value(report: Report, name: str, media_url: str, *, hidden: bool) -> Any:
    value: Any = media_url if name == "media_url" else getattr(report, name)
    if hidden and name in SEEN:
        return None if name in ("lat", "long") else [] if name == "answers" else ""
    return [[code, list(values)] for code, values in value] if name == "answers" else value


def move_rows(personal: bool = False) -> Iterator[dict[str, Any]]:
    """Every step of every history, in order: public ones of visible reports; all of them where `personal`."""
    upto = 0
    while moves := queries.moves_since(upto, PART):
        upto = moves[-1].number
        visible = {number for number, one in queries.by_numbers({m.report for m in moves}).items() if one.visible}
        for move in moves:
            if personal or (move.public and move.report in visible):
                yield _move(move, personal)


def _move(move: Move, personal: bool) -> dict[str, Any]:
    return {name: getattr(move, name) for name in (*MOVE, *(MOVE_OWN if personal else ()))}
