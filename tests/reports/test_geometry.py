"""Places in numbers: what is none is refused with words, distances are metres, borders belong to both sides."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from amends.reports.geometry import (
    Area,
    Areas,
    Box,
    NoPlace,
    Outside,
    Position,
    Shapes,
    around,
    box,
    distance_m,
    distances_m,
    position,
)

TOWN = Box(15.57, 48.36, 15.70, 48.44)
LATS, LONGS = st.floats(-85, 85), st.floats(-180, 180)


NO_LATITUDES = ["nan", "NaN", "inf", "-Infinity", "1e999", "1e5", "0x10", "1_0", "٤٨", "４８", "48,4", "90.1", "48.4.1"]


@pytest.mark.parametrize(
    "text", ["", "  ", "4 8", "48.4\n", "48\u00a0", "1" * 5000, "true", "--4", "+", ".", "e5", *NO_LATITUDES]
)
def test_what_is_no_latitude_is_refused_with_words(text: str) -> None:
    with pytest.raises(NoPlace, match="lat") as refused:
        position(text, "15.6")

    assert refused.value.field == "lat"


@pytest.mark.parametrize(
    ("text", "lat"), [("48.41", 48.41), (" 48.41 ", 48.41), ("+4", 4.0), ("-0", 0.0), ("1.2e-07", 1.2e-7)]
)
def test_what_programs_write_is_read(text: str, lat: float) -> None:
    assert position(text, "15.6") == Position(lat, 15.6)


@given(lat=st.floats(-90, 90), long=LONGS)
def test_every_place_on_earth_is_read_as_it_was_written(lat: float, long: float) -> None:
    assert position(repr(lat), repr(long)) == Position(lat, long)


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_a_place_or_no_place(lat: str, long: str) -> None:
    try:
        here = position(lat, long)
    except NoPlace:
        here = Position(0, 0)

    assert abs(here.lat) <= 90
    assert abs(here.long) <= 180


def test_swapped_coordinates_are_told_from_a_place_elsewhere() -> None:
    with pytest.raises(NoPlace, match="swapped"):
        position("15.6", "48.41", TOWN)
    with pytest.raises(NoPlace, match="swapped"):
        position("151.2", "-33.9", Box(151.0, -34.0, 151.4, -33.7))
    with pytest.raises(Outside, match="outside"):
        position("48.2", "16.37", TOWN)


def test_outside_may_be_allowed_and_swapped_is_still_refused() -> None:
    assert position("48.2", "16.37", TOWN, outside=True) == Position(48.2, 16.37)
    with pytest.raises(NoPlace, match="swapped"):
        position("15.6", "48.41", TOWN, outside=True)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,10,1,5", "-181,0,0,1", "0,-91,1,0", "nan,0,1,1"]
)
def test_a_box_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(NoPlace, match="bbox"):
        box(text)


def test_a_box_over_the_180th_meridian_holds_both_of_its_sides() -> None:
    pacific = box("170,-20,-170,20")

    assert [pacific.holds(Position(0, long)) for long in (175, -175, 180, 0)] == [True, True, True, False]
    assert pacific.halves() == (Box(170, -20, 180, 20), Box(-180, -20, -170, 20))
    assert abs(pacific.middle.long) == 180


def test_distances_are_known_ones() -> None:
    assert distance_m(Position(48.2082, 16.3738), Position(52.52, 13.405)) == pytest.approx(523_600, rel=0.005)
    assert distance_m(Position(0, 0), Position(0, 180)) == pytest.approx(math.pi * 6_371_008.8)
    assert distance_m(Position(48.41, 15.6), Position(48.41, 15.6)) == 0


@given(lat=LATS, long=LONGS, metres=st.floats(1, 100_000), bearing=st.floats(0, 2 * math.pi))
def test_the_box_around_a_place_holds_everything_within_its_reach(
    lat: float, long: float, metres: float, bearing: float
) -> None:
    reach, here = metres * 0.999 / 6_371_008.8, math.radians(lat)
    there = math.asin(math.sin(here) * math.cos(reach) + math.cos(here) * math.sin(reach) * math.cos(bearing))
    aside = math.atan2(
        math.sin(bearing) * math.sin(reach) * math.cos(here), math.cos(reach) - math.sin(here) * math.sin(there)
    )
    end = Position(math.degrees(there), (long + math.degrees(aside) + 180) % 360 - 180)

    assert around(Position(lat, long), metres).holds(end)


@given(lat=st.floats(-75, 75), seed=st.integers(0, 10_000))
def test_the_tree_finds_what_measuring_everything_finds(lat: float, seed: int) -> None:
    chance = np.random.default_rng(seed)
    here = Position(lat, 20.0)
    lats, longs = lat + chance.normal(0, 0.004, 300), 20.0 + chance.normal(0, 0.004, 300)
    far = distances_m(lats, longs, here)

    found = Shapes(shapely.points(longs, lats)).near(here, 300)

    assert {near.index for near in found} >= set(np.flatnonzero(far < 299))
    assert {near.index for near in found} <= set(np.flatnonzero(far < 301))
    assert [near.metres for near in found] == pytest.approx(sorted(far[[near.index for near in found]]), rel=2e-3)


WEST, EAST = shapely.box(15.59, 48.40, 15.60, 48.42), shapely.box(15.60, 48.40, 15.61, 48.42)
INNER = shapely.box(15.592, 48.405, 15.594, 48.407)


def districts() -> Areas:
    return Areas([Area("w", "West"), Area("e", "East"), Area("i", "Inner")], [WEST, EAST, INNER])


def test_a_place_on_a_border_belongs_to_both_sides() -> None:
    assert {found.area.code for found in districts().at(Position(48.41, 15.60))} == {"w", "e"}


def test_the_smaller_of_two_areas_comes_first() -> None:
    assert [found.area.code for found in districts().at(Position(48.406, 15.593))] == ["i", "w"]


def test_a_buffer_is_in_metres_and_inside_comes_first() -> None:
    near_the_border = Position(48.41, 15.5999)  # 7.4 m west of it

    assert [found.area.code for found in districts().at(near_the_border, 5)] == ["w"]
    found = districts().at(near_the_border, 10)
    assert [each.area.code for each in found] == ["w", "e"]
    assert [each.metres for each in found] == pytest.approx([0, 7.38], abs=0.05)


def test_many_places_at_once_are_what_one_at_a_time_is() -> None:
    chance = np.random.default_rng(4)
    lat, long = chance.uniform(48.395, 48.425, 500), chance.uniform(15.585, 15.615, 500)
    areas = districts()

    at_once = areas.of(lat, long, 30)

    one_by_one = [areas.at(Position(*at), 30) for at in zip(lat, long, strict=True)]
    assert list(at_once) == [found[0].area.code if found else "" for found in one_by_one]
    assert {"", "w", "e", "i"} == set(at_once)


def test_a_hole_is_not_inside() -> None:
    ring = shapely.difference(WEST, INNER)

    assert not Areas([Area("r", "Ring")], [ring]).at(Position(48.406, 15.593))


def test_a_straight_border_across_a_country_stays_straight_in_degrees() -> None:
    slope = shapely.Polygon([(0, 40), (20, 60), (0, 60)])
    areas = Areas([Area("n", "North")], [slope])

    assert areas.at(Position(50.001, 10.0))
    assert not areas.at(Position(49.999, 10.0))


def test_the_nearest_line_is_told_with_its_nearest_point() -> None:
    roads = Shapes(
        [shapely.LineString([(15.60, 48.41), (15.61, 48.41)]), shapely.LineString([(15.60, 48.42), (15.61, 48.42)])]
    )

    (near,) = roads.near(Position(48.4102, 15.605), 50)

    assert near.index == 0
    assert near.metres == pytest.approx(22.2, abs=0.2)
    assert near.at.lat == pytest.approx(48.41, abs=1e-6)
    assert near.at.long == pytest.approx(15.605, abs=1e-6)


def test_nothing_is_near_where_there_is_nothing() -> None:
    nothing = Shapes([])

    assert nothing.near(Position(1, 1), 1000) == []
    assert list(nothing.first(np.array([1.0]), np.array([1.0]), 10)[0]) == [-1]
    assert len(nothing.inside(TOWN)) == 0
