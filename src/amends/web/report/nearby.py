"""What is reported near a place already, or was mended there lately: so that nobody writes what is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import amends.reports.queries
from amends.ground import clock
from amends.reports.catalogue import Catalogue, Category
from amends.reports.geometry import Position
from amends.reports.records import Near, Report, State
from amends.web.report.checking import Checked, catalogue
from amends.web.report.speaking import ago, called, due, metres, state
from amends.web.report.where import painted

WITHIN_M = 250.0
LATELY = timedelta(days=14)
MOST = 5


def around(found: Checked) -> list[dict[str, Any]]:
    """Reports near a draft's place, open ones first, then what was mended within two weeks."""
    if found.spot.position is None or found.category is None:
        return []
    return near(found.spot.position, found.category, found.spot.asset.id if found.spot.asset else "")


def near(at: Position, category: Category, asset: str = "") -> list[dict[str, Any]]:
    now, ours = clock.now(), catalogue()
    alike = {code for code, other in ours.categories.items() if _alike(category, other)}
    open_ = amends.reports.queries.nearby(at.lat, at.long, WITHIN_M, open=True, limit=50)
    ended = amends.reports.queries.nearby(at.lat, at.long, WITHIN_M, open=False, limit=50)
    lately = [one for one in ended if one.report.closed_at and now - one.report.closed_at < LATELY]
    mended = [one for one in lately if one.report.state is State.FIXED]
    found = [one for one in (*_sorted(open_, asset), *_sorted(mended, asset)) if one.report.category in alike][:MOST]
    photos = amends.reports.queries.photos_of([one.report.number for one in found])
    return [card(one.report, photos, ours, now) | {"far": metres(one.metres)} for one in found]


def _sorted(found: list[Near], asset: str) -> list[Near]:
    """The same lamp first, then by distance."""
    return sorted(found, key=lambda one: (not asset or one.report.asset != asset, one.metres))


def _alike(one: Category, other: Category) -> bool:
    """The same category, or one of the same group."""
    return one.code == other.code or bool(one.group and one.group == other.group)


def card(one: Report, photos: Mapping[int, Any], ours: Catalogue, now: datetime) -> dict[str, Any]:
    """A report as lists show it."""
    shown = photos.get(one.number, [])
    return {
        "number": one.number,
        "what": called(ours.categories.get(one.category), one.category),
        "address": one.address,
        "asset": painted(one.asset),
        "description": one.description,
        "state": state(one.state),
        "open": one.is_open,
        "fixed": one.state is State.FIXED,
        "age": ago(one.requested_at, now),
        "ended": ago(one.closed_at, now) if one.closed_at else "",
        "due": due(one.new_due_at or one.due_at) if one.is_open else "",
        "new_date": one.new_due_at is not None,
        "late": one.is_open and one.due_at is not None and one.due_at < now,
        "kept": one.kept,
        "affected": one.affected,
        "photo": shown[-1 if one.state is State.FIXED else 0].name if shown else "",
        "lat": one.lat,
        "long": one.long,
    }
