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
from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum, Value
from django.db.models.functions import TruncMonth, TruncYear

from amends.promises.scoring import late_bin, late_of
from amends.reports import reading
from amends.reports.models import MonthRow, ReportRow, Tally, TallyRow
from amends.reports.records import State

MOVES, DUE = "scoreboard", "scoreboard-due"
BATCH = 2000
MOVE_NOTHING = ("affected", "photo", "words", "added", "retention")
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
    add_up({(day.replace(day=1), category) for day, category in units}, now)
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
    MonthRow.objects.all().delete()
    upto, days = reading.newest(now), ReportRow.objects.aggregate(first=Min("requested_at"), last=Max("requested_at"))
    counted = 0
    if days["first"] is not None:
        day, last = _day(days["first"]), _day(days["last"])
        categories = set(ReportRow.objects.values_list("category", flat=True).distinct())
        while day <= last:
            counted += len(_count({(day, category) for category in categories}, now))
            if day == last or (day + timedelta(days=1)).day == 1:
                add_up({(day.replace(day=1), category) for category in categories}, now)
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


def add_up(months: set[Unit], now: datetime) -> None:
    """Add the days of these months up, so that a page of many years reads few rows."""
    by_month: dict[date, set[str]] = {}
    for month, category in months:
        by_month.setdefault(month, set()).add(category)
    for month, categories in by_month.items():
        MonthRow.objects.filter(day=month, category__in=categories).delete()
        days = TallyRow.objects.filter(day__gte=month, day__lt=_next(month), category__in=categories)
        sums = _summed([days], ["category", "area"])
        MonthRow.objects.bulk_create(
            MonthRow(day=month, category=category, area=area, reckoned_at=now, late_bins=bins, **counts)
            for (category, area), (counts, bins) in sums.items()
        )


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


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
    names = [f"{name}_on" if name in PARTS else name for name in by]
    sums = _summed(_rows(period), names)
    if not names:
        counts, bins = sums.get((), ({}, {}))
        return [_score({}, counts, bins)]
    return [_score(dict(zip(by, group, strict=True)), *sums[group]) for group in sorted(sums)]


Sums = dict[tuple[Any, ...], tuple[dict[str, int], dict[str, int]]]


def _summed(tables: Iterable[QuerySet[Any]], names: Sequence[str]) -> Sums:
    """Counts, and how many were late by which step, of each group of some tallies."""
    found: Sums = {}
    parts = {name: PARTS[name.removesuffix("_on")] for name in names if name.endswith("_on")}
    for rows in tables:
        groups = rows.annotate(**parts).values(*names) if names else rows.annotate(all=Value(1)).values("all")
        for row in groups.annotate(**{f"sum_{name}": Sum(name) for name in COUNTS}).order_by():
            if row["sum_made"] is None:  # without groups, nothing adds up to a row of nothing
                continue
            counts, _ = found.setdefault(tuple(row[name] for name in names), ({}, {}))
            for name in COUNTS:
                counts[name] = counts.get(name, 0) + row[f"sum_{name}"]
        for *group, late in rows.annotate(**parts).filter(late__gt=0).values_list(*names, "late_bins"):
            _, bins = found[tuple(group)]
            for step, count in late.items():
                bins[step] = bins.get(step, 0) + count
    return found


def _score(names: Mapping[str, Any], counts: Mapping[str, int], bins: Mapping[str, int]) -> Score:
    median = late_of({int(step): count for step, count in bins.items()}, 0.5) if bins else None
    return Score(names, **counts, median_s=median)


def _rows(period: Period) -> list[QuerySet[Any]]:
    """Whole months as they were added up, and the days before and behind them."""
    begins = period.since if period.since.day == 1 else _next(period.since)
    ends = (period.until + timedelta(days=1)).replace(day=1)
    if begins >= ends:
        return [_between(TallyRow, period, period.since, period.until + timedelta(days=1))]
    return [
        _between(MonthRow, period, begins, ends),
        _between(TallyRow, period, period.since, begins),
        _between(TallyRow, period, ends, period.until + timedelta(days=1)),
    ]


def _between(table: type[Tally], period: Period, since: date, before: date) -> QuerySet[Any]:
    rows = table._default_manager.filter(day__gte=since, day__lt=before)
    rows = rows.filter(category=period.category) if period.category else rows
    return rows if period.area is None else rows.filter(area=period.area)


def daily(period: Period) -> Iterator[Score]:
    """Every day, category and area, streaming."""
    rows = _between(TallyRow, period, period.since, period.until + timedelta(days=1))
    for row in rows.order_by("day", "category", "area").iterator(2000):
        names = {"day": row.day, "category": row.category, "area": row.area}
        yield _score(names, {name: getattr(row, name) for name in COUNTS}, row.late_bins)


def span() -> tuple[date, date] | None:
    """The first and the last day of which there is anything to tell."""
    found = TallyRow.objects.aggregate(first=Min("day"), last=Max("day"))
    return (found["first"], found["last"]) if found["first"] else None


def reckoned_at() -> datetime | None:
    found: datetime | None = MonthRow.objects.aggregate(last=Max("reckoned_at"))["last"]
    return found
