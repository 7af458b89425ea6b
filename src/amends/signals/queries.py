"""What other rooms and pages may ask about signals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from amends.ground import bulk
from amends.ground.moments import format_moment
from amends.ground.money import Money
from amends.signals import landing
from amends.signals.models import ApiKeyRow, LandedRow, PlaybackRow, QuarantineRow, SignalRow, ViewingRow
from amends.signals.records import Playback, Quarantined, Signal, Viewing

WRITTEN_TO_S = 60.0  # a record is written in one go: what is unfinished for longer is torn or damaged


def fresh_viewings(limit: int) -> list[Viewing]:
    """Closed viewings that the next room has not looked at since they changed (it says so by `steps.looked_at`)."""
    rows = ViewingRow.objects.filter(fresh=True, closed=True, stale=False)
    return _viewings(list(rows.order_by("session_id")[:limit]))


def viewings(session_ids: Collection[str]) -> list[Viewing]:
    return _viewings(list(ViewingRow.objects.filter(pk__in=session_ids)))


def viewings_between(since: datetime, until: datetime, ended: datetime) -> Iterator[Viewing]:
    """Viewings begun since the first moment that were under way between the two others; streaming, oldest first."""
    rows = ViewingRow.objects.filter(started_at__gte=since, started_at__lt=ended, last_seen_at__gt=until)
    place: tuple[datetime, str] | None = None
    while found := list((rows.filter(_behind(place)) if place else rows).order_by("started_at", "session_id")[:1000]):
        place = (found[-1].started_at, found[-1].session_id)
        yield from _viewings(found)


def _behind(place: tuple[datetime, str]) -> Q:
    return Q(started_at__gt=place[0]) | Q(started_at=place[0], session_id__gt=place[1])


def viewing(session_id: str) -> Viewing | None:
    return next(iter(viewings([session_id])), None)


def recent_viewings(limit: int, only_unclaimed: bool = False, search: str = "", skip: int = 0) -> list[Viewing]:
    """The newest viewings first, behind the first `skip`; where asked only what nobody claims.

    `search` is the beginning of a session's id, or a customer's id.
    """
    rows = ViewingRow.objects.order_by("-started_at", "session_id")
    if search:
        played = PlaybackRow.objects.filter(customer_id=search).values("session_id")
        mine = Q(session_id__startswith=search) | Q(customer_id=search) | Q(session_id__in=played)
        rows = rows.filter(mine)
    if only_unclaimed:
        claimed = PlaybackRow.objects.values("session_id")
        rows = rows.filter(customer_id="").exclude(session_id__in=claimed)
    return _viewings(list(rows[skip : skip + limit]))


def unclaimed_count() -> int:
    """Closed play sessions that nobody claims: kept, reported, never guessed at."""
    claimed = PlaybackRow.objects.values("session_id")
    return ViewingRow.objects.filter(closed=True, customer_id="").exclude(session_id__in=claimed).count()


def counts() -> dict[str, int]:
    return {
        "signals": SignalRow.objects.count(),
        "sessions": ViewingRow.objects.count(),
        "open sessions": ViewingRow.objects.filter(closed=False).count(),
        "quarantine": QuarantineRow.objects.filter(state="waiting").count(),
    }


def _viewings(rows: list[ViewingRow]) -> list[Viewing]:
    playbacks = {row.session_id: row for row in PlaybackRow.objects.filter(pk__in=[row.session_id for row in rows])}
    return [_viewing(row, playbacks.get(row.session_id)) for row in rows]


def _viewing(row: ViewingRow, played: PlaybackRow | None) -> Viewing:
    playback = _playback(played, row.customer_id) if played else None
    return Viewing(
        session_id=row.session_id,
        started_at=row.started_at,
        last_seen_at=row.last_seen_at,
        closed=row.closed,
        settled_at=row.settled_at,
        gaps=row.gaps,
        facts=row.facts,
        spans=tuple(row.spans),
        customer_id=played.customer_id if played else row.customer_id,
        content_id=row.content_id,
        playback=playback,
        changed_at=row.changed_at,
    )


def _playback(row: PlaybackRow, told_by_player: str) -> Playback:
    disputed = row.disputed_by or (told_by_player if told_by_player not in ("", row.customer_id) else "")
    price = Money(row.price_minor, row.currency) if row.price_minor is not None and row.currency else None
    return Playback(
        row.session_id,
        row.customer_id,
        title=row.title,
        product=row.product,
        order_id=row.order_id,
        price=price,
        payment_ref=row.payment_ref,
        started_at=row.started_at,
        disputed_by=disputed,
    )


def matters(type_: str, after: int, limit: int) -> list[Signal]:
    """Signals of one type in the order of their arrival, behind the given sequence number."""
    sql = f"""SELECT id, source, event_id, type, time, received_at, {bulk.as_text(connection, "data")}
        FROM signals_signalrow WHERE type = %s AND id > %s ORDER BY id LIMIT %s"""  # noqa: S608 - our own names
    return [_signal(row) for row in bulk.fetch(connection, sql, [type_, after, limit])]


def _signal(row: tuple[Any, ...]) -> Signal:
    number, source, event_id, type_, time, received_at, data = row
    told_at = bulk.read_moment(time) if time is not None else None
    return Signal(number, source, event_id, type_, told_at, bulk.read_moment(received_at), json.loads(data))


def quarantined(state: str = "waiting", after: int = 0, limit: int = 50) -> list[Quarantined]:
    """What waits for a person, oldest first."""
    return [_quarantined(row) for row in QuarantineRow.objects.filter(state=state, pk__gt=after).order_by("pk")[:limit]]


def quarantined_one(number: int) -> Quarantined | None:
    row = QuarantineRow.objects.filter(pk=number).first()
    return _quarantined(row) if row else None


def _quarantined(row: QuarantineRow) -> Quarantined:
    return Quarantined(
        row.pk, row.door, row.position, row.field, row.reason, row.raw, row.state, row.times, row.received_at
    )


def key_scopes(secret: str) -> list[str] | None:
    """The scopes of a live key; None when the secret is unknown or revoked."""
    hashed = hashlib.sha256(secret.encode()).digest()
    row = ApiKeyRow.objects.filter(prefix=secret[:12], revoked_at=None).first()
    if row is None or bytes(row.hashed) != hashed:
        return None
    return list(row.scopes)


def keys() -> list[str]:
    """One line per key: first letters, name, scopes, since when, revoked or not."""
    return [_key_line(row) for row in ApiKeyRow.objects.order_by("pk")]


def _key_line(row: ApiKeyRow) -> str:
    ended = f"revoked {format_moment(row.revoked_at)}" if row.revoked_at else "live"
    return f"{row.prefix}…  {row.name}  [{', '.join(row.scopes)}]  since {format_moment(row.created_at)}  {ended}"


def pending() -> dict[str, int]:
    """What still has to be read or looked at: bytes landed, sessions with new reports, sessions not over yet."""
    read = dict(LandedRow.objects.values_list("segment", "read_to"))
    sizes = {path.name: path.stat().st_size for path in landing.segments(settings.AMENDS.var / "landing")}
    return {
        "landed bytes": sum(max(0, size - read.get(name, 0)) for name, size in sizes.items()),
        "sessions to look at": ViewingRow.objects.filter(stale=True).count(),
        "open sessions": ViewingRow.objects.filter(closed=False).count(),
    }


def damaged_segments(now: datetime) -> dict[str, int]:
    """Segments that nobody writes to any more and that cannot be read to their end, with how far they can."""
    read = dict(LandedRow.objects.values_list("segment", "read_to"))
    found = {}
    for path in landing.segments(settings.AMENDS.var / "landing"):
        at, size = read.get(path.name, 0), path.stat().st_size
        quiet = now.timestamp() - path.stat().st_mtime > WRITTEN_TO_S
        if at < size and quiet and not any(landing.read(path, at, 1)):
            found[path.name] = at
    return found


def export_rows() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in SignalRow.objects.order_by("pk").values().iterator(5000))


def export_viewings() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in ViewingRow.objects.order_by("pk").values().iterator(5000))


def export_quarantine() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in QuarantineRow.objects.order_by("pk").values().iterator(5000))
