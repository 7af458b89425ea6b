"""Following a report, a place, a category or an area: asked for, confirmed, told, ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.db.models import Min, Q, QuerySet

import amends.customers.queries
from amends.reports import queries, reading
from amends.reports.follows import (
    ASK_AGAIN_AFTER,
    ASKS_PER_DAY,
    ASKS_PER_HOUR,
    FOLLOWS_MOST,
    FORGET_AFTER,
    TOLD_OF,
    Asked,
    Follow,
    Item,
    News,
    What,
    Wish,
    is_news,
)
from amends.reports.models import FollowRow, MoveRow, ReportRow
from amends.reports.records import Filter, Move, Reporter, State
from amends.reports.steps import resident

NEWS_MOST = 50_000  # moves that one look at the news takes in, the newest
ONE, ALL = "one", "all"  # whether a link is about one follow, or about all of somebody's
_ITEM = (*("number", "category", "area", "address", "lat", "long", "customer_id", "state", "requested_at", "due_at"),)


class BadToken(ValueError):
    """The link is not one of ours, or was cut off on its way."""


def token(kind: str, subject: str) -> str:
    """The secret in a link of a mail: about one follow, or about everything that somebody follows."""
    return signing.Signer(salt="amends.follows").sign(f"{kind}.{subject}").replace(":", "~")


def read_token(text: str) -> tuple[str, str]:
    try:
        kind, _, subject = signing.Signer(salt="amends.follows").unsign(text.replace("~", ":")).partition(".")
    except signing.BadSignature as error:
        raise BadToken("this link is not complete; use the whole link from the mail") from error
    return kind, subject


@transaction.atomic
def ask(wish: Wish, email: str, locale: str, now: datetime, *, asked_from: str = "") -> Asked:
    """Remember that somebody wants to follow something; a mail to confirm it is written by `notices.digests`.

    `asked_from` is a mark of the network address. Asked again, nothing more is sent for a day.
    """
    customer_id = resident(Reporter(email=email))
    row = FollowRow.objects.select_for_update().filter(pk=wish.follow_id(customer_id)).first()
    if row and (row.state == "confirmed" or row.asked_at > now - ASK_AGAIN_AFTER):
        return Asked.KNOWN
    if asked_from and _asked_from(asked_from, now) >= ASKS_PER_HOUR:
        return Asked.TOO_MANY
    own = FollowRow.objects.filter(customer_id=customer_id)
    today = own.filter(asked_at__gt=now - timedelta(days=1)).count()
    if today >= ASKS_PER_DAY or own.count() >= FOLLOWS_MOST or amends.customers.queries.erased_among([customer_id]):
        return Asked.ENOUGH
    told: dict[str, Any] = {"email": email.strip(), "locale": locale[:20], "asked_at": now, "asked_from": asked_from}
    wanted = {name: getattr(wish, name) for name in ("report", "lat", "long", "radius_m", "category", "area", "place")}
    new = {"state": "asked", "told_at": None, "customer_id": customer_id, "what": wish.what, **wanted, **told}
    FollowRow.objects.update_or_create(pk=wish.follow_id(customer_id), defaults=new)
    return Asked.WRITTEN


def _asked_from(mark: str, now: datetime) -> int:
    return FollowRow.objects.filter(asked_from=mark, asked_at__gt=now - timedelta(hours=1)).count()


def to_confirm(limit: int) -> list[Follow]:
    """Who asked and has not been written to yet."""
    return [_follow(row) for row in FollowRow.objects.filter(state="asked", told_at=None).order_by("pk")[:limit]]


@transaction.atomic
def confirm(follow_id: str, now: datetime) -> Follow | None:
    """Begin to tell somebody: of what happens from now on. None where it was forgotten meanwhile."""
    row = FollowRow.objects.select_for_update().filter(pk=follow_id).first()
    if row is not None and row.state == "asked":
        row.state, row.confirmed_at, row.told_at, row.read_upto = "confirmed", now, now, reading.newest(now)
        row.asked_from = ""
        row.save()
    return _follow(row) if row else None


def one(follow_id: str) -> Follow | None:
    row = FollowRow.objects.filter(pk=follow_id).first()
    return _follow(row) if row else None


def of_customer(customer_id: str) -> list[Follow]:
    """Everything that somebody follows, the newest last."""
    found = FollowRow.objects.filter(customer_id=customer_id, state="confirmed")
    return [_follow(row) for row in found.order_by("confirmed_at", "pk")]


@transaction.atomic
def end(follow_ids: Collection[str]) -> int:
    """Stop telling; nothing is kept of it."""
    return FollowRow.objects.filter(pk__in=list(follow_ids)).delete()[0]


@transaction.atomic
def end_all(customer_id: str) -> int:
    return FollowRow.objects.filter(customer_id=customer_id).delete()[0]


@transaction.atomic
def forget(now: datetime, limit: int) -> list[Follow]:
    """Let go of who never confirmed, a part at a time; whoever keeps their address elsewhere forgets it, too."""
    late = FollowRow.objects.filter(state="asked", asked_at__lt=now - FORGET_AFTER)
    found = [_follow(row) for row in late.order_by("pk")[:limit]]
    FollowRow.objects.filter(pk__in=[follow.follow_id for follow in found]).delete()
    return found


def of_reports(numbers: Collection[int]) -> dict[int, list[Follow]]:
    """Those who follow these reports by themselves."""
    found: dict[int, list[Follow]] = {}
    for row in FollowRow.objects.filter(report__in=set(numbers), what=What.REPORT, state="confirmed").order_by("pk"):
        found.setdefault(row.report or 0, []).append(_follow(row))
    return found


def of_people(customer_ids: Collection[str]) -> dict[str, list[Follow]]:
    """Everything that these people follow."""
    found: dict[str, list[Follow]] = {}
    for row in FollowRow.objects.filter(customer_id__in=list(customer_ids), state="confirmed").order_by("pk"):
        found.setdefault(row.customer_id, []).append(_follow(row))
    return found


def due_people(before: datetime, after: str, limit: int) -> list[str]:
    """Whose last digest was written, or found empty, before this moment; in order, behind somebody."""
    found = FollowRow.objects.filter(state="confirmed", told_at__lt=before, customer_id__gt=after)
    return list(found.order_by("customer_id").values_list("customer_id", flat=True).distinct()[:limit])


def due_since(before: datetime) -> int | None:
    """The move behind which the news of all of them begin; None where nobody is due."""
    found: int | None = FollowRow.objects.filter(state="confirmed", told_at__lt=before).aggregate(
        since=Min("read_upto")
    )["since"]
    return found


def mailed(follow_ids: Collection[str], now: datetime) -> None:
    FollowRow.objects.filter(pk__in=list(follow_ids)).update(told_at=now)


def told(customer_ids: Collection[str], upto: int, now: datetime) -> None:
    """These people have heard of everything up to this move."""
    own = FollowRow.objects.filter(customer_id__in=list(customer_ids), state="confirmed")
    own.filter(read_upto__lt=upto).update(read_upto=upto)
    own.update(told_at=now)


def told_one(follow_ids: Collection[str], upto: int) -> None:
    FollowRow.objects.filter(pk__in=list(follow_ids), read_upto__lt=upto).update(read_upto=upto)


def news(after: int, upto: int) -> News:
    """What became public between two moves, of visible reports."""
    wanted = MoveRow.objects.filter(pk__gt=after, pk__lte=upto, public=True, kind__in=TOLD_OF)
    moves: dict[int, list[Move]] = {}
    for row in wanted.order_by("-pk")[:NEWS_MOST]:
        said = Move(row.pk, row.report, row.at, row.who, row.kind, State(row.state), row.words, was=row.was)
        moves.setdefault(row.report, []).insert(0, said)
    return News(_items(moves))


def items(last: Mapping[int, Move]) -> dict[int, Item]:
    """Visible reports, each with one move."""
    return {item.number: item for item in _items({number: [move] for number, move in last.items()})}


def _items(moves: dict[int, list[Move]]) -> Iterator[Item]:
    numbers = sorted(moves)
    for start in range(0, len(numbers), 500):
        for row in ReportRow.objects.filter(pk__in=numbers[start : start + 500], visible=True).values(*_ITEM):
            yield Item(**{**row, "state": State(row["state"])}, moves=tuple(moves[row["number"]]))


def latest(wish: Wish | None, limit: int) -> list[Item]:
    """What a feed shows of a wish, or of everything: visible reports that changed last, with their moves."""
    found = _about(wish).filter(visible=True).order_by("-updated_at", "-number").values(*_ITEM)[:limit]
    rows = {row["number"]: row for row in found}
    moves = queries.history(rows)
    kept = {number: tuple(move for move in moves.get(number, ()) if is_news(move)) for number in rows}
    items = [Item(**{**row, "state": State(row["state"])}, moves=kept[number]) for number, row in rows.items()]
    return [item for item in (News(items).of(wish) if wish else items) if item.moves]


def _about(wish: Wish | None) -> QuerySet[ReportRow]:
    if wish is None:
        return ReportRow.objects.all()
    if wish.what is What.PLACE and wish.lat is not None and wish.long is not None:
        return queries.rows(Filter(near=(wish.lat, wish.long, float(wish.radius_m or 0))))
    chosen = {What.REPORT: Q(pk=wish.report), What.CATEGORY: Q(category=wish.category), What.AREA: Q(area=wish.area)}
    return ReportRow.objects.filter(chosen[wish.what])


def _follow(row: FollowRow) -> Follow:
    places = (row.report, row.lat, row.long, int(row.radius_m) if row.radius_m else None)
    wish = Wish(What(row.what), *places, row.category, row.area, row.place)
    who = (row.customer_id, row.email, row.locale)
    return Follow(row.pk, wish, *who, row.state == "confirmed", row.asked_at, row.confirmed_at, row.read_upto)
