"""The desk's queue: what is most at risk of breaking its promise comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Avg, Case, Count, F, FloatField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Floor

from amends.reports import queries
from amends.reports.models import ReportRow
from amends.reports.records import Filter, Order, Report

AT_RISK = 0.5
MOST_SPOTS = 5000


class Standing(StrEnum):
    """How a report's promise stands, as the queue tells it."""

    LATE = "late"
    AT_RISK = "at risk"
    RUNNING = "running"
    PAUSED = "paused"
    WITHOUT = "no target"
    HIDDEN = "hidden"
    OVER = "over"


WORST_FIRST = (Standing.LATE, Standing.AT_RISK, Standing.PAUSED, Standing.WITHOUT)


@dataclass(frozen=True)
class Queue:
    """What an operator asks to see."""

    wanted: Filter = field(default_factory=lambda: Filter(open=True, hidden_too=True))
    assignee: str = ""
    standing: Standing | None = None


def standing(report: Report, now: datetime) -> Standing:
    """How one report stands; what is hidden is told by its own mark, not here."""
    if not report.is_open:
        return Standing.OVER
    if report.paused_at is not None:
        return Standing.PAUSED
    if report.due_at is None:
        return Standing.WITHOUT
    if report.due_at < now:
        return Standing.LATE
    return Standing.AT_RISK if (report.risk or 0) >= AT_RISK else Standing.RUNNING


def _where(now: datetime) -> Mapping[Standing, Q]:
    runs = Q(open=True, paused_at=None, due_at__isnull=False)
    return {
        Standing.LATE: runs & Q(due_at__lt=now),
        Standing.AT_RISK: runs & Q(due_at__gte=now, risk__gte=AT_RISK),
        Standing.PAUSED: Q(open=True, paused_at__isnull=False),
        Standing.WITHOUT: Q(open=True, paused_at=None, due_at=None),
        Standing.HIDDEN: Q(visible=False),
    }


def _rows(queue: Queue, now: datetime) -> QuerySet[ReportRow]:
    found = queries.rows(queue.wanted)
    if queue.assignee:
        found = found.filter(assignee=queue.assignee)
    if queue.standing is not None and (where := _where(now).get(queue.standing)) is not None:
        found = found.filter(where)
    return found


def page(queue: Queue, now: datetime, limit: int, offset: int = 0, order: Order = Order.RISK) -> list[Report]:
    """One page of it: late first, then by risk, then by the promised time; what has no target comes last."""
    found = _rows(queue, now)
    if order is Order.RISK:
        late = When(_where(now)[Standing.LATE], then=Value(1.0))
        risk = Case(late, default=Coalesce(F("risk"), 0.0), output_field=FloatField())
        found = found.order_by(risk.desc(), F("due_at").asc(nulls_last=True), "number")
    else:
        found = found.order_by(*queries.ORDERS[order])
    numbers = list(found.values_list("pk", flat=True)[offset : offset + limit])  # sorted by an index, without the rows
    rows = ReportRow.objects.in_bulk(numbers)
    return [queries.record(rows[number]) for number in numbers if number in rows]


@dataclass(frozen=True)
class Spot:
    """Reports of a queue that stand close together on a map: how many, and how the worst of their promises stands."""

    lat: float
    long: float
    count: int
    worst: Standing


Box = tuple[float, float, float, float]  # west, south, east, north


def within(queue: Queue, box: Box) -> Queue:
    """The same queue, as far as a map shows it."""
    return replace(queue, wanted=replace(queue.wanted, bbox=box))


def spots(queue: Queue, now: datetime, wide: float) -> list[Spot]:
    """A queue as a grid of counts, each cell so many degrees wide and half as high: one query, however many."""
    where = _where(now)
    cells = _rows(queue, now).filter(lat__isnull=False, long__isnull=False)
    cells = cells.annotate(x=Floor((F("long") + 180.0) / wide), y=Floor((F("lat") + 90.0) / (wide / 2)))
    of_each = {name.name.lower(): Count("pk", filter=where[name]) for name in WORST_FIRST}
    found = cells.values("x", "y").annotate(n=Count("pk"), at_lat=Avg("lat"), at_long=Avg("long"), **of_each)
    else_ = Standing.OVER if queue.wanted.open is False else Standing.RUNNING
    cells_of = found.order_by("x", "y")[:MOST_SPOTS]
    return [Spot(one["at_lat"], one["at_long"], one["n"], _worst(one, else_)) for one in cells_of]


def _worst(cell: Mapping[str, Any], else_: Standing) -> Standing:
    return next((name for name in WORST_FIRST if cell[name.name.lower()]), else_)


def counts(queue: Queue, now: datetime) -> dict[str, int]:
    """How many there are in all and of each standing, in one query; whatever standing is asked for."""
    where = {name.name.lower(): Count("pk", filter=test) for name, test in _where(now).items()}
    everything = Queue(queue.wanted, queue.assignee)
    found: dict[str, Any] = _rows(everything, now).aggregate(all=Count("pk"), **where)
    return found


def total(queue: Queue, now: datetime) -> int:
    return _rows(queue, now).count()


def values() -> dict[str, list[str]]:
    """The areas and assignees that open reports have, for choosing from."""
    found = {}
    for name in ("area", "assignee"):
        rows = ReportRow.objects.filter(open=True).exclude(**{name: ""}).values_list(name, flat=True).distinct()
        found[name] = sorted(rows[:500])
    return found
