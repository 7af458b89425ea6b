"""The public scoreboard: kept up to date by counting anew the days and categories in which something changed.

Each report counts once, on the day it came in, by the promise in force; duplicates count with their first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth, TruncYear

from amends.promises.scoring import late_bin, late_of
from amends.reports import reading
from amends.reports.models import ReportRow, TallyRow
from amends.reports.records import State

MOVES, DUE = "scoreboard", "scoreboard-due"
BATCH = 2000
MOVE_NOTHING = ("affected", "photo", "words", "retention")
WITHOUT_REPAIR = (State.NOT_FIXED, State.NOT_OURS)
COUNTS = ("made", "without", "kept", "late", "unrepaired", "reopened", "late_open", "late_s")
Unit = tuple[date, str]  # a day of receipt and a category

MENDED_LATE = Q(kept=False, state=State.FIXED, closed_at__gt=F("due_at"))
HOW: Mapping[str, Q] = {
    "made": Q(due_at__isnull=False),
    "without": Q(due_at=None),
    "kept": Q(due_at__isnull=False, kept=True),
    "late": Q(due_at__isnull=False) & MENDED_LATE,
    "unrepaired": Q(due_at__isnull=False, kept=False, state__in=WITHOUT_REPAIR),
    "reopened": Q(due_at__isnull=False, kept=False) & ~Q(state__in=WITHOUT_REPAIR) & ~MENDED_LATE,
}


def late_open(now: datetime) -> Q:
    """Not mended, the time is over, and the clock does not stand still."""
    return Q(open=True, kept=None, due_at__lt=now, paused_at=None)


# Keeping it up to date


@transaction.atomic
def keep_up(now: datetime) -> int:
    """Count anew what has changed since last time, and what the clock has made late; how many days and categories."""
    moves = reading.unread(MOVES, BATCH, now)
    looked_at = datetime.fromtimestamp(reading.upto(DUE), UTC)
    overdue = ReportRow.objects.filter(late_open(now), due_at__gte=looked_at).values_list("requested_at", "category")
    slipped = {(_day(at), category) for at, category in overdue[:BATCH]}
    units = _units_of(moves) | slipped
    _count(units, now)
    if moves:
        reading.read(MOVES, moves[-1].number)
    if slipped and len(slipped) < BATCH:
        reading.read(DUE, int(now.timestamp()))
    return len(units)


def _units_of(moves: Iterable[Any]) -> set[Unit]:
    """The days and categories that these moves may have changed; a category that a report had before is one, too."""
    changing = [move for move in moves if move.kind not in MOVE_NOTHING]
    numbers = {move.report for move in changing}
    found = ReportRow.objects.filter(pk__in=numbers).values_list("number", "requested_at", "category")
    known = {number: (_day(at), category) for number, at, category in found}
    before = {(known[m.report][0], m.was["category"]) for m in changing if "category" in m.was and m.report in known}
    return {*known.values(), *before}


@transaction.atomic
def recount(now: datetime) -> int:
    """Count everything anew, for a time zone that was changed and for doubt; how many days and categories."""
    TallyRow.objects.all().delete()
    upto, days = reading.newest(now), ReportRow.objects.aggregate(first=Min("requested_at"), last=Max("requested_at"))
    counted = 0
    if days["first"] is not None:
        day, last = _day(days["first"]), _day(days["last"])
        categories = set(ReportRow.objects.values_list("category", flat=True).distinct())
        while day <= last:
            counted += len(_count({(day, category) for category in categories}, now))
            day += timedelta(days=1)
    reading.read(MOVES, upto)
    reading.read(DUE, int(now.timestamp()))
    return counted


def _count(units: set[Unit], now: datetime) -> list[TallyRow]:
    """Count these anew: two queries a day, whatever number of reports came in on it."""
    by_day: dict[date, set[str]] = {}
    for day, category in units:
        by_day.setdefault(day, set()).add(category)
    made: list[TallyRow] = []
    for day, categories in by_day.items():
        TallyRow.objects.filter(day=day, category__in=categories).delete()
        made += _tallies(day, categories, now)
    TallyRow.objects.bulk_create(made, batch_size=500)
    return made


def _tallies(day: date, categories: set[str], now: datetime) -> Iterator[TallyRow]:
    begins, ends = _bounds(day)
    those = ReportRow.objects.filter(category__in=categories, requested_at__gte=begins, requested_at__lt=ends)
    those = those.exclude(state=State.DUPLICATE)
    how = {f"n_{name}": Count("pk", filter=q) for name, q in {**HOW, "late_open": late_open(now)}.items()}
    late, groups = _lateness(those), those.values("category", "area").annotate(**how)
    row: Any
    for row in groups.order_by("category", "area"):
        group = {"day": day, "category": row["category"], "area": row["area"]}
        seconds = late.get((row["category"], row["area"]), [])
        bins = Counter(map(str, late_bin(np.array(seconds, np.float64)).tolist()))
        counts = {name: row[f"n_{name}"] for name in COUNTS if name != "late_s"}
        yield TallyRow(**group, **counts, reckoned_at=now, late_s=int(sum(seconds)), late_bins=dict(bins))


def _lateness(those: QuerySet[ReportRow]) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    wanted: Any = those.filter(HOW["late"]).values_list("category", "area", "closed_at", "due_at")
    for category, area, closed_at, due_at in wanted:
        found.setdefault((category, area), []).append((closed_at - due_at) / timedelta(seconds=1))
    return found


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.AMENDS.company.time_zone)


def _day(moment: datetime) -> date:
    return moment.astimezone(_zone()).date()


def _bounds(day: date) -> tuple[datetime, datetime]:
    """When a day began and ended by the installation's clocks; one with a change of clocks has 23 or 25 hours."""
    begins = datetime.combine(day, time(0), _zone())
    return begins, datetime.combine(day + timedelta(days=1), time(0), _zone())


# What it says


@dataclass(frozen=True)
class Score:
    """What became of the reports of a group. `made` are promises; what has no target is none, and in no share."""

    names: Mapping[str, Any] = field(default_factory=dict)  # of the group: category, area, month …
    made: int = 0
    without: int = 0
    kept: int = 0
    late: int = 0
    unrepaired: int = 0
    reopened: int = 0
    late_open: int = 0
    late_s: int = 0
    median_s: float | None = None  # of those mended late

    @property
    def reports(self) -> int:
        return self.made + self.without

    @property
    def broken(self) -> int:
        return self.late + self.unrepaired + self.reopened + self.late_open

    @property
    def decided(self) -> int:
        """Promises that are kept or broken already."""
        return self.kept + self.broken

    @property
    def open(self) -> int:
        """Promises whose time has not come."""
        return self.made - self.decided

    @property
    def kept_share(self) -> float | None:
        """Kept, of those kept or broken; None where there is nothing to tell of."""
        return self.kept / self.decided if self.decided else None

    @property
    def mean_s(self) -> float | None:
        """By how much those mended late were late."""
        return self.late_s / self.late if self.late else None


@dataclass(frozen=True)
class Period:
    """Days of receipt, both ends included, and what is looked at."""

    since: date
    until: date
    category: str = ""
    area: str | None = None  # "" are reports outside of every area


PARTS = {"month": TruncMonth("day"), "year": TruncYear("day")}


def scores(period: Period, *by: str) -> list[Score]:
    """A score for each group by category, area, month or year, in their order; without any, one for everything."""
    rows = _rows(period)
    if parts := {f"{name}_on": PARTS[name] for name in by if name in PARTS}:
        rows = rows.annotate(**parts)
    names = [f"{name}_on" if name in PARTS else name for name in by]
    bins = _bins(rows, names)
    sums = {f"sum_{name}": Sum(name) for name in COUNTS}
    if not names:
        found = rows.aggregate(**sums)
        return [_score({}, {name: found[f"sum_{name}"] or 0 for name in COUNTS}, bins.get((), {}))]
    groups = rows.values(*names).annotate(**sums).order_by(*names)
    return [
        _score(
            {name: group[field_] for name, field_ in zip(by, names, strict=True)},
            {name: group[f"sum_{name}"] for name in COUNTS},
            bins.get(tuple(group[name] for name in names), {}),
        )
        for group in groups
    ]


def _score(names: Mapping[str, Any], counts: Mapping[str, int], bins: Mapping[int, int]) -> Score:
    return Score(names, **counts, median_s=late_of(bins, 0.5) if bins else None)


def _bins(rows: QuerySet[TallyRow], names: Sequence[str]) -> dict[tuple[Any, ...], Counter[int]]:
    found: dict[tuple[Any, ...], Counter[int]] = {}
    for *group, bins in rows.filter(late__gt=0).values_list(*names, "late_bins"):
        counted = found.setdefault(tuple(group), Counter())
        for step, count in bins.items():
            counted[int(step)] += count
    return found


def _rows(period: Period) -> QuerySet[TallyRow]:
    rows = TallyRow.objects.filter(day__gte=period.since, day__lte=period.until)
    rows = rows.filter(category=period.category) if period.category else rows
    return rows if period.area is None else rows.filter(area=period.area)


def daily(period: Period) -> Iterator[Score]:
    """Every day, category and area, streaming."""
    for row in _rows(period).order_by("day", "category", "area").iterator(2000):
        names = {"day": row.day, "category": row.category, "area": row.area}
        bins = {int(step): count for step, count in row.late_bins.items()}
        yield _score(names, {name: getattr(row, name) for name in COUNTS}, bins)


def span() -> tuple[date, date] | None:
    """The first and the last day of which there is anything to tell."""
    found = TallyRow.objects.aggregate(first=Min("day"), last=Max("day"))
    return (found["first"], found["last"]) if found["first"] else None


def reckoned_at() -> datetime | None:
    found: datetime | None = TallyRow.objects.aggregate(last=Max("reckoned_at"))["last"]
    return found
