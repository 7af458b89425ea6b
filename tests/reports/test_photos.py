"""Photos are made anew: nothing travels along, nothing explodes, what is no photo is told so in words."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from amends.reports import photos
from amends.reports.geometry import Position
from amends.reports.photos import NoPhoto, accept

SECRET = b"K3EP-0UT"


def picture(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """Red in its left half, blue in its right one."""
    drawn = Image.new("RGB", (width, height), "blue")
    drawn.paste((255, 0, 0), (0, 0, width // 2, height))
    return drawn.convert(mode)


def written(drawn: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    drawn.save(out, kind, **options)
    return out.getvalue()


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg), formats=("JPEG",))


def at(jpeg: bytes, x: float, y: float) -> tuple[int, ...]:
    """The colour at a share of width and height, each channel 0, 128 or 255 or near it."""
    shown = opened(jpeg).convert("RGB")
    colour = shown.getpixel((int(x * shown.width), int(y * shown.height)))
    assert isinstance(colour, tuple)
    return tuple(round(channel / 127.5) for channel in colour)


RED, BLUE, WHITE, BLACK = (2, 0, 0), (0, 0, 2), (2, 2, 2), (0, 0, 0)


def exif(orientation: int = 1, *, gps: dict[int, Any] | None = None, more: dict[int, Any] | None = None) -> Image.Exif:
    said = Image.Exif()
    said[ExifTags.Base.Orientation] = orientation
    said[ExifTags.Base.Make] = SECRET.decode()
    said.get_ifd(ExifTags.IFD.GPSInfo).update(gps or {})
    said.get_ifd(ExifTags.IFD.Exif).update(more or {})
    return said


KREMS = {1: "N", 2: (48.0, 24.0, 40.0), 3: "E", 4: (15.0, 36.0, 0.0)}


def test_nothing_of_a_camera_travels_along() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    data = written(picture(), exif=exif(gps=KREMS), icc_profile=profile, comment=SECRET, xmp=xmp)
    data += b"PK\x03\x04" + SECRET
    assert data.count(SECRET) >= 4

    made = accept(data)

    assert SECRET not in made.jpeg
    assert opened(made.jpeg).info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not opened(made.jpeg).getexif()
    assert made.jpeg.count(b"\xff\xd8\xff") == 1  # no thumbnail inside
    assert made.jpeg.endswith(b"\xff\xd9")
    assert markers(made.jpeg) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}


def markers(jpeg: bytes) -> set[int]:
    found, place = set(), 2
    while jpeg[place + 1] != 0xDA:
        found.add(jpeg[place + 1])
        place += 2 + int(struct.unpack(">H", jpeg[place + 2 : place + 4])[0])
    return found


def test_a_place_is_read_to_be_offered() -> None:
    made = accept(written(picture(), exif=exif(gps=KREMS)))

    assert made.position == Position(48.4111111, 15.6)
    south_west = {1: "S", 2: (33.0, 52.0, 10.0), 3: "W", 4: (70.0, 30.0, 0.0)}
    assert accept(written(picture(), exif=exif(gps=south_west))).position == Position(-33.8694444, -70.5)


NO_PLACES: list[dict[int, Any]] = [
    {},
    {1: "N", 2: (48.0, 24.0, 40.0)},
    {1: "X", 2: (48.0, 24.0, 40.0), 3: "E", 4: (15.0, 36.0, 0.0)},
    {1: "N", 2: (148.0, 24.0, 40.0), 3: "E", 4: (15.0, 36.0, 0.0)},
    {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
]


@pytest.mark.parametrize("gps", NO_PLACES, ids=range(len(NO_PLACES)))
def test_a_nonsensical_place_is_none_and_the_photo_stays(gps: dict[int, Any]) -> None:
    made = accept(written(picture(), exif=exif(gps=gps)))

    assert made.position is None
    assert made.width == 64


def test_fractions_of_nothing_are_no_place() -> None:
    data = written(picture(), exif=exif(gps=KREMS))
    whole = b"\x30\x00\x00\x00\x01\x00\x00\x00"  # 48/1, least byte first
    if whole not in data:
        whole = b"\x00\x00\x00\x30\x00\x00\x00\x01"
    assert whole in data

    spoiled = data.replace(whole, whole.replace(b"\x01", b"\x00"))

    assert accept(spoiled).position is None


def test_the_cameras_clock_is_read_with_its_zone_where_it_has_one() -> None:
    clock = {ExifTags.Base.DateTimeOriginal: "2026:11:25 08:30:00"}
    zoned = {**clock, ExifTags.Base.OffsetTimeOriginal: "+01:00"}

    assert accept(written(picture(), exif=exif(more=clock))).taken_at == "2026-11-25T08:30:00"
    assert accept(written(picture(), exif=exif(more=zoned))).taken_at == "2026-11-25T08:30:00+01:00"
    assert accept(written(picture())).taken_at is None


LEFT, RIGHT, TOP, BOTTOM = (0.2, 0.5), (0.8, 0.5), (0.5, 0.2), (0.5, 0.8)
RED_IS = {1: LEFT, 2: RIGHT, 3: RIGHT, 4: LEFT, 5: TOP, 6: TOP, 7: BOTTOM, 8: BOTTOM}


@pytest.mark.parametrize("orientation", RED_IS)
def test_a_photo_stands_upright(orientation: int) -> None:
    made = accept(written(picture(), exif=exif(orientation)))

    assert (made.width, made.height) == ((64, 48) if orientation < 5 else (48, 64))
    assert at(made.jpeg, *RED_IS[orientation]) == RED


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "CMYK"),
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
    ],
)
def test_every_kind_of_photo_comes_out_in_its_colours(kind: str, mode: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    made = accept(written(picture(mode=mode), kind, **options))

    assert opened(made.jpeg).mode == "RGB"
    assert (at(made.jpeg, 0.2, 0.5), at(made.jpeg, 0.8, 0.5)) == (RED, BLUE)


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_stays_grey(mode: str) -> None:
    grey = Image.new("L", (64, 48), 0)
    grey.paste(255, (0, 0, 32, 48))

    made = accept(written(grey.convert(mode), "PNG"))

    assert (at(made.jpeg, 0.2, 0.5), at(made.jpeg, 0.8, 0.5)) == (WHITE, BLACK)


def test_sixteen_bits_become_eight() -> None:
    deep = np.full((48, 64), 0x0100, dtype=np.uint16)
    deep[:, :32] = 0xFFFF

    made = accept(written(Image.fromarray(deep), "PNG"))

    assert (at(made.jpeg, 0.2, 0.5), at(made.jpeg, 0.8, 0.5)) == (WHITE, BLACK)


def test_what_shines_through_becomes_white() -> None:
    glass = picture(mode="RGBA")
    glass.putalpha(0)

    assert at(accept(written(glass, "PNG")).jpeg, 0.2, 0.5) == WHITE


def test_another_colour_space_becomes_srgb_and_a_broken_profile_hurts_nobody() -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for name in ("sRGB".encode("utf-16-be"), b"sRGB"):
        while (place := profile.find(name)) >= 0:
            profile[place : place + len(name)] = b"X" * len(name)
    entry = profile.index(b"gXYZ", 132)
    (offset,) = struct.unpack(">I", profile[entry + 4 : entry + 8])
    profile[offset + 8 : offset + 20] = struct.pack(">3i", 19000, 45000, 2700)  # a green that is not sRGB's
    green = Image.new("RGB", (64, 48), (60, 160, 60))

    shown = np.asarray(opened(accept(written(green, icc_profile=bytes(profile))).jpeg)).mean(axis=(0, 1))
    plain = np.asarray(opened(accept(written(green, icc_profile=b"no profile at all")).jpeg)).mean(axis=(0, 1))

    assert np.abs(plain - (60, 160, 60)).max() < 4
    assert np.abs(shown - plain).max() > 8


def test_a_large_photo_is_made_smaller_and_a_small_one_is_not_made_larger() -> None:
    assert max(accept(written(picture(4000, 3000))).width, 0) in range(1600, 2049)
    assert (accept(written(picture(2500, 50))).width, accept(written(picture(2500, 50), "PNG")).width) == (2048, 2048)
    assert accept(written(picture(100, 80))).width == 100
    assert accept(written(picture(4000, 3000)), longer_side=500).width == 500


def test_the_first_picture_of_an_animation_is_the_photo() -> None:
    frames = {"save_all": True, "append_images": [picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT)] * 5}

    for kind in ("PNG", "WEBP"):
        assert at(accept(written(picture(), kind, **frames)).jpeg, 0.2, 0.5)[::2] == (2, 0)


NO_PHOTOS = {
    "empty": (b"", "empty"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "SVG"),
    "svg behind a declaration": (b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "SVG"),
    "page": (b"<!doctype html><script>alert(1)</script>", "HTML"),
    "pdf": (b"%PDF-1.7\n1 0 obj", "PDF"),
    "gif": (written(picture(), "GIF"), "GIF"),
    "gif that is also a script": (b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)", "GIF"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
    "film": (b"\0\0\0\x18ftypisom" + bytes(40), "film"),
    "bmp": (written(picture(), "BMP"), "JPEG, PNG or WebP"),
    "tiff": (written(picture(), "TIFF"), "JPEG, PNG or WebP"),
    "words": (b"not a photo", "JPEG, PNG or WebP"),
    "truncated": (written(picture(800, 600))[:-400], "damaged"),
    "truncated png": (written(picture(800, 600), "PNG")[:-60], "damaged"),
    "beginning only": (written(picture())[:30], "damaged|JPEG, PNG or WebP"),
    "too small": (written(picture(4, 4), "PNG"), "too small"),
}


@pytest.mark.parametrize("name", NO_PHOTOS)
def test_what_is_no_photo_is_told_so(name: str) -> None:
    data, words = NO_PHOTOS[name]

    with pytest.raises(NoPhoto, match=words):
        accept(data)


def test_a_page_in_front_or_behind_of_a_photo_is_gone() -> None:
    script = b"<script>" + SECRET + b"</script>"
    comment = b"\xff\xfe" + struct.pack(">H", len(script) + 2) + script
    plain = written(picture())

    made = accept(plain[:2] + comment + plain[2:] + script)

    assert b"<script" not in made.jpeg
    with pytest.raises(NoPhoto):
        accept(script + plain)


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG that says it is so large, of nothing but noughts."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(NoPhoto, match="too many pixels: 50000 × 50000"):
        accept(png(50_000, 50_000))
    with pytest.raises(NoPhoto, match="too many pixels"):
        accept(png(2**31 - 1, 2**31 - 1))
    with pytest.raises(NoPhoto, match="too many pixels"):
        accept(png(8_000, 6_000))  # 48 million can be read only whole
    with pytest.raises(NoPhoto, match="too many pixels"):
        accept(written(picture(8_000, 6_000), progressive=True))
    with pytest.raises(NoPhoto, match="too many pixels"):
        accept(written(picture(5_000, 4_000), "WEBP", method=0))
    with pytest.raises(NoPhoto, match="too many pixels"):
        accept(written(picture(4000, 3000)), most_pixels=11_000_000)
    assert accept(written(picture(8_000, 6_000))).width == 2000


def test_a_text_that_unpacks_without_end_is_refused() -> None:
    words = PngInfo()
    words.add_text("a", "b" * 50_000_000, zip=True)

    with pytest.raises(NoPhoto, match="damaged"):
        accept(written(picture(), "PNG", pnginfo=words))


def test_a_jpeg_of_a_thousand_passes_is_refused() -> None:
    data = written(picture(), progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]

    with pytest.raises(NoPhoto, match="too many passes"):
        accept(data[:-2] + scan * 1000 + data[-2:])
    assert accept(data).width == 64


def test_fifty_megabytes_are_the_most() -> None:
    with pytest.raises(NoPhoto, match="larger than 50 MB"):
        accept(bytes(50_000_001))
    with pytest.raises(NoPhoto, match="larger than 1 MB"):
        accept(bytes(1_000_001), most_bytes=1_000_000)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damage_anywhere_is_a_photo_or_no_photo(kind: str) -> None:
    data = written(picture(), kind, exif=exif(gps=KREMS))
    chance = np.random.default_rng(7)
    refused = 0
    for _ in range(300):
        spoiled = bytearray(data)
        for place in chance.integers(0, len(data), chance.integers(1, 6)):
            spoiled[place] = chance.integers(0, 256)
        try:
            assert opened(accept(bytes(spoiled)).jpeg).mode == "RGB"
        except NoPhoto:
            refused += 1

    assert 0 < refused < 300


def test_a_thumbnail_is_small_and_as_bare_as_its_photo() -> None:
    made = accept(written(picture(1200, 900), exif=exif(gps=KREMS)))

    small = photos.thumbnail(made.jpeg)

    assert 0.75 * photos.THUMBNAIL_SIDE <= max(opened(small).size) <= photos.THUMBNAIL_SIDE
    assert len(small) < len(made.jpeg)
    assert at(small, 0.2, 0.5) == RED


def test_what_is_redacted_is_gone_for_good() -> None:
    face = picture(640, 480)
    ImageDraw.Draw(face).ellipse((400, 100, 500, 200), fill="white")
    made = accept(written(face))

    redacted = photos.redact(made.jpeg, [(0.6, 0.2, 0.2, 0.25)])

    covered = np.asarray(opened(redacted))[96:216, 384:512]
    assert covered[8:-8, 8:-8].max() < 8
    assert at(redacted, 0.2, 0.5) == RED
    assert photos.redact(redacted, [(0, 0, 1, 1)]).count(b"\xff\xd8\xff") == 1
    assert opened(redacted).size == (640, 480)


@pytest.mark.parametrize("part", [(0, 0, 0, 1), (0, 0, 1.2, 1), (-0.1, 0, 0.5, 0.5), (0, 0, float("nan"), 1)])
def test_a_part_that_is_none_is_refused(part: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="no part of a photo"):
        photos.redact(accept(written(picture())).jpeg, [part])


def test_a_photo_of_two_pictures_is_its_first(tmp_path: Path) -> None:
    file = tmp_path / "depth.mpo"
    picture().save(file, "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), "white")])

    made = accept(file.read_bytes())

    assert at(made.jpeg, 0.2, 0.5) == RED
    assert made.jpeg.count(b"\xff\xd8\xff") == 1
