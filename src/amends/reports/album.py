"""Photos as files under `var/photos`, by names that nobody can guess; what is blackened is gone for good.

A photo that came with a report by GeoReport may lie under `var/photos/incoming` as it came, for a moment. Nothing reads
it there but the hand that makes it anew: whoever asks for the photo first, or else the worker.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from amends.reports import moderation, photos, queries
from amends.reports.models import PhotoRow
from amends.reports.records import Refused

log = logging.getLogger("amends.reports")
MOST_BOXES, MOST_OF_WORK = 50, 5
A_TURN_S = 0.4  # of making anew, by the worker
ORPHANED = timedelta(hours=1)


def path(name: str) -> Path:
    """Where a photo of this name lies, made anew; names are letters, digits, - and _ only."""
    place = _place(name)
    if not place.exists():
        _make_anew(name)
    return place


def _place(name: str) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise Refused("there is no such photo")
    place: Path = settings.AMENDS.var / "photos" / f"{name}.jpg"
    return place


def _incoming() -> Path:
    place: Path = settings.AMENDS.var / "photos" / "incoming"
    return place


def keep(data: bytes, *, kind: str, who: str, now: datetime) -> str:
    """Make an uploaded photo anew and keep it for a report that will name it; `photos.NoPhoto` where it is none."""
    return put(made(data), kind=kind, who=who, now=now)


class TooMany(Refused):
    """More photos than may come at once."""


class TooLarge(Refused):
    """A photo of more bytes than one may have."""


def keep_work(files: Iterable[Any], *, who: str, now: datetime) -> list[str]:
    """Keep uploaded photos of finished work, as `keep` does; TooMany or TooLarge where they are."""
    given, most = [file for file in files if file.size], settings.AMENDS.map.photo_mb
    if len(given) > MOST_OF_WORK:
        raise TooMany(f"at most {MOST_OF_WORK} photos at once")
    if any(file.size > most * 1_000_000 for file in given):
        raise TooLarge(f"a photo may have {most} MB")
    return [keep(file.read(), kind="after", who=who, now=now) for file in given]


def made(data: bytes) -> photos.Photo:
    """An uploaded photo made anew, within the limits of `[map]`; `photos.NoPhoto` where it is none."""
    return photos.accept(data, **_limits())


def _limits() -> dict[str, Any]:
    limits = settings.AMENDS.map
    return {
        "most_bytes": limits.photo_mb * 1_000_000,
        "most_pixels": limits.photo_megapixels * 1_000_000,
        "longer_side": limits.photo_px,
    }


def take(data: bytes, *, kind: str, who: str, now: datetime) -> str:
    """Keep a photo as `keep` does, but make it anew a moment later where its head and its end say that it can be."""
    size = photos.size_to_come(data, **_limits())
    if size is None:
        return keep(data, kind=kind, who=who, now=now)
    name = secrets.token_urlsafe(18)
    _lay(_incoming() / name, data)
    PhotoRow.objects.create(name=name, kind=kind, width=size[0], height=size[1], at=now, who=who[:200])
    return name


def put(photo: photos.Photo, *, kind: str, who: str, now: datetime) -> str:
    """Keep a photo that was made anew; its name."""
    name = _write(photo.jpeg)
    PhotoRow.objects.create(name=name, kind=kind, width=photo.width, height=photo.height, at=now, who=who[:200])
    return name


def _write(jpeg: bytes) -> str:
    name = secrets.token_urlsafe(18)
    _lay(_place(name), jpeg)
    return name


def _lay(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


# Made anew a moment later


def make_waiting(now: datetime) -> int:
    """Make anew what waits, the oldest first, for a part of a turn. A worker step."""
    try:
        waiting = sorted((each.stat().st_mtime, each.name) for each in os.scandir(_incoming()))
    except FileNotFoundError:  # none has ever come, or another has just made the one we looked at
        return 0
    known = set(PhotoRow.objects.filter(pk__in=[name for _, name in waiting[:100]]).values_list("pk", flat=True))
    until, done = time.monotonic() + A_TURN_S, 0
    for at, name in waiting[:100]:
        if name in known:
            _make_anew(name)
            done += 1
        elif now.timestamp() - at > ORPHANED.total_seconds():  # its report was never taken
            (_incoming() / name).unlink(missing_ok=True)
        if time.monotonic() > until:
            break
    return done


def _make_anew(name: str) -> None:
    """Make a photo out of what came, once, whoever else would do the same; what cannot be read is never shown."""
    came = _incoming() / name
    try:
        file = came.open("rb")
    except FileNotFoundError:
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not os.fstat(file.fileno()).st_nlink:  # another was here before us
            return
        _develop(name, file.read())
        came.unlink(missing_ok=True)


def _develop(name: str, data: bytes) -> None:
    row = PhotoRow.objects.filter(pk=name)
    try:
        photo = made(data)
    except photos.NoPhoto as error:
        log.warning("a photo could not be read and is not shown: %s", error)
        row.update(visible=False)
        return
    draft = _incoming().with_name(f"{name}.{secrets.token_hex(4)}.draft")
    _lay(draft, photo.jpeg)
    draft.replace(_place(name))
    row.exclude(width=photo.width, height=photo.height).update(width=photo.width, height=photo.height)


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
    for old in (_place(name), _place(name).with_name(f"{name}.small.jpg"), _incoming() / name):
        old.unlink(missing_ok=True)
    return became


def _check(boxes: Sequence[Sequence[float]]) -> None:
    if not 1 <= len(boxes) <= MOST_BOXES:
        raise Refused(f"mark one to {MOST_BOXES} parts of the photo")
    for box in boxes:
        fits = len(box) == 4 and all(0 <= number <= 1 for number in box) and box[2] > 0 and box[3] > 0
        if not fits:
            raise Refused("each part needs left, top, width and height in percent of the photo")
