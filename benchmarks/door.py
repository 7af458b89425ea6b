"""POST /v1/signals, 1,000 playbacks a batch, fsync included, against typed decoding of the same bytes on one core."""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

BATCH, ROUNDS, ROUND, SENDERS, TARGET = 1000, 400, 40, 8, 0.40


def body(number: int) -> bytes:
    return json.dumps([_event(number * BATCH + at) for at in range(BATCH)], separators=(",", ":")).encode()


def _event(number: int) -> dict[str, Any]:
    data = {
        "session_id": f"session-{number:012d}",
        "customer_id": f"customer-{number % 5000}",
        "title": "The Long Film",
    }
    data |= {"product": "rental", "order_id": f"o-{number}", "price_minor": 499, "currency": "EUR"}
    head = {"id": f"event-{number:012d}", "source": "https://shop.example.org", "specversion": "1.0"}
    return head | {"type": "com.amends.playback.started", "time": "2026-11-20T20:15:00Z", "data": data}


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        os.environ |= {"AMENDS_DIR": directory, "DJANGO_SETTINGS_MODULE": "amends.settings"}
        key = _prepare()
        bodies = [body(number) for number in range(ROUNDS)]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-c", f"from amends.web.server import run; run('127.0.0.1', {port})"]
        )
        try:
            return _compare(bodies, port, key)
        finally:
            server.terminate()
            server.wait(30)


def _prepare() -> str:
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.AMENDS.var.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    from datetime import UTC, datetime

    from amends.signals import steps

    return steps.create_key("benchmark", ["signals:write"], datetime.now(UTC))


def _compare(bodies: list[bytes], port: int, key: str) -> int:
    """Rounds of decoding and posting take turns, so that a busy machine is busy for both."""
    from amends.signals.types import MANY

    doors, decoding, posting = [_connect(port) for _ in range(SENDERS)], [], []
    with ThreadPoolExecutor(SENDERS) as pool:
        for start in range(0, ROUNDS, ROUND):
            part = bodies[start : start + ROUND]
            began = time.perf_counter()
            for data in part:
                MANY.decode(data)
            decoding.append((time.perf_counter() - began) / ROUND)
            began = time.perf_counter()
            list(pool.map(_post, doors, [part[at::SENDERS] for at in range(SENDERS)], [key] * SENDERS))
            posting.append((time.perf_counter() - began) / ROUND)
    decode_s, post_s = statistics.median(decoding), statistics.median(posting)
    ratio = decode_s / post_s
    print(f"decode {BATCH / decode_s:,.0f}/s  door {BATCH / post_s:,.0f}/s  ratio {ratio:.2f}  (target {TARGET:.2f})")
    return 0 if ratio >= TARGET else 1


def _post(door: http.client.HTTPConnection, bodies: list[bytes], key: str) -> None:
    for data in bodies:
        head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        door.request("POST", "/v1/signals", data, head)
        answer = door.getresponse()
        answer.read()
        if answer.status != 202:
            raise SystemExit(f"the door answered {answer.status}")


def _connect(port: int) -> http.client.HTTPConnection:
    for _ in range(200):
        try:
            door = http.client.HTTPConnection("127.0.0.1", port)
            door.connect()
            return door
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    raise SystemExit(main())
