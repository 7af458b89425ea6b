"""Krems on a real server of its own, for browsers; and what that server has stored."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.reports.town import CALENDAR, PROMISES
from tests.web.report.krems import CATEGORIES, PLACES, lamp

SETTINGS = """\
[company]
name = "Town of Krems"
contact_email = "works@krems.example"
emergency_phone = "112"
locale = "en"
time_zone = "Europe/Vienna"
currency = "EUR"
[mail]
sender = "Town of Krems <works@krems.example>"
[map]
lat = 48.4130
long = 15.6423
zoom = 16
bounds = "15.57,48.365,15.70,48.44"
"""


@dataclass(frozen=True)
class Town:
    url: str
    place: Path

    def stored(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.place / "var" / "amends.sqlite3")) as opened:
            return opened.execute(sql, values).fetchall()

    def report(self, form: str, **more: Any) -> dict[str, Any]:
        """Report a lamp as a program does; what it is told."""
        sent = httpx.post(f"{self.url}/report", data=lamp(form=form, **more), headers={"Accept": "application/json"})
        told: dict[str, Any] = sent.raise_for_status().json()
        return told


@contextmanager
def serving(place: Path) -> Iterator[Town]:
    files = {"amends.toml": SETTINGS, "categories.yaml": CATEGORIES}
    files |= {"calendars/works.yaml": CALENDAR, "promises/mended.yaml": PROMISES}
    files |= {f"places/{one.name}": one.read_text("utf-8") for one in PLACES.iterdir() if one.name.endswith(".geojson")}
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    outside = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    environment = outside | {"AMENDS_PUBLIC_URL": url}
    amends = [sys.executable, "-m", "amends"]
    subprocess.run([*amends, "migrate", "--dir", str(place)], env=environment, check=True, capture_output=True)
    command = [*amends, "web", "--dir", str(place), "--port", str(port), "--processes", "1"]
    with (place / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait(url, place)
        yield Town(url, place)
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, place: Path) -> None:
    for _ in range(200):
        try:
            if httpx.get(f"{url}/report").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError((place / "log").read_text())
