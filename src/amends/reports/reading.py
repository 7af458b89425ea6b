"""How far something has read the moves of this room, and what it has not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from amends.reports import queries
from amends.reports.models import MoveRow, ReadRow
from amends.reports.records import Move

COMMITTED_WITHIN = timedelta(seconds=2)


def unread(what: str, limit: int, now: datetime) -> Sequence[Move]:
    """The next moves for this reader, in order; call it in a transaction and end with `read`.

    PostgreSQL may show a move before one with a smaller number: what is younger than two seconds waits.
    """
    moves = queries.moves_since(upto(what, lock=True), limit)
    if connection.vendor == "sqlite":
        return moves
    fresh = (index for index, move in enumerate(moves) if now - COMMITTED_WITHIN < move.at <= now)
    return moves[: next(fresh, len(moves))]


def upto(what: str, *, lock: bool = False) -> int:
    """The number of the last move that this reader has read, or whatever it counts by; 0 at the beginning."""
    if not lock:
        return ReadRow.objects.filter(pk=what).values_list("upto", flat=True).first() or 0
    ReadRow.objects.get_or_create(what=what)
    return int(ReadRow.objects.select_for_update().get(pk=what).upto)


def read(what: str, number: int) -> None:
    ReadRow.objects.update_or_create(what=what, defaults={"upto": number})


def newest(now: datetime) -> int:
    """The number of the newest move that surely has none before it still to come."""
    at = now if connection.vendor == "sqlite" else now - COMMITTED_WITHIN
    return MoveRow.objects.filter(at__lte=at).order_by("-pk").values_list("pk", flat=True).first() or 0
