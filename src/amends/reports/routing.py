"""Who mends what: ordered rules by category, place, road, time and severity, over columns; one report is one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from amends.promises import calendars
from amends.promises.calendars import WorkCalendar
from amends.promises.hours import to_us
from amends.reports import places, routing_files
from amends.reports.catalogue import Catalogue
from amends.reports.geometry import Shapes
from amends.reports.places import Places
from amends.reports.routing_rules import InArea, InPolygon, OnRoad, Routing, Rule

Longs = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
NONE = -1


@dataclass(frozen=True)
class Asked:
    """What rules look at, in columns; NaN where a report has no place."""

    category: npt.NDArray[np.object_]
    severity: npt.NDArray[np.object_]
    lat: npt.NDArray[np.float64]
    long: npt.NDArray[np.float64]
    at: Longs  # microseconds since 1970

    def __len__(self) -> int:
        return len(self.category)

    @classmethod
    def one(cls, category: str, severity: str, lat: float | None, long: float | None, at: datetime) -> Asked:
        return cls.many([(category, severity, lat, long, at)])

    @classmethod
    def many(cls, rows: Sequence[tuple[str, str, float | None, float | None, datetime]]) -> Asked:
        category, severity, lat, long, at = zip(*rows, strict=True) if rows else ((),) * 5
        north, east = (np.array([np.nan if x is None else x for x in each], np.float64) for each in (lat, long))
        moments = np.array([to_us(moment) for moment in at], np.int64)
        return cls(np.array(category, object), np.array(severity, object), north, east, moments)


@dataclass(frozen=True)
class Way:
    """Where a report goes, and by which rule; without one, to the body of its category."""

    body: str
    crew: str = ""
    rule: str = ""


@dataclass
class Router:
    """Rules bound to map and calendars; a search tree is made once, when a rule needs it."""

    routing: Routing
    places: Places
    calendars: Mapping[str, WorkCalendar]
    zone: ZoneInfo
    _trees: dict[Any, Any] = field(default_factory=dict)

    def rules_for(self, asked: Asked) -> Longs:
        """The number of the first rule that holds for each report; -1 where none does."""
        found = np.full(len(asked), NONE, np.int64)
        left = np.arange(len(asked))
        for number, rule in enumerate(self.routing.rules):
            hits = left[self._holds(rule, asked, left)]
            found[hits] = number
            left = left[found[left] == NONE]
        return found

    def ways(self, asked: Asked, bodies: Mapping[str, str]) -> list[Way]:
        """Where each report goes; `bodies` are those of the categories."""
        given = [Way(rule.body, rule.crew, rule.name) for rule in self.routing.rules]
        found = self.rules_for(asked)
        plain = {code: Way(body) for code, body in bodies.items()}
        ways = []
        for number, category in zip(found.tolist(), asked.category.tolist(), strict=True):
            usual = plain.get(category) or Way("")
            way = given[number] if number != NONE else usual
            ways.append(way if way.body else Way(usual.body, way.crew, way.rule))
        return ways

    def _holds(self, rule: Rule, asked: Asked, among: Longs) -> Mask:
        """Which of these reports a rule holds for; what is cheap is asked first, and the map only of what is left."""
        holds = np.ones(len(among), bool)
        for wanted, column in ((rule.category, asked.category), (rule.severity, asked.severity)):
            if wanted:
                holds &= np.isin(column[among].astype(str), sorted(wanted))
        if rule.since or rule.until:
            holds &= self._dates(rule, asked.at[among])
        if rule.open or rule.closed:
            holds &= self._hours(rule, asked.at[among])
        if rule.where is not None:
            left = np.flatnonzero(holds & np.isfinite(asked.lat[among]) & np.isfinite(asked.long[among]))
            holds = np.zeros(len(among), bool)
            holds[left] = self._there(rule.where, asked.lat[among[left]], asked.long[among[left]])
        return holds

    def _dates(self, rule: Rule, at: Longs) -> Mask:
        holds = np.ones(len(at), bool)
        if rule.since:
            holds &= at >= self._midnight(rule.since)
        if rule.until:
            holds &= at < self._midnight(rule.until + timedelta(days=1))
        return holds

    def _midnight(self, day: date) -> int:
        return to_us(datetime.combine(day, time(), self.zone))

    def _hours(self, rule: Rule, at: Longs) -> Mask:
        calendar = self.calendars.get(rule.open or rule.closed)
        if calendar is None:  # a rule by a calendar that is not there holds for nothing; `amends check` says so
            return np.zeros(len(at), bool)
        is_open: Mask = calendar.work_columns(at, at + 1) > 0
        return is_open if rule.open else ~is_open

    def _there(self, where: InArea | InPolygon | OnRoad, lat: Any, long: Any) -> Mask:
        if not len(lat):
            return np.zeros(0, bool)
        shapes, values = self._tree(where)
        nearest, _ = shapes.first(lat, long, where.metres)
        if isinstance(where, OnRoad):
            hit = np.zeros(len(lat), bool)
            hit[nearest >= 0] = values[nearest[nearest >= 0]]
            return hit
        return np.asarray(nearest >= 0)

    def _tree(self, where: InArea | InPolygon | OnRoad) -> tuple[Shapes, Mask]:
        if where not in self._trees:
            self._trees[where] = _tree(where, self.places)
        tree: tuple[Shapes, Mask] = self._trees[where]
        return tree


def _tree(where: InArea | InPolygon | OnRoad, known: Places) -> tuple[Shapes, Mask]:
    """The shapes that a condition asks of, and for roads which of them it wants: the nearest road decides."""
    if isinstance(where, InPolygon):
        return Shapes([where.shape()]), np.ones(1, bool)
    layer = known.layers.get(where.layer)
    features: Iterable[Any] = layer.features if layer else ()
    if isinstance(where, InArea):
        found = [one for one in features if (one.text("code") or one.text("name")) in where.codes]
        return Shapes([one.shape for one in found]), np.ones(len(found), bool)
    owned = [one for one in features if one.text(where.property)]
    wanted = np.array([one.text(where.property) in where.values for one in owned], bool)
    return Shapes([one.shape for one in owned]), wanted


_bound: dict[Path, tuple[Routing, Places, Router]] = {}


def in_use(directory: Path, zone: str) -> Router:
    """The rules in force, bound to the map as it is now."""
    routing, known = routing_files.in_use(directory), places.in_use(directory)
    before = _bound.get(directory)
    if before is None or before[0] is not routing or before[1] is not known:
        router = bound(routing, directory, zone)
        before = _bound[directory] = (routing, known, router)
    before[2].calendars = calendars.in_use(directory)
    return before[2]


def bound(routing: Routing, directory: Path, zone: str) -> Router:
    """Some rules, such as those of a file that is not in force yet, with the map and calendars of an installation."""
    return Router(routing, places.in_use(directory), calendars.in_use(directory), ZoneInfo(zone))


def bodies_of(catalogue: Catalogue) -> dict[str, str]:
    return {code: category.body for code, category in catalogue.categories.items()}
