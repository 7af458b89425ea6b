"""What somebody can follow, and which news is for whom. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from amends.ground.ids import derive
from amends.reports.geometry import Position, distances_m
from amends.reports.records import Move, State

RADII_M = (100, 250, 500, 1000, 2000, 5000)
FORGET_AFTER = timedelta(days=7)  # who has not confirmed by then is forgotten
ASK_AGAIN_AFTER = timedelta(days=1)  # no second mail to confirm the same thing before
ASKS_PER_DAY = 3  # mails to confirm, to one address
ASKS_PER_HOUR = 20  # things to follow, from one network address
FOLLOWS_MOST = 100  # of one address
DIGEST_MOST = 20  # reports in one digest

ENDED = frozenset((State.FIXED, State.NOT_FIXED, State.NOT_OURS, State.DUPLICATE))
AT_ONCE = ENDED | {State.REOPENED}
TOLD_OF = ("state", "promise", "category", "place", "merged")  # kinds of moves that make news


class What(StrEnum):
    REPORT = "report"
    PLACE = "place"
    CATEGORY = "category"
    AREA = "area"


class Asked(StrEnum):
    """What became of a wish to follow. All but TOO_MANY look the same from outside."""

    WRITTEN = "written"  # a mail to confirm it is on its way
    KNOWN = "known"  # asked for before, or followed already: no second mail
    ENOUGH = "enough"  # this address gets no more mails to confirm today
    TOO_MANY = "too many"  # from this network address; ask again in an hour


class NoWish(ValueError):
    """What was asked for cannot be followed; says which field and why."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field, self.says = field, says


@dataclass(frozen=True)
class Wish:
    """What to follow: a report, a place with a radius, a category or an area."""

    what: What
    report: int | None = None
    lat: float | None = None
    long: float | None = None
    radius_m: int | None = None
    category: str = ""
    area: str = ""
    place: str = ""  # the place in words, as it was searched for

    def subject(self) -> str:
        """What tells it from every other wish; places on the same ten metres are the same."""
        if self.what is What.PLACE:
            return f"{self.lat:.4f},{self.long:.4f},{self.radius_m}"
        return {What.REPORT: str(self.report), What.CATEGORY: self.category, What.AREA: self.area}[self.what]

    def follow_id(self, customer_id: str) -> str:
        return derive("foll", customer_id, self.what, self.subject())


@dataclass(frozen=True)
class Follow:
    """Somebody who follows something, or asked to."""

    follow_id: str
    wish: Wish
    customer_id: str
    email: str
    locale: str
    confirmed: bool
    asked_at: datetime
    confirmed_at: datetime | None
    read_upto: int


@dataclass(frozen=True)
class Item:
    """One report in the news: where it stands now, and what happened to it meanwhile."""

    number: int
    category: str
    area: str
    address: str
    lat: float | None
    long: float | None
    customer_id: str
    state: State
    requested_at: datetime
    due_at: datetime | None
    moves: Sequence[Move] = field(default=())

    @property
    def last(self) -> Move:
        return self.moves[-1]

    @property
    def is_new(self) -> bool:
        """Whether it became public in this time: its first move has no state before it, or was pending."""
        return any(
            move.kind == "state" and move.was.get("state", State.PENDING) == State.PENDING for move in self.moves
        )

    def after(self, upto: int) -> Item | None:
        """The same with the moves behind this one only; None where there are none."""
        later = tuple(move for move in self.moves if move.number > upto)
        return None if not later else Item(**{**vars(self), "moves": later})


def is_news(move: Move) -> bool:
    """Whether a move is told to those who follow from afar."""
    return move.public and move.kind in TOLD_OF


def is_told_at_once(move: Move) -> bool:
    """Whether those who follow this one report hear of it without waiting for the day's digest."""
    ended = move.kind in ("state", "merged") and move.state in AT_ONCE
    return move.public and (ended or "new_date" in move.was)


class News:
    """What happened, ready to be asked for by what somebody follows."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = {item.number: item for item in items}
        self._category = _grouped((item.category, item.number) for item in self.items.values())
        self._area = _grouped((item.area, item.number) for item in self.items.values() if item.area)
        placed = [item for item in self.items.values() if item.lat is not None and item.long is not None]
        self._numbers = [item.number for item in placed]
        self._lat = np.array([item.lat for item in placed], dtype=np.float64)
        self._long = np.array([item.long for item in placed], dtype=np.float64)

    def of(self, wish: Wish) -> list[Item]:
        """The reports in the news that this is about."""
        return [self.items[number] for number in self._about(wish)]

    def _about(self, wish: Wish) -> Collection[int]:
        if wish.what is What.REPORT:
            return [wish.report] if wish.report in self.items else []
        if wish.what is What.CATEGORY:
            return self._category.get(wish.category, ())
        if wish.what is What.AREA:
            return self._area.get(wish.area, ())
        if wish.lat is None or wish.long is None or not self._numbers:
            return ()
        metres = distances_m(self._lat, self._long, Position(wish.lat, wish.long))
        return [self._numbers[index] for index in np.flatnonzero(metres <= (wish.radius_m or 0))]


def _grouped(pairs: Iterable[tuple[str, int]]) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, number in pairs:
        found.setdefault(name, []).append(number)
    return found


def for_one(follows: Sequence[Follow], news: News) -> list[Item]:
    """Everything new for one person, each report once: what they follow by itself first, then what changed last."""
    found: dict[int, Item] = {}
    own = {follow.wish.report for follow in follows if follow.wish.what is What.REPORT}
    for follow in follows:
        for item in news.of(follow.wish):
            new = item.after(follow.read_upto)
            if new and (item.number not in found or len(new.moves) > len(found[item.number].moves)):
                found[item.number] = new
    return sorted(found.values(), key=lambda item: (item.number not in own, -item.last.number))
