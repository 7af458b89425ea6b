"""Mails to those who follow: to confirm, at once about one report, once a day about the rest; none without news."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import translation

import amends.customers.queries
import amends.outbox.steps
from amends.notices import digest_words, phrases
from amends.notices.digest_words import Letter, Names
from amends.outbox.records import Order
from amends.reports import categories, following, places, reading
from amends.reports.follows import Follow, Item, News, for_one, is_told_at_once
from amends.reports.records import Move

BATCH = 500
TELLER, DIGESTS = "followers", "digests"
CONFIRM, FOLLOW, DIGEST = "mail.confirm", "mail.follow", "mail.digest"
KINDS = (CONFIRM, FOLLOW, DIGEST)


def write(now: datetime) -> int:
    """Write what is due to those who follow; how many mails. Looking twice writes nothing twice."""
    return _confirmations(now) + _tell_all(now) + _digests(now) + _forget(now)


# To confirm


@transaction.atomic
def _confirmations(now: datetime) -> int:
    follows = following.to_confirm(BATCH)
    if follows:
        amends.outbox.steps.enqueue([_to_confirm(follow) for follow in follows], now)
        following.mailed([follow.follow_id for follow in follows], now)
    return len(follows)


def _to_confirm(follow: Follow) -> Order:
    names = _names(follow.locale)
    with translation.override(names.lang):
        link = f"{names.url}/follow/confirm/{following.token(following.ONE, follow.follow_id)}?lang={names.lang}"
        letter = digest_words.confirmation(names, follow.wish, link)
    key = f"confirm:{follow.follow_id}:{int(follow.asked_at.timestamp())}"
    return _order(key, CONFIRM, follow, letter, urgency=3)


def _forget(now: datetime) -> int:
    """Who has not confirmed in time is let go of, and counts as nothing written."""
    while len(following.forget(now, BATCH)) == BATCH:
        pass
    return 0


# At once, about one report


def _tell_all(now: datetime) -> int:
    told = 0
    while (part := _tell(now)) is not None:
        told += part
    return told


@transaction.atomic
def _tell(now: datetime) -> int | None:
    """Tell those who follow single reports what they want to know at once; None where nothing was left to read."""
    moves = reading.unread(TELLER, BATCH, now)
    if not moves:
        return None
    last = {move.report: move for move in moves if is_told_at_once(move)}
    orders = []
    if follows := following.of_reports(last):
        items = following.items(last)
        for number, found in follows.items():
            if number in items:
                orders += _about_one(found, items[number], last[number])
    amends.outbox.steps.enqueue(orders, now)
    reading.read(TELLER, moves[-1].number)
    return len(orders)


def _about_one(follows: Sequence[Follow], item: Item, move: Move) -> list[Order]:
    """Not to who reported it: they are written to as who reported it, by `reporting`."""
    wanted = [one for one in follows if one.read_upto < move.number and one.customer_id != item.customer_id]
    erased = amends.customers.queries.erased_among([one.customer_id for one in wanted])
    following.told_one([one.follow_id for one in wanted], move.number)
    return [_told_one(one, item, move) for one in wanted if one.customer_id not in erased]


def _told_one(follow: Follow, item: Item, move: Move) -> Order:
    names = _names(follow.locale)
    end, manage = _end(names, following.ONE, follow.follow_id), _manage(names, follow)
    with translation.override(names.lang):
        letter = digest_words.about_one(names, item, move, *(f"{link}?lang={names.lang}" for link in (end, manage)))
    return _order(f"follow:{follow.follow_id}:{move.number}", FOLLOW, follow, letter, end=end)


# Once a day


def _digests(now: datetime) -> int:
    due = last_hour(now)
    if reading.upto(DIGESTS) >= int(due.timestamp()):
        return 0
    written, after, since = 0, "", following.due_since(due)
    if since is not None:
        upto = reading.newest(now)
        news = following.news(since, upto)
        while people := following.due_people(due, after, BATCH):
            written, after = written + _digest(people, news, upto, due, now), people[-1]
    reading.read(DIGESTS, int(due.timestamp()))
    return written


def last_hour(now: datetime) -> datetime:
    """When the digests of this moment were due: the last time that the installation's clocks showed that hour."""
    here = now.astimezone(ZoneInfo(settings.AMENDS.company.time_zone))
    at = here.replace(hour=settings.AMENDS.following.digest_hour, minute=0, second=0, microsecond=0)
    return (at if at <= here else at - timedelta(days=1)).astimezone(UTC)


@transaction.atomic
def _digest(people: Sequence[str], news: News, upto: int, due: datetime, now: datetime) -> int:
    erased = amends.customers.queries.erased_among(people)
    orders = []
    for customer_id, follows in following.of_people(people).items():
        if customer_id not in erased and (items := for_one(follows, news)):
            orders.append(_day(follows, items, upto, due))
    amends.outbox.steps.enqueue(orders, now)
    following.told(people, upto, now)
    return len(orders)


def _day(follows: Sequence[Follow], items: Sequence[Item], upto: int, due: datetime) -> Order:
    last, most = follows[-1], settings.AMENDS.following.digest_most
    names = _names(last.locale)
    end, manage = _end(names, following.ALL, last.customer_id), _manage(names, last)
    since = min(follow.read_upto for follow in follows)
    with translation.override(names.lang):
        rest = f"{manage}/news?after={since}&upto={upto}&lang={names.lang}"
        links = (f"{end}?lang={names.lang}", f"{manage}?lang={names.lang}", rest)
        letter = digest_words.digest(names, items[:most], len(items[most:]), links)
    key = f"digest:{last.customer_id}:{due:%Y%m%d}"
    return _order(key, DIGEST, last, letter, end=end, urgency=7, batch=f"digest {due:%Y-%m-%d}")


# The mail itself


def _names(locale: str) -> Names:
    config = settings.AMENDS
    lang = phrases.language(locale, config.company.locale)
    zone = ZoneInfo(config.company.time_zone)
    catalogue, known = categories.in_use(config.directory), places.in_use(config.directory)
    return Names(catalogue, known, lang, zone, config.company.name, config.public_url)


def _end(names: Names, kind: str, subject: str) -> str:
    return f"{names.url}/follow/end/{following.token(kind, subject)}"


def _manage(names: Names, follow: Follow) -> str:
    return f"{names.url}/follow/yours/{following.token(following.ALL, follow.customer_id)}"


def _order(
    key: str, kind: str, follow: Follow, letter: Letter, *, end: str = "", urgency: int = 5, batch: str = ""
) -> Order:
    payload: dict[str, Any] = {
        "to": follow.email,
        "subject": letter.subject,
        "text": letter.text,
        "html": letter.html,
        "locale": phrases.language(follow.locale, settings.AMENDS.company.locale),
        "message_id": _message_id(key),
    }
    if end:
        payload["headers"] = {
            "List-Id": f"<follows.{_host()}>",
            "List-Unsubscribe": f"<{end}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return Order(key, kind, "smtp", "", follow.customer_id, payload, urgency=urgency, batch=batch)


def _host() -> str:
    host = urlsplit(settings.AMENDS.public_url).hostname or "localhost"
    return host if "." in host else host + ".localdomain"


def _message_id(key: str) -> str:
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{_host()}>"
