"""At the desk things are called by the names that configuration gives, and by their codes where it gives none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from tests.reports.town import CATEGORIES, ann, intake, town

from amends.ground import clock
from amends.reports import crews, steps
from amends.reports.records import Report

pytestmark = pytest.mark.django_db
NAMED = CATEGORIES.replace(
    "crews: [north, south]", "crews: {north: {en: North crew, de: Trupp Nord}, south: Süd}"
).replace("Town works", "Bauhof")
AREAS = """\
{"type": "FeatureCollection", "features": [
 {"type": "Feature", "properties": {"code": "west", "name": "Weststadt"}, "geometry": {"type": "Polygon",
  "coordinates": [[[15.5, 48.3], [15.7, 48.3], [15.7, 48.5], [15.5, 48.5], [15.5, 48.3]]]}}]}
"""
CODES = ("works", "roads", "north", "south", "west", "lamp", "pothole")


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    layer = settings.AMENDS.directory / "places/areas.geojson"
    layer.parent.mkdir(exist_ok=True)
    layer.write_text(AREAS, "utf-8")
    with town(categories=NAMED):
        yield
    layer.unlink()


@pytest.fixture
def lamp() -> Report:
    """At work with the north crew, after it was a hole with nobody; another lamp is open nearby, with its body."""
    now = clock.now()
    where = {"lat": 48.41, "long": 15.6, "address": "Ringstraße 4"}
    steps.receive(intake("other", reporter=ann(), **where), now - timedelta(hours=1))
    made = steps.receive(intake("lamp", "pothole", reporter=ann(), **where), now)
    steps.change(made.number, who="eva", now=now, category="lamp")
    steps.change(made.number, who="eva", now=now, body="works", crew="north")
    return steps.move(made.number, made.state, who="crew north", now=now, words="We come")


def read(client: Client, path: str, **post: object) -> str:
    """What is read of a page: no tags, no values of forms."""
    answer = client.post(path, post) if post else client.get(path)
    html = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<textarea.*?</textarea>|<script.*?</script>|<[^>]+>", " ", html, flags=re.S))


def codes_in(text: str) -> list[str]:
    return [code for code in CODES if re.search(rf"\b{code}\b", text)]


def test_the_queue_says_names(eva: Client, lamp: Report) -> None:
    said = read(eva, "/desk/reports")
    assert codes_in(said) == []
    assert [name for name in ("Weststadt", "North crew", "Bauhof", "Street light") if name not in said] == []
    assert "Ringstraße 4 · Weststadt" in said
    assert read(eva, "/desk/reports?crew=north&area=west&body=works").count("Ringstraße 4") == 1, "filters keep codes"


def test_a_report_says_names_also_of_what_it_was_and_of_what_is_open_nearby(eva: Client, lamp: Report) -> None:
    said = read(eva, f"/desk/reports/{lamp.number}")
    assert codes_in(said) == []
    assert "body Bauhof crew North crew operator" in said
    assert re.search(r"was [^·]*category Pothole", said)
    assert re.search(r"· North crew\W+We come", said)
    assert re.search(r"Open nearby \d+ Street light", said)


def test_many_at_once_the_crews_and_the_rules_say_names(eva: Client, lamp: Report) -> None:
    bulk = read(eva, "/desk/reports/bulk", number=lamp.number, do="route", crew="south")
    assert (codes_in(bulk), "crew Süd" in bulk, "body Bauhof" in bulk) == ([], True, True)

    linked = eva.post("/desk/reports/crews/link", {"crew": "north"}, follow=True).content.decode()
    assert "The new link of North crew:" in linked
    assert codes_in(read(eva, "/desk/reports/crews").replace("works as this crew", "")) == []

    rules = read(
        eva, "/desk/reports/routing", draft="rules:\n  - {name: all, category: [lamp], body: roads, crew: south}\n"
    )
    assert (codes_in(rules), "Road office Süd" in rules) == ([], True)


def test_what_configuration_knows_no_more_is_called_by_its_code(eva: Client, lamp: Report) -> None:
    with town(categories="categories: {tree: {name: Tree}}\n"):
        (settings.AMENDS.directory / "places/areas.geojson").write_text(AREAS.replace("west", "east"), "utf-8")
        said = read(eva, f"/desk/reports/{lamp.number}")
    assert codes_in(said) == ["works", "roads", "north", "west", "lamp", "pothole"]


def test_a_crew_reads_its_own_name_in_its_language(client: Client, lamp: Report) -> None:
    path = f"/crew/{crews.renew('north', who='eva', now=clock.now())}"
    assert "Zu tun: Trupp Nord" in client.get(f"{path}?lang=de").content.decode()
    assert "To do: North crew" in client.get(f"{path}/{lamp.number}?lang=en").content.decode()
