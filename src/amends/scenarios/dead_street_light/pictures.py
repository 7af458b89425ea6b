"""Photos of the story, as well as we can draw them; their files carry time and place, as those of telephones."""

from __future__ import annotations

import io

from PIL import ExifTags, Image, ImageDraw, ImageFilter

SIZE = (960, 720)


def pothole() -> bytes:
    """A hole in a grey road."""
    picture = Image.effect_noise(SIZE, 28).convert("RGB").point(lambda value: value * 3 // 5 + 40)
    hole = Image.new("L", SIZE)
    ImageDraw.Draw(hole).polygon([(300, 330), (420, 260), (600, 290), (690, 400), (560, 500), (360, 480)], fill=255)
    picture.paste((38, 34, 32), mask=hole.filter(ImageFilter.GaussianBlur(6)))
    return _file(picture)


def filled() -> bytes:
    """The same place with fresh asphalt."""
    picture = Image.effect_noise(SIZE, 28).convert("RGB").point(lambda value: value * 3 // 5 + 40)
    ImageDraw.Draw(picture).rectangle((270, 230, 720, 530), fill=(52, 52, 54))
    return _file(picture)


def lamp(*, lit: bool) -> bytes:
    """A lamp on its pole at dusk."""
    picture = Image.new("RGB", SIZE, (24, 30, 48))
    pen = ImageDraw.Draw(picture)
    if lit:
        glow = Image.new("L", SIZE)
        ImageDraw.Draw(glow).ellipse((300, 40, 660, 400), fill=200)
        picture.paste((255, 226, 150), mask=glow.filter(ImageFilter.GaussianBlur(60)))
    pen.rectangle((472, 230, 488, 720), fill=(70, 74, 80))
    pen.polygon([(430, 170), (530, 170), (505, 235), (455, 235)], fill=(255, 240, 200) if lit else (60, 64, 72))
    pen.rectangle((0, 660, 960, 720), fill=(40, 42, 46))
    return _file(picture)


def _file(picture: Image.Image) -> bytes:
    exif, out = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Make] = "Demo telephone"
    exif[ExifTags.Base.DateTime] = "2026:01:01 08:00:00"
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (48.0, 24.0, 36.0),
        ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSLongitude: (15.0, 36.0, 0.0),
    }
    picture.save(out, "JPEG", exif=exif, quality=80)
    return out.getvalue()
