"""What other rooms and pages may ask about reports."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet

from amends.reports import spatial
from amends.reports.geometry import Position, around, distance_m
from amends.reports.models import AskedRow, DueRow, FollowRow, MoveRow, PauseRow, PhotoRow, ReportRow
from amends.reports.records import Filter, Move, Near, Order, PhotoOf, Privacy, Report, State

ORDERS = {
    Order.NEWEST: ("-requested_at", "-number"),
    Order.OLDEST: ("requested_at", "number"),
    Order.UPDATED: ("-updated_at", "-number"),
    Order.RISK: (F("risk").desc(nulls_last=True), F("due_at").asc(nulls_last=True), "number"),
    Order.DUE: (F("due_at").asc(nulls_last=True), "number"),
}
PLAIN = (
    *("number", "category", "description", "lat", "long", "address", "address_id", "zipcode", "area", "asset"),
    *("severity", "body", "crew", "assignee", "customer_id", "source", "locale", "media_url", "requested_at"),
    *("updated_at", "closed_at", "due_at", "due", "risk", "predicted_at", "kept", "reopened", "duplicate_of"),
    *("affected", "incident", "visible", "notice", "status_notes", "external_id"),
    *("split_from", "paused_at", "new_due_at"),
)


def search(
    wanted: Filter = Filter(), *, order: Order = Order.NEWEST, limit: int = 1000, offset: int = 0
) -> list[Report]:
    """Reports that a filter lets through, in one query."""
    return [record(row) for row in rows(wanted).order_by(*ORDERS[order])[offset : offset + limit]]


def count(wanted: Filter = Filter()) -> int:
    return rows(wanted).count()


def every(wanted: Filter = Filter()) -> Iterator[Report]:
    """All of them, oldest first, streaming."""
    return map(record, rows(wanted).order_by("number").iterator(2000))


def rows(wanted: Filter) -> QuerySet[ReportRow]:
    """The query behind a filter, for this room."""
    where, params = conditions(wanted)
    return ReportRow.objects.extra(where=where, params=params)  # noqa: S610 - conditions are ours, values are params


def conditions(wanted: Filter) -> tuple[list[str], list[Any]]:
    """A filter as conditions on the columns of reports, for both databases, and what goes into them."""
    where: list[str] = [] if wanted.hidden_too else ["visible"]
    params: list[Any] = []
    if wanted.numbers is not None:
        return [*where, _among("number", wanted.numbers)], list(wanted.numbers)
    among = {
        "category": wanted.categories,
        "state": wanted.states,
        "area": wanted.areas,
        "body": wanted.bodies,
        "crew": wanted.crews,
    }
    for name, values in among.items():
        if values is not None:
            where.append(_among(name, values))
            params += map(str, values)
    bounds = (
        ("requested_at >= %s", _moment(wanted.requested_from)),
        ("requested_at <= %s", _moment(wanted.requested_to)),
        ("updated_at >= %s", _moment(wanted.updated_from)),
        ("updated_at <= %s", _moment(wanted.updated_to)),
        ("customer_id = %s AND customer_id <> ''", wanted.customer_id or None),
    )
    for condition, value in bounds:
        if value is not None:
            where.append(condition)
            params.append(value)
    if wanted.open is not None:
        where.append(_OPEN[connection.vendor] if wanted.open else "open = FALSE")
    boxes = [wanted.bbox] if wanted.bbox else []
    boxes += [_around(*wanted.near)] if wanted.near else []
    for box in boxes:
        inside, corners = spatial.inside(*box)
        where.append(inside)
        params += corners
    for word in wanted.words.split()[:10]:
        where.append(f"(description {_LIKE[connection.vendor]} OR address {_LIKE[connection.vendor]})")
        params += [f"%{_literally(word)}%"] * 2
    return where, params


# Said twice, SQLite finds an index by it as well as one of open reports only; PostgreSQL would reckon with too few.
_OPEN = {"sqlite": "open = TRUE AND open", "postgresql": "open"}
_LIKE = {"sqlite": "LIKE %s ESCAPE '\\'", "postgresql": "ILIKE %s"}


def _literally(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _among(name: str, values: Collection[Any]) -> str:
    return f"{name} IN ({', '.join(['%s'] * len(values))})" if values else "FALSE"


def _moment(at: datetime | None) -> Any:
    """A moment as it lies in the database."""
    return at if at is None else connection.ops.adapt_datetimefield_value(at)


def one(number: int) -> Report | None:
    row = ReportRow.objects.filter(pk=number).first()
    return record(row) if row else None


def standing_for(number: int) -> int:
    """The number of the report that a duplicate was put to; of any other, its own."""
    return ReportRow.objects.filter(pk=number).values_list("duplicate_of", flat=True).first() or number


def by_numbers(numbers: Collection[int]) -> dict[int, Report]:
    return {row.number: record(row) for row in ReportRow.objects.filter(pk__in=set(numbers))}


def by_token(token: str) -> Report | None:
    """The report of a batch service's token; also once it has a number outside."""
    row = ReportRow.objects.filter(token=token).first()
    return record(row) if row else None


def by_form(form: str) -> Report | None:
    row = ReportRow.objects.filter(form=form).first()
    return record(row) if row else None


def _around(lat: float, long: float, metres: float) -> tuple[float, float, float, float]:
    box = around(Position(lat, long), metres)
    return box.west, box.south, box.east, box.north


def by_external(body: str, external_ids: Collection[str]) -> dict[str, Report]:
    found = ReportRow.objects.filter(body=body, external_id__in=set(external_ids)).exclude(external_id="")
    return {row.external_id: record(row) for row in found}


def nearby(lat: float, long: float, metres: float, *, open: bool | None = True, limit: int = 20) -> list[Near]:
    """Visible reports within so many metres, nearest first."""
    where, params = conditions(Filter(near=(lat, long, metres), open=open))
    narrow = max(1e-6, math.cos(math.radians(lat)) ** 2)
    flat = f"(lat - %s) * (lat - %s) + (long - %s) * (long - %s) * {narrow!r}"
    closest = f"SELECT number, lat, long FROM reports_reportrow WHERE {' AND '.join(where)} ORDER BY {flat} LIMIT %s"  # noqa: S608 - conditions
    with connection.cursor() as cursor:
        cursor.execute(closest, [*params, lat, lat, long, long, 2 * limit + 10])
        placed = cursor.fetchall()
    here = Position(lat, long)
    measured = sorted((distance_m(Position(*there), here), number) for number, *there in placed)
    within = [(away, number) for away, number in measured if away <= metres][:limit]
    found = ReportRow.objects.in_bulk([number for _, number in within])
    return [Near(record(found[number]), away) for away, number in within if number in found]


def history(numbers: Collection[int], *, public_only: bool = True) -> dict[int, list[Move]]:
    """The moves of these reports, oldest first."""
    wanted = MoveRow.objects.filter(report__in=set(numbers)).order_by("id")
    found: dict[int, list[Move]] = {}
    for row in wanted.filter(public=True) if public_only else wanted:
        found.setdefault(row.report, []).append(move_record(row))
    return found


def moves_since(upto: int, limit: int) -> list[Move]:
    """What happened after a move of this number, in order."""
    return [move_record(row) for row in MoveRow.objects.filter(pk__gt=upto).order_by("pk")[:limit]]


TOLD = ("state", "words", "promise")


def updates(
    since: datetime | None,
    until: datetime | None,
    *,
    limit: int = 1000,
    offset: int = 0,
    report: int | None = None,
    newest: bool = False,
) -> list[Move]:
    """What was publicly said of visible reports between two moments, oldest first (service request updates)."""
    shown = ReportRow.objects.filter(pk=OuterRef("report"), visible=True)
    found = MoveRow.objects.filter(Exists(shown), public=True, kind__in=TOLD)
    if report is not None:
        found = found.filter(report=report)
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lte=until)
    order = ("-at", "-id") if newest else ("at", "id")
    return [move_record(row) for row in found.order_by(*order)[offset : offset + limit]]


def told_outside(external_update: str) -> int | None:
    """The number of the move that an update of another server was taken as; None where it is not known."""
    return MoveRow.objects.filter(external_update=external_update).values_list("pk", flat=True).first()


def promises_of(number: int) -> list[dict[str, Any]]:
    """Every promise that was made for a report, oldest first."""
    found = DueRow.objects.filter(report=number).order_by("pk").values("due_at", "due", "why", "made_at")
    return [dict(row) for row in found]


def pauses_of(number: int) -> list[tuple[str, str, datetime, datetime | None]]:
    """When and why its clock stood still: (why, words, from, until)."""
    found = PauseRow.objects.filter(report=number).order_by("from_at", "pk")
    return [(row.why, row.words, row.from_at, row.until_at) for row in found]


def photos_of(numbers: Collection[int], *, hidden_too: bool = False) -> dict[int, list[PhotoOf]]:
    """Photos by report, oldest first."""
    found: dict[int, list[PhotoOf]] = {}
    wanted = PhotoRow.objects.filter(report__in=set(numbers)).order_by("at", "name")
    for row in wanted if hidden_too else wanted.filter(visible=True):
        found.setdefault(row.report or 0, []).append(_photo(row))
    return found


def photo(name: str) -> PhotoOf | None:
    row = PhotoRow.objects.filter(pk=name).first()
    return _photo(row) if row else None


def asked(number: int) -> list[dict[str, Any]]:
    """What the person behind a report was asked or told, and what they answered."""
    wanted = ("what", "round", "at", "answer", "words", "answered_at")
    return list(AskedRow.objects.filter(report=number).order_by("pk").values(*wanted))


def followers_of(number: int) -> int:
    return FollowRow.objects.filter(report=number, state="confirmed").count()


def record(row: ReportRow) -> Report:
    answers: Sequence[Any] = row.answers
    return Report(
        **{name: getattr(row, name) for name in PLAIN},
        state=State(row.state),
        privacy=Privacy(row.privacy),
        answers=tuple((code, tuple(values)) for code, values in answers),
        token=row.token or "",
        hidden_why=row.hidden_why or "",
    )


def move_record(row: MoveRow) -> Move:
    said = (row.words, row.note, row.public, row.media_url, row.external_code, row.was)
    return Move(row.pk, row.report, row.at, row.who, row.kind, State(row.state), *said)


def _photo(row: PhotoRow) -> PhotoOf:
    return PhotoOf(row.name, row.report, row.kind, row.width, row.height, row.at, row.visible, row.who)
