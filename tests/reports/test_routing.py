"""Rules send a report to a body or a crew by category, place, road, time and severity; the first decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from tests.reports.town import at, intake, town

from amends.ground.marked import Mistake
from amends.promises import calendars
from amends.reports import categories, places, routing, routing_files, steps
from amends.reports.routing import Asked

RULES = """\
rules:
  - {name: at night, category: [lamp], severity: severe, time: {closed: works}, crew: south}
  - {name: state road, category: [pothole, lamp], road: {owner: [state], within_m: 30}, body: roads}
  - {name: old town, area: {code: [old], buffer_m: 50}, body: works, crew: north}
  - name: park
    polygon: {coordinates: [[[15.70, 48.40], [15.71, 48.40], [15.71, 48.41], [15.70, 48.41], [15.70, 48.40]]]}
    crew: south
  - {name: winter, category: [tree], from: 2026-12-01, to: 2026-12-31, body: roads}
"""


def feature(kind: str, coordinates: object, **properties: str) -> dict[str, object]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def layer(*features: dict[str, object]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


STREETS = layer(
    feature("LineString", [[15.50, 48.40], [15.52, 48.40]], name="B 35", owner="state"),
    feature("LineString", [[15.50, 48.4004], [15.52, 48.4004]], name="Side road", owner="town"),
)
SQUARE = [[[15.60, 48.40], [15.61, 48.40], [15.61, 48.41], [15.60, 48.41], [15.60, 48.40]]]
AREAS = layer(feature("Polygon", SQUARE, name="Old town", code="old"))


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    with town(routing=RULES):
        for name, text in (("streets", STREETS), ("areas", AREAS)):
            path = settings.AMENDS.directory / "places" / f"{name}.geojson"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        yield
        for name in ("streets", "areas"):
            (settings.AMENDS.directory / "places" / f"{name}.geojson").unlink()


def way(
    category: str, lat: float | None = None, long: float | None = None, when: str = "2026-11-23T09:00", bad: str = ""
) -> tuple[str, str, str]:
    router = routing.in_use(settings.AMENDS.directory, "Europe/Vienna")
    bodies = routing.bodies_of(categories.in_use(settings.AMENDS.directory))
    found = router.ways(Asked.one(category, bad, lat, long, at(when)), bodies)[0]
    return found.body, found.crew, found.rule


def test_without_a_rule_it_goes_to_the_body_of_its_category() -> None:
    assert way("pothole") == ("roads", "", "")
    assert way("tree", 48.0, 15.0) == ("works", "", "")


def test_the_nearest_road_says_whose_it_is() -> None:
    assert way("lamp", 48.4001, 15.51) == ("roads", "", "state road")
    assert way("lamp", 48.4003, 15.51) == ("works", "", "")  # nearer to the side road, though the state's is in reach
    assert way("lamp", 48.3990, 15.51) == ("works", "", "")  # a hundred metres off


def test_an_area_reaches_as_far_as_its_buffer() -> None:
    assert way("tree", 48.405, 15.605)[1:] == ("north", "old town")
    assert way("tree", 48.4104, 15.605)[1:] == ("north", "old town")  # 44 m outside
    assert way("tree", 48.4106, 15.605)[1:] == ("", "")


def test_a_polygon_may_stand_in_the_file_and_the_body_stays_the_categorys() -> None:
    assert way("pothole", 48.405, 15.705) == ("roads", "south", "park")


def test_the_first_rule_that_holds_decides() -> None:
    assert way("lamp", 48.4001, 15.51, "2026-11-23T20:00", "severe")[2] == "at night"
    assert way("lamp", 48.4001, 15.51, "2026-11-23T12:00", "severe")[2] == "state road"


def test_time_is_the_calendars_and_dates_are_inclusive() -> None:
    assert way("lamp", when="2026-11-23T18:00", bad="severe") == ("works", "south", "at night")
    assert way("lamp", when="2026-11-23T17:59", bad="severe")[2] == ""
    assert way("lamp", when="2026-12-08T12:00", bad="severe")[2] == "at night"  # a holiday
    assert [way("tree", when=f"{day}T{hour}")[2] for day, hour in DATES] == ["", "winter", "winter", ""]


DATES = [("2026-11-30", "23:59"), ("2026-12-01", "00:00"), ("2026-12-31", "23:59"), ("2027-01-01", "00:00")]


@pytest.mark.django_db
def test_a_report_is_routed_as_it_comes_and_anew_when_its_way_is_another() -> None:
    report = steps.receive(intake("f", "tree", lat=48.405, long=15.605), at("2026-11-23T09:00"))
    assert (report.body, report.crew) == ("works", "north")

    by_hand = steps.change(report.number, who="eva", now=at("2026-11-23T10:00"), crew="south")
    same = steps.change(by_hand.number, who="eva", now=at("2026-11-23T10:00"), severity="major")
    assert same.crew == "south"  # nothing about its way has changed

    away = steps.change(report.number, who="eva", now=at("2026-11-23T11:00"), lat=48.5, long=15.5)
    assert (away.body, away.crew) == ("works", "")


def read(text: str, tmp_path: Path) -> list[Mistake]:
    (tmp_path / "routing.yaml").write_text(text)
    directory = settings.AMENDS.directory
    catalogue, known = categories.in_use(directory), places.in_use(directory)
    return routing_files.check(tmp_path, catalogue, known, calendars.in_use(directory).values())


def test_the_towns_own_rules_have_no_mistake(tmp_path: Path) -> None:
    assert read(RULES, tmp_path) == []


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{category: [lamp]}", "sends to a body"),
        ("{body: works, colour: red}", "'colour' is not known"),
        ("{body: works, severity: huge}", "'huge' is none"),
        ("{body: works, time: {at: noon}}", "expected open"),
        ("{body: works, from: soon}", "is no day"),
        ("{body: works, from: 2026-02-01, to: 2026-01-01}", "lies before"),
        ("{body: works, area: {code: [old], buffer_m: -1}}", "is no distance"),
        ("{body: works, area: [old], road: {owner: [state]}}", "one place"),
        ("{body: works, polygon: {coordinates: [[[1, 2], [3, 4]]]}}", "these coordinates are none"),
        ("{body: works, polygon: {coordinates: [[[0, 0], [999, 0], [9, 9], [0, 0]]]}}", "no degrees"),
        ("{body: works, road: {within_m: 3}}", "names one property"),
        ("{body: police}", "no body 'police'"),
        ("{body: works, crew: west}", "no crew 'west'"),
        ("{body: works, category: [moon]}", "no category 'moon'"),
        ("{body: works, area: [new]}", "no area 'new'"),
        ("{body: works, time: {open: never}}", "no calendar 'never'"),
        ("works", "has fields"),
    ],
)
def test_a_mistake_comes_with_its_line(rule: str, says: str, tmp_path: Path) -> None:
    (mistake,) = read(f"rules:\n  - {{category: [tree], body: roads}}\n  - {rule}\n", tmp_path)

    assert says in mistake.says
    assert (mistake.line, bool(mistake.hint)) == (3, True)


def test_a_polygon_with_latitude_first_is_told(tmp_path: Path) -> None:
    turned = json.dumps([[[lat, long] for long, lat in SQUARE[0]]])
    rules = f"rules:\n  - {{crew: south, polygon: {{coordinates: {turned}}}}}\n"

    (told,) = read(rules, tmp_path)

    assert (told.severity, told.line, told.hint) == ("warning", 2, "longitude comes first in GeoJSON")
    assert read(rules.replace(turned, json.dumps(SQUARE)), tmp_path) == []


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{body: works}", "{category: [lamp], body: roads}"),
        ("{category: [lamp, tree], body: works}", "{category: [lamp], severity: severe, body: roads}"),
        ("{area: {code: [old], buffer_m: 9}, body: works}", "{area: [old], body: roads}"),
        ("{road: {owner: [state], within_m: 30}, body: works}", "{road: {owner: [state]}, body: roads}"),
        ("{to: 2026-12-31, body: works}", "{from: 2026-12-01, to: 2026-12-24, body: roads}"),
    ],
)
def test_a_rule_that_never_comes_to_its_turn_is_told(earlier: str, later: str, tmp_path: Path) -> None:
    (told,) = read(f"rules:\n  - {earlier}\n  - {later}\n", tmp_path)
    assert (told.severity, told.line) == ("warning", 3)
    assert "never comes to its turn" in told.says

    assert [mistake.severity for mistake in read(f"rules:\n  - {later}\n  - {earlier}\n", tmp_path)] == []


def test_a_broken_file_keeps_the_rules_that_were_good() -> None:
    assert way("tree", 48.405, 15.605)[2] == "old town"
    (settings.AMENDS.directory / "routing.yaml").write_text("rules: nonsense\n")
    assert way("tree", 48.405, 15.605)[2] == "old town"
