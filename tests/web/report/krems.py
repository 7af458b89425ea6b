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
CATEGORIES = """\
categories:
  lamp:
    name: {en: Street light, de: Straßenlampe}
    description: {en: "dark, flickering, damaged", de: "dunkel, flackert, beschädigt"}
    group: {en: Light, de: Licht}
    keywords: [lamp, dark, Laterne]
    assets: lamps
    notice: {en: "Lamps are mended by day.", de: "Lampen werden tagsüber repariert."}
    attributes:
      - {code: what, datatype: singlevaluelist, required: true, description: {en: "What is wrong with it?", de: "Was ist mit ihr?"},
         values: [{key: dark, name: {en: It is dark, de: Sie ist dunkel}}, {key: flickers, name: {en: It flickers, de: Sie flackert}}]}
      - {code: also, datatype: multivaluelist, description: {en: "What else do you see?", de: "Was sehen Sie noch?"},
         values: [{key: door, name: {en: The door in the mast is open, de: Die Tür im Mast ist offen}}, {key: cable, name: {en: A cable hangs out, de: Ein Kabel hängt heraus}}]}
  pothole:
    name: {en: Pothole, de: Schlagloch}
    group: {en: Street, de: Straße}
    attributes:
      - {code: deep, datatype: number, required: true, description: {en: "How deep, in centimetres?", de: "Wie tief, in Zentimetern?"}}
      - {code: since, datatype: datetime, description: {en: "Since when?", de: "Seit wann?"}}
      - {code: sign, datatype: string, required: true, description: {en: "What stands on the sign?", de: "Was steht auf dem Schild?"}}
      - {code: story, datatype: text, description: {en: "What happened?", de: "Was ist passiert?"}}
      - {code: note, datatype: string, variable: false, description: {en: "Country roads belong to the state.", de: "Landesstraßen gehören dem Land."}}
  tree: {name: {en: Tree, de: Baum}, group: {en: Green, de: Grün}}
  graffiti: {name: {en: Graffiti, de: Graffiti}, group: {en: Green, de: Grün}, hide_by_default: true}
"""
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
