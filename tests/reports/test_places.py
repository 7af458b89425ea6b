"""Layers of the map: read and checked, addresses found in words, things by number, areas by place."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.ground.config import Config, ConfigError, Map, read_config
from amends.ground.marked import Mistake
from amends.reports import addresses, checking, layers, places
from amends.reports.addresses import Address, AddressBook
from amends.reports.geometry import Box, NoPlace, Outside, Position
from amends.scenarios.dead_street_light import lamps

TOWN = Path(lamps.__file__).parent


@pytest.fixture(scope="module")
def krems() -> places.Places:
    found, mistakes = places.read_all(TOWN)
    assert mistakes == []
    return found


def layer(directory: Path, name: str, *features: str, top: str = "") -> Path:
    """A file with one feature a line, from line 2."""
    path = directory / "places" / f"{name}.geojson"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"type":"FeatureCollection",' + top + '"features":[\n' + ",\n".join(features) + "\n]}", "utf-8")
    return path


def feature(kind: str, coordinates: object, **properties: object) -> str:
    shape = {"type": kind, "coordinates": coordinates}
    return json.dumps({"type": "Feature", "geometry": shape, "properties": properties})


LAMP = feature("Point", [15.6, 48.41], asset_id="L1", number="1")
SQUARE = [[[15.59, 48.40], [15.61, 48.40], [15.61, 48.42], [15.59, 48.42], [15.59, 48.40]]]


# Searching


def said(krems: places.Places, text: str, most: int = 3) -> list[str]:
    return [found.address.text for found in krems.search(text, most)]


WRITTEN = [
    "Obere Landstraße 3",
    "Obere Landstr. 3",
    "OBERE LANDSTRASSE 3",
    "3 Obere Landstrasse",
    "ob landstr 3",
    "Obere Landstraße 3, 3500 Krems",
    "Landstr. Obere 3 krems",
    "  Obere  Landstraße  3  ",
    "oberelandstr 3",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_however_it_is_written_the_house_comes_first(krems: places.Places, text: str) -> None:
    assert said(krems, text)[0] == "Obere Landstraße 3, 3500 Krems"


STREETS = (
    "Bäckergasse",
    "Wiener Straße",
    "Hafenstraße",
    "St. Paul Gasse",
    "Dr. Pollhammerstraße",
    "Ærøvej",
    "Rue de l’Église",
)
SPELLED = {
    "Wienerstrasse 1": "Wiener Straße",
    "Hafen Straße 1": "Hafenstraße",
    "Hafnestraße 1": "Hafenstraße",
    "sankt paul": "St. Paul Gasse",
    "doktor pollhammer": "Dr. Pollhammerstraße",
    "backerg": "Bäckergasse",
    "Baeckergasse": "Bäckergasse",
    "BA\u0308CKERGASSE": "Bäckergasse",
    "aeroevej": "Ærøvej",
    "rue eglise": "Rue de l’Église",
}


@pytest.mark.parametrize("text", SPELLED)
def test_umlauts_abbreviations_joins_and_slips_do_not_matter(text: str) -> None:
    book = AddressBook([Address(street, "1", "", "", Position(0, 0)) for street in STREETS])

    assert book.search(text)[0].address.street == SPELLED[text]


def test_exact_is_what_was_asked_and_no_more(krems: places.Places) -> None:
    def exact(text: str) -> bool:
        return krems.search(text)[0].exact

    assert exact("Obere Landstr. 3")
    assert exact("obere landstrasse")
    assert not exact("Obere Landstraße 999")
    assert not exact("ober")
    assert not exact("Landstraße 3")


def test_a_number_that_is_not_there_gives_the_street(krems: places.Places) -> None:
    (first, *_) = krems.search("Obere Landstraße 999")

    assert (first.address.street, first.address.number, first.exact) == ("Obere Landstraße", "", False)


def test_numbers_come_by_how_well_they_fit() -> None:
    book = AddressBook(
        [Address("Hauptstraße", number, "", "", Position(0, 0)) for number in ("60", "6a", "5-7", "6", "16")]
    )

    assert [found.address.number for found in book.search("Hauptstr 6", 9)] == ["6", "5-7", "6a", "60"]
    assert [found.address.number for found in book.search("Hauptstr 6 a", 1)] == ["6a"]


def test_a_number_in_a_streets_name_is_no_house() -> None:
    street = Address("Straße des 17. Juni", "4", "10623", "Berlin", Position(52.5, 13.3))
    book = AddressBook([street, Address("Platz 3", "17", "", "", Position(0, 0))])

    assert book.search("Straße des 17. Juni 4")[0].address == street
    assert book.search("Straße des 17. Juni")[0].address.street == "Straße des 17. Juni"
    assert book.search("4 strasse des 17 juni 10623 berlin")[0].address == street


@given(st.text(max_size=60))
def test_any_text_is_searched_for_without_harm(text: str) -> None:
    book = AddressBook([Address("Hauptstraße", "1", "3500", "Krems", Position(0, 0))])

    assert len(book.search(text)) <= 2


@given(st.text(max_size=30))
def test_spelling_is_folded_once_and_for_all(text: str) -> None:
    once = addresses.fold(text)

    assert addresses.fold(text.upper().lower()) == addresses.fold(text.lower())
    assert once == once.casefold()


def test_an_empty_map_finds_nothing() -> None:
    nothing = places.Places()

    assert nothing.search("Obere Landstraße") == []
    assert nothing.nearest_address(48.41, 15.6) is None
    assert nothing.area_of(48.41, 15.6) is None
    assert nothing.asset("1") is None
    assert nothing.bounds is None
    assert json.loads(nothing.geojson("streets"))["features"] == []


def test_five_thousand_addresses_are_searched_in_less_than_five_milliseconds() -> None:
    chance = np.random.default_rng(3)
    names = ["".join(chance.choice(list("abdefgiklmnorst"), 8)) + "straße" for _ in range(400)]
    book = AddressBook(
        [Address(names[n % 400].title(), str(n // 400 + 1), "3500", "Krems", Position(48, 15)) for n in range(5000)]
    )
    took = []
    for name in names[:100]:
        begun = time.process_time()
        assert book.search(f"{name[:6]} 3")
        took.append(time.process_time() - begun)

    assert sorted(took)[50] < 0.005  # of our own time: others may be busy


# Around a point


def test_the_nearest_house_is_told_with_its_distance(krems: places.Places) -> None:
    here = krems.search("Obere Landstraße 3")[0].address.position

    near = krems.nearest_address(here.lat + 0.00002, here.long)

    assert near is not None
    assert near.text == "Obere Landstraße 3, 3500 Krems"
    assert near.metres == pytest.approx(2.2, abs=0.1)


def test_where_no_house_is_near_the_street_is_told_and_nothing_in_the_fields(krems: places.Places) -> None:
    street = krems.street_at(48.4101, 15.6003)
    assert street is not None
    assert (street.name, street.kind) == ("Dachsberggasse", "residential")

    only_streets = places.Places([krems.layers["streets"]])
    near = only_streets.nearest_address(48.4101, 15.6003)

    assert near is not None
    assert near.text == "Dachsberggasse"
    assert krems.nearest_address(48.30, 15.40) is None


def test_things_are_found_by_number_and_around_a_point(krems: places.Places) -> None:
    lamp = krems.asset("0811")

    assert lamp is not None
    assert krems.asset("l0811", "lamps") == lamp
    assert krems.asset("L0811", "benches") is None
    near = krems.assets_near("lamps", lamp.position.lat, lamp.position.long, 60, 5)
    assert near[0].id == lamp.id
    assert [each.metres for each in near] == sorted(each.metres for each in near)
    assert [each.number for each in krems.assets_like("lamps", "081")] == [f"081{n}" for n in range(10)]


def test_a_number_that_two_things_have_is_nobodys(tmp_path: Path) -> None:
    layer(tmp_path, "lamps", LAMP)
    layer(tmp_path, "benches", feature("Point", [15.6, 48.41], asset_id="B1", number="1"))
    known = places.read_all(tmp_path)[0]

    assert known.asset("1") is None
    assert known.asset("1", "benches") is not None


def test_every_place_of_the_town_lies_in_a_quarter(krems: places.Places) -> None:
    houses = krems._houses
    codes = krems.areas().of(
        np.array([house.position.lat for house in houses]), np.array([house.position.long for house in houses])
    )

    assert set(codes) == {"altstadt", "weinzierl", "mitterau", "hafen"}
    assert list(codes) == [krems.area_of(house.position.lat, house.position.long) for house in houses]


# Ours or not


def test_what_is_ours_is_by_bounds_and_area(tmp_path: Path) -> None:
    layer(tmp_path, "ours", feature("Polygon", SQUARE, name="Town"))
    known = places.read_all(tmp_path)[0]
    settings = Map(bounds="15.5,48.3,15.7,48.5", area="ours")

    assert places.place("48.41", "15.60", settings, known) == Position(48.41, 15.60)
    with pytest.raises(Outside):
        places.place("48.45", "15.60", settings, known)
    with pytest.raises(NoPlace, match="swapped"):
        places.place("15.60", "48.41", settings, known)
    with pytest.raises(NoPlace, match="swapped"):
        places.place("15.60", "48.41", Map(area="ours"), known)
    assert places.place("48.45", "15.60", Map(area="ours", outside="accept"), known)


@pytest.mark.parametrize("bounds", ["15,48,16", "16,48,15,49", "nan,48,16,49", "15,48,16,91", "a,b,c,d"])
def test_bounds_that_cannot_be_are_told_with_their_line(tmp_path: Path, bounds: str) -> None:
    (tmp_path / "amends.toml").write_text(f'[map]\nzoom = 16\nbounds = "{bounds}"\n')

    with pytest.raises(ConfigError, match="west,south,east,north") as told:
        read_config(tmp_path, {})

    assert told.value.line == 3


# Files


def test_a_file_goes_in_and_comes_out_as_geojson(krems: places.Places) -> None:
    out = json.loads(krems.geojson("streets"))

    before = json.loads((TOWN / "places" / "streets.geojson").read_text("utf-8"))
    assert out["attribution"] == before["attribution"] == "© OpenStreetMap contributors, ODbL 1.0"
    assert [each["geometry"] for each in out["features"]] == [each["geometry"] for each in before["features"]]
    assert [each["id"] for each in out["features"]] == [each["id"] for each in before["features"]]


def test_only_what_a_map_needs_leaves_the_house(tmp_path: Path) -> None:
    path = layer(tmp_path, "lamps", feature("Point", [15.6, 48.41], asset_id="L1", owner_phone="+43 1 2345"))

    assert b"2345" not in places.Places([places.read(path)]).geojson("lamps")


def test_a_map_is_given_what_it_shows_and_told_when_something_is_left_out(krems: places.Places) -> None:
    view = Box(15.598, 48.409, 15.602, 48.412)

    shown = json.loads(krems.geojson("lamps", view))
    some = json.loads(krems.geojson("lamps", view, most=3))

    assert 10 < len(shown["features"]) < 200
    for each in shown["features"]:
        assert view.holds(Position(each["geometry"]["coordinates"][1], each["geometry"]["coordinates"][0]))
    assert "whole" not in shown
    assert (len(some["features"]), some["whole"]) == (3, False)


MISTAKES = [
    (
        "lamps",
        '{"type":"Feature","geometry":{"type":"Point","coordinates":[1]},"properties":{}}',
        "geometry cannot be",
        3,
    ),
    ("lamps", '{"type":"Feature","geometry":null,"properties":{}}', "geometry cannot be", 3),
    ("lamps", '{"type":"Feature","geometry":{"type":"Circle","coordinates":[1,2]}}', "geometry cannot be", 3),
    ("lamps", '{"type":"Feature","geometry":{"type":"Point","coordinates":["15","48"]}}', "geometry cannot be", 3),
    ("lamps", '{"type":"Feature","geometry":{"type":"Point","coordinates":[1e999,48]}}', "cannot be|no degrees", 3),
    ("lamps", '{"type":"Feature","geometry":{"type":"Point","coordinates":[600123,5360000]}}', "no degrees", 3),
    ("lamps", '{"type":"Feature","geometry":{"type":"Point","coordinates":[NaN,48]}}', "not readable as JSON", 3),
    ("lamps", '{"type":"Feature","properties":{}}', "not GeoJSON", 3),
    ("lamps", feature("Point", [15.6, 48.41], asset_id="L1"), "'L1' stands twice", 3),
    ("lamps", feature("Point", [15.6, 48.41], name="lamp"), "no asset_id and no number", 3),
    ("areas", feature("Polygon", SQUARE), "an area without code and name", 3),
    ("areas", feature("Point", [15.6, 48.4], name="dot"), "everything is a Polygon", 3),
    ("areas", feature("Polygon", [SQUARE[0][:3]], name="open"), "geometry cannot be", 3),
    ("addresses", feature("Point", [15.6, 48.4], number="3"), "an address without street", 3),
    ("streets", feature("Polygon", SQUARE, name="square"), "everything is a LineString", 3),
]
FIRST = {
    "lamps": LAMP,
    "areas": feature("Polygon", SQUARE, name="Town"),
    "addresses": feature("Point", [15.6, 48.4], street="Hauptstraße", number="1"),
    "streets": feature("LineString", SQUARE[0], name="Hauptstraße"),
}


@pytest.mark.parametrize(
    ("name", "wrong", "says", "line"), MISTAKES, ids=[f"{each[0]}: {each[2]}" for each in MISTAKES]
)
def test_a_mistake_in_a_layer_comes_with_its_line_and_a_hint(
    tmp_path: Path, name: str, wrong: str, says: str, line: int
) -> None:
    path = layer(tmp_path, name, FIRST[name], wrong)

    with pytest.raises(Mistake, match=says) as told:
        places.read(path)

    assert (told.value.file, told.value.line) == (str(path), line)
    assert told.value.hint


def test_another_reference_system_is_refused_and_our_own_is_not(tmp_path: Path) -> None:
    named = '"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:%s"}},'

    with pytest.raises(Mistake, match="another reference system"):
        places.read(layer(tmp_path, "lamps", LAMP, top=named % "EPSG::31259"))
    assert places.read(layer(tmp_path, "lamps", LAMP, top=named % "OGC:1.3:CRS84"))


def test_what_is_no_collection_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lamps.geojson"
    for text in (
        "",
        "[]",
        "{}",
        '{"type":"Topology","features":[]}',
        "[" * 100_000,
        '{"type":"FeatureCollection","features":3}',
    ):
        path.write_text(text)
        with pytest.raises(Mistake):
            places.read(path)


def test_a_layer_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = layer(tmp_path, "lamps", LAMP)
    monkeypatch.setattr(layers, "MOST_BYTES", 50)

    with pytest.raises(Mistake, match="larger than"):
        places.read(path)


def test_a_polygon_that_crosses_itself_is_mended(tmp_path: Path) -> None:
    bow = [[[15.59, 48.40], [15.61, 48.42], [15.61, 48.40], [15.59, 48.42], [15.59, 48.40]]]
    known = places.Places([places.read(layer(tmp_path, "areas", feature("Polygon", bow, name="Bow")))])

    assert known.area_of(48.41, 15.594) == "Bow"
    assert known.area_of(48.419, 15.60) is None


def test_a_changed_layer_is_read_again_and_a_spoiled_one_leaves_the_last_good_in_use(tmp_path: Path) -> None:
    path = layer(tmp_path, "lamps", LAMP)
    first = places.in_use(tmp_path)
    assert places.in_use(tmp_path) is first

    layer(tmp_path, "lamps", LAMP, feature("Point", [15.6, 48.42], asset_id="L2"))
    assert places.in_use(tmp_path).asset("L2") is not None

    path.write_text("{")
    assert places.in_use(tmp_path).asset("L2") is not None
    path.unlink()
    assert places.in_use(tmp_path).asset("L2") is None


def test_amends_check_tells_of_coordinates_the_wrong_way_round(tmp_path: Path) -> None:
    layer(tmp_path, "lamps", feature("Point", [48.41, 15.6], asset_id="L1"))

    (found,) = checking.check(tmp_path, Config(tmp_path, map=Map(bounds="15.5,48.3,15.7,48.5")))

    assert "longitude comes first" in found.hint


# What is invented on the story's map


def test_the_lamps_of_the_story_are_made_again_byte_for_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(TOWN / "places", tmp_path / "places")
    monkeypatch.setattr(lamps, "PLACES", tmp_path / "places")

    lamps.main()

    for name in ("lamps", "areas"):
        assert (tmp_path / "places" / f"{name}.geojson").read_bytes() == (
            TOWN / "places" / f"{name}.geojson"
        ).read_bytes()


def test_lamps_stand_along_their_streets_and_apart(krems: places.Places) -> None:
    for feature_ in krems.layers["lamps"].features[::25]:
        here = feature_.position
        streets = [street.name for street in krems._streets_at(here.lat, here.long, 4.0)]
        assert feature_.text("street") in streets
        assert (
            sum(lamp.text == feature_.text("street") for lamp in krems.assets_near("lamps", here.lat, here.long, 20))
            <= 3
        )


def test_the_licence_lies_beside_the_map() -> None:
    words = (TOWN / "places" / "LICENCE.md").read_text("utf-8")

    assert "OpenStreetMap contributors" in words
    assert "Open Database" in words
    assert "invented" in words
