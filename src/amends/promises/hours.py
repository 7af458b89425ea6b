"""Opening hours as two sorted columns: sums over years, and the moment after so much work, in one search each.

All moments here are integer microseconds since 1970 in UTC. A wall time that the clocks skip is the moment of the
change; one that comes twice is its first turn for opening and its last for closing: night shifts in autumn are longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import numpy as np
import numpy.typing as npt

from amends.ground.moments import EPOCH

Longs = npt.NDArray[np.int64]
Shift = tuple[time, time]  # closes not after opens: it ends on the next day; (00:00, 00:00) is the whole day
_US = timedelta(microseconds=1)


@dataclass(frozen=True)
class Hours:
    """When work is done, over some years."""

    opens: Longs  # merged spans, ascending
    closes: Longs
    done: Longs  # work done by the end of each span
    day_ends: Longs  # the last close of each working day, ascending

    def worked(self, at: Longs) -> Longs:
        """Open time from the first span until each of these."""
        if not len(self.opens):
            return np.zeros_like(at)
        span = np.searchsorted(self.opens, at, side="right") - 1
        safe = np.maximum(span, 0)
        left = np.maximum(self.closes[safe] - at, 0)
        return np.where(span < 0, 0, self.done[safe] - left)

    def is_open(self, at: int) -> bool:
        span = int(np.searchsorted(self.opens, at, side="right")) - 1
        return span >= 0 and at < int(self.closes[span])

    def opens_next(self, at: int) -> int | None:
        """The moment itself where work is done then, else the next opening; None past the last one."""
        span = int(np.searchsorted(self.closes, at, side="right"))
        return None if span == len(self.opens) else max(at, int(self.opens[span]))

    def after_work(self, at: Longs, amount: Longs) -> tuple[Longs, bool]:
        """The first moment by which so much was worked since `at`, and whether all of them lie within."""
        target = self.worked(at) + amount
        span = np.searchsorted(self.done, target, side="left")
        if not len(self.done) or int(span.max(initial=0)) >= len(self.done):
            return at, False
        return np.where(amount > 0, self.closes[span] - (self.done[span] - target), at), True

    def after_days(self, at: Longs, days: Longs) -> tuple[Longs, bool]:
        """The close of the n-th working day after the one that `at` falls into, or that opens next."""
        place = np.searchsorted(self.day_ends, at, side="right") + days
        if int(place.max(initial=0)) >= len(self.day_ends):
            return at, False
        return self.day_ends[place], True


def between(first: date, last: date, zone: tzinfo, shifts_on: Callable[[date], Iterable[Shift]]) -> Hours:
    """The hours of all days from first to last; a shift belongs to the day it opens on."""
    spans: list[tuple[int, int]] = []
    day_ends: list[int] = []
    for number in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(number)
        found = [_span(day, shift, zone) for shift in shifts_on(day)]
        found = [span for span in found if span[0] < span[1]]  # a shift within the skipped hour is none
        spans += found
        if found:
            day_ends.append(max(closes for _, closes in found))
    opens, closes = _merged(spans)
    ends = np.maximum.accumulate(np.array(day_ends, np.int64)) if day_ends else np.zeros(0, np.int64)
    return Hours(opens, closes, np.cumsum(closes - opens), ends)


def to_us(moment: datetime) -> int:
    return (moment - EPOCH) // _US


def from_us(microseconds: int, zone: tzinfo = UTC) -> datetime:
    return (EPOCH + int(microseconds) * _US).astimezone(zone)


def instant(day: date, at: time, zone: tzinfo, *, last: bool = False) -> int:
    """When the clocks of a place show this: the first or the last time; where they skip it, when they jump."""
    wall = datetime.combine(day, at)
    earlier, later = (to_us(wall.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if earlier <= later:
        return later if last else earlier
    return _jump(later, earlier, zone)


def _jump(before: int, after: int, zone: tzinfo) -> int:
    """The microsecond at which the offset changes, between two moments that have different ones."""
    old = from_us(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if from_us(middle, zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _span(day: date, shift: Shift, zone: tzinfo) -> tuple[int, int]:
    opens, closes = shift
    ends_on = day if closes > opens else day + timedelta(days=1)
    return instant(day, opens, zone), instant(ends_on, closes, zone, last=True)


def _merged(spans: list[tuple[int, int]]) -> tuple[Longs, Longs]:
    """Spans in order, none touching another: what two shifts share is worked once."""
    opens: list[int] = []
    closes: list[int] = []
    for start, end in sorted(spans):
        if closes and start <= closes[-1]:
            closes[-1] = max(closes[-1], end)
        else:
            opens.append(start)
            closes.append(end)
    return np.array(opens, np.int64), np.array(closes, np.int64)
