"""One layer of `places/*.geojson`: features in WGS84, checked, in a search tree, and given out again as GeoJSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt
import shapely

from amends.ground.marked import Mistake
from amends.reports.geometry import Box, Position, Shapes

MOST_BYTES: Final = 256 * 2**20
MOST_FEATURES: Final = 1_000_000
LINES, POLYGONS, POINTS = ("LineString", "MultiLineString"), ("Polygon", "MultiPolygon"), ("Point",)
SHAPES: Mapping[str, tuple[str, ...]] = {
    "streets": LINES,
    "areas": POLYGONS,
    "buildings": POLYGONS,
    "addresses": POINTS,
}
SHOWN = ("name", "code", "kind", "number", "asset_id", "street", "ref", "lit", "tunnel")
"""The properties that leave the house with a layer; whatever else a file says stays in it."""
_CRS84 = re.compile(r"(urn:ogc:def:crs:OGC:1\.3:CRS84|(urn:ogc:def:crs:)?EPSG:+4326|OGC:CRS84)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing on the map, and what the file says of it."""

    id: str
    properties: Mapping[str, Any]
    shape: Any

    def text(self, key: str) -> str:
        """A property as text; "" where it is not there."""
        value = self.properties.get(key)
        return "" if value is None or isinstance(value, (dict, list)) else str(value).strip()

    @property
    def position(self) -> Position:
        """The point itself, the middle of a line, a point inside of a polygon."""
        point = self.shape
        if point.geom_type == "LineString":
            point = shapely.line_interpolate_point(point, 0.5, normalized=True)
        elif point.geom_type != "Point":
            point = shapely.point_on_surface(point)
        return Position(point.y, point.x)


class Layer:
    """The features of one file, in its order."""

    def __init__(self, name: str, features: Sequence[Feature], attribution: str = "", file: str = "") -> None:
        self.name, self.features, self.attribution, self.file = name, tuple(features), attribution, file

    @cached_property
    def shapes(self) -> Shapes:
        return Shapes([feature.shape for feature in self.features])

    @cached_property
    def bounds(self) -> Box | None:
        """What holds all of it; None where there is nothing."""
        if not self.features:
            return None
        return Box(*(float(edge) for edge in shapely.total_bounds([feature.shape for feature in self.features])))

    def geojson(self, view: Box | None = None, most: int = 20_000) -> bytes:
        """The layer, or what a map of this box shows of it, as a FeatureCollection."""
        shown = self.features if view is None else [self.features[n] for n in self.shapes.inside(view)]
        found = shown[:most]
        shapes = shapely.to_geojson(np.array([feature.shape for feature in found], dtype=object))
        items = [
            written(shape, {key: value for key in SHOWN if (value := feature.text(key))}, feature.id)
            for feature, shape in zip(found, shapes, strict=True)
        ]
        return collection(items, self.attribution, whole=len(found) == len(shown))


def written(shape: str, properties: Mapping[str, Any], feature_id: str = "") -> dict[str, Any]:
    """A GeoJSON feature whose geometry is written already."""
    feature = {"type": "Feature", "geometry": msgspec.Raw(shape.encode()), "properties": properties}
    return {**feature, "id": feature_id} if feature_id else feature


def point(at: Position, properties: Mapping[str, Any], feature_id: str = "") -> dict[str, Any]:
    """A GeoJSON feature that is a point, to seven digits: about a centimetre."""
    geometry = {"type": "Point", "coordinates": [round(at.long, 7), round(at.lat, 7)]}
    feature = {"type": "Feature", "geometry": geometry, "properties": properties}
    return {**feature, "id": feature_id} if feature_id else feature


def collection(features: Iterable[Mapping[str, Any]], attribution: str = "", *, whole: bool = True) -> bytes:
    """A FeatureCollection as bytes; says whose data it is, and whether something was left out."""
    found: dict[str, Any] = {"type": "FeatureCollection"}
    if attribution:
        found["attribution"] = attribution
    if not whole:
        found["whole"] = False
    return msgspec.json.encode({**found, "features": list(features)})


class _Given(msgspec.Struct):
    geometry: msgspec.Raw
    properties: dict[str, Any] | None = None
    id: str | int | None = None
    type: str = ""


class _Top(msgspec.Struct):
    type: str
    features: list[_Given]
    attribution: str = ""
    crs: Any = None


class _Raw(msgspec.Struct):
    features: list[msgspec.Raw]


def read(path: Path) -> Layer:
    """One file; Mistake for the first thing wrong in it, with its line."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Mistake(str(path), 1, f"larger than {MOST_BYTES >> 20} MiB", "leave out what no report needs")
        data = path.read_bytes()
    except OSError as error:
        raise Mistake(str(path), 1, f"cannot be read: {error.strerror}", "amends must be allowed to read it") from error
    return _Reading(path, data).layer()


class _Reading:
    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.name = path, data, path.stem

    def layer(self) -> Layer:
        top = self.top()
        if top.type != "FeatureCollection":
            self.wrong(f"type {top.type!r} is no FeatureCollection", "put the features into one", at=None)
        if top.crs is not None and not _CRS84.search(str((top.crs.get("properties") or {}).get("name", ""))):
            self.wrong(
                "crs: another reference system than WGS84", "GeoJSON wants longitude, latitude (EPSG:4326)", at=0
            )
        if len(top.features) > MOST_FEATURES:
            self.wrong(f"more than {MOST_FEATURES:,} features", "split the file or leave some out", at=None)
        shapes = self.shapes(top.features)
        features = [
            Feature(str(given.id) if given.id is not None else "", given.properties or {}, shape)
            for given, shape in zip(top.features, shapes, strict=True)
        ]
        return Layer(self.name, features, top.attribution, str(self.path))

    def top(self) -> _Top:
        try:
            return msgspec.json.decode(self.data.removeprefix(b"\xef\xbb\xbf"), type=_Top)
        except msgspec.ValidationError as error:
            index = re.search(r"\$\.features\[(\d+)\]", str(error))
            self.wrong(f"not GeoJSON: {error}", "see docs/reference/places.md", at=int(index[1]) if index else None)
        except msgspec.DecodeError as error:
            byte = re.search(r"\(byte (\d+)\)", str(error))
            line = self.data[: int(byte[1])].count(b"\n") + 1 if byte else 1
            raise Mistake(
                str(self.path), line, f"not readable as JSON: {error}", "a tool that writes GeoJSON"
            ) from error
        except (RecursionError, UnicodeDecodeError) as error:
            raise Mistake(str(self.path), 1, f"not readable as JSON: {error}", "save the file as UTF-8") from error

    def shapes(self, given: Sequence[_Given]) -> npt.NDArray[Any]:
        if not given:
            return np.array([], dtype=object)
        raw = np.array([bytes(feature.geometry) for feature in given], dtype=object)
        shapes: npt.NDArray[Any] = shapely.force_2d(shapely.from_geojson(raw, on_invalid="ignore"))
        self.first(shapely.is_missing(shapes) | shapely.is_empty(shapes), "geometry cannot be", "RFC 7946, chapter 3.1")
        bounds = np.nan_to_num(shapely.bounds(shapes), nan=np.inf)
        far = (np.abs(bounds[:, ::2]) > 180).any(axis=1) | (np.abs(bounds[:, 1::2]) > 90).any(axis=1)
        self.first(far, "coordinates are no degrees", "write longitude, latitude in WGS84 (EPSG:4326), in this order")
        wanted = SHAPES.get(self.name)
        if wanted:
            kinds = np.array([shape.geom_type for shape in shapes])
            self.first(
                ~np.isin(kinds, wanted), f"in {self.name} everything is a {wanted[0]}", "use another layer for it"
            )
        broken = ~shapely.is_valid(shapes)
        shapes[broken] = shapely.make_valid(shapes[broken])
        return shapes

    def first(self, wrong: npt.NDArray[np.bool_], says: str, hint: str) -> None:
        if wrong.any():
            self.wrong(says, hint, at=int(np.argmax(wrong)))

    def wrong(self, says: str, hint: str, *, at: int | None) -> NoReturn:
        """Tell of the feature that is wrong; its line is sought only now."""
        if at is not None:
            says = f"feature {at + 1}: {says}"
        raise Mistake(str(self.path), 1 if at is None else line_of(self.data, at), says, hint)


def line_of(data: bytes, index: int) -> int:
    """The line where a feature of a file begins; 1 where that cannot be told."""
    try:
        raw = bytes(msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Raw).features[index])
    except (msgspec.MsgspecError, IndexError, RecursionError):
        return 1
    return data[: data.find(raw)].count(b"\n") + 1
