"""Photos as files under `var/photos`, by names that nobody can guess; what is blackened is gone for good."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings

from amends.reports import moderation, photos, queries
from amends.reports.models import PhotoRow
from amends.reports.records import Refused

MOST_BOXES = 50


def path(name: str) -> Path:
    """Where a photo of this name lies; names are letters, digits, - and _ only."""
    if not name.replace("-", "").replace("_", "").isalnum():
        raise Refused("there is no such photo")
    place: Path = settings.AMENDS.var / "photos" / f"{name}.jpg"
    return place


def keep(data: bytes, *, kind: str, who: str, now: datetime) -> str:
    """Make an uploaded photo anew and keep it for a report that will name it; `photos.NoPhoto` where it is none."""
    return put(made(data), kind=kind, who=who, now=now)


def made(data: bytes) -> photos.Photo:
    """An uploaded photo made anew, within the limits of `[map]`; `photos.NoPhoto` where it is none."""
    limits = settings.AMENDS.map
    return photos.accept(
        data,
        most_bytes=limits.photo_mb * 1_000_000,
        most_pixels=limits.photo_megapixels * 1_000_000,
        longer_side=limits.photo_px,
    )


def put(photo: photos.Photo, *, kind: str, who: str, now: datetime) -> str:
    """Keep a photo that was made anew; its name."""
    name = _write(photo.jpeg)
    PhotoRow.objects.create(name=name, kind=kind, width=photo.width, height=photo.height, at=now, who=who[:200])
    return name


def _write(jpeg: bytes) -> str:
    name = secrets.token_urlsafe(18)
    place = path(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as file:
        file.write(jpeg)
        file.flush()
        os.fsync(file.fileno())
    return name


def blacken(name: str, boxes: Sequence[Sequence[float]], why: str, *, who: str, now: datetime) -> str:
    """Make parts of a photo black, in shares of its width and height (x, y, width, height); its new name.

    The picture as it was is deleted, the thumbnail with it; the log says who did it and why.
    """
    photo = queries.photo(name)
    if photo is None or photo.report is None or not path(name).exists():
        raise Refused("there is no such photo")
    if not why.strip():
        raise Refused("say why it is blackened, such as: a face")
    _check(boxes)
    became = _write(photos.redact(path(name).read_bytes(), boxes))
    moderation.blackened(name, became, [list(box) for box in boxes], why, who=who, now=now)
    for old in (path(name), path(name).with_name(f"{name}.small.jpg")):
        old.unlink(missing_ok=True)
    return became


def _check(boxes: Sequence[Sequence[float]]) -> None:
    if not 1 <= len(boxes) <= MOST_BOXES:
        raise Refused(f"mark one to {MOST_BOXES} parts of the photo")
    for box in boxes:
        fits = len(box) == 4 and all(0 <= number <= 1 for number in box) and box[2] > 0 and box[3] > 0
        if not fits:
            raise Refused("each part needs left, top, width and height in percent of the photo")
