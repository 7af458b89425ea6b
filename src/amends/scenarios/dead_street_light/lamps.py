"""What is invented on the map of this story: lamps with numbers along its streets, and quarters around five points.

`python -m amends.scenarios.dead_street_light.lamps` writes `places/lamps.geojson` and `places/areas.geojson` anew, the
same each time. They are made from `places/streets.geojson` or lie over it, so its licence holds for them too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely

from amends.reports import layers
from amends.reports.geometry import EARTH_M, Position
from amends.reports.layers import Feature

PLACES = Path(__file__).parent / "places"
LIT = ("residential", "pedestrian", "living_street")
EVERY_M, FIRST_M, ASIDE_M = 35.0, 12.0, 3.0
WHOSE = "© OpenStreetMap contributors, ODbL 1.0"
NOTE = b'"note":"invented for a story: nothing of this is there; see LICENCE.md",'

TOWN = shapely.box(15.57, 48.365, 15.70, 48.44)
QUARTERS = {
    "stein": ("Stein", 15.5840, 48.4075),
    "altstadt": ("Altstadt", 15.6000, 48.4110),
    "weinzierl": ("Weinzierl", 15.6165, 48.4125),
    "mitterau": ("Mitterau", 15.6125, 48.4045),
    "hafen": ("Hafen", 15.6420, 48.4055),
}


def lamps(streets: list[Feature]) -> Iterator[dict[str, Any]]:
    """A lamp every 35 m along each named street where people live or walk, on its left and right in turn."""
    lit = [street for street in streets if street.text("kind") in LIT and street.text("name")]
    count = 0
    for street in sorted(lit, key=lambda street: (street.text("name"), street.id)):
        for side, at in _along(street.shape):
            count += 1
            words = {"asset_id": f"L{count:04}", "number": f"{count:04}", "street": street.text("name")}
            yield layers.point(_aside(street.shape, at, side), words)


def _along(line: Any) -> Iterator[tuple[int, float]]:
    """Where lamps stand on a line: the side, and degrees from its beginning."""
    metre = line.length / _metres(line)
    count = int((_metres(line) - FIRST_M) // EVERY_M) + 1
    for n in range(max(0, count)):
        yield (-1) ** n, (FIRST_M + n * EVERY_M) * metre


def _metres(line: Any) -> float:
    (_, lat), squeeze = line.coords[0], math.cos(math.radians(line.coords[0][1]))
    flat = shapely.transform(line, lambda at: (at - (0, lat)) * (squeeze, 1))
    return math.radians(flat.length) * EARTH_M


def _aside(line: Any, at: float, side: int) -> Position:
    """Three metres left or right of the street's middle."""
    here, ahead = line.interpolate(at), line.interpolate(min(at + 1e-5, line.length))
    squeeze = math.cos(math.radians(here.y))
    east, north = (ahead.x - here.x) * squeeze, ahead.y - here.y
    length = math.hypot(east, north) or 1.0
    off = math.degrees(ASIDE_M / EARTH_M) * side / length
    return Position(here.y + east * off, here.x - north * off / squeeze)


def quarters() -> Iterator[dict[str, Any]]:
    """The town cut up: each point of it belongs to the nearest of five."""
    middles = shapely.MultiPoint([(long, lat) for _, long, lat in QUARTERS.values()])
    cells = shapely.voronoi_polygons(middles, extend_to=TOWN)
    for code, (name, long, lat) in QUARTERS.items():
        cell = next(cell for cell in cells.geoms if cell.contains(shapely.Point(long, lat)))
        shape = shapely.set_precision(cell.intersection(TOWN), 1e-6)
        yield layers.written(shapely.to_geojson(shape), {"code": code, "name": name})


def main() -> None:
    streets = list(layers.read(PLACES / "streets.geojson").features)
    for name, features in (("lamps", list(lamps(streets))), ("areas", list(quarters()))):
        text = layers.collection(features, WHOSE).replace(b'"features":', NOTE + b'"features":', 1)
        text = text.replace(b'{"type":"Feature",', b'\n{"type":"Feature",')
        (PLACES / f"{name}.geojson").write_bytes(text + b"\n")


if __name__ == "__main__":
    main()
