"""Passing reports on to bodies that run a GeoReport server of their own: one act for each report and body, for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

import amends.customers.queries
import amends.outbox.queries
import amends.outbox.steps
from amends.outbox.records import Act, ActState, Order
from amends.reports import categories, forwards, queries, reading
from amends.reports.catalogue import Body, Catalogue, in_language
from amends.reports.forward_words import say
from amends.reports.models import MoveRow, ReportRow
from amends.reports.records import Move, PhotoOf, Privacy, Report, State
from amends.reports.rules import clean_line
from amends.reports.steps import locked, tell, touch

BATCH = 500
URGENCY = 4
READER = "forward:{}"
LONGEST_ID = 200
WITH_A_PERSON = (ActState.REFUSED, ActState.IN_DOUBT, ActState.PARKED)


def bodies() -> Iterator[Body]:
    """The bodies that run a GeoReport server."""
    known = categories.in_use(settings.AMENDS.directory)
    return (body for body in known.bodies.values() if body.open311)


def name_of(body: Body) -> str:
    return in_language(body.name, settings.AMENDS.company.locale)


# On its way


def send(now: datetime) -> int:
    """Put an act in the outbox for every open, public report that has come to such a body; how many."""
    return sum(_send(body, now) for body in bodies())


@transaction.atomic
def _send(body: Body, now: datetime) -> int:
    reader = READER.format(body.code)
    moves = reading.unread(reader, BATCH, now)
    if not moves:
        return 0
    _came_back(body, moves)
    found = queries.by_numbers({move.report for move in moves}).values()
    wanted = [report for report in found if _goes(report, body)]
    if wanted:
        known = categories.in_use(settings.AMENDS.directory)
        amends.outbox.steps.enqueue(_orders(wanted, body, known, now), now)
        numbers = [report.number for report in wanted]
        ReportRow.objects.filter(pk__in=numbers).update(external_id=forwards.ON_ITS_WAY)
    reading.read(reader, moves[-1].number)
    return len(moves) if len(moves) == BATCH else len(wanted)


def _came_back(body: Body, moves: Iterable[Move]) -> None:
    """What was routed here from another body leaves the number it had there, and gets back the one it has here."""
    moved = {move.report for move in moves if "body" in move.was and "external_id" not in move.was}
    numbers = ReportRow.objects.filter(pk__in=moved, body=body.code).values_list("pk", flat=True)
    keys = {forwards.key(number, body.code): number for number in numbers}
    standing = amends.outbox.queries.standing(keys)
    for key, number in keys.items():
        there = standing.get(key)
        waits = forwards.ON_ITS_WAY if there else ""
        ref = there.ref[:LONGEST_ID] if there and there.state is ActState.DONE else waits
        ReportRow.objects.filter(pk=number).update(external_id=ref)


def _goes(report: Report, body: Body) -> bool:
    there = body.open311
    if report.body != body.code or report.external_id or there is None:
        return False
    zone = ZoneInfo(settings.AMENDS.company.time_zone)
    young = there.since is None or report.requested_at.astimezone(zone).date() >= there.since
    return young and report.is_open and report.visible and report.state is not State.PENDING


def _orders(reports: Iterable[Report], body: Body, known: Catalogue, now: datetime) -> list[Order]:
    reports = list(reports)
    named = {one.customer_id for one in reports if one.privacy is Privacy.NAMED and one.customer_id}
    people = amends.customers.queries.by_id(sorted(named)) if named else {}
    photos = queries.photos_of([report.number for report in reports])
    names = {customer_id: person.name for customer_id, person in people.items()}
    return [
        _order(one, body, known, names.get(one.customer_id, ""), next(iter(photos.get(one.number, ())), None), now)
        for one in reports
    ]


def _order(report: Report, body: Body, known: Catalogue, name: str, photo: PhotoOf | None, now: datetime) -> Order:
    url, there = settings.AMENDS.public_url, body.open311
    assert there is not None
    told = forwards.payload(
        report,
        known.categories.get(report.category),
        there,
        name=name if report.privacy is Privacy.NAMED else "",
        url=url,
        photo=f"{url}/photos/{photo.name}.jpg" if photo else "",
        locale=settings.AMENDS.company.locale,
        now=now,
    )
    key, connector = forwards.key(report.number, body.code), forwards.connector(body.code)
    return Order(key, forwards.KIND, connector, "", report.customer_id, told, urgency=URGENCY)


# What became of it


def settle(now: datetime) -> int:
    """Take the numbers that bodies gave into our reports, and tell staff where an act waits for a person; how many."""
    return sum(_settle(body, now) for body in bodies())


def _settle(body: Body, now: datetime) -> int:
    waiting = ReportRow.objects.filter(body=body.code, external_id=forwards.ON_ITS_WAY)
    keys = {forwards.key(number, body.code): number for number in waiting.values_list("pk", flat=True)}
    standing = amends.outbox.queries.standing(keys)
    changed = 0
    for key, there in standing.items():
        if there.state is ActState.DONE:
            changed += _passed_on(keys[key], body, there.ref, now)
    stuck = [key for key, there in standing.items() if there.state in WITH_A_PERSON]
    return changed + _tell_staff({key: keys[key] for key in stuck}, body, now)


@transaction.atomic
def _passed_on(number: int, body: Body, ref: str, now: datetime) -> int:
    row = locked(number)
    if row.body != body.code or row.external_id != forwards.ON_ITS_WAY:
        return 0
    row.external_id = clean_line(ref, LONGEST_ID)
    numbered = not row.external_id.startswith(forwards.TOKEN) and row.external_id not in forwards.NUMBERLESS
    locale = settings.AMENDS.company.locale
    said = [say("passed on", locale, name=name_of(body))]
    said += [say("number", locale, number=row.external_id)] if numbered else []
    touch(row, now, name_of(body), "words", " ".join(said))
    return 1


def _tell_staff(stuck: Mapping[str, int], body: Body, now: datetime) -> int:
    """Once for each state that an act of theirs comes to."""
    if not stuck:
        return 0
    acts = amends.outbox.queries.answers(stuck)
    marks = {f"act:{key}:{act.state}"[:LONGEST_ID]: act for key, act in acts.items() if act.state in WITH_A_PERSON}
    known = MoveRow.objects.filter(external_update__in=marks).values_list("external_update", flat=True)
    new = [(mark, act) for mark, act in marks.items() if mark not in set(known)]
    for mark, act in new:
        _told_staff(stuck[act.key], body, mark, act, now)
    return len(new)


@transaction.atomic
def _told_staff(number: int, body: Body, mark: str, act: Act, now: datetime) -> None:
    says = f"passing it on to {name_of(body)} is {act.state}: {act.last_answer}"
    tell(locked(number), now, "amends", "words", note=says[:2000], public=False, external_update=mark)
