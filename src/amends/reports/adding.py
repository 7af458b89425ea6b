"""What people behind a report add to it while it is open: words and photos, taken once, and only so much a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from amends.reports import categories, queries
from amends.reports.records import Move, Refused, Report
from amends.reports.rules import LONGEST, clean
from amends.reports.steps import MOST_PHOTOS, attach, locked, touch

ADDED = "added"
MOST_A_DAY = 10  # additions to one report, whoever makes them


class Enough(Refused):
    """More was added to this report than one day allows."""


def check(report: Report, photos: int, now: datetime) -> None:
    """Whether so many photos can still be added: Refused to a closed report, Enough after too much."""
    if not report.is_open:
        raise Refused("this report is closed")
    told = queries.history([report.number], public_only=False).get(report.number, [])
    today = [move for move in told if move.kind == ADDED and now - move.at < timedelta(days=1)]
    there = len(queries.photos_of([report.number], hidden_too=True).get(report.number, []))
    if len(today) >= MOST_A_DAY or (photos and there + photos > MOST_PHOTOS):
        raise Enough("that is enough for one day")


@transaction.atomic
def add(
    number: int, words: str, photos: Sequence[str], said_by: str, now: datetime, *, once: str, mark: str = ""
) -> bool:
    """Add words, or photos that were kept before, or both; False where the same form came already.

    `mark` stands for somebody affected, and is empty for who reported it. Everybody may read it, unless the report is
    public already and its category wants a look first: then it is for staff and crew, and for who added it.
    """
    row = locked(number)
    if queries.told_outside(once) is not None:
        return False
    check(queries.record(row), len(photos), now)
    if not (clean(words) or photos):
        raise Refused("add words or a photo")
    known = categories.in_use(settings.AMENDS.directory).categories.get(row.category)
    public = not (row.visible and known is not None and known.hide_by_default)
    attach(row, photos, ADDED, visible=public)
    was = ({"photos": len(photos)} if photos else {}) | ({"by": mark} if mark else {})
    touch(row, now, said_by, ADDED, clean(words, LONGEST), public=public, was=was, external_update=once)
    return True


def told(number: int, mark: str | None = None) -> list[Move]:
    """A history as somebody behind the report reads it: with what they added; without `mark`, as a crew does."""
    moves = queries.history([number], public_only=False).get(number, [])
    return [one for one in moves if one.public or (one.kind == ADDED and mark in (None, one.was.get("by", "")))]
