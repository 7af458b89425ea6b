"""Promises of repair: by when, moved by what, better than which, and kept or not. Records in, records out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from amends.ground.moments import format_moment, parse_moment
from amends.promises.calendars import WorkCalendar

_US = timedelta(microseconds=1)


class Kind(StrEnum):
    WORKING_DAYS = "working_days"  # by closing time of the n-th working day after this one
    DAYS = "days"  # by the end of the n-th calendar day after this one
    HOURS = "hours"  # as they pass
    WORKING_HOURS = "working_hours"  # as they are worked


@dataclass(frozen=True)
class Within:
    kind: Kind
    amount: float  # whole for days


@dataclass(frozen=True)
class Row:
    """What is promised to some reports. An empty set of codes means any; `within` None is honestly no target."""

    category: frozenset[str]
    area: frozenset[str]
    severity: frozenset[str]
    within: Within | None
    calendar: str
    words: Mapping[str, str]  # why, by language; may be empty

    def holds_for(self, category: str, area: str, severity: str) -> bool:
        asked = ((self.category, category), (self.area, area), (self.severity, severity))
        return all(not known or given in known for known, given in asked)


@dataclass(frozen=True)
class RepairVersion:
    since: date
    rows: tuple[Row, ...]  # the first that holds counts
    reopened_within_days: int  # opened again within so many days, a repair was none


@dataclass(frozen=True)
class RepairPromise:
    name: str
    words: Mapping[str, str]
    calendar: str  # says on which day a report came in, and counts where a row names none
    controllable: bool
    versions: tuple[RepairVersion, ...]  # oldest first

    def at(self, day: date) -> RepairVersion | None:
        """The version in force on a day; None before the first."""
        return next((v for v in reversed(self.versions) if v.since <= day), None)

    def calendars(self) -> set[str]:
        """The names of all calendars that it counts by."""
        return {self.calendar} | {row.calendar for version in self.versions for row in version.rows}


@dataclass(frozen=True)
class Due:
    """By when one thing is promised, and why. `promised_at` never changes; `due_at` moves only by visible pauses."""

    promise: str
    since: date  # of the version
    row: int  # counted from 1
    kind: Kind
    amount: float
    calendar: str
    words: Mapping[str, str]
    begins_at: datetime  # when the clock began
    promised_at: datetime
    due_at: datetime
    due_on: date  # the day to tell a person
    paused_s: float = 0.0  # what pauses have cost so far, in working time for working kinds
    reopened_within_days: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON can hold it; `Due.of` reads it back."""
        moments = {name: format_moment(getattr(self, name)) for name in MOMENTS}
        days = {name: getattr(self, name).isoformat() for name in ("since", "due_on")}
        return vars(self) | {"kind": self.kind.value, "words": dict(self.words)} | moments | days

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Due:
        moments = {name: parse_moment(plain[name]) for name in MOMENTS}
        days = {name: date.fromisoformat(plain[name]) for name in ("since", "due_on")}
        return cls(**(dict(plain) | {"kind": Kind(plain["kind"])} | moments | days))


MOMENTS = ("begins_at", "promised_at", "due_at")


@dataclass(frozen=True)
class Pause:
    """While we wait for somebody else: from when to when, and for what. Without an end it lasts still."""

    starts_at: datetime
    ends_at: datetime | None
    why: str  # waiting for the resident, weather: shown as it stands


class UnknownCalendar(LookupError):
    """A promise counts by a calendar that is not there: add calendars/NAME.yaml."""


def chosen(
    promise: RepairPromise, *, category: str, area: str, severity: str, on: date
) -> tuple[RepairVersion, int, Row] | None:
    """The version and the row that speak for such a report on a day, with the row's number from 1."""
    version = promise.at(on)
    if version is None:
        return None
    rows = enumerate(version.rows, 1)
    return next(((version, n, row) for n, row in rows if row.holds_for(category, area, severity)), None)


def promised(
    promise: RepairPromise,
    *,
    category: str,
    area: str,
    severity: str,
    received_at: datetime,
    calendars: Mapping[str, WorkCalendar],
) -> Due | None:
    """By when it is promised, counted from a moment; None where there is honestly no target.

    For a changed category or severity and for a reopened report that moment is the change, and `better` decides.
    """
    day = received_at.astimezone(_calendar(calendars, promise.calendar, promise).zone).date()
    found = chosen(promise, category=category, area=area, severity=severity, on=day)
    if found is None or found[2].within is None:
        return None
    version, number, row = found
    within = found[2].within
    calendar = _calendar(calendars, row.calendar, promise)
    due_at = _told(reach(received_at, within, calendar))
    return Due(
        promise=promise.name,
        since=version.since,
        row=number,
        kind=within.kind,
        amount=within.amount,
        calendar=calendar.name,
        words=row.words,
        begins_at=_told(received_at),
        promised_at=due_at,
        due_at=due_at,
        due_on=_day(due_at, calendar),
        reopened_within_days=version.reopened_within_days,
    )


def promised_by(
    promises: Iterable[RepairPromise],
    *,
    category: str,
    area: str,
    severity: str,
    received_at: datetime,
    calendars: Mapping[str, WorkCalendar],
) -> Due | None:
    """As `promised`, by the first promise that has a row for it; a row without target ends the search, too."""
    for promise in promises:
        day = received_at.astimezone(_calendar(calendars, promise.calendar, promise).zone).date()
        if chosen(promise, category=category, area=area, severity=severity, on=day):
            return promised(
                promise, category=category, area=area, severity=severity, received_at=received_at, calendars=calendars
            )
    return None


def reach(at: datetime, within: Within, calendar: WorkCalendar) -> datetime:
    """The moment by which so much time has passed by this calendar."""
    match within.kind:
        case Kind.WORKING_DAYS:
            return calendar.add_working_days(at, int(within.amount))
        case Kind.DAYS:
            return calendar.add_days(at, int(within.amount))
        case Kind.HOURS:
            return calendar.add_hours(at, within.amount)
        case Kind.WORKING_HOURS:
            return calendar.add_working(at, timedelta(hours=within.amount))


def paused(due: Due, pauses: Iterable[Pause], calendar: WorkCalendar, now: datetime | None = None) -> Due:
    """The due time with all its pauses, however often it is asked: hand in every pause, not only the new ones.

    Pauses that overlap count once, and one that begins when the time is over costs nothing. A pause that lasts still
    counts until `now`.
    """
    due_at, cost = _utc(due.promised_at), timedelta()
    for starts_at, ends_at in _apart(due, pauses, now):
        if starts_at >= due_at:
            break
        moved_at, more = _later(due, due_at, starts_at, ends_at, calendar)
        due_at = _utc(moved_at)
        cost += more
    due_at = _told(due_at)
    return replace(due, due_at=due_at, due_on=_day(due_at, calendar), paused_s=cost.total_seconds())


def better(former: Due | None, new: Due | None) -> Due | None:
    """Which of two promises holds: the earlier one, the former where both are the same, any rather than none.

    This is for a changed category, severity or policy, and for a duplicate that meets the promise of the first report.
    """
    if former is None or new is None:
        return former or new
    return new if new.due_at < former.due_at else former


def _apart(due: Due, pauses: Iterable[Pause], now: datetime | None) -> list[tuple[datetime, datetime]]:
    """Pauses since the clock began, in order, merged where they touch."""
    merged: list[tuple[datetime, datetime]] = []
    for pause in sorted(pauses, key=lambda pause: _utc(pause.starts_at)):
        ends_at = pause.ends_at or now
        if ends_at is None:
            raise ValueError("a pause that lasts still needs the present moment")
        starts_at, ends_at = max(_utc(pause.starts_at), _utc(due.begins_at)), _utc(ends_at)
        if merged and starts_at <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends_at))
        elif starts_at < ends_at:
            merged.append((starts_at, ends_at))
    return merged


def _later(
    due: Due, due_at: datetime, starts_at: datetime, ends_at: datetime, calendar: WorkCalendar
) -> tuple[datetime, timedelta]:
    """The due time after one pause, and what the pause cost."""
    if due.kind in (Kind.WORKING_DAYS, Kind.WORKING_HOURS):
        cost = calendar.work_between(starts_at, ends_at)
        return calendar.add_working(due_at, cost), cost
    if due.kind is Kind.HOURS:
        return due_at + (ends_at - starts_at), ends_at - starts_at
    # Days are told by the clocks of the place: three days' pause is three days, also where the clocks change.
    begins, ends = (moment.astimezone(calendar.zone).replace(tzinfo=None) for moment in (starts_at, ends_at))
    cost = max(ends - begins, timedelta())
    return calendar.on_the_clock(due_at, cost), cost


def _told(moment: datetime) -> datetime:
    """Whole milliseconds in UTC, as the outside is told and rows keep it: what is read back is the same."""
    return _utc(moment - moment.microsecond % 1000 * _US)


def _utc(moment: datetime) -> datetime:
    """Two moments of one zone are told apart by its clocks, which jump; those of UTC are not."""
    return moment.astimezone(UTC)


def _day(due_at: datetime, calendar: WorkCalendar) -> date:
    """The day that ends with midnight is the day before it."""
    return (due_at - _US).astimezone(calendar.zone).date()


def _calendar(calendars: Mapping[str, WorkCalendar], name: str, promise: RepairPromise) -> WorkCalendar:
    try:
        return calendars[name]
    except KeyError:
        raise UnknownCalendar(f"promise {promise.name} counts by calendar {name}: add calendars/{name}.yaml") from None


class Standing(StrEnum):
    """How a promise stands. All but the first three are promises that were not kept."""

    KEPT = "kept"
    OPEN = "open"  # its time has not come
    WITHOUT_TARGET = "without_target"
    LATE = "late"  # mended after the due time, or not mended and past it
    CLOSED_WITHOUT_REPAIR = "closed_without_repair"
    REOPENED = "reopened"  # mended in time, opened again soon after, and not mended in time since


class Turn(StrEnum):
    """What a move of a report means to its promise; other moves are on the way and need not be handed in."""

    MENDED = "mended"
    CLOSED_WITHOUT_REPAIR = "closed_without_repair"
    REOPENED = "reopened"


@dataclass(frozen=True)
class Move:
    at: datetime
    turn: Turn


@dataclass(frozen=True)
class Verdict:
    standing: Standing
    late_s: float = 0.0  # past the due time until it was mended, closed, or now; 0 where it was not late
    mended_at: datetime | None = None  # the repair that counts; None where there is none
    closed_at: datetime | None = None  # closed without repair

    @property
    def broken(self) -> bool:
        return self.standing not in (Standing.KEPT, Standing.OPEN, Standing.WITHOUT_TARGET)


def verdict(due: Due | None, moves: Sequence[Move], now: datetime, *, reopened_within_days: int = 0) -> Verdict:
    """How the promise stands after these moves.

    Opened again within the promise's days, the repair before it was none; later, it is a new matter and says nothing.
    `reopened_within_days` is for what has no target; otherwise the due record knows it.
    """
    days = due.reopened_within_days if due else reopened_within_days
    mended_at, closed_at, undone = _ended(_in_order(moves), timedelta(days=days))
    until = mended_at or closed_at or _utc(now)
    if due is None:
        return Verdict(Standing.WITHOUT_TARGET, 0.0, mended_at, closed_at)
    late_s = max((until - _utc(due.due_at)).total_seconds(), 0.0)
    return Verdict(_standing(due, mended_at, closed_at, undone, late_s > 0), late_s, mended_at, closed_at)


def _in_order(moves: Iterable[Move]) -> list[Move]:
    return sorted((Move(_utc(move.at), move.turn) for move in moves), key=lambda move: move.at)


def _ended(moves: Sequence[Move], soon: timedelta) -> tuple[datetime | None, datetime | None, datetime | None]:
    """The repair that counts, the closing without one, and the first repair that was undone."""
    mended_at = closed_at = undone = None
    for move in moves:
        if move.turn is Turn.MENDED and mended_at is None:
            mended_at, closed_at = move.at, None
        elif move.turn is not Turn.MENDED:
            if mended_at is not None and move.at - mended_at > soon:
                break
            undone = undone or mended_at
            mended_at = None
            closed_at = (closed_at or move.at) if move.turn is Turn.CLOSED_WITHOUT_REPAIR else None
    return mended_at, closed_at, undone


def _standing(
    due: Due, mended_at: datetime | None, closed_at: datetime | None, undone: datetime | None, late: bool
) -> Standing:
    if closed_at is not None:
        return Standing.CLOSED_WITHOUT_REPAIR
    if not late:
        return Standing.KEPT if mended_at else Standing.OPEN
    return Standing.REOPENED if undone and undone <= due.due_at else Standing.LATE
