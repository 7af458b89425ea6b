"""`routing.yaml`: who mends what, read and checked; mistakes come with file, line and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

import shapely

from amends.ground.kept import Kept
from amends.ground.marked import Marked, Mistake, load, loads
from amends.promises.calendars import WorkCalendar
from amends.reports.catalogue import Catalogue
from amends.reports.geometry import Box
from amends.reports.places import Places
from amends.reports.routing_rules import InArea, InPolygon, OnRoad, Routing, Rule, shadowed
from amends.reports.rules import SEVERITIES

FILE = "routing.yaml"
RULE = ("name", "body", "crew", "category", "severity", "area", "polygon", "road", "time", "from", "to")
PLACES = ("area", "polygon", "road")
FURTHEST_M = 50_000
SEE = "see docs/reference/routing.md"


def read(path: Path) -> Routing:
    """The whole file; Mistake for the first thing wrong in it."""
    return _Reader(path).routing(load(path))


_kept: Kept[Routing] = Kept("", read, FILE)
_NO_RULES = Routing()


def in_use(directory: Path) -> Routing:
    """The rules to go by: the last good version of the file, or none."""
    return next(iter(_kept.all(directory)), _NO_RULES)


def check(directory: Path, catalogue: Catalogue, known: Places, works: Collection[WorkCalendar]) -> list[Mistake]:
    """What is wrong with the rules, by themselves and beside the other files; rules without effect are warnings."""
    path = directory / FILE
    if not path.exists():
        return []
    try:
        routing = read(path)
    except Mistake as mistake:
        return [mistake]
    return [*strangers(routing, catalogue, known, works), *unreached(routing), *turned(routing, known)]


def from_text(
    text: str, catalogue: Catalogue, known: Places, works: Collection[WorkCalendar]
) -> tuple[Routing | None, list[Mistake]]:
    """Rules as somebody drafts them, and what is wrong with them; None where they cannot be used at all."""
    try:
        routing = _Reader(Path("draft")).routing(loads(text, "draft"))
    except Mistake as mistake:
        return None, [mistake]
    return routing, [*strangers(routing, catalogue, known, works), *unreached(routing), *turned(routing, known)]


def strangers(routing: Routing, catalogue: Catalogue, known: Places, works: Collection[WorkCalendar]) -> list[Mistake]:
    """Names in the rules that no other file knows."""
    found = []
    crews = {crew for body in catalogue.bodies.values() for crew in body.crews}
    calendars = {calendar.name for calendar in works}
    for rule in routing.rules:
        asked: list[tuple[str, Collection[str], Collection[str]]] = [
            ("category", rule.category, catalogue.categories),
            ("body", [rule.body] if rule.body else [], catalogue.bodies),
            ("crew", [rule.crew] if rule.crew else [], crews),
            ("calendar", [name for name in (rule.open, rule.closed) if name], calendars),
        ]
        if isinstance(rule.where, InArea | OnRoad):
            asked.append(("layer", [rule.where.layer], known.layers))
        if isinstance(rule.where, InArea) and rule.where.layer in known.layers:
            asked.append(("area", rule.where.codes, {area.code for area in known.areas(rule.where.layer).areas}))
        for kind, names, there in asked:
            for name in sorted(set(names) - set(there)):
                says = f"rule {rule.name!r}: there is no {kind} {name!r}"
                found.append(Mistake(routing.file, rule.line, says, f"known: {', '.join(sorted(there)) or 'none'}"))
    return found


def unreached(routing: Routing) -> list[Mistake]:
    return [
        Mistake(
            routing.file,
            rule.line,
            f"rule {rule.name!r} never comes to its turn: {earlier.name!r} takes all of it",
            "put the narrower rule first, or leave it out",
            "warning",
        )
        for rule, earlier in shadowed(routing)
    ]


def turned(routing: Routing, known: Places) -> list[Mistake]:
    """Rules whose polygon touches nothing that the map knows, and would the other way round."""
    there = [layer.bounds for layer in known.layers.values() if layer.bounds is not None]
    found = []
    for rule in routing.rules:
        if not isinstance(rule.where, InPolygon):
            continue
        west, south, east, north = rule.where.shape().bounds
        here = any(_meet(one, west, south, east, north) for one in there)
        if not here and any(_meet(one, south, west, north, east) for one in there):
            says = f"rule {rule.name!r}: its polygon lies outside of all layers of places/"
            hint = "longitude comes first in GeoJSON"
            found.append(Mistake(routing.file, rule.line, says, hint, "warning"))
    return found


def _meet(one: Box, west: float, south: float, east: float, north: float) -> bool:
    return one.west <= east and west <= one.east and one.south <= north and south <= one.north


class _Reader:
    """One reading of one file, so that every mistake names it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def routing(self, top: Marked) -> Routing:
        self.only(top, ("rules",))
        given = top.get("rules")
        if not isinstance(given, list):
            self.wrong(top.line_of("rules"), "rules: expected a list", "write - {category: [lamp], body: works}")
        lines = getattr(given, "lines", [])
        rules = [self.rule(item, line, n) for n, (item, line) in enumerate(zip(given, lines, strict=True), 1)]
        return Routing(tuple(rules), str(self.path))

    def rule(self, item: Any, line: int, number: int) -> Rule:
        if not isinstance(item, Marked):
            self.wrong(line, "a rule has fields", "write - {category: [lamp], body: works}")
        self.only(item, RULE)
        body, crew = self.text(item, "body"), self.text(item, "crew")
        if not body and not crew:
            self.wrong(item.line, "a rule sends to a body: or a crew:", SEE)
        if len([key for key in PLACES if key in item]) > 1:
            self.wrong(item.line, "a rule asks for one place", f"one of {', '.join(PLACES)}; make two rules of it")
        severity = self.codes(item, "severity")
        if strange := severity - set(SEVERITIES):
            says = f"severity: {sorted(strange)[0]!r} is none"
            self.wrong(item.line_of("severity"), says, f"use {', '.join(SEVERITIES)}")
        opened, closed = self.hours(item)
        since, until = self.day(item, "from"), self.day(item, "to")
        if since and until and until < since:
            self.wrong(item.line_of("to"), "to: lies before from:", "the first day comes first")
        name = self.text(item, "name") or f"rule {number}"
        category = self.codes(item, "category")
        where = self.place(item)
        return Rule(name, body, crew, category, severity, where, opened, closed, since, until, item.line)

    def place(self, item: Marked) -> InArea | InPolygon | OnRoad | None:
        if "area" in item:
            given = item["area"]
            if not isinstance(given, Marked):
                return InArea(self.codes(item, "area"))
            self.only(given, ("code", "layer", "buffer_m"))
            return InArea(
                self.codes(given, "code"), self.metres(given, "buffer_m", 0), self.text(given, "layer") or "areas"
            )
        if "polygon" in item:
            return self.polygon(item)
        return self.road(item) if "road" in item else None

    def polygon(self, item: Marked) -> InPolygon:
        given = item["polygon"]
        if not isinstance(given, Marked):
            self.wrong(item.line_of("polygon"), "polygon: expected coordinates:", SEE)
        self.only(given, ("type", "coordinates", "buffer_m"))
        try:
            coordinates = _numbers(given.get("coordinates"))
            kind = self.text(given, "type") or "Polygon"
            text = json.dumps({"type": kind, "coordinates": coordinates})
            shape = shapely.from_geojson(text)
            fits = shape.geom_type in ("Polygon", "MultiPolygon") and shape.is_valid and not shape.is_empty
        except (ValueError, TypeError, AttributeError, shapely.errors.ShapelyError):
            fits = False
        if not fits:
            hint = "rings of [longitude, latitude], the first point again at the end, no edge across another"
            self.wrong(given.line_of("coordinates"), "polygon: these coordinates are none", hint)
        west, south, east, north = shape.bounds
        if west < -180 or east > 180 or south < -90 or north > 90:
            self.wrong(given.line_of("coordinates"), "polygon: these are no degrees", "longitude, then latitude")
        return InPolygon(text, self.metres(given, "buffer_m", 0))

    def road(self, item: Marked) -> OnRoad:
        given = item["road"]
        if not isinstance(given, Marked):
            self.wrong(item.line_of("road"), "road: expected whose it is", "write road: {owner: [state], within_m: 25}")
        names = [key for key in given if key not in ("within_m", "layer")]
        if len(names) != 1:
            self.wrong(given.line, "road: names one property of the layer", "write {owner: [state], within_m: 25}")
        layer = self.text(given, "layer") or "streets"
        return OnRoad(self.codes(given, names[0]), self.metres(given, "within_m", 25), names[0], layer)

    def hours(self, item: Marked) -> tuple[str, str]:
        if "time" not in item:
            return "", ""
        given = item["time"]
        if not isinstance(given, Marked) or len(given) != 1 or next(iter(given)) not in ("open", "closed"):
            hint = "write time: {open: works} or {closed: works}, with the name of a calendar"
            self.wrong(item.line_of("time"), "time: expected open: or closed:", hint)
        return self.text(given, "open"), self.text(given, "closed")

    def day(self, item: Marked, key: str) -> date | None:
        value = item.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.wrong(item.line_of(key), f"{key}: {value!r} is no day", "write 2026-11-01")
        return value

    def metres(self, item: Marked, key: str, default: float) -> float:
        value = item.get(key, default)
        try:
            metres = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            metres = float("nan")
        if not 0 <= metres <= FURTHEST_M:
            self.wrong(item.line_of(key), f"{key}: {value!r} is no distance", f"metres, from 0 to {FURTHEST_M:,}")
        return metres

    def codes(self, item: Marked, key: str) -> frozenset[str]:
        if key not in item:
            return frozenset()
        value = item[key]
        codes = value if isinstance(value, list) else [value]
        if not codes or not all(isinstance(code, str | int) and not isinstance(code, bool) for code in codes):
            self.wrong(item.line_of(key), f"{key}: expected a code or several", f"leave {key}: out for any")
        return frozenset(str(code) for code in codes)

    def text(self, item: Marked, key: str) -> str:
        value = item.get(key)
        if value is not None and not isinstance(value, str):
            self.wrong(item.line_of(key), f"{key}: {value!r} is no text", 'put it in "quotes"')
        return value or ""

    def only(self, found: Marked, known: tuple[str, ...]) -> None:
        for key in found:
            if key not in known:
                self.wrong(found.line_of(key), f"{key!r} is not known here", f"known: {', '.join(known)}")

    def wrong(self, line: int, says: str, hint: str) -> NoReturn:
        raise Mistake(str(self.path), line, says, hint)


def _numbers(value: Any) -> Any:
    """Numbers with a point are text in our YAML, so that money stays exact; coordinates are numbers."""
    return [_numbers(one) for one in value] if isinstance(value, list) else float(value)
