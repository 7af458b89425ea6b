"""A report that comes with an address alone has the place of the one house that it means, and says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from tests.reports.test_places import feature, layer

from amends.notices.our_words import in_our_words
from amends.reports import locating, places, queries, steps
from amends.reports.records import Intake, Report
from amends.scenarios.dead_street_light import lamps
from amends.signals.steps import create_key

NOW = datetime.now(UTC)
HOUSE = "Obere Landstraße 3, 3500 Krems"


@pytest.fixture(scope="module")
def town() -> places.Places:
    return places.read_all(Path(lamps.__file__).parent)[0]


ONE = (HOUSE, "obere landstr. 3", "3 OBERE LANDSTRASSE", "3500 Krems, Obere Landstraße 3", "Obere Landstraße  3 Krems")
NONE = (
    *("", "3500 Krems", "Obere Landstraße", "Obere Landstraße 999", "ob landstr 3", "Landstraße 3", "Nowhere Road 1"),
    *("Obere Landstraße 3, Wien", "1010 Obere Landstraße 3", "Obere Landstraße 3, 1010 Wien", "bei Obere Landstraße 3"),
    "Hafenstraße 77",  # nine entries of a harbour, far from each other
)


@pytest.mark.parametrize("text", ONE)
def test_an_address_that_means_one_house_is_that_house(town: places.Places, text: str) -> None:
    found = town.only(text)

    assert found is not None
    assert found.text == HOUSE


@pytest.mark.parametrize("text", NONE)
def test_one_that_may_mean_another_or_says_more_than_the_map_knows_is_none(town: places.Places, text: str) -> None:
    assert town.only(text) is None


def test_a_name_that_two_towns_or_two_villages_of_one_postcode_share_needs_its_town(tmp_path: Path) -> None:
    known = {"street": "Hauptstraße", "number": "1"}
    layer(
        tmp_path,
        "addresses",
        feature("Point", [15.60, 48.40], **known, postcode="3500", city="Krems"),
        feature("Point", [15.70, 48.45], **known, postcode="3511", city="Furth"),
        feature("Point", [15.71, 48.40], street="Dorfstraße", number="1", postcode="3500", city="Egelsee"),
        feature("Point", [15.79, 48.45], street="Dorfstraße", number="1", postcode="3500", city="Gneixendorf"),
    )
    found, _ = places.read_all(tmp_path)

    assert found.only("Hauptstraße 1") is None
    assert [one and one.city for one in map(found.only, ("Hauptstraße 1, Furth", "3500 Hauptstraße 1"))] == [
        *("Furth", "Krems")
    ]
    assert found.only("Dorfstraße 1, 3500") is None


# Taking in


def received(**more: str) -> Report:
    return steps.receive(Intake("f", "lamp", "It is dark", **more), NOW)


@pytest.mark.django_db
@pytest.mark.usefixtures("in_krems")
def test_such_a_report_has_its_place_its_area_and_says_where_they_come_from() -> None:
    report = received(address="Obere Landstr. 3")

    house = locating.of_address(HOUSE)
    assert house is not None
    assert (report.lat, report.long, report.zipcode) == (house.position.lat, house.position.long, "3500")
    assert (report.address, bool(report.area)) == ("Obere Landstr. 3", True)  # as it was written
    (move,) = queries.history([report.number])[report.number]
    assert move.words == locating.FROM_ADDRESS
    with translation.override("de"):
        assert in_our_words(move.words) == "Sein Ort auf der Karte wurde nach der Adresse gefunden."


@pytest.mark.django_db
@pytest.mark.usefixtures("in_krems")
@pytest.mark.parametrize("more", [{"address": "Obere Landstraße"}, {"address": HOUSE, "asset": "0001"}])
def test_every_other_report_stays_as_it_came(more: dict[str, str]) -> None:
    report = received(**more)

    assert report.lat is None or report.asset
    assert [move.words for move in queries.history([report.number])[report.number]] == [""]


@pytest.mark.django_db
@pytest.mark.usefixtures("in_krems")
def test_a_house_outside_of_what_we_look_after_gives_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = replace(settings.AMENDS.map, bounds="16.0,48.0,16.1,48.1")
    monkeypatch.setattr(settings, "AMENDS", replace(settings.AMENDS, map=bounds))

    assert received(address=HOUSE).lat is None


@pytest.mark.django_db
@pytest.mark.usefixtures("in_krems")
def test_georeport_tells_the_place_of_an_address_and_everybody_reads_how_it_was_found(client: Client) -> None:
    key = create_key("app", ["reports:write"], NOW)
    form = {"api_key": key, "service_code": "tree", "description": "It has fallen", "address_string": HOUSE}

    (made,) = client.post("/open311/v2/requests.json", form).json()

    (told,) = client.get(f"/open311/v2/requests/{made['service_request_id']}.json").json()
    assert (round(told["lat"], 2), round(told["long"], 2), told["address"]) == (48.41, 15.6, HOUSE)
    text = client.get(f"/reports/{made['service_request_id']}").content.decode()
    assert "Its place on the map was found by the address." in text
