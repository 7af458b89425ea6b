"""A photo may be made anew a moment after it came; until then nobody sees it, and what came is gone afterwards."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from PIL import ExifTags, Image
from tests.reports.town import intake, town

from amends.reports import album, photos, steps
from amends.reports.models import PhotoRow

pytestmark = pytest.mark.django_db
SECRET = "K3EP-0UT"


@pytest.fixture(autouse=True)
def var() -> Iterator[Path]:
    place: Path = settings.AMENDS.var / "photos"
    shutil.rmtree(place, ignore_errors=True)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def picture(width: int = 640, height: int = 480, orientation: int = 1, kind: str = "JPEG") -> bytes:
    said = Image.Exif()
    said[ExifTags.Base.Orientation], said[ExifTags.Base.Make] = orientation, SECRET
    out = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(out, kind, exif=said)
    return out.getvalue()


def take(data: bytes) -> str:
    return album.take(data, kind="before", who="somebody", now=datetime.now(UTC))


def spoilt() -> bytes:
    """A JPEG with a head and an end, and nonsense for the tables between them."""
    data = bytearray(picture())
    at = data.index(b"\xff\xc4") + 5
    data[at : at + 16] = b"\xff" * 16
    return bytes(data)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("size", [(640, 480), (4000, 3000), (3000, 4000), (2500, 1000), (5200, 3900), (9000, 900)])
def test_the_size_is_known_before_it_is_made(size: tuple[int, int], orientation: int) -> None:
    data = picture(*size, orientation)
    made = photos.accept(data)

    assert photos.size_to_come(data) == (made.width, made.height)


def test_what_came_lies_apart_until_somebody_asks(var: Path) -> None:
    name = take(picture())
    came = var / "incoming" / name

    assert came.exists()
    assert not (var / f"{name}.jpg").exists()
    assert SECRET.encode() not in album.path(name).read_bytes()
    assert not came.exists()


def test_the_worker_makes_what_nobody_asked_for(var: Path) -> None:
    names = [take(picture()) for _ in "123"]

    assert album.make_waiting(timezone.now()) == 3
    assert all((var / f"{name}.jpg").exists() for name in names)
    assert list((var / "incoming").iterdir()) == []
    assert album.make_waiting(timezone.now()) == 0


@pytest.mark.parametrize("data", [picture()[:5000], b"\xff\xd8\xff\xe0" + b"\0" * 200, b"<svg>", b""])
def test_what_ends_too_early_or_is_no_photo_is_refused_at_once(var: Path, data: bytes) -> None:
    with pytest.raises(photos.NoPhoto):
        take(data)

    assert list(var.rglob("*.*")) == []


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_formats_are_made_at_once(var: Path, kind: str) -> None:
    assert (var / f"{take(picture(kind=kind))}.jpg").exists()


def test_what_cannot_be_read_after_all_is_never_shown(var: Path) -> None:
    name = take(spoilt())

    assert not album.path(name).exists()
    assert not PhotoRow.objects.get(pk=name).visible
    assert list((var / "incoming").iterdir()) == []


def test_what_belongs_to_no_report_is_deleted_in_the_end(var: Path) -> None:
    name = take(picture())
    PhotoRow.objects.all().delete()
    album.make_waiting(timezone.now())
    assert (var / "incoming" / name).exists()

    os.utime(var / "incoming" / name, (0, time.time() - 7200))
    album.make_waiting(timezone.now())
    assert not (var / "incoming" / name).exists()
    assert not (var / f"{name}.jpg").exists()


def test_a_blackened_photo_leaves_nothing_of_what_came(var: Path) -> None:
    name = take(picture())
    with town():
        steps.receive(intake("a", photos=[name]), timezone.now())
    became = album.blacken(name, [[0, 0, 0.5, 0.5]], "a face", who="ada", now=timezone.now())

    assert sorted(path.name for path in var.rglob("*") if path.is_file()) == [f"{became}.jpg"]


@pytest.mark.django_db(transaction=True)
def test_many_hands_make_it_once(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, made = take(picture(1200, 900)), []
    accept = photos.accept
    monkeypatch.setattr(photos, "accept", lambda data, **limits: made.append(1) or accept(data, **limits))

    def ask(_: int) -> bytes:
        try:
            return album.path(name).read_bytes()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as hands:
        assert len(set(hands.map(ask, range(8)))) == 1
    assert made == [1]
