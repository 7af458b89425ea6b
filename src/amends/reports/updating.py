"""Taking in what other bodies' servers say of reports that went there: each thing once, and our promise stays."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from amends.ground.moments import parse_moment
from amends.reports import forwards, queries
from amends.reports.catalogue import Body
from amends.reports.forward_words import day, say
from amends.reports.forwarding import LONGEST_ID, name_of
from amends.reports.forwards import Meaning, Told
from amends.reports.models import MoveRow, ReportRow
from amends.reports.records import Refused, State
from amends.reports.rules import check_move, clean, clean_line, web_address
from amends.reports.steps import enter, locked, tell, touch

MOST = 2000  # numbers that are asked for at once
WATCHED_FOR = timedelta(days=30)  # after its end a report may be opened again over there
THEIRS = "theirs_at"
LATE = timedelta(days=3)  # a token has had its number by then


@dataclass(frozen=True)
class Watched:
    """What is to be asked of a body: numbers of requests, and tokens that have none yet."""

    ids: Sequence[str]
    tokens: Sequence[str]


def watched(body: Body, now: datetime) -> Watched:
    """The numbers over there of all that is open here or was closed lately."""
    rows = ReportRow.objects.filter(Q(open=True) | Q(closed_at__gt=now - WATCHED_FOR), body=body.code)
    rows = rows.exclude(external_id="").exclude(external_id__in=forwards.NUMBERLESS)
    found = list(rows.order_by("-number").values_list("external_id", flat=True)[:MOST])
    tokens = [one.removeprefix(forwards.TOKEN) for one in found if one.startswith(forwards.TOKEN)]
    return Watched([one for one in found if not one.startswith(forwards.TOKEN)], tokens)


def take(body: Body, told: Iterable[Told], now: datetime) -> int:
    """Take updates in, in the order in which they happened; how many were new and ours."""
    told = forwards.in_order(told)
    reports = queries.by_external(body.code, {one.request for one in told} - set(forwards.NUMBERLESS))
    ours = [(mark(body, one), one) for one in told if one.request in reports]
    known = set(_known(where for where, _ in ours))
    changed = 0
    for where, one in ours:
        if where not in known:
            known.add(where)
            changed += _take(body, reports[one.request].number, where, one, now)
    return changed


def _known(marks: Iterable[str]) -> Iterable[str | None]:
    return MoveRow.objects.filter(external_update__in=list(marks)).values_list("external_update", flat=True)


def mark(body: Body, told: Told) -> str:
    """What makes an update the same when it is told again, as short as our column."""
    if told.update_id:
        return _short(body, told.update_id)
    said = (told.request, told.status, told.at.isoformat() if told.at else "", told.words, told.code)
    return _short(body, "\0".join(said))


def _short(body: Body, text: str) -> str:
    plain = f"open311:{body.code}:{text}"
    if len(plain) <= LONGEST_ID and text.isprintable():
        return plain
    return f"open311:{body.code}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:40]}"


@transaction.atomic
def _take(body: Body, number: int, where: str, told: Told, now: datetime) -> int:
    row, there = locked(number), body.open311
    if there is None or row.body != body.code or MoveRow.objects.filter(external_update=where).exists():
        return 0
    name, before = name_of(body), State(row.state)
    locale, stale = settings.AMENDS.company.locale, _is_stale(row, told)
    meant = forwards.meaning(told, there, name, before, stale=stale, locale=locale)
    to, words, note = _possible(meant, before)
    if to is not before:
        enter(row, to, words, now)
    if words:
        row.status_notes = words
    link = told.media_url if web_address(told.media_url) else ""
    was: dict[str, object] = {"state": before} if to is not before else {}
    was |= {THEIRS: told.at.isoformat()} if told.at else {}
    more = {"note": clean(note), "media_url": link, "was": was, "external_update": where}
    more |= {"external_code": clean_line(told.code, 100)}
    if to is before and not (words or link):  # nothing that anybody outside would call news
        if note or told.at is None:  # what has no time is known again by its id alone
            tell(row, now, name, "words", public=False, **more | {"note": note or f"{name} says {told.status}"})
        return int(bool(note))
    touch(row, now, name, "words" if to is before else "state", words, **more)
    return 1


def _possible(meant: Meaning, before: State) -> tuple[State, str, str]:
    """What it means, as far as a report may go from where it stands; else its words alone, and a note for staff."""
    if meant.to is before:
        return before, meant.words, meant.note
    try:
        check_move(before, meant.to, meant.words)
    except Refused as error:
        return before, meant.words, "\n".join(filter(None, (meant.note, str(error))))
    return meant.to, meant.words, meant.note


def _is_stale(row: ReportRow, told: Told) -> bool:
    """Whether we know something newer: from them, or that the report has ended since."""
    if told.at is None:
        return False
    if row.closed_at is not None and told.at <= row.closed_at and row.state != State.REOPENED:
        return not row.open
    theirs = MoveRow.objects.filter(report=row.pk, external_update__isnull=False).values_list("was", flat=True)
    known = [parse_moment(str(was[THEIRS])) for was in theirs if THEIRS in was]
    return any(told.at < at for at in known if at is not None)


@transaction.atomic
def resolve(body: Body, token: str, number: str, now: datetime) -> int:
    """The number that a batch service has given by now."""
    row = ReportRow.objects.filter(body=body.code, external_id=f"{forwards.TOKEN}{token}").first()
    given = clean_line(number, LONGEST_ID)
    if row is None or not given or given in forwards.NUMBERLESS or given.startswith(forwards.TOKEN):
        return 0
    row = locked(row.pk)
    row.external_id = given
    touch(row, now, name_of(body), "words", say("number", settings.AMENDS.company.locale, number=given))
    return 1


def expect(body: Body, number: str, at: datetime, now: datetime) -> int:
    """When the other side expects to be done: told beside our promise, which stays as it is."""
    report = queries.by_external(body.code, [number]).get(number)
    where = _short(body, f"{number}:expected:{at.isoformat()}")
    if report is None or not report.is_open or MoveRow.objects.filter(external_update=where).exists():
        return 0
    here = at.astimezone(ZoneInfo(settings.AMENDS.company.time_zone))
    locale = settings.AMENDS.company.locale
    said = [say("expects", locale, name=name_of(body), day=day(here, locale))]
    said += [say("ours", locale)] if report.due_at is not None else []
    with transaction.atomic():
        row = locked(report.number)
        touch(row, now, name_of(body), "words", " ".join(said), external_update=where, was={"expected": at.isoformat()})
    return 1


def late(body: Body, token: str, now: datetime) -> int:
    """Tell staff, once, that a batch service gives no number for long."""
    row = ReportRow.objects.filter(body=body.code, external_id=f"{forwards.TOKEN}{token}").first()
    where = _short(body, f"{forwards.TOKEN}{token}:late")
    if row is None or row.updated_at > now - LATE or MoveRow.objects.filter(external_update=where).exists():
        return 0
    says = f"{name_of(body)} took it and has given no number yet (token {token}); ask there"
    with transaction.atomic():
        tell(locked(row.pk), now, "amends", "words", note=says, public=False, external_update=where)
    return 1
