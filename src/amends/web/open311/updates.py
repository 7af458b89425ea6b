"""Service request updates, as FixMyStreet and its adapter speak them: what was said, and what others say to us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.http import HttpRequest, HttpResponse

from amends.ground import clock
from amends.reports import queries, steps
from amends.reports.answers import moment
from amends.reports.records import Move, Refused, Report, State
from amends.reports.rules import LONGEST, clean, web_address
from amends.web.open311 import bodies, entering
from amends.web.open311.asking import Query, span
from amends.web.open311.bodies import Form
from amends.web.open311.listing import second
from amends.web.open311.refusing import Fault, all_of, refuse
from amends.web.open311.writing import answer

TOLD = {
    State.PENDING: "OPEN",
    State.RECEIVED: "OPEN",
    State.INVESTIGATING: "INVESTIGATING",
    State.SCHEDULED: "ACTION_SCHEDULED",
    State.IN_PROGRESS: "IN_PROGRESS",
    State.WAITING: "INVESTIGATING",
    State.REOPENED: "REOPEN",
    State.FIXED: "FIXED",
    State.NOT_FIXED: "NO_FURTHER_ACTION",
    State.NOT_OURS: "NOT_COUNCILS_RESPONSIBILITY",
    State.DUPLICATE: "DUPLICATE",
}
STATES = {
    "FIXED": State.FIXED,
    "IN_PROGRESS": State.IN_PROGRESS,
    "ACTION_SCHEDULED": State.SCHEDULED,
    "INVESTIGATING": State.INVESTIGATING,
    "FOR_TRIAGE": State.INVESTIGATING,
    "INTERNAL_REFERRAL": State.INVESTIGATING,
    "NOT_COUNCILS_RESPONSIBILITY": State.NOT_OURS,
    "NO_FURTHER_ACTION": State.NOT_FIXED,
    "CLOSED": State.NOT_FIXED,  # closed, and nobody says it is mended: that keeps no promise
    "DUPLICATE": State.NOT_FIXED,  # of what is not said
    "REOPEN": State.REOPENED,
}
STATUSES = ("OPEN", *STATES)
WORDS = {
    State.NOT_FIXED: "Closed by who works on it; nothing was said of a repair.",
    State.NOT_OURS: "Others are responsible for this.",
    State.REOPENED: "Opened again.",
}
FUTURE = timedelta(days=1)


def listed(request: HttpRequest, form: str) -> HttpResponse:
    """What was said of visible requests, oldest first: the last 90 days where no dates are given."""
    query = Query(request)
    first, last = span(query, clock.now())
    page = query.page()
    number = query.given("service_request_id")
    query.raise_faults()
    if number and not (number.isascii() and number.isdigit() and len(number) < 19):
        return answer("service_request_updates", [], form)
    until = last.replace(microsecond=999_999) if last else None
    wanted = int(number) if number else None
    found = queries.updates(first, until, limit=page.limit, offset=page.offset, report=wanted)
    return answer("service_request_updates", [_row(move) for move in found], form)


def _row(move: Move) -> dict[str, str | None]:
    return {
        "update_id": str(move.number),
        "service_request_id": str(move.report),
        "status": TOLD[move.state],
        "updated_datetime": second(move.at),
        "description": move.words or None,
        "media_url": move.media_url or None,
        "external_status_code": move.external_code or None,
    }


def create(request: HttpRequest, form: str) -> HttpResponse:
    """Take an update from who works on a request; the same update again is the same one."""
    posted = bodies.read(request)
    sender = entering.sender(request, posted, entering.UPDATE)
    entering.jurisdiction(posted.first("jurisdiction_id"))
    report = _checked(posted)
    given = posted.first("update_id") or posted.first("update_id_ext")
    known = f"{sender.mark}:{clean(given, 180)}"
    number = queries.told_outside(known)
    if number is None:
        _take(report, posted, known)
        number = queries.told_outside(known)
    return answer("service_request_updates", [{"update_id": str(number)}], form)


def _checked(posted: Form) -> Report:
    faults = [Fault(400, says) for says in _wrong(posted)]
    number = posted.first("service_request_id").strip()
    report = queries.one(int(number)) if number.isascii() and number.isdigit() and len(number) < 19 else None
    if number and (report is None or not report.visible):
        faults.append(Fault(404, "service_request_id is not known here"))
    if faults or report is None:
        raise all_of(faults)
    return report


def _wrong(posted: Form) -> Iterator[str]:
    if not (posted.first("update_id") or posted.first("update_id_ext")):
        yield "update_id required"
    for name in ("service_request_id", "updated_datetime", "status"):
        if not posted.first(name):
            yield f"{name} required"
    status = posted.first("status").strip().upper()
    if status and status not in STATUSES:
        yield f"status is not known; use {', '.join(STATUSES)}"
    try:
        if (text := posted.first("updated_datetime")) and moment(text) > clock.now() + FUTURE:
            yield "updated_datetime lies in the future"
    except (ValueError, OverflowError) as error:
        yield f"updated_datetime {error}"
    text = posted.first("description")
    if len(text) > 4 * LONGEST or len(clean(text, 4 * LONGEST)) > LONGEST:
        yield f"description is longer than {LONGEST:,} characters"
    if any(not web_address(url.strip()) for url in posted.every("media_url")):
        yield "media_url must be an address that begins with http:// or https://"


def _take(report: Report, posted: Form, known: str) -> None:
    status = posted.first("status").strip().upper()
    to = _state(status, report.state)
    words = clean(posted.first("description")) or (WORDS.get(to, "") if to is not report.state else status.capitalize())
    try:
        steps.move(
            report.number,
            to,
            who="another system",
            now=clock.now(),
            words=words,
            external_code=posted.first("external_status_code"),
            external_update=known,
            media_url=posted.first("media_url").strip(),
        )
    except Refused as error:
        raise refuse(400, str(error)) from error


def _state(status: str, now: State) -> State:
    """What a status means to a report as it stands; where it cannot become that, the words are taken all the same.

    Who sends an update sends it until it is taken: one that was refused would come for ever.
    """
    to = STATES.get(status, State.REOPENED)  # OPEN is no news for what is open
    if now.is_open:
        return now if to is State.REOPENED else to
    return State.REOPENED if to.is_open and now is not State.DUPLICATE else now
