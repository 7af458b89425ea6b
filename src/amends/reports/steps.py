"""Taking reports in, moving them on, promising and pausing: one transaction each, and every step in the history."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

import amends.customers.steps
from amends.customers.records import Customer
from amends.ground.ids import derive
from amends.reports import categories, locating, places, promising, queries, routing
from amends.reports.catalogue import Category, Kind
from amends.reports.models import AffectedRow, MoveRow, PhotoRow, ReportRow
from amends.reports.records import Intake, Privacy, Refused, Report, Reporter, State
from amends.reports.rules import CLOSING, LONGEST, SEVERITIES, check_move, clean, clean_line

BATCH = 500
ANSWERED_WITHIN = timedelta(days=14)
REPORTER, BETTER_AFTER = "who reported it", "better after another "
NO_ANSWER = "No answer has come; we go on with what we know."
MOST_PHOTOS = 20
CHANGEABLE = frozenset(
    (
        *("category", "severity", "lat", "long", "address", "address_id", "zipcode", "asset", "answers"),
        *("description", "body", "crew", "assignee", "notice", "media_url", "external_id", "incident", "privacy"),
    )
)


# Taking in


def receive(intake: Intake, now: datetime) -> Report:
    """Take a report in and promise what the files say; the same form sent again is the same report."""
    form = mark_of(intake.form)
    if known := queries.by_form(form):
        return known
    try:
        with transaction.atomic():
            return _receive(intake, form, now)
    except IntegrityError:  # the same form came in twice at once
        if known := queries.by_form(form):
            return known
        raise


def mark_of(form: str) -> str:
    """A form's one-time mark as it is kept: short; a form without one is its own."""
    short = clean_line(form, 1000)
    return (short if len(short) <= 80 else derive("form", short)) or f"drawn-{secrets.token_hex(16)}"


def _receive(intake: Intake, form: str, now: datetime) -> Report:
    category = known_category(intake.category)
    intake, said = locating.placed(intake)
    batch, hidden = category.type == Kind.BATCH, intake.hidden or category.hide_by_default
    row = ReportRow(
        form=form,
        category=category.code,
        state=State.PENDING if batch or hidden else State.RECEIVED,
        severity=known_severity(intake.severity),
        description=clean(intake.description),
        answers=[[code, list(values)] for code, values in intake.answers],
        lat=intake.lat,
        long=intake.long,
        address=clean_line(intake.address, 400),
        address_id=clean_line(intake.address_id, 200),
        zipcode=clean_line(intake.zipcode, 20),
        asset=clean_line(intake.asset, 100),
        customer_id=_introduce(intake.reporter, intake.locale, now) if intake.privacy is not Privacy.ANONYMOUS else "",
        privacy=intake.privacy,
        source=clean_line(intake.source, 60),
        locale=clean_line(intake.locale, 20),
        media_url=clean_line(intake.media_url, 1000),
        requested_at=min(intake.requested_at or now, now),
        updated_at=now,
        visible=not (batch or hidden),
        hidden_why="waits for a look before it is public" if hidden else None,
        token=secrets.token_urlsafe(16) if batch else None,
    )
    locate(row)
    route(row, row.requested_at)
    promising.promise(row, row.requested_at)
    row.save(force_insert=True)
    promising.keep(row, "as received", now)
    attach(row, intake.photos, "before")
    tell(row, now, REPORTER, "state", words=said)
    return queries.record(row)


def known_category(code: str) -> Category:
    """A category by its code; Refused where there is none."""
    found = categories.in_use(settings.AMENDS.directory).categories.get(code)
    if found is None:
        raise Refused(f"{clean_line(code, 60)!r} is no category of ours")
    return found


def known_severity(severity: str) -> str:
    if severity and severity not in SEVERITIES:
        raise Refused(f"{clean_line(severity, 60)!r} is no severity; use {', '.join(SEVERITIES)}")
    return severity


def _introduce(who: Reporter, locale: str, now: datetime) -> str:
    """The customer behind somebody who says who they are, known from now on; empty where they do not."""
    customer_id = who.customer_id or resident(who)
    if customer_id:
        said = (clean_line(who.name), clean_line(who.email), clean_line(who.phone, 60))
        amends.customers.steps.introduce(Customer(customer_id, *said, clean_line(who.locale or locale, 20)), now)
    return customer_id


def resident(who: Reporter) -> str:
    """The id of somebody who gave a mail address or a telephone number; empty where neither is known."""
    if email := clean_line(who.email).lower():
        return derive("resident", email)
    digits = "".join(letter for letter in who.phone if letter in "0123456789+")
    return derive("resident", digits) if digits else ""


def locate(row: ReportRow) -> None:
    """Fill in what the map knows: the place of an asset, the area, the nearest address where none was given."""
    known = places.in_use(settings.AMENDS.directory)
    if row.asset and row.lat is None and (asset := known.asset(row.asset)):
        row.lat, row.long = asset.position.lat, asset.position.long
    if row.lat is None or row.long is None:
        row.area = ""
        return
    row.area = (known.area_of(row.lat, row.long) or "")[:100]
    if not row.address and (address := known.nearest_address(row.lat, row.long)):
        row.address, row.zipcode = address.text[:400], row.zipcode or address.postcode[:20]


def route(row: ReportRow, at: datetime) -> None:
    """Send a report to the body and crew that the rules name."""
    found = way(row, at)
    row.body, row.crew = found.body, found.crew


def way(row: ReportRow, at: datetime) -> routing.Way:
    """Where the rules send a report as it stands; to the body of its category where none holds."""
    directory = settings.AMENDS.directory
    category = categories.in_use(directory).categories.get(row.category)
    asked = routing.Asked.one(row.category, row.severity, row.lat, row.long, at)
    router = routing.in_use(directory, settings.AMENDS.company.time_zone)
    return router.ways(asked, {row.category: category.body if category else row.body})[0]


def attach(row: ReportRow, names: Iterable[str], kind: str, **more: Any) -> int:
    """Put photos that were kept before, and belong to nobody yet, to a report; how many."""
    wanted = list(dict.fromkeys(names))[:MOST_PHOTOS]
    return PhotoRow.objects.filter(pk__in=wanted, report=None).update(report=row.pk, kind=kind, **more) if wanted else 0


@transaction.atomic
def accept_pending(now: datetime) -> int:
    """Give reports of batch services their number; what waits for a look gets it too and stays hidden."""
    waiting = ReportRow.objects.filter(state=State.PENDING, token__isnull=False)
    found = list(waiting.select_for_update().order_by("number")[:BATCH])
    for row in found:
        row.state, row.visible, row.updated_at = State.RECEIVED, not row.hidden_why, now
    ReportRow.objects.bulk_update(found, ("state", "visible", "updated_at"))
    MoveRow.objects.bulk_create([_move(row, now, "amends", "state") for row in found])
    return len(found)


def go_on(now: datetime) -> int:
    """Go on without an answer where the resident was asked too long ago: a clock must not stand still for ever."""
    asked = ReportRow.objects.filter(open=True, paused_at__lte=now - ANSWERED_WITHIN, state=State.WAITING)
    numbers = list(asked.order_by("paused_at").values_list("number", flat=True)[:BATCH])
    return sum(_go_on(number, NO_ANSWER, now) for number in numbers)


@transaction.atomic
def _go_on(number: int, words: str, now: datetime) -> bool:
    if locked(number).state != State.WAITING:
        return False
    move(number, State.INVESTIGATING, who="amends", now=now, words=words)
    return True


# The history


def locked(number: int) -> ReportRow:
    """A report's row for a step that writes it; Refused where there is none."""
    row = ReportRow.objects.select_for_update().filter(pk=number).first()
    if row is None:
        raise Refused(f"there is no report {number}")
    return row


def tell(row: ReportRow, now: datetime, who: str, kind: str, **more: Any) -> MoveRow:
    """Write a move into the history."""
    made = _move(row, now, who, kind, **more)
    made.save(force_insert=True)
    return made


def _move(row: ReportRow, now: datetime, who: str, kind: str, **more: Any) -> MoveRow:
    return MoveRow(report=row.pk, at=now, who=clean_line(who), kind=kind, state=row.state, **more)


def touch(row: ReportRow, now: datetime, who: str, kind: str, words: str = "", **more: Any) -> Report:
    """Save a row that was changed, with the move that says so."""
    row.updated_at = now
    row.save()
    tell(row, now, who, kind, words=clean(words), **more)
    return queries.record(row)


# Moving on


@transaction.atomic
def move(
    number: int,
    to: State,
    *,
    who: str,
    now: datetime,
    words: str = "",
    note: str = "",
    external_code: str = "",
    external_update: str | None = None,
    media_url: str = "",
    photos: Sequence[str] = (),
    public: bool = True,
) -> Report:
    """Move a report on; NotAllowed where it cannot become that, Refused where a reason is missing.

    The same state again only says the words; without any, nothing happens. An update of another body's server is taken
    once. A report becomes a duplicate by `merging.merge`, because it needs to be said of which.
    """
    row = locked(number)
    if external_update is not None and MoveRow.objects.filter(external_update=external_update).exists():
        return queries.record(row)
    before = State(row.state)
    if to is not before:
        check_move(before, to, words)
        enter(row, to, words, now)
    elif not (words.strip() or note.strip() or photos or media_url):
        return queries.record(row)
    attach(row, photos, "after" if to in CLOSING else "before")
    if words.strip() and public:
        row.status_notes = clean(words)
    said = {"note": clean(note), "public": public, "media_url": clean_line(media_url, 1000)}
    outside = {"external_code": clean_line(external_code, 100), "external_update": external_update}
    was = {"state": before} if to is not before else {}
    return touch(row, now, who, "state" if was else "words", words, was=was, **said, **outside)


def enter(row: ReportRow, to: State, words: str, now: datetime) -> None:
    """What entering a state means for clock, promise and counts."""
    before = State(row.state)
    row.state, row.open = to, to.is_open
    if before is State.WAITING or to in CLOSING:
        promising.run_clock(row, now)
    if to is State.WAITING:
        promising.stop_clock(row, "resident", clean(words), now)
    if to in CLOSING:
        row.closed_at, row.risk, row.predicted_at = now, None, None
        promising.judge(row, to, now)
    elif to is State.REOPENED:
        if promising.reopened(row, now):
            promising.keep(row, "opened again", now)
        row.closed_at, row.reopened = None, row.reopened + 1


@transaction.atomic
def change(
    number: int, *, who: str, now: datetime, words: str = "", note: str = "", public: bool = True, **news: Any
) -> Report:
    """Change category, severity, place, text, body, crew, assignee …; the promise stays unless the new one is better.

    Another category or place finds its way anew where no body or crew is named with it. What does not change anything
    leaves no trace.
    """
    row = locked(number)
    news = _checked(news)
    was = {name: getattr(row, name) for name, value in news.items() if getattr(row, name) != value}
    if not was:
        return queries.record(row)
    before, way_before = (row.area, row.body, row.crew), way(row, now)
    for name in was:
        setattr(row, name, news[name])
    if {"lat", "long", "asset"} & set(was):
        _moved(row, was)
    if not {"body", "crew"} & set(news) and (way_now := way(row, now)) != way_before:
        row.body, row.crew = way_now.body, way_now.crew
    was |= {n: v for n, v in zip(("area", "body", "crew"), before, strict=True) if getattr(row, n) != v}
    if {"category", "severity", "area"} & set(was) and promising.promise(row, now):
        promising.keep(row, f"{BETTER_AFTER}{', '.join(sorted(was))}", now)
    return touch(row, now, who, _kind(was), words, note=clean(note), public=public, was=was)


def _checked(news: dict[str, Any]) -> dict[str, Any]:
    if strange := set(news) - CHANGEABLE:
        raise Refused(f"{', '.join(sorted(strange))} cannot be changed so")
    if "category" in news:
        known_category(news["category"])
    known_severity(news.get("severity", ""))
    longest = {"description": LONGEST, "notice": LONGEST, "address": 400, "media_url": 1000, "zipcode": 20}
    return {name: _text(name, value, longest) if isinstance(value, str) else value for name, value in news.items()}


def _text(name: str, value: str, longest: dict[str, int]) -> str:
    return clean(value) if longest.get(name) == LONGEST else clean_line(value, longest.get(name, 100))


def _moved(row: ReportRow, was: dict[str, Any]) -> None:
    """A new place has its own address, unless one was given with it; a new asset has its own place."""
    if "asset" in was and not {"lat", "long"} & set(was):
        row.lat = row.long = None
    if "address" not in was:
        was |= {"address": row.address, "zipcode": row.zipcode, "address_id": row.address_id}
        row.address = row.zipcode = row.address_id = ""
    locate(row)


def _kind(was: dict[str, Any]) -> str:
    kinds = {"category": "category", "severity": "category", "lat": "place", "long": "place", "asset": "place"}
    kinds |= {"description": "moderation", "media_url": "moderation", "privacy": "moderation", "answers": "category"}
    return next((kind for name, kind in kinds.items() if name in was), "routing")


# The clock


@transaction.atomic
def pause(number: int, why: str, words: str, *, who: str, now: datetime) -> Report:
    """Let the clock stand still for a reason that everybody may read."""
    if why not in ("weather", "resident", "other") or not words.strip():
        raise Refused("say why the clock stands still (weather, resident or other), in words that residents will read")
    row = locked(number)
    if not row.open:
        raise Refused("only the clock of an open report can stand still")
    if row.paused_at is not None:
        raise Refused("its clock stands still already")
    promising.stop_clock(row, why, clean(words), now)
    return touch(row, now, who, "promise", words, was={"clock": "ran"})


@transaction.atomic
def resume(number: int, *, who: str, now: datetime, words: str = "") -> Report:
    """Let the clock run again; the due time moves by as much as it stood still in working time."""
    row = locked(number)
    if row.state == State.WAITING:
        raise Refused("it waits for who reported it: move it on, and its clock runs again")
    before = row.due_at
    if not promising.run_clock(row, now):
        return queries.record(row)
    was = {"clock": "stood still", "due_at": before.isoformat() if before else None}
    return touch(row, now, who, "promise", words, was=was)


@transaction.atomic
def promise_anew(number: int, due_at: datetime, why: str, *, who: str, now: datetime) -> Report:
    """Give a new date where the promised one slips: said openly; the former promise stays what is judged by."""
    row = locked(number)
    if not why.strip():
        raise Refused("say why there is a new date; the people who wait will read it")
    if not row.open:
        raise Refused("only an open report can be promised anew")
    if due_at <= now or (row.due_at is not None and due_at <= row.due_at):
        raise Refused("a new date lies ahead, and after the promised one")
    was = {"new_due_at": row.new_due_at.isoformat() if row.new_due_at else None, "new_date": due_at.isoformat()}
    row.new_due_at = due_at
    promising.keep_date(row, due_at, clean_line(why), now)
    return touch(row, now, who, "promise", why, was=was)


# Who else is affected


@transaction.atomic
def me_too(number: int, form: str, reporter: Reporter, now: datetime) -> Report:
    """Count somebody else who is affected, once per person; for a duplicate, at the report it was put to."""
    row = locked(queries.standing_for(number))
    customer_id = _introduce(reporter, reporter.locale, now)
    if customer_id and customer_id == row.customer_id:
        return queries.record(row)
    known = {"customer_id": customer_id, "at": now}
    who = customer_id or mark_of(form)
    _, new = AffectedRow.objects.get_or_create(report=row.pk, who=who, defaults=known)
    if not new:
        return queries.record(row)
    row.affected += 1
    return touch(row, now, "somebody else", "affected")
