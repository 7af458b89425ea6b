"""The rules of `routing.yaml` as records, and which of them can never come to their turn. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import shapely


@dataclass(frozen=True)
class InArea:
    """In one of these areas of a layer, or so near to it."""

    codes: frozenset[str]
    metres: float = 0.0
    layer: str = "areas"


@dataclass(frozen=True)
class InPolygon:
    """In a polygon that stands in the file itself (as GeoJSON), or so near to it."""

    geojson: str
    metres: float = 0.0

    def shape(self) -> Any:
        return shapely.from_geojson(self.geojson)


@dataclass(frozen=True)
class OnRoad:
    """Where the nearest road that says so, no further off than this, has one of these values: whose road it is."""

    values: frozenset[str]
    metres: float = 25.0
    property: str = "owner"
    layer: str = "streets"


@dataclass(frozen=True)
class Rule:
    """Who gets a report for which all of this holds. What is empty is not asked."""

    name: str
    body: str = ""  # "" is the body of the category
    crew: str = ""
    category: frozenset[str] = frozenset()
    severity: frozenset[str] = frozenset()
    where: InArea | InPolygon | OnRoad | None = None
    open: str = ""  # while this calendar works
    closed: str = ""  # while it does not
    since: date | None = None
    until: date | None = None  # inclusive
    line: int = 0

    def covers(self, later: Rule) -> bool:
        """Whether every report that a later rule is for comes here first."""
        return (
            _wider(self.category, later.category)
            and _wider(self.severity, later.severity)
            and _holds_all(self.where, later.where)
            and (not (self.open or self.closed) or (self.open, self.closed) == (later.open, later.closed))
            and (self.since is None or (later.since is not None and later.since >= self.since))
            and (self.until is None or (later.until is not None and later.until <= self.until))
        )


@dataclass(frozen=True)
class Routing:
    """All rules, in their order: the first that holds decides."""

    rules: tuple[Rule, ...] = ()
    file: str = ""


def shadowed(routing: Routing) -> Iterator[tuple[Rule, Rule]]:
    """Each rule that never comes to its turn, with the earlier one that takes all of its reports."""
    for number, rule in enumerate(routing.rules):
        covering = next((earlier for earlier in routing.rules[:number] if earlier.covers(rule)), None)
        if covering is not None:
            yield rule, covering


def _wider(earlier: frozenset[str], later: frozenset[str]) -> bool:
    return not earlier or (bool(later) and later <= earlier)


def _holds_all(earlier: InArea | InPolygon | OnRoad | None, later: InArea | InPolygon | OnRoad | None) -> bool:
    """Whether one place lies within another for certain."""
    match earlier, later:
        case None, _:
            return True
        case InArea(), InArea():
            return (earlier.layer, True) == (
                later.layer,
                later.codes <= earlier.codes and later.metres <= earlier.metres,
            )
        case InPolygon(), InPolygon():
            return earlier.geojson == later.geojson and later.metres <= earlier.metres
        case OnRoad(), OnRoad():
            same = (earlier.layer, earlier.property) == (later.layer, later.property)
            return same and later.values <= earlier.values and later.metres <= earlier.metres
    return False
