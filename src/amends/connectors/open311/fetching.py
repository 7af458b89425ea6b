"""What a body's server says of requests that went there: updates where it tells them, else the requests themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from amends.connectors.open311.far import Far, Unread, stamp
from amends.connectors.open311.reading import Row, day, moment, text
from amends.connectors.wire import in_path
from amends.reports.forwards import Told

CHUNK = 50  # numbers in one request
MOST_TOKENS = 50
UPDATES = "/servicerequestupdates"
NO_UPDATES = (400, 404, 405, 406, 410, 501)  # answers of servers that know none


@dataclass(frozen=True)
class Asked:
    """What is to be asked: what was said between two moments, and with `whole` how all these numbers stand."""

    since: datetime
    until: datetime
    ids: Sequence[str] = ()
    tokens: Sequence[str] = ()
    whole: bool = False


@dataclass
class Brought:
    """What was answered; with `trouble` not all of it, so that it is asked again."""

    told: list[Told] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)  # by token
    expected: dict[str, datetime] = field(default_factory=dict)
    trouble: str = ""


def fetch(far: Far, asked: Asked) -> Brought:
    """Ask all of it. No database, no clock: what it brings is taken in by who has them."""
    brought = Brought()
    try:
        _tokens(far, asked, brought)
        tells = _updates(far, asked, brought)
        if not tells or asked.whole:
            _requests(far, asked, brought, news=not tells)
    except Unread as error:
        brought.trouble = error.reason
    return brought


def _tokens(far: Far, asked: Asked, brought: Brought) -> None:
    for token in asked.tokens[:MOST_TOKENS]:
        try:
            found = far.rows(f"/tokens/{in_path(token)}", "service_requests")
        except Unread as error:
            if error.status != 404:
                raise
            continue
        for row in found:
            number = text(row, "service_request_id")
            if number and text(row, "token") in ("", token):
                brought.numbers[token] = number


def _updates(far: Far, asked: Asked, brought: Brought) -> bool:
    """Whether the server tells updates at all."""
    window = {"start_date": stamp(asked.since), "end_date": stamp(asked.until)}
    try:
        for page, _ in far.pages(UPDATES, "service_request_updates", **window):
            brought.told += [_told(row, asked.until) for row in page if text(row, "service_request_id")]
    except Unread as error:
        if error.status not in NO_UPDATES:
            raise
        return False
    return True


def _told(row: Row, now: datetime) -> Told:
    return Told(
        text(row, "service_request_id"),
        text(row, "update_id"),
        text(row, "status"),
        moment(row, "updated_datetime", now),
        text(row, "description"),
        text(row, "media_url"),
        text(row, "external_status_code"),
    )


def _requests(far: Far, asked: Asked, brought: Brought, *, news: bool) -> None:
    """How requests stand; where updates were told, for the dates and for endings that no update told."""
    ids = list(asked.ids)
    heard = {told.request for told in brought.told}
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        for row in far.rows("/requests", "service_requests", service_request_id=",".join(part)):
            number = text(row, "service_request_id")
            if number not in part:  # some servers ignore what they do not understand
                continue
            if number not in heard:
                brought.told.append(_standing(row, number, asked.until, news=news))
            expected = day(row, "expected_datetime")
            if expected is not None:
                brought.expected[number] = expected


def _standing(row: Row, number: str, now: datetime, *, news: bool) -> Told:
    """How a request stands, as an update: the same as long as status and notes are."""
    status, notes = text(row, "status"), text(row, "status_notes")
    same = hashlib.sha256(f"{status}\0{notes}".encode("utf-8", "replace")).hexdigest()[:24]
    at = moment(row, "updated_datetime", now)
    return Told(number, f"{number}:{same}", status, at, notes, news=news)
