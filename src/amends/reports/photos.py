"""Photos from outside, made anew: nothing of the file that came is kept but its picture.

What goes out is always a JPEG that we have written: upright, in sRGB, without metadata, of a size that pages can show.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageDraw, ImageFile, UnidentifiedImageError

from amends.reports.geometry import NoPlace, Position, position

Image.MAX_IMAGE_PIXELS = None  # we look at the size ourselves, before anything is unpacked
ImageFile.LOAD_TRUNCATED_IMAGES = False

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MOST_BYTES: Final = 50_000_000
MOST_PIXELS: Final = 120_000_000
MOST_UNPACKED: Final = 40_000_000  # pixels of what can only be read whole: PNG, progressive JPEG
MOST_WEBP: Final = 16_000_000  # its decoder takes 17 bytes for each
MOST_SCANS: Final = 64  # of a progressive JPEG; cameras write ten, and each is work for every pixel
SMALLEST_SIDE: Final = 8
LONGER_SIDE: Final = 2048
THUMBNAIL_SIDE: Final = 320
QUALITY: Final = 82
_NEAR_ENOUGH: Final = 0.79  # a JPEG that its decoder halves to this much of the wanted side is not read whole
_MOST_PROFILE: Final = 1_000_000
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS: Final = (5, 6, 7, 8)
_PIXELS_BEGIN, _ENDS = b"\xff\xda", b"\xff\xd9"
_OTHERS: Final = (
    (re.compile(rb"\A.{4}ftyp(hei|hev|mif|msf)", re.DOTALL), "an HEIC photo; please send it as JPEG"),
    (re.compile(rb"\A.{4}ftyp", re.DOTALL), "a film or an AVIF picture; please send a photo as JPEG"),
    (re.compile(rb"\AGIF8"), "a GIF; please send a photo as JPEG, PNG or WebP"),
    (re.compile(rb"\A%PDF"), "a PDF; please send a photo as JPEG, PNG or WebP"),
    (re.compile(rb"\A\s*<", re.DOTALL), "a drawing or a page (SVG, HTML); please send a photo as JPEG, PNG or WebP"),
)


class NoPhoto(ValueError):
    """What came is no photo that can be shown; the message is for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture made anew, and what its file said of place and time: offered to the sender, not in the picture."""

    jpeg: bytes
    width: int
    height: int
    position: Position | None = None
    taken_at: str | None = None  # by the camera's clock, with its zone where it knew one: 2026-11-25T08:30:00+01:00


def accept(
    data: bytes,
    *,
    most_bytes: int = MOST_BYTES,
    most_pixels: int = MOST_PIXELS,
    longer_side: int = LONGER_SIDE,
) -> Photo:
    """Make a photo anew; NoPhoto, with words for the sender, where that cannot be."""
    picture = _opened(data, most_bytes, most_pixels)
    try:
        exif = _exif(picture)
        shown = _upright(_in_srgb(_reduced(picture, longer_side)), exif.get(ExifTags.Base.Orientation))
    except MemoryError:
        raise
    except Exception as error:  # whatever a decoder says of bytes that somebody made up
        raise NoPhoto("this photo is damaged: it cannot be read to its end") from error
    return Photo(_written(shown), shown.width, shown.height, _position(exif), _taken_at(exif))


def size_to_come(
    data: bytes,
    *,
    most_bytes: int = MOST_BYTES,
    most_pixels: int = MOST_PIXELS,
    longer_side: int = LONGER_SIDE,
) -> tuple[int, int] | None:
    """How large `accept` will make a JPEG that seems to be there to its end, from its head alone.

    None where only reading all of it can tell: other formats, and what ends too early. NoPhoto as `accept` would.
    """
    picture = _opened(data, most_bytes, most_pixels)
    end = data.rfind(_ENDS)
    if picture.format not in ("JPEG", "MPO") or end < 0 or data.find(_PIXELS_BEGIN, end) > 0:
        return None  # the last pixels that begin do not end
    share = _halved(picture, longer_side)
    width, height = picture.size if share >= 1 else _shrunk(picture, share)
    lies = _exif(picture).get(ExifTags.Base.Orientation) in _SIDEWAYS
    return (height, width) if lies else (width, height)


def thumbnail(jpeg: bytes, side: int = THUMBNAIL_SIDE) -> bytes:
    """A small copy of a photo that `accept` made."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        return _written(_in_srgb(_reduced(picture, side)), quality=75)


def redact(jpeg: bytes, rectangles: Sequence[Sequence[float]]) -> bytes:
    """A photo with parts of it painted black for good: (left, top, width, height) in shares of its width and height.

    What was there is in no byte of the answer. The caller deletes the photo as it was, and its thumbnail.
    """
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        picture = opened.convert("RGB")
    draw = ImageDraw.Draw(picture)
    for left, top, width, height in rectangles:
        if not (all(0 <= share <= 1 for share in (left, top, width, height)) and width and height):
            raise ValueError(f"{(left, top, width, height)} is no part of a photo: shares from 0 to 1, not empty")
        first = (math.floor(left * picture.width), math.floor(top * picture.height))
        last = (math.ceil((left + width) * picture.width), math.ceil((top + height) * picture.height))
        draw.rectangle((first, last), fill="black")
    return _written(picture)


def _opened(data: bytes, most_bytes: int, most_pixels: int) -> Image.Image:
    """The file as a picture that is not unpacked yet, of a size that can be."""
    if not data:
        raise NoPhoto("this photo is empty")
    if len(data) > most_bytes:
        raise NoPhoto(f"this photo is larger than {most_bytes / 1_000_000:.0f} MB")
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        other = next((words for shape, words in _OTHERS if shape.match(data[:100])), "no photo in JPEG, PNG or WebP")
        raise NoPhoto(f"this is {other}") from error
    except Exception as error:  # whatever a decoder says of bytes that somebody made up
        raise NoPhoto("this photo is damaged: its beginning cannot be read") from error
    pixels = picture.width * picture.height
    if min(picture.size) < SMALLEST_SIDE:
        raise NoPhoto(f"this photo is too small: {picture.width} × {picture.height}")
    if pixels > min(most_pixels, _most_pixels(picture, data)):
        raise NoPhoto(f"this photo has too many pixels: {picture.width} × {picture.height}; please send a smaller one")
    return picture


def _most_pixels(picture: Image.Image, data: bytes) -> float:
    """What memory can hold; without end where the decoder halves it while it reads: a JPEG that is not progressive."""
    if picture.format not in ("JPEG", "MPO"):
        return MOST_WEBP if picture.format == "WEBP" else MOST_UNPACKED
    if data.count(_PIXELS_BEGIN) > MOST_SCANS:
        raise NoPhoto("this photo is written in too many passes; please send it as a plain JPEG")
    return MOST_UNPACKED if picture.info.get("progressive") else math.inf


def _halved(picture: Image.Image, longer_side: int) -> float:
    """Let a JPEG's decoder halve it where that comes near enough, which is twice as fast; what is left to shrink by."""
    share = longer_side / max(picture.size)
    if share < 1:
        near = share * _NEAR_ENOUGH
        picture.draft(picture.mode, (math.ceil(picture.width * near), math.ceil(picture.height * near)))
    return min(1.0, longer_side / max(picture.size))


def _shrunk(picture: Image.Image, share: float) -> tuple[int, int]:
    return max(1, round(picture.width * share)), max(1, round(picture.height * share))


def _reduced(picture: Image.Image, longer_side: int) -> Image.Image:
    """At most so large."""
    share = _halved(picture, longer_side)
    picture.load()
    if share >= 1:
        return picture
    size = _shrunk(picture, share)
    if picture.mode in ("P", "PA", "1"):
        picture = picture.convert("RGBA")
    elif picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    return picture.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def _eight_bits(picture: Image.Image) -> Image.Image:
    deep = np.asarray(picture).astype(np.int64)
    return Image.fromarray((np.clip(deep, 0, 65535) >> 8).astype(np.uint8))


def _in_srgb(picture: Image.Image) -> Image.Image:
    """Three channels of eight bits in sRGB; what shines through becomes white."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    if picture.mode in ("P", "PA", "LA", "La", "RGBa", "RGBA", "1") or "transparency" in picture.info:
        shining = picture.convert("RGBA")
        picture = Image.new("RGB", picture.size, "white")
        picture.paste(shining, mask=shining.getchannel("A"))
    if picture.mode in ("RGB", "CMYK", "L") and isinstance(profile, bytes) and len(profile) <= _MOST_PROFILE:
        transform = _to_srgb(profile, picture.mode)
        if transform is not None:
            return ImageCms.applyTransform(picture, transform) or picture
    return picture.convert("RGB")


@lru_cache(maxsize=32)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """How colours of a camera's profile are shown; None where they are sRGB already, or the profile is none."""
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(given).casefold():
            return None
        return ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _upright(picture: Image.Image, orientation: object) -> Image.Image:
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _written(picture: Image.Image, quality: int = QUALITY) -> bytes:
    """A JPEG of the pixels alone: comments and profiles would otherwise travel along with a picture of ours."""
    picture.info = {}
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _exif(picture: Image.Image) -> Image.Exif:
    try:
        return picture.getexif()
    except Exception:  # a photo is no worse for saying nonsense of itself
        return Image.Exif()


def _position(exif: Image.Exif) -> Position | None:
    """Where the camera says it was; None where it does not, or says nonsense."""
    try:
        said = exif.get_ifd(ExifTags.IFD.GPSInfo)
        lat = _degrees(said[ExifTags.GPS.GPSLatitude], said[ExifTags.GPS.GPSLatitudeRef], "NS")
        long = _degrees(said[ExifTags.GPS.GPSLongitude], said[ExifTags.GPS.GPSLongitudeRef], "EW")
        where = position(f"{lat:.7f}", f"{long:.7f}")
    except NoPlace:
        return None
    except Exception:  # keys missing, fractions of nothing, text for numbers
        return None
    return None if where == Position(0.0, 0.0) else where  # cameras without a fix write noughts


def _degrees(parts: Any, side: Any, sides: str) -> float:
    whole, minutes, seconds = (float(part) for part in parts)
    letter = (side.decode("ascii") if isinstance(side, bytes) else str(side)).strip("\0 ").upper()
    return (whole + minutes / 60 + seconds / 3600) * (1, -1)[sides.index(letter)]


_CLOCK = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)", re.ASCII)


def _taken_at(exif: Image.Exif) -> str | None:
    try:
        more = exif.get_ifd(ExifTags.IFD.Exif)
        said = more.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        zone = more.get(ExifTags.Base.OffsetTimeOriginal, "")
    except Exception:  # as above
        return None
    clock = _CLOCK.match(str(said))
    if not clock or clock[1] == "0000":
        return None
    known = re.fullmatch(r"[+-]\d\d:\d\d", str(zone).strip("\0 "), re.ASCII)
    return f"{clock[1]}-{clock[2]}-{clock[3]}T{clock[4]}" + (known[0] if known else "")
