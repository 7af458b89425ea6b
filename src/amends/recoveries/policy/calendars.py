"""Days on which people work, by region: the library `holidays` knows them, a list of days says so itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from functools import cache

import holidays

SATURDAY = 5
MOST_DAYS = 36_525  # a century: nothing is promised for later, and counting to it takes no time


class NoCalendar(ValueError):
    """A region whose holidays are not known."""


@cache
def holidays_of(region: str, year: int) -> frozenset[date]:
    """The holidays of a region (`GB-ENG`) in a year; NoCalendar where none are known."""
    country, _, part = region.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))
    except NotImplementedError as error:
        raise NoCalendar(f"no calendar for {region!r}: expected a region such as GB-ENG, DE-BY or US") from error


def is_working_day(day: date, free: str | Collection[date]) -> bool:
    """Monday to Friday and no holiday; `free` is a region (`GB-ENG`) or the holidays themselves."""
    return day.weekday() < SATURDAY and day not in (holidays_of(free, day.year) if isinstance(free, str) else free)


def working_day_after(day: date, count: int, free: str | Collection[date]) -> date | None:
    """The `count`-th working day after a day, which itself does not count; None where that is beyond reckoning.

    >>> working_day_after(date(2024, 6, 7), 2, ())
    datetime.date(2024, 6, 11)
    """
    if count > MOST_DAYS:
        return None
    try:
        while count > 0:
            day += timedelta(days=1)
            count -= is_working_day(day, free)
    except OverflowError:
        return None
    return day


def day_after(day: date, count: int) -> date | None:
    """So many days later; None where the calendar ends."""
    try:
        return day + timedelta(days=count)
    except OverflowError:
        return None
