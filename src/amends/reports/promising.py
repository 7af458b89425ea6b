"""The promise of one report: made by the files in force, moved by pauses that show, judged when it ends.

Rows are handed in; the step that asked saves them and writes the history.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings

from amends.promises import calendars, files, repairs
from amends.promises.repairs import Due, Pause
from amends.reports.models import DueRow, PauseRow, ReportRow
from amends.reports.records import State

log = logging.getLogger("amends.reports")


def in_force(row: ReportRow) -> Due | None:
    """The promise as it stands, its pauses so far included."""
    return Due.of(row.due) if row.due else None


def promise(row: ReportRow, since: datetime) -> bool:
    """Promise by the files in force, counted from a moment; the earlier promise stays unless the new one is better."""
    return take(row, found(row, since), since)


def found(row: ReportRow, since: datetime) -> Due | None:
    """What the files promise to such a report, counted from a moment; None where there is honestly no target."""
    directory = settings.AMENDS.directory
    given, promises = calendars.in_use(directory), files.repairs_in_use(directory)
    asked = {"category": row.category, "area": row.area, "severity": row.severity}
    try:
        return repairs.promised_by(promises, **asked, received_at=since, calendars=given)
    except (repairs.UnknownCalendar, calendars.NeverOpen) as error:
        # The report is taken all the same: a mistake in our files is not the resident's.
        log.error("no promise can be made", extra={"category": row.category, "says": str(error)})
        return None


def take(row: ReportRow, new: Due | None, now: datetime) -> bool:
    """Let a promise hold for a report where it is better than what holds; pauses that it has seen count for both."""
    former = with_pauses(row, in_force(row), now)
    better = repairs.better(former, with_pauses(row, new, now))
    if better is None or better is former:
        return False
    _set(row, better)
    return True


def replace(row: ReportRow, new: Due | None) -> None:
    """Let a promise hold whatever held before: the time of the earlier one is over, its verdict is on record."""
    if new is not None:
        _set(row, new)


def keep(row: ReportRow, why: str, now: datetime) -> None:
    """Put the promise on record as it was made; also that there was none."""
    DueRow.objects.create(report=row.pk, due_at=row.due_at, due=row.due, why=why[:200], made_at=now)


def keep_date(row: ReportRow, due_at: datetime, why: str, now: datetime) -> None:
    """Put a new date on record that was told where the promise slips."""
    DueRow.objects.create(report=row.pk, due_at=due_at, due=row.due, why=why[:200], made_at=now)


def _set(row: ReportRow, due: Due) -> None:
    row.due, row.due_at, row.new_due_at, row.risk = due.plain(), due.due_at, None, None


def with_pauses(row: ReportRow, due: Due | None, now: datetime) -> Due | None:
    """A promise with all the time in which the report's clock stood still since it began."""
    if due is None or row.pk is None:
        return due
    pauses = [Pause(one.from_at, one.until_at, one.why) for one in PauseRow.objects.filter(report=row.pk)]
    calendar = calendars.in_use(settings.AMENDS.directory).get(due.calendar)
    if not pauses or calendar is None:
        return due
    return repairs.paused(due, pauses, calendar, now)


def stop_clock(row: ReportRow, why: str, words: str, now: datetime) -> None:
    PauseRow.objects.create(report=row.pk, why=why, words=words, from_at=now)
    row.paused_at, row.risk = row.paused_at or now, None


def run_clock(row: ReportRow, now: datetime) -> bool:
    """End every pause of a report and move its due time by what they cost; False where none was running."""
    if not PauseRow.objects.filter(report=row.pk, until_at=None).update(until_at=now):
        return False
    row.paused_at = None
    if due := with_pauses(row, in_force(row), now):
        row.due, row.due_at = due.plain(), due.due_at
    return True


def judge(row: ReportRow, to: State, now: datetime) -> None:
    """Whether the promise was kept, at the end: only a repair in time keeps it, and what was broken before stays so.

    A duplicate is judged with the report that it was put to.
    """
    if row.due_at is None or to is State.DUPLICATE:
        row.kept = None
    else:
        row.kept = row.kept is not False and to is State.FIXED and now <= row.due_at


def reopened(row: ReportRow, now: datetime) -> bool:
    """What opening again means; True where there is a new promise.

    While its time lasts, the promise goes on. Afterwards it is broken where the repair did not last for its days, and
    a new promise is made from now on.
    """
    due = in_force(row)
    if due is not None and now <= due.due_at:
        row.kept = None
        return False
    if due is not None and row.closed_at is not None and (now - row.closed_at).days <= due.reopened_within_days:
        row.kept = False
    new = found(row, now)
    replace(row, new)
    return new is not None
