"""`[map]` of amends.toml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Map:
    """The map that people report on, which places are ours, and what a photo may be."""

    tiles: str = ""  # a tile server's address with {z}, {x} and {y}; empty: the layers of places/ alone
    attribution: str = ""  # whose map it is, shown on it, beside what the layers say of themselves
    lat: float = 0.0  # where the map opens; 0 and 0: in the middle of bounds or of the layers
    long: float = 0.0
    zoom: int = 15
    bounds: str = ""  # west,south,east,north in degrees
    area: str = ""  # a layer of places/ whose polygons are ours; within bounds where both are given
    outside: str = "refuse"  # refuse, accept: a report from outside of bounds and area
    photos: int = 5  # of one report
    photo_mb: int = 50
    photo_megapixels: int = 120  # more is not opened at all
    photo_px: int = 2048  # the longer side of what is kept


def is_box(text: str) -> bool:
    """Whether a text says west,south,east,north in degrees."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        return False
    return -180 <= west < east <= 180 and -90 <= south < north <= 90
