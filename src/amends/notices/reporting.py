"""Mails to those behind a report: to who reported it, and the important ones to everybody else it is known to affect.

Nothing goes to the anonymous, nothing without an address, and nothing twice: keys follow from report, occasion, the
move that was the occasion, and the reader.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import translation

import amends.customers.queries
import amends.outbox.steps
import amends.recoveries.files
import amends.reports.queries
from amends.customers.records import Customer
from amends.ground.ids import derive
from amends.notices import phrases, report_words, tokens
from amends.notices.digest_words import Names
from amends.notices.report_words import IMPORTANT, OTHERS, Occasion, Told
from amends.outbox.records import Order
from amends.promises.repairs import Due
from amends.reports import asking, categories, following, places, reading
from amends.reports.follows import Follow
from amends.reports.records import Move, Privacy, Report, State
from amends.reports.steps import REPORTER

TELLER, KIND, BATCH = "told", "mail.report", 500
OLD_NEWS = timedelta(days=7)  # what is older stands on the page; nobody is written to about it
ASK_EVERY_S = 600
CLOSINGS = {
    State.FIXED: Occasion.MENDED,
    State.NOT_FIXED: Occasion.NOT_FIXED,
    State.NOT_OURS: Occasion.NOT_OURS,
    State.DUPLICATE: Occasion.DUPLICATE,
}
TURNS = CLOSINGS | {State.REOPENED: Occasion.REOPENED, State.WAITING: Occasion.WAITING}


class Happened(NamedTuple):
    """Why people are written to about a report."""

    occasion: Occasion
    report: Report
    move: Move


class Around(NamedTuple):
    """What a batch of mails needs to know beside the reports themselves."""

    affected: Mapping[int, Sequence[str]]
    customers: Mapping[str, Customer]
    followers: Mapping[int, Sequence[Follow]]
    pictured: frozenset[int]
    firsts: Mapping[int, Report]
    policies: frozenset[str]


def tell(now: datetime) -> int:
    """Write what there is to tell since last time; how many mails. Looking twice writes nothing twice."""
    told = 0
    while (part := _tell(now)) is not None:
        told += part
    return told + _ask_again(now)


@transaction.atomic
def _tell(now: datetime) -> int | None:
    moves = reading.unread(TELLER, BATCH, now)
    if not moves:
        return None
    fresh = [move for move in moves if now - move.at <= OLD_NEWS]
    reports = amends.reports.queries.by_numbers({move.report for move in fresh})
    seen = [
        Happened(why, reports[move.report], move) for move in fresh if (why := occasion(move, reports[move.report]))
    ]
    news = {one.report.number: one for one in seen if one.occasion is Occasion.NEWS}
    orders = _write([one for one in seen if one.occasion is not Occasion.NEWS or news[one.report.number] is one], now)
    reading.read(TELLER, moves[-1].number)
    return len(orders)


def occasion(move: Move, report: Report) -> Occasion | None:
    """What a move is to those behind the report; None where there is nothing to write, or later moves say more."""
    if "new_date" in move.was:
        return _new_date(move, report)
    if move.kind in ("state", "merged") and move.state in TURNS and move.was.get("state") != move.state:
        if "from" in move.was:  # another report was put to this one
            return None
        return TURNS[move.state] if report.state is move.state else None
    if move.kind == "state" and not move.was.get("state"):
        return Occasion.RECEIVED if _is_taken(move, report) else None
    return _on_the_way(move, report) if report.is_open and move.state is report.state else None


def _is_taken(move: Move, report: Report) -> bool:
    """Once it has its number; not of what was brought in from elsewhere long after it was made."""
    waits_for_number = move.state is State.PENDING and bool(report.token)
    return report.is_open and not waits_for_number and move.at - report.requested_at <= OLD_NEWS


def _new_date(move: Move, report: Report) -> Occasion | None:
    told, due_at = datetime.fromisoformat(move.was["new_date"]), report.due_at
    if not report.is_open or due_at is None or report.new_due_at != told:
        return None
    if move.was.get("new_due_at"):
        return Occasion.AGAIN
    return Occasion.AT_RISK if move.at < due_at else Occasion.SLIPPED


def _on_the_way(move: Move, report: Report) -> Occasion | None:
    """Of moves that neither begin nor end anything."""
    if move.kind == "promise" and move.was.get("clock") == "ran":
        return Occasion.PAUSED if report.paused_at else None
    due = Due.of(report.due) if report.due else None
    ends_pause = move.was.get("clock") == "stood still" or move.was.get("state") == State.WAITING
    if due and ends_pause and not report.paused_at and due.due_at.date() != due.promised_at.date():
        return Occasion.MOVED
    if due and move.kind in ("category", "place") and abs(due.begins_at - move.at) < timedelta(seconds=1):
        return Occasion.BETTER
    by_reporter = move.who in (REPORTER, *OTHERS)
    words = move.kind in ("state", "words", "apart") and move.public and move.words.strip()
    return Occasion.NEWS if words and not by_reporter else None


# The mails of a batch


def _write(
    happened: Sequence[Happened], now: datetime, answered: Collection[tuple[int, str]] = frozenset()
) -> list[Order]:
    around = _around(happened)
    orders = [_mail(one, *to) for one in happened for to in _readers(one, around, answered)]
    amends.outbox.steps.enqueue(orders, now)
    asking.told(((one.report.number, one.occasion, _round(one)) for one in happened), now)
    return orders


def _around(happened: Sequence[Happened]) -> Around:
    numbers = {one.report.number for one in happened}
    affected = asking.affected({one.report.number for one in happened if one.occasion in IMPORTANT})
    people = {one.report.customer_id for one in happened} | {who for found in affected.values() for who in found}
    mended = {one.report.number for one in happened if one.occasion is Occasion.MENDED}
    photos = amends.reports.queries.photos_of(mended) if mended else {}
    firsts = amends.reports.queries.by_numbers({n for one in happened if (n := one.report.duplicate_of)})
    policies = {policy.promise for policy in amends.recoveries.files.in_use(settings.AMENDS.directory)}
    return Around(
        affected,
        amends.customers.queries.by_id(people - {""}),
        following.of_reports(numbers),
        frozenset(number for number, found in photos.items() if any(photo.kind == "after" for photo in found)),
        firsts,
        frozenset(policies),
    )


def _readers(
    one: Happened, around: Around, answered: Collection[tuple[int, str]]
) -> Iterator[tuple[Customer, Around, bool]]:
    """Who is to hear of it, and whether they reported it; who follows the report hears of its turns as a follower."""
    report, number = one.report, one.report.number
    reader = around.customers.get(report.customer_id)
    if (
        reader
        and report.privacy is not Privacy.ANONYMOUS
        and _may_be_written_to(reader)
        and (number, "") not in answered
    ):
        yield reader, around, True
    if one.occasion not in IMPORTANT or not report.visible:
        return
    told = {report.customer_id, *(follow.customer_id for follow in around.followers.get(number, ()))}
    for customer_id in dict.fromkeys(around.affected.get(number, ())):
        reader = around.customers.get(customer_id)
        told |= {customer_id} if (number, asking.mark(customer_id)) in answered else set()
        if reader and customer_id not in told and _may_be_written_to(reader):
            yield reader, around, False


def _may_be_written_to(customer: Customer) -> bool:
    wants = customer.contact.get("mail", customer.contact.get("email", True)) is not False
    return bool(customer.email) and not customer.erased and wants


def _mail(one: Happened, reader: Customer, around: Around, own: bool) -> Order:
    config, report = settings.AMENDS, one.report
    names = names_in((report.locale if own else "") or reader.locale)
    promise = str((report.due or {}).get("promise", ""))
    told = Told(
        one.occasion,
        report,
        one.move,
        names,
        link=f"{config.public_url}/yours/{tokens.make(subject(report.number, '' if own else reader.customer_id))}",
        own=own,
        greeting=phrases.greeting(reader.name, names.lang),
        contact=config.company.contact_email,
        pictured=report.number in around.pictured,
        first=around.firsts.get(report.duplicate_of or 0),
        policy=promise in around.policies,
    )
    with translation.override(names.lang):
        letter = report_words.written(told)
    payload: dict[str, Any] = {"to": reader.email, "subject": letter.subject, "text": letter.text}
    payload |= {"html": letter.html, "locale": names.lang} | _thread(one, reader.customer_id)
    return Order(_key(one, reader.customer_id), KIND, "smtp", "", reader.customer_id, payload, urgency=4)


def subject(number: int, customer_id: str = "") -> str:
    """What the secret of a link stands for: a report, and who else it is read by."""
    return f"report:{number}:{asking.mark(customer_id)}" if customer_id else f"report:{number}"


def names_in(locale: str) -> Names:
    """What things are called in the language nearest to this one that we speak."""
    config = settings.AMENDS
    lang = phrases.language(locale, config.company.locale)
    zone = ZoneInfo(config.company.time_zone)
    catalogue, known = categories.in_use(config.directory), places.in_use(config.directory)
    return Names(catalogue, known, lang, zone, config.company.name, config.public_url)


def _round(one: Happened) -> int:
    """The same occasion again is another one: of a new date the move that gave it; a report is received once."""
    return 0 if one.occasion is Occasion.RECEIVED else one.move.number


def _key(one: Happened, customer_id: str) -> str:
    return f"report:{one.report.number}:{one.occasion}:{_round(one)}:{asking.mark(customer_id)}"


def _thread(one: Happened, customer_id: str) -> dict[str, Any]:
    """All mails of one report to one reader hang on one root: the first of them, or what stands for it."""
    key, root = _key(one, customer_id), derive("mail", str(one.report.number), customer_id)
    if one.occasion is Occasion.RECEIVED:
        return {"message_id": _message_id(root)}
    return {"message_id": _message_id(key), "references": [_message_id(root)]}


def _message_id(key: str) -> str:
    host = urlsplit(settings.AMENDS.public_url).hostname or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{host if '.' in host else host + '.localdomain'}>"


# Once more, later


@transaction.atomic
def _ask_again(now: datetime) -> int:
    """Ask those who have not answered whether the repair has lasted: once, some weeks after it."""
    days = timedelta(days=settings.AMENDS.closing.ask_again_days)
    if not days or now.timestamp() - reading.upto(asking.LATER) < ASK_EVERY_S:
        return 0
    since = datetime.fromtimestamp(reading.upto(asking.LATER, lock=True), UTC) - days
    moves = asking.mended_between(max(since, now - days - OLD_NEWS), now - days)
    reading.read(asking.LATER, int(now.timestamp()))
    return sum(len(_lasted(moves[start : start + BATCH], now)) for start in range(0, len(moves), BATCH))


def _lasted(moves: Sequence[Move], now: datetime) -> list[Order]:
    reports = amends.reports.queries.by_numbers({move.report for move in moves})
    mended = [(reports[move.report], move) for move in moves if move.report in reports]
    last = [Happened(Occasion.ASK_AGAIN, *one) for one in mended if one[0].state is State.FIXED]
    last = [one for one in last if one.report.closed_at == one.move.at]
    return _write(last, now, asking.answered({(one.report.number, one.move.number) for one in last}))
