"""What there is to know of reports whose promise may be broken: read for many at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from amends.promises.repairs import Due, Move, Pause, Turn
from amends.reports.models import AffectedRow, DueRow, MoveRow, PauseRow, ReportRow
from amends.reports.records import State

TURNS = {
    str(State.FIXED): Turn.MENDED,
    str(State.NOT_FIXED): Turn.CLOSED_WITHOUT_REPAIR,
    str(State.NOT_OURS): Turn.CLOSED_WITHOUT_REPAIR,
    str(State.REOPENED): Turn.REOPENED,
}


@dataclass
class Case:
    """One report, its promise, those before it, and the moves by which they are judged."""

    number: int
    category: str
    area: str
    state: State
    customer_id: str
    locale: str
    kept: bool | None
    reopened: int
    stands_still: bool
    due: Due | None
    former: list[Due] = field(default_factory=list)  # promises that others took the place of, oldest first
    seen: set[datetime] = field(default_factory=set)  # due times as they were promised
    late_from_the_first: set[datetime] = field(default_factory=set)  # due times that were over when they were promised
    moves: list[Move] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    affected: list[tuple[str, datetime]] = field(default_factory=list)  # who is known, and since when


COLUMNS = ("number", "category", "area", "state", "customer_id", "locale", "kept", "reopened", "paused_at", "due")


def cases(numbers: Collection[int]) -> list[Case]:
    """These reports with all that bears on their promises, in five queries."""
    wanted = list(set(numbers))
    found = {row["number"]: _case(row) for row in ReportRow.objects.filter(pk__in=wanted).values(*COLUMNS)}
    moves = MoveRow.objects.filter(report__in=wanted, kind="state", state__in=TURNS).order_by("pk")
    for number, at, state in moves.values_list("report", "at", "state"):
        found[number].moves.append(Move(at, TURNS[state]))
    for row in PauseRow.objects.filter(report__in=wanted):
        found[row.report].pauses.append(Pause(row.from_at, row.until_at, row.why))
    for promised in DueRow.objects.filter(report__in=wanted).exclude(due=None).order_by("pk"):
        _promised(found[promised.report], Due.of(promised.due or {}), promised.made_at)
    people = AffectedRow.objects.filter(report__in=wanted).exclude(customer_id="").order_by("pk")
    for number, customer_id, at in people.values_list("report", "customer_id", "at"):
        found[number].affected.append((customer_id, at))
    return list(found.values())


def _case(row: dict[str, Any]) -> Case:
    same = {name: row[name] for name in ("number", "category", "area", "customer_id", "locale", "kept", "reopened")}
    due = Due.of(row["due"]) if row["due"] else None
    return Case(**same, state=State(row["state"]), stands_still=row["paused_at"] is not None, due=due)


def _promised(case: Case, due: Due, made_at: datetime) -> None:
    """Of one promise the first row counts; later ones give new dates for it."""
    if due.promised_at in case.seen:
        return
    case.seen.add(due.promised_at)
    if due.promised_at <= made_at:
        case.late_from_the_first.add(due.promised_at)
    if case.due is None or due.promised_at != case.due.promised_at:
        case.former.append(due)


def newly(since: datetime, until: datetime) -> list[tuple[int, datetime]]:
    """Open reports whose due time passed between two moments and that are waited for, oldest first, with that time."""
    passed = ReportRow.objects.filter(open=True, due_at__gte=since, due_at__lt=until)
    found = passed.order_by("due_at", "number").values_list("number", "due_at")
    return [(number, due_at) for number, due_at in found if due_at]
