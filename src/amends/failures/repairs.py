"""Broken promises of repair become failures: one for each report and each customer it was promised to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

import amends.failures.steps
from amends.failures.records import Failure, LossKind, Severity
from amends.ground.ids import derive
from amends.promises import calendars, files, repairs
from amends.promises.calendars import WorkCalendar
from amends.promises.repairs import Due, Standing, Verdict
from amends.reports import categories, overdue, reading
from amends.reports.catalogue import Catalogue
from amends.reports.overdue import Case
from amends.reports.records import State

READER, CLOCK, DAILY = "failures", "failures-due", "failures-daily"
BATCH = 500
LONG_AGO = datetime.fromtimestamp(0, UTC)
# Working days late from which a promise counts as broken badly; never mended, or not for long, is at least major.
MAJOR_DAYS, SEVERE_DAYS = 3, 10
CLOSED = {
    Standing.LATE: "mended late",
    Standing.CLOSED_WITHOUT_REPAIR: "closed without repair",
    Standing.REOPENED: "mended, and it did not last",
}


def subject_of(number: int) -> str:
    """What such a failure happened to."""
    return f"report:{number}"


def failure_id(promise: str, customer_id: str, number: int) -> str:
    return derive("fail", promise, customer_id, subject_of(number))


def take(now: datetime) -> int:
    """Look at reports that moved, whose time has passed, and once a day at all that are late; how many changed."""
    changed = 0
    while (part := _moved(now)) is not None:
        changed += part
    return changed + _passed(now) + _late_still(now)


@transaction.atomic
def _moved(now: datetime) -> int | None:
    moves = reading.unread(READER, BATCH, now)
    if not moves:
        return None
    changed = judge({move.report for move in moves}, now)
    reading.read(READER, moves[-1].number)
    return changed


def _passed(now: datetime) -> int:
    """Reports whose due time has passed since we looked last."""
    since = datetime.fromtimestamp(reading.upto(CLOCK), now.tzinfo)
    numbers = [number for number, _ in overdue.newly(since, now)]
    changed = _judge_all(numbers, now)
    if numbers:
        reading.read(CLOCK, int(now.timestamp()))
    return changed


def _late_still(now: datetime) -> int:
    """Once a day: what is still not mended may count as worse by now."""
    if reading.upto(DAILY) == now.toordinal():
        return 0
    changed = _judge_all([number for number, _ in overdue.newly(LONG_AGO, now)], now)
    reading.read(DAILY, now.toordinal())
    return changed


def _judge_all(numbers: Sequence[int], now: datetime) -> int:
    """Some at a time, each lot a transaction of its own: others come in between."""
    changed = 0
    for start in range(0, len(numbers), BATCH):
        with transaction.atomic():
            changed += judge(numbers[start : start + BATCH], now)
    return changed


def judge(numbers: Collection[int], now: datetime) -> int:
    """Hold these reports against what was promised: failures are made, revised or withdrawn. How many changed."""
    directory = settings.AMENDS.directory
    ways = _Ways(calendars.in_use(directory), categories.in_use(directory), _controllable())
    cases = overdue.cases(numbers)
    failures = [failure for case in cases for failure in _failures(case, ways, now)]
    changed = amends.failures.steps.record(failures, now)
    people = {who for case in cases for who in (case.customer_id, *(who for who, _ in case.affected))} - {""}
    kept = {failure.failure_id for failure in failures}
    subjects = [subject_of(case.number) for case in cases]
    return changed + amends.failures.steps.withdraw_of(people, subjects, kept, now)


class _Ways:
    """What judging depends on beside the reports."""

    def __init__(
        self, calendars: Mapping[str, WorkCalendar], catalogue: Catalogue, controllable: Mapping[str, bool]
    ) -> None:
        self.calendars, self.catalogue, self.controllable = calendars, catalogue, controllable


def _controllable() -> dict[str, bool]:
    return {promise.name: promise.controllable for promise in files.repairs_in_use(settings.AMENDS.directory)}


def _failures(case: Case, ways: _Ways, now: datetime) -> Iterator[Failure]:
    broken = _worst(case, ways.calendars, now)
    if broken is None:
        return
    due, verdict = broken
    for customer_id in _promised_to(case, due):
        yield _failure(case, due, verdict, customer_id, ways, now)


def _promised_to(case: Case, due: Due) -> Iterable[str]:
    """Who reported it, and who had said to be affected before its time was over; later ones were told a later date."""
    people = [case.customer_id, *(who for who, at in case.affected if at <= due.due_at)]
    return [who for who in dict.fromkeys(people) if who]


def _worst(case: Case, known: Mapping[str, WorkCalendar], now: datetime) -> tuple[Due, Verdict] | None:
    """The promise of a report that was broken worst; None where none was, or where nothing can be held against us.

    A duplicate is judged with the report that stands for it. While the clock stands still nothing is late, and what
    was over when it was promised, as of reports brought in from elsewhere, was no promise to anybody.
    """
    if case.state is State.DUPLICATE or case.due is None:
        return None
    dues = [case.due] if not case.stands_still else []
    if case.kept is False:  # an earlier promise may be what was broken
        dues += [_with_pauses(due, case, known, now) for due in case.former]
    judged = [(due, repairs.verdict(due, [m for m in case.moves if m.at >= due.begins_at], now)) for due in dues]
    broken = [(due, verdict) for due, verdict in judged if _counts(due, verdict, case)]
    return max(broken, key=lambda one: one[1].late_s, default=None)


def _with_pauses(due: Due, case: Case, known: Mapping[str, WorkCalendar], now: datetime) -> Due:
    calendar = known.get(due.calendar)
    return repairs.paused(due, case.pauses, calendar, now) if calendar and case.pauses else due


def _counts(due: Due, verdict: Verdict, case: Case) -> bool:
    """Closed without repair in time is told honestly and no failure; once the time is over, it is never kept."""
    return verdict.broken and verdict.late_s > 0 and due.promised_at not in case.late_from_the_first


def _failure(case: Case, due: Due, verdict: Verdict, customer_id: str, ways: _Ways, now: datetime) -> Failure:
    ended_at = verdict.mended_at or verdict.closed_at
    calendar = ways.calendars.get(due.calendar)
    late = _days_late(due, ended_at or now, calendar)
    severity = _severity(late, verdict)
    if ended_at is None:  # known exactly at the end only; until then, what it was at least
        late = {Severity.MINOR: 1, Severity.MAJOR: min(late, MAJOR_DAYS), Severity.SEVERE: SEVERE_DAYS}[severity]
    category = ways.catalogue.categories.get(case.category)
    names = dict(category.name) if category else {}
    closed = CLOSED.get(verdict.standing, "") if ended_at else ""
    return Failure(
        failure_id=failure_id(due.promise, customer_id, case.number),
        promise=due.promise,
        customer_id=customer_id,
        subject=subject_of(case.number),
        started_at=due.due_at,
        ended_at=ended_at,
        severity=severity,
        severity_parts={"working_days_late": late},
        facts=_facts(case, due, late, closed)
        | {
            "names": names,
            "days_late": _calendar_days(due, ended_at, late),
            "reported": customer_id == case.customer_id,
        },
        controllable=ways.controllable.get(due.promise, True),
        loss_kind=LossKind.OUTCOME,
    )


def _facts(case: Case, due: Due, late: int, closed: str) -> dict[str, Any]:
    return {
        "report": case.number,
        "category": case.category,
        "area": case.area,
        "promised_on": due.due_on.isoformat(),
        "working_days_late": late,
        "open": not closed,
        "closed": closed,
        "reopened": case.reopened,
    }


def _days_late(due: Due, until: datetime, calendar: WorkCalendar | None) -> int:
    """Working days late; by the end of the same day it is still one, because it was late."""
    if calendar is None:
        return max(1, (until - due.due_at).days)
    return max(1, calendar.working_days_between(due.due_at, until))


def _calendar_days(due: Due, ended_at: datetime | None, least: int) -> int:
    return max(1, (ended_at.date() - due.due_at.date()).days) if ended_at else least


def _severity(late: int, verdict: Verdict) -> Severity:
    if late >= SEVERE_DAYS:
        return Severity.SEVERE
    lasting = verdict.standing in (Standing.CLOSED_WITHOUT_REPAIR, Standing.REOPENED)
    return Severity.MAJOR if late >= MAJOR_DAYS or lasting else Severity.MINOR
