"""Photos made anew, addresses found, areas of many points: CPU each, beside the plain way of doing it, in one run.

python benchmarks/places.py [--addresses 5000] [--points 20000]
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely
from PIL import Image, ImageOps

from amends.reports import photos, places
from amends.reports.addresses import Address, AddressBook, fold
from amends.reports.geometry import Area, Areas, Position
from amends.scenarios.dead_street_light import lamps


def cpu(work: Callable[[], object], rounds: int = 7) -> float:
    """Seconds of CPU of the quickest of some rounds: what a round takes when nobody else is at the machine."""
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took)


def tell(what: str, ours: float, plain: float, how: str, each: int = 1) -> None:
    print(f"{what:42} {ours / each * 1e3:8.3f} ms   {plain / ours:7.1f} × as fast as {how}")


def photo(width: int, height: int, **options: object) -> bytes:
    """Soft shapes and the noise of a small sensor: about what a telephone writes, in size too."""
    chance = np.random.default_rng(1)
    soft = Image.fromarray(chance.integers(0, 255, (30, 40, 3), dtype=np.uint8)).resize((width, height))
    noisy = np.asarray(soft).astype(np.int16) + chance.normal(0, 6, (height, width, 3))
    out = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


def plainly(data: bytes) -> bytes:
    """As most write it: open, turn, make smaller, save."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    picture.thumbnail((photos.LONGER_SIDE, photos.LONGER_SIDE), Image.Resampling.LANCZOS, reducing_gap=None)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=photos.QUALITY)
    return out.getvalue()


def measure_photos() -> None:
    for width, height in ((4000, 3000), (3264, 2448), (4624, 3468)):
        data = photo(width, height)
        ours, plain = cpu(lambda data=data: photos.accept(data)), cpu(lambda data=data: plainly(data), 3)
        tell(f"photo {width} × {height}, {len(data) / 1e6:.1f} MB", ours, plain, "open, turn, shrink, save")
        print(f"{'':42} {1 / ours:8.0f} a second and core")
    small = photos.accept(photo(4000, 3000)).jpeg
    print(f"{'thumbnail of it':42} {cpu(lambda: photos.thumbnail(small)) * 1e3:8.3f} ms")


def measure_addresses(count: int) -> None:
    chance = np.random.default_rng(2)
    parts = ["ba", "ker", "win", "zer", "ro", "sen", "gar", "ten", "muh", "lin", "den", "ho", "her", "neu", "kirch"]
    names = [
        "".join(chance.choice(parts, 3)).title() + chance.choice(["gasse", "straße", "weg"]) for _ in range(count // 20)
    ]
    houses = [
        Address(names[n % len(names)], str(n // len(names) + 1), "3500", "", Position(48, 15)) for n in range(count)
    ]
    book, asked = AddressBook(houses), [f"{name[:6]} 3" for name in chance.choice(names, 50)]

    def linear() -> None:
        for text in asked[:5]:
            words = fold(text).split()
            assert [house for house in houses if all(word in fold(house.text) for word in words)]

    ours = cpu(lambda: [book.search(text) for text in asked]) / len(asked)
    tell(f"address of {count:,} from six letters and a number", ours, cpu(linear, 3) / 5, "a look at each")


def measure_areas(points: int) -> None:
    """In which of 1,177 patches, one around each lamp of the story's town, each of many points lies."""
    known, _ = places.read_all(Path(lamps.__file__).parent)
    chance = np.random.default_rng(3)
    lat, long = chance.uniform(48.40, 48.42, points), chance.uniform(15.59, 15.64, points)
    middles = shapely.MultiPoint([lamp.shape for lamp in known.layers["lamps"].features])
    shapes = list(shapely.voronoi_polygons(middles).geoms)
    areas = Areas([Area(str(n), "") for n in range(len(shapes))], shapes)
    few = points // 100

    def loop() -> None:
        for at in shapely.points(long[:few], lat[:few]):
            next((shape for shape in shapes if shape.covers(at)), None)

    ours, plain = cpu(lambda: areas.of(lat, long)), cpu(loop, 3) * points / few
    tell(f"one of {len(shapes):,} areas for {points:,} points", ours, plain, "one polygon after the other", points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=5000)
    parser.add_argument("--points", type=int, default=20_000)
    given, _ = parser.parse_known_args()
    measure_photos()
    measure_addresses(given.addresses)
    measure_areas(given.points)


if __name__ == "__main__":
    main()
