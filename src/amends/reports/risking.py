"""Promises at risk: reckoned for all open reports together; where one will slip, a new date is given before it does."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from amends.ground import bulk
from amends.ground.moments import parse_moment
from amends.promises import calendars, repairs, risk
from amends.promises.calendars import NeverOpen, WorkCalendar
from amends.promises.repairs import Due, Within
from amends.promises.risk import AtRisk, Experience, OpenWork
from amends.reports import reading
from amends.reports.models import ReportRow
from amends.reports.records import Refused, State
from amends.reports.steps import promise_anew

log = logging.getLogger("amends.reports")
AMENDS = "amends"
# Said publicly where nobody wrote why: only what we know. Pages and mails translate them.
LIKELY = "Similar work takes longer at present."
PASSED = "It was not done by the day that we had promised."
HISTORY = 50_000  # closed reports that risks are learned from, the latest
CHUNK = 10_000
NEW_DATES = 500  # in one turn
TOO_LATE = timedelta(days=30)  # what is overdue for longer waits for a person's date
ALL, DATES = "risk", "new-dates"
LOOK_EVERY_S = 60
_experience: dict[str, tuple[datetime, Experience]] = {}


class Open(NamedTuple):
    """An open report, as far as its risk goes."""

    number: int
    category: str
    area: str
    due: Due
    risk: float | None
    predicted_at: datetime | None
    new_due_at: datetime | None


def reckon(now: datetime) -> int:
    """Reckon risks: of what changed at once, of all now and then; then give new dates where one slips. What changed."""
    everything = now.timestamp() - reading.upto(ALL) >= settings.AMENDS.repairs.reckon_every_s
    changed, likely = 0, list[int]()
    for part in _parts(everything=everything):
        written, slipping = _reckon(part, now, learn=everything)
        changed, likely = changed + written, likely + slipping
        everything = False  # learned once
    if now.timestamp() - reading.upto(ALL) >= settings.AMENDS.repairs.reckon_every_s:
        reading.read(ALL, int(now.timestamp()))
    return changed + _new_dates(likely, now)


def _parts(*, everything: bool) -> Iterator[list[Open]]:
    """Open reports with a promise whose clock runs, in parts: all, or those without a risk."""
    rows = ReportRow.objects.filter(open=True, due_at__isnull=False, paused_at=None)
    rows = rows if everything else rows.filter(risk=None)
    after = 0
    columns = ("number", "category", "area", "due", "risk", "predicted_at", "new_due_at")
    while found := list(rows.filter(number__gt=after).order_by("number").values_list(*columns)[:CHUNK]):
        after = found[-1][0]
        yield [Open(number, category, area, Due.of(due), *rest) for number, category, area, due, *rest in found if due]


def _reckon(part: Sequence[Open], now: datetime, *, learn: bool) -> tuple[int, list[int]]:
    """How many risks were written anew, and which reports are likely to miss a day that is not over yet."""
    known = calendars.in_use(settings.AMENDS.directory)
    part = [one for one in part if one.due.calendar in known]
    if not part:
        return 0, []
    works = [
        OpenWork(one.category, one.area, one.due.begins_at, one.due, one.due.calendar, one.due.paused_s) for one in part
    ]
    found = risk.at_risk(_learned(now, anew=learn), works, known, now)
    pairs = list(zip(part, found, strict=True))
    news = [(one, seen) for one, seen in pairs if _is_news(one, seen)]
    at = bulk.moment
    rows = [(one.number, seen.risk, seen.expected_at and at(connection, seen.expected_at)) for one, seen in news]
    with transaction.atomic():
        bulk.rewrite(connection, ReportRow, "number", ("risk", "predicted_at"), rows)
    return len(rows), [one.number for one, seen in pairs if _will_slip(one, seen, now)]


def _is_news(one: Open, seen: AtRisk) -> bool:
    if one.risk is None or seen.risk is None or (one.predicted_at is None) != (seen.expected_at is None):
        return (one.risk, one.predicted_at) != (seen.risk, seen.expected_at)
    moved = one.predicted_at and seen.expected_at and abs(one.predicted_at - seen.expected_at) >= timedelta(hours=1)
    return abs(one.risk - seen.risk) >= 0.01 or bool(moved)


def _will_slip(one: Open, seen: AtRisk, now: datetime) -> bool:
    """Likely enough, on enough history, and not before half of the time is over: nobody is warned at once."""
    ways, due = settings.AMENDS.repairs, one.due
    half = due.begins_at + (due.due_at - due.begins_at) / 2
    likely = seen.risk is not None and seen.risk >= ways.warn_at and seen.based_on >= ways.least_history
    return likely and ways.warn_at < 1 and one.new_due_at is None and half <= now < due.due_at


# What is learned from


def _learned(now: datetime, *, anew: bool) -> Experience:
    """How long similar work took; learned anew with every reckoning of all, and where time has jumped."""
    where = str(connection.settings_dict["NAME"])
    known = _experience.get(where)
    fresh = timedelta(seconds=2 * settings.AMENDS.repairs.reckon_every_s)
    if anew or known is None or not timedelta() <= now - known[0] <= fresh:
        known = _experience[where] = (now, _learn(now))
    return known[1]


def _learn(now: datetime) -> Experience:
    """From the latest that were closed, and from what is open: that has taken so long already."""
    part = ", ".join(bulk.part(connection, "due", name) for name in ("calendar", "begins_at", "paused_s"))
    columns = f"SELECT category, area, state, closed_at, {part} FROM reports_reportrow"  # noqa: S608 - our own names
    closed = f"{columns} WHERE open = FALSE AND due IS NOT NULL ORDER BY updated_at DESC, number DESC LIMIT {HISTORY}"
    open_ = f"{columns} WHERE open AND due_at IS NOT NULL ORDER BY due_at LIMIT {HISTORY}"
    rows = bulk.fetch(connection, closed, []) + bulk.fetch(connection, open_, [])
    known = calendars.in_use(settings.AMENDS.directory)
    rows = [row for row in rows if row[2] != State.DUPLICATE and _text(row[4]) in known]
    took = np.zeros(len(rows))
    for name in {_text(row[4]) for row in rows}:
        mine = [place for place, row in enumerate(rows) if _text(row[4]) == name]
        took[mine] = _worked_h(known[name], [rows[place] for place in mine], now)
    finished = np.array([row[2] == State.FIXED for row in rows], bool)
    return risk.learn([row[0] for row in rows], [row[1] for row in rows], took, finished)


def _worked_h(calendar: WorkCalendar, rows: Sequence[tuple[Any, ...]], now: datetime) -> Any:
    starts = [parse_moment(_text(row[5])) for row in rows]
    ends = [bulk.read_moment(row[3]) if row[3] else now for row in rows]
    return risk.worked_h(calendar, starts, ends, np.array([float(row[6] or 0) for row in rows]))


def _text(part: Any) -> str:
    """A text within JSON, as either database gives it."""
    return str(part or "").strip('"')


# New dates


def _new_dates(likely: Sequence[int], now: datetime) -> int:
    """Give a new date to what will slip or has slipped: once for a promise, and once for each new date that passed."""
    made = sum(_new_date(number, LIKELY, now) for number in likely[:NEW_DATES])
    if now.timestamp() - reading.upto(DATES) < LOOK_EVERY_S:
        return made
    mine = ReportRow.objects.filter(open=True, paused_at=None, due_at__gt=now - TOO_LATE, due_at__lte=now)
    passed = Q(new_due_at=None) | Q(new_due_at__lte=now)
    known = Q(due__calendar__in=list(calendars.in_use(settings.AMENDS.directory)))  # who has none holds up nobody
    numbers = list(mine.filter(passed & known).order_by("due_at").values_list("number", flat=True)[:NEW_DATES])
    late = sum(_new_date(number, PASSED, now) for number in numbers)
    if late < NEW_DATES:
        reading.read(DATES, int(now.timestamp()))
    return made + late


def _new_date(number: int, why: str, now: datetime) -> bool:
    row = ReportRow.objects.only("due", "predicted_at", "due_at").get(pk=number)
    calendar = calendars.in_use(settings.AMENDS.directory).get((row.due or {}).get("calendar", ""))
    if calendar is None:
        return False
    try:
        promise_anew(number, later(Due.of(row.due or {}), row.predicted_at, calendar, now), why, who=AMENDS, now=now)
    except (Refused, NeverOpen) as error:
        log.warning("no new date can be given", extra={"report": number, "says": str(error)})
        return False
    return True


def later(due: Due, predicted_at: datetime | None, calendar: WorkCalendar, now: datetime) -> datetime:
    """A date that we can keep: a working day after such work is usually done; as much time again where nobody knows."""
    begins = max(now, due.due_at)
    if predicted_at is None:
        begins = max(begins, repairs.reach(now, Within(due.kind, due.amount), calendar))
    # A moment before: what is done by closing time has that very day behind it, not the next.
    return calendar.add_working_days(max(begins, predicted_at or begins) - timedelta(microseconds=1), 1)
