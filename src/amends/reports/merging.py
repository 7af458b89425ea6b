"""Two reports of one matter are put together and taken apart again; one of several matters is split into parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from amends.ground.ids import derive
from amends.reports import promising, queries
from amends.reports.models import AffectedRow, FollowRow, MoveRow, PhotoRow, ReportRow
from amends.reports.records import Refused, Report, State
from amends.reports.rules import clean
from amends.reports.steps import enter, known_category, known_severity, locate, locked, route, tell, touch

MERGED, APART = "merged", "apart"
MOST_PARTS = 10


@dataclass(frozen=True)
class Part:
    """One of the matters that a report holds."""

    category: str
    description: str
    severity: str = ""
    photos: Sequence[str] = ()  # of the report's own: they go with the part


@transaction.atomic
def merge(number: int, into: int, *, who: str, now: datetime, words: str = "") -> Report:
    """Put a report to another as its duplicate; the other one, as it stands then.

    It takes over the earlier of both promises, whoever is affected and who follows; its own duplicates go with it.
    """
    into = queries.standing_for(into)
    if number == into:
        raise Refused("a report is no duplicate of itself")
    rows = {one: locked(one) for one in sorted((number, into))}
    row, first = rows[number], rows[into]
    if row.state == State.DUPLICATE:
        raise Refused(f"report {number} is a duplicate of {row.duplicate_of} already")
    if not row.open:
        raise Refused(f"report {number} is {row.state}; only an open one can be put to another")
    if not first.open:
        raise Refused(f"report {into} is {first.state}; open it again before something is put to it")
    _put(row, first, who=who, now=now, words=words)
    return queries.record(first)


def _put(row: ReportRow, first: ReportRow, *, who: str, now: datetime, words: str) -> None:
    brought = _bring_people(row, first)
    follows = list(FollowRow.objects.filter(report=row.pk).values_list("pk", flat=True))
    FollowRow.objects.filter(pk__in=follows).update(report=first.pk)
    ReportRow.objects.filter(duplicate_of=row.pk).update(duplicate_of=first.pk, updated_at=now)
    if promising.take(first, promising.in_force(row), now):
        promising.keep(first, f"the earlier promise of report {row.pk}, which is about the same", now)
    was: dict[str, Any] = {"state": row.state, "into": first.pk, "brought": brought, "follows": follows}
    was["kept"] = row.kept
    enter(row, State.DUPLICATE, words, now)
    row.duplicate_of = first.pk
    touch(row, now, who, MERGED, words or f"It is about the same as report {first.pk}.", was=was)
    touch(first, now, who, MERGED, f"Report {row.pk} is about the same.", was={"from": row.pk})


def _bring_people(row: ReportRow, first: ReportRow) -> list[str]:
    """Count everybody behind a report as affected by the other, once each; the marks of those who are new there."""
    people = {one.who: one for one in AffectedRow.objects.filter(report=row.pk)}
    reporter = row.customer_id or f"report {row.pk}"
    people[reporter] = AffectedRow(who=reporter, customer_id=row.customer_id, at=row.requested_at)
    known = set(AffectedRow.objects.filter(report=first.pk, who__in=people).values_list("who", flat=True))
    new = [one for who, one in people.items() if who not in known and who != first.customer_id]
    made = [AffectedRow(report=first.pk, who=one.who, customer_id=one.customer_id, at=one.at) for one in new]
    AffectedRow.objects.bulk_create(made)
    first.affected += len(made)
    return sorted(one.who for one in made)


@transaction.atomic
def unmerge(number: int, *, who: str, now: datetime, words: str = "") -> Report:
    """Take a duplicate away from the report it was put to; it goes on where it stood. The other keeps its promise."""
    peek = queries.standing_for(number)
    rows = {one: locked(one) for one in sorted({number, peek})}
    row = rows[number]
    last = MoveRow.objects.filter(report=number, kind=MERGED, was__has_key="into").order_by("-pk").first()
    if row.state != State.DUPLICATE or row.duplicate_of is None or last is None:
        raise Refused(f"report {number} is put to no other")
    first = rows[row.duplicate_of]
    gone = AffectedRow.objects.filter(report=first.pk, who__in=last.was["brought"]).delete()[0]
    first.affected -= gone
    FollowRow.objects.filter(pk__in=last.was["follows"], report=first.pk).update(report=row.pk)
    stood = State(last.was["state"])
    row.state = State.RECEIVED if stood is State.WAITING else stood  # its clock was set going when it was put away
    row.open, row.duplicate_of, row.closed_at, row.kept = True, None, None, last.was["kept"]
    touch(first, now, who, APART, f"Report {row.pk} is another matter after all.", was={"from": row.pk})
    return touch(row, now, who, APART, words or f"It is not the same as report {first.pk} after all.")


@transaction.atomic
def split(number: int, parts: Sequence[Part], *, who: str, now: datetime) -> list[Report]:
    """Give each of several matters in one report a number of its own, with the promise that the report has by now.

    The report itself stays open for what is left of it. The same split again makes nothing new.
    """
    row = locked(number)
    if not row.open:
        raise Refused("only an open report can be split")
    if not 1 <= len(parts) <= MOST_PARTS:
        raise Refused(f"split it into one to {MOST_PARTS} parts")
    made = [_part(row, part, who, now) for part in parts]
    new = [one for one in made if one is not None]
    if new:
        numbers = [one.pk for one in new]
        said = "Has its own number now: " + ", ".join(str(one) for one in numbers)
        touch(row, now, who, "split", said, was={"parts": numbers})
    return [queries.record(one) for one in new]


def _part(row: ReportRow, part: Part, who: str, now: datetime) -> ReportRow | None:
    category = known_category(part.category)
    form = derive("part", str(row.pk), part.category, clean(part.description))
    if ReportRow.objects.filter(form=form).exists():
        return None
    same = ("lat", "long", "address", "address_id", "zipcode", "asset", "customer_id", "privacy", "source", "locale")
    copied = {name: getattr(row, name) for name in (*same, "requested_at", "visible", "hidden_why", "affected")}
    made = ReportRow(
        **copied,
        form=form,
        category=category.code,
        state=State.RECEIVED,
        severity=known_severity(part.severity),
        description=clean(part.description),
        split_from=row.pk,
        updated_at=now,
    )
    locate(made)
    route(made, now)
    promising.promise(made, row.requested_at)
    promising.take(made, promising.with_pauses(row, promising.in_force(row), now), now)
    made.save(force_insert=True)
    promising.keep(made, f"as part of report {row.pk}", now)
    _people_of_part(row, made)
    PhotoRow.objects.filter(pk__in=list(part.photos), report=row.pk).update(report=made.pk)
    tell(made, now, who, "state", words=f"This was part of report {row.pk}.")
    return made


def _people_of_part(row: ReportRow, made: ReportRow) -> None:
    people = AffectedRow.objects.filter(report=row.pk)
    rows = [AffectedRow(report=made.pk, who=one.who, customer_id=one.customer_id, at=one.at) for one in people]
    AffectedRow.objects.bulk_create(rows)
