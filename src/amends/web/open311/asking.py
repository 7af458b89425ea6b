"""What a GET asks for: filters, dates, pages. Everything that is wrong is said at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.http import HttpRequest

from amends.reports.answers import moment
from amends.reports.geometry import NoPlace, box, position
from amends.reports.records import Filter, Order
from amends.web.open311.refusing import Fault, all_of

SPAN = timedelta(days=90)
P = TypeVar("P")
MOST = 1000  # of one answer
MOST_NUMBERS = 1000  # asked for by their ids
LARGEST = 2**63 - 1
FURTHEST = 10_000_000  # reports that pages may skip
WIDEST_M = 50_000.0
SORTS = {
    "requested_datetime": Order.NEWEST,
    "-requested_datetime": Order.NEWEST,
    "+requested_datetime": Order.OLDEST,
    "updated_datetime": Order.UPDATED,
    "-updated_datetime": Order.UPDATED,
}


@dataclass(frozen=True)
class Page:
    limit: int
    offset: int
    number: int


@dataclass(frozen=True)
class Asked:
    wanted: Filter
    page: Page
    order: Order


class Query:
    """The query of a request, read field by field; what is wrong is collected."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.faults: list[Fault] = []

    def given(self, name: str) -> str:
        """A field's text; given empty is not given."""
        return ",".join(part for part in self.request.GET.getlist(name) if part.strip()).strip()

    def listed(self, name: str) -> list[str] | None:
        """A comma list; None where nothing is given."""
        return [part.strip() for part in self.given(name).split(",") if part.strip()] or None

    def wrong(self, says: str) -> None:
        self.faults.append(Fault(400, says))

    def moment(self, name: str) -> datetime | None:
        """A moment with its zone, in UTC."""
        text = self.given(name)
        if not text:
            return None
        try:
            return moment(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            self.wrong(f"{name} {error}")
            return None

    def whole(self, name: str, default: int, most: int) -> int:
        """A whole number from 1; more than the most is the most."""
        text = self.given(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit()) or int(text[:20]) < 1:
            self.wrong(f"{name} must be a whole number from 1")
            return default
        return min(int(text[:20]), most)

    def page(self) -> Page:
        limit = self.whole("page_size", MOST, MOST)
        number = self.whole("page", 1, FURTHEST)
        return Page(limit, min((number - 1) * limit, FURTHEST), number)

    def raise_faults(self) -> None:
        if self.faults:
            raise all_of(self.faults)


def requests(request: HttpRequest, now: datetime) -> Asked:
    """Which requests are asked for; ids override all other filters."""
    query = Query(request)
    ids = query.listed("service_request_id")
    if ids is not None:
        numbers = [int(each) for each in ids[:MOST_NUMBERS] if each.isascii() and each.isdigit() and len(each) < 19]
        page = query.page()
        query.raise_faults()
        return Asked(Filter(numbers=numbers), page, Order.NEWEST)
    wanted = _filter(query, now)
    page, order = query.page(), _order(query)
    query.raise_faults()
    return Asked(wanted, page, order)


def _filter(query: Query, now: datetime) -> Filter:
    updated = (query.moment("updated_after"), query.moment("updated_before"))
    first, last = span(query, now if not any(updated) else None)
    place = _around(query)
    return Filter(
        categories=query.listed("service_code"),
        open=_open(query),
        requested_from=first,
        requested_to=_whole_second(last),
        updated_from=updated[0],
        updated_to=_whole_second(updated[1]),
        bbox=_box(query),
        near=place,
        words=query.given("q")[:400].replace("\0", ""),
    )


def span(query: Query, now: datetime | None) -> tuple[datetime | None, datetime | None]:
    """From start_date to end_date, both included; one alone reaches 90 days, none is the last 90 days up to `now`."""
    before = len(query.faults)
    first, last = query.moment("start_date"), query.moment("end_date")
    if len(query.faults) > before:
        return None, None
    if first is None and last is None:
        return (now - SPAN if now else None), None
    try:
        start = first if first is not None else _before(last)
        end = last if last is not None else start + SPAN
    except OverflowError:
        query.wrong("start_date and end_date must lie within the years 1 to 9999")
        return None, None
    if start > end:
        query.wrong("start_date lies after end_date")
    elif end - start > SPAN:
        query.wrong("start_date and end_date lie more than 90 days apart; ask in several steps")
    return start, end


def _before(last: datetime | None) -> datetime:
    assert last is not None
    return last - SPAN


def _whole_second(at: datetime | None) -> datetime | None:
    """The end of its second: answers tell whole seconds, and each must be found by what it tells."""
    return at and at.replace(microsecond=999_999)


def _open(query: Query) -> bool | None:
    states = {each.lower() for each in query.listed("status") or ()}
    if strange := sorted(states - {"open", "closed"}):
        query.wrong(f"status {strange[0][:40]!r} is not known; use open, closed or both with a comma")
    return ("open" in states) if len(states) == 1 else None


def _box(query: Query) -> tuple[float, float, float, float] | None:
    text = query.given("bbox")
    if not text:
        return None
    found = _place(query, lambda: box(text))
    return (found.west, found.south, found.east, found.north) if found else None


def _around(query: Query) -> tuple[float, float, float] | None:
    """lat, long and radius in metres, where all are given."""
    lat, long, radius = query.given("lat"), query.given("long"), query.given("radius")
    if not (lat or long or radius):
        return None
    metres = query.whole("radius", 500, int(WIDEST_M))
    here = _place(query, lambda: position(lat, long))
    return (here.lat, here.long, float(metres)) if here else None


def _place(query: Query, read: Callable[[], P]) -> P | None:
    try:
        return read()
    except NoPlace as error:
        query.wrong(error.says)
        return None


def _order(query: Query) -> Order:
    text = query.given("sort")
    if text and text not in SORTS:
        query.wrong(f"sort {text[:40]!r} is not known; use {', '.join(SORTS)}")
    return SORTS.get(text, Order.NEWEST)
