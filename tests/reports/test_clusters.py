"""A map's clusters say what the reports themselves say, at every zoom, whatever has happened since."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.reports import clusters, moderation, steps
from amends.reports.clusters import LEVELS, cell_at, level_of
from amends.reports.records import Filter, Intake, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
WORLD = (-180.0, -90.0, 180.0, 90.0)
LATER = timedelta(minutes=1)


def report(n: int, lat: float, long: float, category: str = "lamp") -> int:
    return steps.receive(Intake(form=f"f{n}", category=category, description="x", lat=lat, long=long), NOW).number


def told(
    zoom: int, box: tuple[float, float, float, float] = WORLD, wanted: Filter = Filter()
) -> Counter[tuple[int, int]]:
    return Counter((found.count, found.open) for found in clusters.clusters(box, zoom, wanted))


def counted(zoom: int, box: tuple[float, float, float, float] = WORLD) -> Counter[tuple[int, int]]:
    """The same from the reports themselves."""
    found = clusters._grouped(box, level_of(zoom), Filter())
    return Counter((each.count, each.open) for each in found)


def test_every_zoom_counts_what_the_reports_say() -> None:
    for n in range(40):
        report(n, 48.4 + n % 7 * 0.001, 15.6 + n % 11 * 0.003)
    clusters.follow(NOW + LATER)

    for zoom in range(19):
        assert told(zoom) == counted(zoom)


def test_what_is_closed_hidden_or_moved_is_counted_anew() -> None:
    first, second, third = report(1, 48.4, 15.6), report(2, 48.4, 15.6), report(3, 48.4, 15.6)
    clusters.follow(NOW + LATER)
    steps.move(first, State.FIXED, who="works", now=NOW + LATER)
    moderation.hide(second, "a name in it", who="desk", now=NOW + LATER)
    steps.change(third, lat=-33.0, long=151.0, who="desk", now=NOW + LATER)
    clusters.follow(NOW + 2 * LATER)

    assert told(12) == counted(12) == Counter({(1, 0): 1, (1, 1): 1})


def test_counting_again_changes_nothing() -> None:
    report(1, 48.4, 15.6)

    assert clusters.follow(NOW + LATER) == 1
    before = clusters.clusters(WORLD, 10)
    assert clusters.follow(NOW + LATER) == 0
    clusters.count_all(NOW + LATER)
    assert clusters.clusters(WORLD, 10) == before


def test_one_that_stands_alone_is_named() -> None:
    number = report(1, 48.4, 15.6)
    clusters.follow(NOW + LATER)
    (found,) = clusters.clusters(WORLD, 10)

    assert (found.number, found.lat, found.long) == (number, 48.4, 15.6)


def test_categories_and_open_ones_are_told_apart() -> None:
    steps.move(report(1, 48.4, 15.6), State.FIXED, who="works", now=NOW)
    report(2, 48.4, 15.6)
    clusters.follow(NOW + LATER)

    assert told(10, wanted=Filter(open=True)) == Counter({(1, 1): 1})
    assert told(10, wanted=Filter(categories=["lamp"])) == Counter({(2, 1): 1})
    assert told(10, wanted=Filter(categories=["other"])) == Counter()


def test_other_filters_are_counted_as_they_lie() -> None:
    report(1, 48.4, 15.6)

    assert told(10, wanted=Filter(requested_from=NOW - LATER)) == Counter({(1, 1): 1})
    assert told(10, wanted=Filter(requested_from=NOW + LATER)) == Counter()


def test_a_box_over_the_180th_meridian_holds_both_sides() -> None:
    report(1, -17.0, 179.9)
    report(2, -17.0, -179.9)
    clusters.follow(NOW + LATER)

    assert told(8, (179.0, -18.0, -179.0, -16.0)) == Counter({(1, 1): 2})


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_cell_lies_in_the_one_above_it(lat: float, long: float) -> None:
    for fine, coarse in pairwise(LEVELS):
        x, y = cell_at(lat, long, fine)
        assert cell_at(lat, long, coarse) == (x >> 2, y >> 2)
