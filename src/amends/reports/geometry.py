"""Where something is: coordinates from outside, distances, polygons and lines, one point or many at once.

Distances to shapes use spherical Mercator scaled at the point that asks: within a few kilometres that is the great
circle's own length to one part in a thousand, anywhere on earth, and one search tree serves every latitude.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

EARTH_M: Final = 6_371_008.8
_DEGREES = re.compile(r"[+-]?(?:\d{1,9}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE](?:\+?\d{1,2}|-\d{1,3}))?", re.ASCII)
_NORTHMOST = 89.5  # Mercator has no pole
_LONGEST_EDGE = 0.01  # degrees: a straight edge of a layer stays straight in Mercator to a few centimetres

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class NoPlace(ValueError):
    """What was given is no place; says which field, and what to write instead."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field, self.says = field, says


class Outside(NoPlace):
    """A place, but none of ours."""


@dataclass(frozen=True, slots=True)
class Position:
    """A point on earth in WGS84 degrees."""

    lat: float
    long: float


@dataclass(frozen=True, slots=True)
class Box:
    """What a map shows. West may lie east of east: then it crosses the 180th meridian."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, at: Position) -> bool:
        if not self.south <= at.lat <= self.north:
            return False
        return any(half.west <= at.long <= half.east for half in self.halves())

    def halves(self) -> tuple[Box, ...]:
        """The same as boxes that do not cross the 180th meridian, one or two: what an index can be asked."""
        if self.west <= self.east:
            return (self,)
        return (Box(self.west, self.south, 180.0, self.north), Box(-180.0, self.south, self.east, self.north))

    @property
    def middle(self) -> Position:
        width = (self.east - self.west) % 360
        return Position((self.south + self.north) / 2, (self.west + width / 2 + 180) % 360 - 180)


def point_feature(lat: float | None, long: float | None, **properties: Any) -> dict[str, Any]:
    """A place as a GeoJSON feature (RFC 7946), longitude first."""
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [long, lat]}, "properties": properties}


def position(lat: str, long: str, bounds: Box | None = None, *, outside: bool = False) -> Position:
    """Read two texts as a place; NoPlace where they are none, Outside where it is not within `bounds` (see `outside`).

    >>> position("48.41", "15.60")
    Position(lat=48.41, long=15.6)
    """
    here = Position(_degrees("lat", lat, 360), _degrees("long", long, 360))
    there = Position(here.long, here.lat)
    if abs(here.lat) > 90 or abs(here.long) > 180:
        if bounds is not None and bounds.holds(there):
            raise NoPlace("lat", _SWAPPED)
        field, most = ("lat", 90) if abs(here.lat) > 90 else ("long", 180)
        raise NoPlace(field, f"{field} must lie between -{most} and {most}")
    if bounds is not None and not bounds.holds(here):
        if bounds.holds(there):
            raise NoPlace("lat", _SWAPPED)
        if not outside:
            raise Outside("lat", "this place lies outside of the area that we look after")
    return here


_SWAPPED = "lat and long look swapped: lat counts from south to north, long from west to east"


def _degrees(field: str, text: str, most: float) -> float:
    """A plain decimal number: what `float()` takes beyond that (nan, inf, 1_0, other digits) is no place."""
    text = text.strip(" \t")
    if not text:
        raise NoPlace(field, f"{field} is missing")
    if not _DEGREES.fullmatch(text):
        hint = "with a point, not a comma" if "," in text else "such as 48.4102"
        raise NoPlace(field, f"{field} must be a number of degrees {hint}")
    degrees = float(text)
    if not abs(degrees) <= most:
        raise NoPlace(field, f"{field} is no number of degrees on earth")
    return degrees + 0.0  # -0.0 is 0.0


def box(text: str, field: str = "bbox") -> Box:
    """Read `west,south,east,north`, as Leaflet, GeoJSON and most 311 servers write it."""
    parts = text.split(",")
    if len(parts) != 4:
        raise NoPlace(field, f"{field} must be west,south,east,north in degrees")
    try:
        west, south, east, north = (_degrees(field, part, 360) for part in parts)
    except NoPlace as error:
        raise NoPlace(field, f"{field} must be west,south,east,north in degrees: four numbers") from error
    if not -90 <= south <= north <= 90:
        raise NoPlace(field, f"{field}: south and north must lie between -90 and 90, south first")
    if abs(west) > 180 or abs(east) > 180:
        raise NoPlace(field, f"{field}: west and east must lie between -180 and 180")
    return Box(west, south, east, north)


def distance_m(a: Position, b: Position) -> float:
    """Metres along the great circle."""
    return float(distances_m(np.array([a.lat]), np.array([a.long]), b)[0])


def distances_m(lat: Floats, long: Floats, to: Position) -> Floats:
    """Metres along the great circle from each of many points."""
    here, there = np.radians(lat), math.radians(to.lat)
    across = np.sin(np.radians(long - to.long) / 2) ** 2 * np.cos(here) * math.cos(there)
    half = np.sqrt(np.sin((here - there) / 2) ** 2 + across)
    metres: Floats = 2 * EARTH_M * np.arcsin(np.minimum(half, 1.0))
    return metres


def around(at: Position, metres: float) -> Box:
    """The smallest box that holds everything within so many metres: what an index is asked before distances are."""
    tall = math.degrees(metres / EARTH_M)
    south, north = max(at.lat - tall, -90.0), min(at.lat + tall, 90.0)
    if max(-south, north) >= 90:
        return Box(-180.0, south, 180.0, north)
    wide = math.degrees(math.asin(math.sin(metres / EARTH_M) / math.cos(math.radians(at.lat))))
    return Box(_turned(at.long - wide), south, _turned(at.long + wide), north)


def _turned(long: float) -> float:
    return long if -180 <= long <= 180 else (long + 180) % 360 - 180


@dataclass(frozen=True, slots=True)
class Near:
    """One shape of many near a point: its number, how far it is (0 inside of it) and its nearest point."""

    index: int
    metres: float
    at: Position


class Shapes:
    """Points, lines and polygons in a search tree; each is known by its number in the order given."""

    def __init__(self, geometries: Sequence[Any] | npt.NDArray[Any]) -> None:
        flat = np.asarray(geometries, dtype=object)
        self._shapes = _to_mercator(shapely.segmentize(flat, _LONGEST_EDGE)) if len(flat) else flat
        self._sizes: Floats = shapely.area(self._shapes) if len(flat) else np.zeros(0)
        self._tree = shapely.STRtree(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def near(self, at: Position, metres: float = 0.0, most: int | None = None) -> list[Near]:
        """What holds the point or lies within so many metres of it: nearest first, among equals the smallest.

        A point on a border lies in both of its neighbours.
        """
        point = _points(np.array([at.lat]), np.array([at.long]))[0]
        scale = _scale(at.lat)
        found = self._tree.query(point, predicate="dwithin", distance=metres / scale)
        if not len(found):
            return []
        shapes = self._shapes[found]
        far = shapely.distance(shapes, point) * scale
        order = np.lexsort((found, self._sizes[found], far))[:most]
        ends = shapely.get_point(shapely.shortest_line(shapes[order], point), 0)
        return [Near(int(found[n]), float(far[n]), _from_mercator(end)) for n, end in zip(order, ends, strict=True)]

    def pairs(self, lat: Floats, long: Floats, metres: float = 0.0) -> tuple[Ints, Ints, Floats]:
        """For many points at once: a point's number, a shape that holds it or is near, how far; nearest first."""
        points, scale = _points(lat, long), _scale(lat)
        at, shape = self._tree.query(points, predicate="dwithin", distance=metres / scale)
        far: Floats = shapely.distance(points[at], self._shapes[shape]) * scale[at]
        order = np.lexsort((shape, self._sizes[shape], far, at))
        return at[order], shape[order], far[order]

    def first(self, lat: Floats, long: Floats, metres: float = 0.0) -> tuple[Ints, Floats]:
        """For many points at once: the number of the nearest shape within so many metres (-1: none), how far it is."""
        at, shape, far = self.pairs(lat, long, metres)
        points, where = np.unique(at, return_index=True)
        found, metres_off = np.full(len(lat), -1, dtype=np.int64), np.full(len(lat), np.nan)
        found[points], metres_off[points] = shape[where], far[where]
        return found, metres_off

    def inside(self, view: Box) -> Ints:
        """The numbers of what a map of this box shows some part of, in the order given."""
        halves = view.halves()
        west, south = _mercator(np.array([h.west for h in halves]), np.array([h.south for h in halves]))
        east, north = _mercator(np.array([h.east for h in halves]), np.array([h.north for h in halves]))
        found: Ints = np.unique(self._tree.query(shapely.box(west, south, east, north), predicate="intersects")[1])
        return found


@dataclass(frozen=True, slots=True)
class Area:
    """A named polygon: a district, a parish, a contractor's patch."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class InArea:
    """An area that holds a place, or lies so many metres from it."""

    area: Area
    metres: float


class Areas:
    """Polygons with codes. A place may lie in none, in one, or on the border of several."""

    def __init__(self, areas: Sequence[Area], polygons: Sequence[Any] | npt.NDArray[Any]) -> None:
        self.areas, self._shapes = tuple(areas), Shapes(polygons)
        self._codes = np.array([area.code for area in areas], dtype=object)

    def at(self, at: Position, buffer_m: float = 0.0) -> list[InArea]:
        """Every area that holds the place or begins within the buffer, each code once, nearest first."""
        found: dict[str, InArea] = {}
        for near in self._shapes.near(at, buffer_m):
            area = self.areas[near.index]
            found.setdefault(area.code, InArea(area, near.metres))
        return list(found.values())

    def of(self, lat: Floats, long: Floats, buffer_m: float = 0.0) -> npt.NDArray[np.object_]:
        """The code of each of many places, by the same rule; "" where none holds it."""
        index, _ = self._shapes.first(lat, long, buffer_m)
        codes = np.full(len(lat), "", dtype=object)
        codes[index >= 0] = self._codes[index[index >= 0]]
        return codes


def _mercator(long: Floats, lat: Floats) -> tuple[Floats, Floats]:
    clipped = np.clip(lat, -_NORTHMOST, _NORTHMOST)
    return np.radians(long) * EARTH_M, np.arctanh(np.sin(np.radians(clipped))) * EARTH_M


def _to_mercator(shapes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    moved: npt.NDArray[Any] = shapely.transform(shapes, lambda at: np.column_stack(_mercator(at[:, 0], at[:, 1])))
    return moved


def _from_mercator(point: Any) -> Position:
    lat = math.asin(math.tanh(shapely.get_y(point) / EARTH_M))
    return Position(math.degrees(lat), math.degrees(shapely.get_x(point) / EARTH_M))


def _points(lat: Floats, long: Floats) -> npt.NDArray[Any]:
    points: npt.NDArray[Any] = shapely.points(*_mercator(long, lat))
    return points


def _scale(lat: Any) -> Any:
    """Metres on the ground for one unit of Mercator."""
    return np.cos(np.radians(np.clip(lat, -_NORTHMOST, _NORTHMOST)))
