"""Reports with a photo, sent to a real server by eight senders on the same cores: how many a second it answers."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

LEAST, PORT, SENDERS = 50, 8399, 8
SIZES = ((4000, 3000), (2048, 1536))


def photos(count: int) -> int:
    """How many of the sizes are taken more slowly than they should be."""
    import httpx

    from amends.reports import album
    from amends.scenarios import towns

    key, failed = towns.prepare("conformance-town", datetime.now(UTC)), 0
    for size in SIZES:
        picture = _picture(*size)
        idle, _, _ = _taken(httpx, key, picture, 0)
        spent, own, rate = _taken(httpx, key, picture, count)
        door = (spent - idle) / count * 1000
        began, made = time.process_time(), 0
        while done := album.make_waiting(datetime.now(UTC)):
            made += done
        later = (time.process_time() - began) / max(1, made) * 1000
        failed += rate < LEAST
        print(
            f"  with a photo of {size[0] * size[1] / 1e6:.0f} megapixels ({len(picture) / 1e6:.1f} MB): {rate:.0f}/s "
            f"(goal {LEAST}); CPU a report: server {door:.1f} ms, sender {own:.1f} ms: two cores could "
            f"{2000 / (door + own):.0f}/s; the photo made anew later: {later:.1f} ms",
            flush=True,
        )
    return failed


def _taken(httpx: Any, key: str, picture: bytes, count: int) -> tuple[float, float, float]:
    """CPU seconds of a server that is started for it, CPU milliseconds of the sender for each, and how many a second."""
    command = [sys.executable, "-m", "amends", "web", "--dir", os.environ["AMENDS_DIR"], "--port", str(PORT)]
    before, own, rate = _children_s(), 0.0, 0.0
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as wire:
            _wait(wire)
            _send(wire, key, picture, 8)
            if count:
                own = time.process_time()
                rate = _send(wire, key, picture, count)
                own = (time.process_time() - own) / count * 1000
    finally:
        server.terminate()
        server.wait(30)
    return _children_s() - before, own, rate


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait(wire: Any) -> None:
    import httpx

    for _ in range(200):
        try:
            if wire.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)


def _send(wire: Any, key: str, picture: bytes, count: int) -> float:
    def one(n: int) -> int:
        data = {"api_key": key, "service_code": "pothole", "lat": "48.4", "long": "15.6", "description": f"photo {n}"}
        return int(wire.post("/open311/v2/requests.json", data=data, files={"media": ("a.jpg", picture)}).status_code)

    began = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as many:
        assert set(many.map(one, range(count))) == {200}
    return count / (time.perf_counter() - began)


def _picture(width: int, height: int) -> bytes:
    """Noise under a gradient: as hard to read as what a camera sees."""
    from PIL import Image

    small = Image.effect_noise((width // 8, height // 8), 60).resize((width, height))
    picture = Image.merge(
        "RGB", (small, small.rotate(90).resize((width, height)), Image.linear_gradient("L").resize((width, height)))
    )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
