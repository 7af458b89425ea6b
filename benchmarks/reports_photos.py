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
from pathlib import Path
from typing import Any

LEAST, PORT, SENDERS = 50, 8399, 8
SIZES = ((4000, 3000), (2048, 1536))


def photos(count: int) -> int:
    """1 where one of the sizes is taken more slowly than it should be."""
    import httpx

    from amends.scenarios import towns

    key, failed = towns.prepare("conformance-town", datetime.now(UTC)), 0
    for size in SIZES:
        command = [sys.executable, "-m", "amends", "serve", "--dir", os.environ["AMENDS_DIR"], "--port", str(PORT)]
        before = _children_s()
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=60) as wire:
                _wait(wire)
                picture = _picture(*size)
                _send(wire, key, picture, 16)
                own = time.process_time()
                rate = _send(wire, key, picture, count)
                own = (time.process_time() - own) / count * 1000
                left = _until_made()
        finally:
            server.terminate()
            server.wait(30)
        spent = (_children_s() - before) / (count + 16) * 1000
        failed |= rate < LEAST
        print(
            f"  with a photo of {size[0] * size[1] / 1e6:.0f} megapixels ({len(picture) / 1e6:.1f} MB): {rate:.0f}/s "
            f"(target {LEAST}); the last is made anew {left:.1f} s later; CPU a report, start-up included: server and "
            f"worker {spent:.0f} ms, sender {own:.0f} ms",
            flush=True,
        )
    return int(failed)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _until_made() -> float:
    began = time.perf_counter()
    waiting = Path(os.environ["AMENDS_DIR"]) / "var" / "photos" / "incoming"
    while waiting.exists() and any(waiting.iterdir()):
        time.sleep(0.05)
    return time.perf_counter() - began


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
