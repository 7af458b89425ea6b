"""A part of Krems to report in: its streets and invented lamps, categories with every kind of question, promises."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import ExifTags, Image
from tests.reports.town import town

PLACES = files("amends.scenarios.dead_street_light") / "places"
CATEGORIES = (Path(__file__).parent / "categories.yaml").read_text("utf-8")
LAMP = {"lat": 48.4129686, "long": 15.6422797, "number": "0001", "id": "L0001"}


@contextmanager
def krems(**more: str) -> Iterator[Path]:
    """Krems in the installation of the tests; gone afterwards."""
    with town(**({"categories": CATEGORIES} | more)) as here:
        folder = here / "places"
        folder.mkdir(exist_ok=True)
        for layer in PLACES.iterdir():
            if layer.name.endswith(".geojson"):
                (folder / layer.name).write_bytes(layer.read_bytes())
        try:
            yield here
        finally:
            shutil.rmtree(folder)
            shutil.rmtree(settings.AMENDS.var / "photos", ignore_errors=True)


def picture(*, gps: tuple[float, float] | None = None, size: tuple[int, int] = (640, 480), kind: str = "JPEG") -> bytes:
    """A photo as a phone makes it: with time, maker and, if wanted, its place in the file."""
    image, out, exif = Image.new("RGB", size, "#345"), io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Make] = "Secretphone"
    if gps:
        exif[ExifTags.IFD.GPSInfo] = {
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: _parts(gps[0]),
            ExifTags.GPS.GPSLongitudeRef: "E",
            ExifTags.GPS.GPSLongitude: _parts(gps[1]),
        }
    image.save(out, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return out.getvalue()


def _parts(degrees: float) -> tuple[float, float, float]:
    whole, rest = divmod(degrees * 60, 60)[0], degrees % 1 * 60
    return (float(int(degrees)), float(int(rest)), round(rest % 1 * 60, 4)) if whole else (0.0, 0.0, 0.0)


def lamp(**more: Any) -> dict[str, Any]:
    """A form about lamp 0001, complete."""
    return {
        "form": "0123456789abcdef0123456789abcdef",
        "category": "lamp",
        "asset_number": "0001",
        "answer-what": "dark",
        "description": "Dark since Sunday",
        "privacy": "private",
        "go": "send",
    } | more
