"""Work calendars: when somebody is there to do it, by weekday, shift, holiday and zone: `calendars/*.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
import numpy as np

from amends.ground.kept import Kept
from amends.ground.marked import Marked, Mistake, load
from amends.promises import hours as columns
from amends.promises.hours import Hours, Longs, Shift, from_us, to_us

FIRST, LAST = 1900, 2200  # years that calendars reach
FURTHER = (1, 4, 16, 64)  # years that are searched for open hours before we give up
_US = timedelta(microseconds=1)


class NeverOpen(ValueError):
    """So much work is never done by this calendar: it has no open hours left."""


@dataclass(frozen=True)
class WorkCalendar:
    """When work is done. Shifts belong to the day they open on, which is a working day if it has any.

    Holidays and closed days have no shifts; an open day has its own, whatever else falls on it.
    """

    name: str
    zone: ZoneInfo
    hours: Mapping[int, tuple[Shift, ...]]  # by weekday, Monday 0
    holidays: tuple[str, ...] = ()  # regions of the `holidays` library: AT-3, DE-BY
    closed: frozenset[date] = frozenset()
    closed_yearly: frozenset[tuple[int, int]] = frozenset()  # month and day
    open: Mapping[date, tuple[Shift, ...]] = field(default_factory=dict)
    _made: dict[str, tuple[int, int, Hours]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def shifts_on(self, day: date) -> tuple[Shift, ...]:
        """The shifts that open on a local day."""
        return _shifts(self, day, free_days(self.holidays, day.year, day.year))

    def is_working_day(self, day: date) -> bool:
        return bool(self.shifts_on(day))

    def is_open(self, at: datetime) -> bool:
        """Whether work is done at this moment; closing time itself is closed."""
        return self._hours(to_us(at), to_us(at)).is_open(to_us(at))

    def opens_next(self, at: datetime) -> datetime:
        """This moment where it is open, else the next opening."""
        for years in FURTHER:
            found = self._hours(to_us(at), to_us(at), years).opens_next(to_us(at))
            if found is not None:
                return from_us(found, self.zone)
        raise NeverOpen(f"calendar {self.name} has no open hours after {at.isoformat()}")

    def work_between(self, start: datetime, end: datetime) -> timedelta:
        """Open time from start to end; none where end is not later."""
        starts, ends = (np.array([to_us(moment)], np.int64) for moment in (start, end))
        return int(self.work_columns(starts, ends)[0]) * _US

    def work_columns(self, starts: Longs, ends: Longs) -> Longs:
        """Open microseconds between moments in microseconds, pair by pair."""
        if not len(starts):
            return np.zeros(0, np.int64)
        hours = self._hours(int(min(starts.min(), ends.min())), int(max(starts.max(), ends.max())))
        done: Longs = np.maximum(hours.worked(ends) - hours.worked(starts), 0)
        return done

    def add_working(self, at: datetime, amount: timedelta) -> datetime:
        """The first moment by which so much has been worked since `at`: closing time rather than the next opening."""
        given = np.array([to_us(at)], np.int64)
        return from_us(int(self.add_working_columns(given, np.array([amount // _US], np.int64))[0]), self.zone)

    def add_working_columns(self, at: Longs, amounts: Longs) -> Longs:
        if len(amounts) and int(amounts.min()) < 0:
            raise ValueError("work cannot be taken back: give an amount of zero or more")
        return self._reach(at, lambda hours: hours.after_work(at, amounts))

    def add_working_days(self, at: datetime, days: int) -> datetime:
        """The close of the n-th working day after this one; after closing, this one is the next that opens."""
        given = np.array([to_us(at)], np.int64)
        return from_us(int(self.add_working_days_columns(given, np.array([days], np.int64))[0]), self.zone)

    def add_working_days_columns(self, at: Longs, days: Longs) -> Longs:
        if len(days) and int(days.min()) < 0:
            raise ValueError("a promise lies ahead: give zero working days or more")
        return self._reach(at, lambda hours: hours.after_days(at, days))

    def working_days_between(self, at: datetime, until: datetime) -> int:
        """Working days whose end lies after one moment and not after the day of the other: the day after is one."""
        end = to_us(self.add_days(until, 0))
        hours = self._hours(min(to_us(at), end), max(to_us(at), end))
        first, last = np.searchsorted(hours.day_ends, np.array([to_us(at), end], np.int64), side="right")
        return max(int(last - first), 0)

    def add_days(self, at: datetime, days: int) -> datetime:
        """The end of the n-th calendar day after this one, at 23:59:59 on the clocks of the place."""
        day = at.astimezone(self.zone).date() + timedelta(days=days)
        return from_us(columns.instant(day, time(23, 59, 59), self.zone, last=True), self.zone)

    def on_the_clock(self, at: datetime, length: timedelta) -> datetime:
        """So much later as the clocks of the place show it."""
        wall = at.astimezone(self.zone).replace(tzinfo=None) + length
        return from_us(columns.instant(wall.date(), wall.time(), self.zone, last=True), self.zone)

    def add_hours(self, at: datetime, hours: float) -> datetime:
        """So many hours later as they pass, whatever the clocks do."""
        return (at.astimezone(UTC) + timedelta(hours=hours)).astimezone(self.zone)

    def _reach(self, at: Longs, ask: Callable[[Hours], tuple[Longs, bool]]) -> Longs:
        if not len(at):
            return np.zeros(0, np.int64)
        first, last = int(at.min()), int(at.max())
        for years in FURTHER:
            found, within = ask(self._hours(first, last, years))
            if within:
                return found
        raise NeverOpen(f"calendar {self.name} has not so many open hours after {from_us(last).isoformat()}")

    def _hours(self, first: int, last: int, years: int = 1) -> Hours:
        """The columns that reach over these moments and some years more; made once, grown where needed, kept."""
        begins = max(from_us(first).year - 1, FIRST)
        ends = min(from_us(last).year + years, LAST)
        made = self._made.get("hours")
        if made is None or begins < made[0] or ends > made[1]:
            if made is not None:
                begins, ends = min(begins, made[0]), max(ends, made[1])
            made = (begins, ends, _make(self, begins, ends))
            self._made["hours"] = made
        return made[2]


def _make(calendar: WorkCalendar, begins: int, ends: int) -> Hours:
    free = free_days(calendar.holidays, begins, ends)
    first, last = date(begins, 1, 1), date(ends, 12, 31)
    return columns.between(first, last, calendar.zone, lambda day: _shifts(calendar, day, free))


def _shifts(calendar: WorkCalendar, day: date, free: Collection[date]) -> tuple[Shift, ...]:
    if day in calendar.open:
        return calendar.open[day]
    if day in free or day in calendar.closed or (day.month, day.day) in calendar.closed_yearly:
        return ()
    return calendar.hours.get(day.weekday(), ())


def free_days(regions: Iterable[str], begins: int, ends: int) -> set[date]:
    """The public holidays of regions such as AT-3; NotImplementedError where one is not known."""
    found: set[date] = set()
    for region in regions:
        country, _, part = region.partition("-")
        years = range(begins, ends + 1)
        found |= set(holidays.country_holidays(country, subdiv=part or None, years=years))
    return found


TOP = ("calendar", "zone", "hours", "holidays", "closed", "open")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_RANGE = 366
_SHIFT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_YEARLY = re.compile(r"\d\d-\d\d", re.ASCII)


def read(path: Path) -> WorkCalendar:
    """One calendar file; Mistake for the first thing wrong in it."""
    top = load(path)
    for key in top:
        if key not in TOP:
            raise Mistake(str(path), top.line_of(key), f"{key!r} is not known here", f"known: {', '.join(TOP)}")
    for key in ("calendar", "zone", "hours"):
        if key not in top:
            raise Mistake(str(path), top.line, f"`{key}:` is missing", "see docs/reference/promises.md")
    yearly, closed = _closed(path, top)
    opened = _open(path, top)
    for day in sorted(opened.keys() & closed):
        raise Mistake(str(path), top.line_of("open"), f"{day} is both open and closed", "keep one of them")
    calendar = WorkCalendar(
        str(top["calendar"]), _zone(path, top), _hours(path, top), _regions(path, top), closed, yearly, opened
    )
    if not any(calendar.hours.values()):
        raise Mistake(str(path), top.line_of("hours"), "hours: nobody is ever there", "write mon-fri: 08:00-16:00")
    return calendar


_kept: Kept[WorkCalendar] = Kept("calendars", read)


def in_use(directory: Path) -> dict[str, WorkCalendar]:
    """The calendars of an installation by name: the last good version of each file."""
    return {calendar.name: calendar for calendar in _kept.all(directory)}


def read_all(directory: Path) -> tuple[list[WorkCalendar], list[Mistake]]:
    """Every calendar of `directory/calendars`, and what is wrong in those that cannot be used."""
    found: dict[str, WorkCalendar] = {}
    mistakes = []
    for path in sorted((directory / "calendars").glob("*.yaml")):
        try:
            calendar = read(path)
        except Mistake as mistake:
            mistakes.append(mistake)
            continue
        if calendar.name in found:
            mistakes.append(Mistake(str(path), 1, f"calendar {calendar.name!r} stands in two files", "rename one"))
        found[calendar.name] = calendar
    return list(found.values()), mistakes


def _zone(path: Path, top: Marked) -> ZoneInfo:
    try:
        return ZoneInfo(str(top["zone"]))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        says = f"zone: {top['zone']!r} is no time zone"
        raise Mistake(str(path), top.line_of("zone"), says, "write a name such as Europe/Vienna") from error


def _regions(path: Path, top: Marked) -> tuple[str, ...]:
    given = top.get("holidays") if top.get("holidays") is not None else []
    regions = given if isinstance(given, list) else [given]
    for region in regions:
        line = top.line_of("holidays")
        if isinstance(region, bool):  # YAML reads an unquoted NO as false
            raise Mistake(str(path), line, "holidays: a yes or no is no region", 'Norway wants quotes: "NO"')
        try:
            free_days([str(region)], 2026, 2026)
        except NotImplementedError as error:
            raise Mistake(str(path), line, f"holidays: {error}", "write a region such as AT-3 or DE-BY") from error
    return tuple(str(region) for region in regions)


def _hours(path: Path, top: Marked) -> dict[int, tuple[Shift, ...]]:
    given = top["hours"]
    if not isinstance(given, Marked):
        raise Mistake(str(path), top.line_of("hours"), "hours: expected weekdays", "write mon-fri: 08:00-16:00")
    found: dict[int, tuple[Shift, ...]] = {}
    for key, value in given.items():
        line = given.line_of(key)
        shifts = _day_shifts(path, line, value)
        for weekday in _weekdays(path, line, key):
            if weekday in found:
                raise Mistake(str(path), line, f"{WEEKDAYS[weekday]} stands twice", "keep one of them")
            found[weekday] = shifts
    return found


def _weekdays(path: Path, line: int, key: str) -> list[int]:
    ends = key.lower().split("-")
    if len(ends) > 2 or any(end not in WEEKDAYS for end in ends):
        raise Mistake(str(path), line, f"{key!r} is no weekday", f"write {', '.join(WEEKDAYS)} or mon-fri")
    first, last = WEEKDAYS.index(ends[0]), WEEKDAYS.index(ends[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _day_shifts(path: Path, line: int, value: Any) -> tuple[Shift, ...]:
    if value in (None, "none", "closed"):
        return ()
    shifts = [_shift(path, line, text) for text in (value if isinstance(value, list) else [value])]
    shifts.sort()
    for (opened, closes), (opens, _) in pairwise(shifts):
        if closes <= opened or closes > opens:
            raise Mistake(str(path), line, "two shifts of a day overlap", "let one end before the next begins")
    return tuple(shifts)


def _shift(path: Path, line: int, text: Any) -> Shift:
    found = _SHIFT.fullmatch(str(text).strip())
    if not found:
        raise Mistake(str(path), line, f"{text!r} is no shift", "write 08:00-16:00, or 22:00-06:00 across midnight")
    opens = time(int(found[1]), int(found[2]))
    closes = time(int(found[3]), int(found[4])) if found[3] else time(0)
    if opens == closes and found[3]:
        raise Mistake(str(path), line, f"{text!r} has no length", "write 00:00-24:00 for the whole day")
    return opens, closes


def _closed(path: Path, top: Marked) -> tuple[frozenset[tuple[int, int]], frozenset[date]]:
    given = top.get("closed") or []
    if not isinstance(given, list):
        raise Mistake(str(path), top.line_of("closed"), "closed: expected a list of days", "write [2026-12-24, 12-31]")
    yearly, days = set(), set()
    lines = getattr(given, "lines", [])
    for item, line in zip(given, lines, strict=False):
        if isinstance(item, str) and _YEARLY.fullmatch(item):
            leap = _date(path, line, f"2024-{item}")
            yearly.add((leap.month, leap.day))
        else:
            days |= _days(path, line, item)
    return frozenset(yearly), frozenset(days)


def _days(path: Path, line: int, item: Any) -> set[date]:
    """One day, or all from one to another: 2026-12-24..2027-01-06."""
    first, _, last = str(item).partition("..")
    begins = _date(path, line, first)
    ends = _date(path, line, last) if last else begins
    length = (ends - begins).days + 1
    if not 1 <= length <= LONGEST_RANGE:
        raise Mistake(str(path), line, f"{item!r} is no range of days", "the first day comes first, within a year")
    return {begins + timedelta(days=step) for step in range(length)}


def _open(path: Path, top: Marked) -> dict[date, tuple[Shift, ...]]:
    given = top.get("open") or Marked()
    if not isinstance(given, Marked):
        raise Mistake(
            str(path), top.line_of("open"), "open: expected days with shifts", "write 2026-12-08: 08:00-12:00"
        )
    found = {}
    for key, value in given.items():
        line = given.line_of(key)
        shifts = _day_shifts(path, line, value)
        if not shifts:
            raise Mistake(str(path), line, f"{key} is open without a shift", "put the day under closed:, or give hours")
        found[_date(path, line, key)] = shifts
    return found


def _date(path: Path, line: int, text: str) -> date:
    try:
        if not _DAY.fullmatch(text.strip()):
            raise ValueError
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise Mistake(str(path), line, f"{text!r} is no day", "write 2026-12-24, or 12-24 for every year") from error
