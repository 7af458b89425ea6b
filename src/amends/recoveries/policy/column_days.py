"""Days by column: working days after a day, with holidays by list or by region, and values in force on a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from amends.recoveries.policy.calendars import MOST_DAYS, holidays_of
from amends.recoveries.policy.column_values import (
    EPOCH_ORDINAL,
    FIRST_DAY,
    LAST_DAY,
    Array,
    Column,
    Lists,
    Regions,
    both,
    constant,
)

MONDAY_TO_FRIDAY = "1111100"


def number_of(day: date) -> int:
    """Days since 1970, as Arrow's date32 counts them."""
    return day.toordinal() - EPOCH_ORDINAL


def in_force(dated: Sequence[tuple[date, Decimal]], day: Column) -> Column:
    """The value in force on each day; not known before the first."""
    values = [constant(value) for _, value in dated]
    scale = max(value.scale for value in values)
    scaled = [value.data * 10 ** (scale - value.scale) for value in values]
    since = np.array([number_of(first) for first, _ in dated], np.int64)
    place = np.searchsorted(since, day.data, side="right")
    data = np.array([0, *scaled], np.int64)[place]
    if not isinstance(day.data, np.ndarray):
        return Column(int(data), both(day.known, bool(place > 0)), scale)
    return Column(data, both(day.known, place > 0), scale, max(map(abs, scaled)))


def days_after(start: Column, count: Column) -> Column:
    """So many days later (a part of a day does not count); not known where the calendar ends."""
    return _within(start.data + _whole(count), both(start.known, count.known))


def working_days_after(start: Column, count: Column, free: Any) -> Column:
    """The `count`-th working day after a day; `free` is a list of days for all or for each, or regions."""
    counts = _whole(count)
    known = both(both(start.known, count.known), getattr(free, "known", True))
    known = both(known, counts <= MOST_DAYS)
    size = max(np.size(start.data), np.size(counts), len(free.starts) - 1 if isinstance(free, Lists) else 1)
    size = max(size, np.size(free.codes) if isinstance(free, Regions) else 1)
    begin, wanted = np.broadcast_to(start.data, (size,)), np.broadcast_to(np.minimum(counts, MOST_DAYS), (size,))
    begin = np.clip(begin, FIRST_DAY, LAST_DAY).astype(np.int64)
    wanted = np.where(np.broadcast_to(np.asarray(known), (size,)), wanted, 0)
    if isinstance(free, Lists):
        found = _with_lists(begin, wanted, free)
    elif isinstance(free, Regions):
        found = _by_region(begin, wanted, np.broadcast_to(free.codes, (size,)), free.names)
    else:
        found = _offset(begin, wanted, np.array([number_of(day) for day in free], "datetime64[D]"))
    return _within(np.where(wanted > 0, found, begin), known)


def _whole(count: Column) -> Any:
    """The whole part of a count, towards zero, held where no calendar goes."""
    size = 10**count.scale
    limit = LAST_DAY * 2 + 1
    data = np.sign(count.data) * (np.abs(count.data) // size) if size > 1 else count.data
    clipped = np.minimum(np.maximum(data, -limit), limit)
    return clipped.astype(np.int64) if isinstance(clipped, np.ndarray) else int(clipped)


def _within(days: Any, known: Any) -> Column:
    inside = (days >= FIRST_DAY) & (days <= LAST_DAY)
    all_inside = bool(np.all(inside))
    return Column(days if all_inside else np.where(inside, days, 0), known if all_inside else both(known, inside))


def _offset(begin: Array, count: Array, holidays: Array) -> Array:
    after = np.busday_offset(begin.astype("datetime64[D]"), count, roll="backward", holidays=holidays)
    return after.astype(np.int64)


def _by_region(begin: Array, count: Array, codes: Array, names: Sequence[str]) -> Array:
    found = begin.copy()
    for code in np.unique(codes):
        here = np.flatnonzero(codes == code)
        most = int(count[here].max())
        free = _calendar(names[code], begin[here], most) if code >= 0 else np.array([], "datetime64[D]")
        found[here] = _offset(begin[here], count[here], free)
    return found


def _calendar(region: str, begin: Array, most: int) -> Array:
    """The holidays of the years that may be touched."""
    years = set((begin.astype("datetime64[D]").astype("datetime64[Y]").astype(int) + 1970).tolist())
    reached = {year + more for year in years for more in range(-1, most * 2 // 365 + 2)}
    days = [day for year in sorted(reached) if 1 <= year <= 9999 for day in holidays_of(region, year)]
    return np.array(sorted(number_of(day) for day in days), "datetime64[D]")


def _with_lists(begin: Array, count: Array, free: Lists) -> Array:
    """Each record's own holidays: those met on the way are made up for, until no further one is met."""
    owner, days = _distinct_weekdays(free)
    counted: Callable[[Array], Array] = lambda until: np.bincount(  # noqa: E731
        owner[(days > begin[owner]) & (days <= until[owner])], minlength=len(begin)
    )
    none = np.array([], "datetime64[D]")
    until = _offset(begin, count, none)
    while True:
        later = _offset(begin, count + counted(until), none)
        if np.array_equal(later, until):
            return until
        until = later


def _distinct_weekdays(free: Lists) -> tuple[Array, Array]:
    owner, days = free.owners, np.asarray(free.items.data, np.int64)
    working = np.is_busday(days.astype("datetime64[D]"), weekmask=MONDAY_TO_FRIDAY)
    pairs = np.unique(np.stack([owner[working], days[working]]), axis=1)
    return pairs[0], pairs[1]
