"""Lists, places and the desk's queue beside a million reports: ours, bare SQL and naive ways, in turns."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

MOST_TIMES, MOST_MS = 3.0, 50.0
PLAIN = (
    "number, open, state, category, description, body, source, notice, status_notes, requested_at, updated_at, "
    "closed_at, due_at, address, address_id, zipcode, lat, long, media_url"
)
Work = Callable[[random.Random], Any]


def in_turns(works: Mapping[str, Work], rounds: int) -> dict[str, tuple[float, float, float]]:
    """Median and p95 in milliseconds and the median of CPU of this process; each round asks all of them for the same, another one first."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for n in range(-1, rounds):
        first = n % len(works)
        for name, work in (*list(works.items())[first:], *list(works.items())[:first]):
            chance, cpu, began = random.Random(n), time.process_time(), time.perf_counter()
            work(chance)
            took[name].append(((time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000))
    found = {}
    for name, times in took.items():
        wall, cpus = sorted(each[0] for each in times[1:]), sorted(each[1] for each in times[1:])
        found[name] = (wall[rounds // 2], wall[max(0, math.ceil(rounds * 0.95) - 1)], cpus[rounds // 2])
    return found


def _said(times: tuple[float, float, float]) -> str:
    return f"{times[0]:6.1f} / {times[1]:6.1f} (CPU {times[2]:.1f})"


# Lists


def _asked() -> dict[str, Callable[[random.Random], dict[str, str]]]:
    now = datetime.now(UTC)

    def dates(chance: random.Random) -> dict[str, str]:
        start = now - timedelta(days=chance.randint(60, 900))
        end = start + timedelta(days=30)
        return {"start_date": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end_date": f"{end:%Y-%m-%dT%H:%M:%SZ}"}

    def box(chance: random.Random) -> dict[str, str]:
        west, south = 15.5 + chance.random() * 0.13, 48.35 + chance.random() * 0.08
        return {"bbox": f"{west},{south},{west + 0.02},{south + 0.015}"}

    def numbers(chance: random.Random) -> dict[str, str]:
        return {"service_request_id": ",".join(str(chance.randint(1, 1_000_000)) for _ in range(50))}

    def since(chance: random.Random) -> dict[str, str]:
        return {"updated_after": f"{now - timedelta(hours=chance.randint(1, 99)):%Y-%m-%dT%H:%M:%SZ}"}

    return {
        "default": lambda _: {},
        "status": lambda _: {"status": "open"},
        "service": lambda _: {"service_code": "street-light"},
        "service and status": lambda _: {"service_code": "street-light", "status": "closed"},
        "a month": dates,
        "open ones of a month": lambda chance: dates(chance) | {"status": "open"},
        "updated since": since,
        "50 ids": numbers,
        "box": box,
        "box, a month": lambda chance: box(chance) | dates(chance),
        "second page": lambda _: {"page": "2"},
        "third page of 100": lambda _: {"page": "3", "page_size": "100"},
    }


def lists(rounds: int) -> list[bool]:
    """Whether each of the lists takes more than three times what bare SQL does, by p95 of the same rounds."""
    from django.db import connection

    plainly = _plainly(connection)
    print(
        f"  {'median / p95 in ms':22}       {'JSON':27} {'XML':27} {'bare SQL':27} times (goal {MOST_TIMES:.0f})",
        flush=True,
    )
    return [_list(name, params, plainly, rounds) for name, params in _asked().items()]


def _list(name: str, params: Callable[[random.Random], dict[str, str]], plainly: Any, rounds: int) -> bool:
    from django.test import RequestFactory

    from amends.reports import lines, queries
    from amends.web.open311 import asking, door

    factory = RequestFactory()

    def ours(chance: random.Random, form: str = "json") -> Any:
        return door.open311(factory.get(f"/open311/v2/requests.{form}", params(chance))).content

    def bare(chance: random.Random) -> Any:
        asked = asking.requests(factory.get("/", params(chance)), datetime.now(UTC))
        where, values = queries.conditions(asked.wanted)
        sql = (
            f"SELECT {PLAIN} FROM reports_reportrow WHERE {' AND '.join(where)} "
            f"ORDER BY {lines.ORDERS[asked.order]} LIMIT %s OFFSET %s"
        )
        return plainly(sql, [*values, asked.page.limit, asked.page.offset])

    def objects(chance: random.Random) -> Any:
        asked = asking.requests(factory.get("/", params(chance)), datetime.now(UTC))
        return queries.search(asked.wanted, order=asked.order, limit=asked.page.limit, offset=asked.page.offset)

    works = {"json": ours, "xml": lambda chance: ours(chance, "xml"), "bare": bare}
    took = in_turns(works, rounds) | in_turns({"objects": objects}, max(5, rounds // 6))
    times = took["json"][1] / took["bare"][1]
    print(
        f"  {name:22} {len(bare(random.Random(0))):5} {_said(took['json'])} {_said(took['xml'])} {_said(took['bare'])} "
        f"JSON {times:.2f}, XML {took['xml'][1] / took['bare'][1]:.2f}; row objects alone {took['objects'][0]:.0f} ms",
        flush=True,
    )
    return times > MOST_TIMES


def _plainly(connection: Any) -> Callable[[str, list[Any]], list[Any]]:
    """A cursor of the driver itself; SQLite's gives moments as the text that they are."""
    if connection.vendor == "sqlite":
        import sqlite3

        own = sqlite3.connect(connection.settings_dict["NAME"])
        return lambda sql, values: own.execute(sql.replace("%s", "?"), values).fetchall()
    connection.ensure_connection()
    return lambda sql, values: connection.connection.execute(sql, values).fetchall()


# Places


def places(rounds: int) -> list[bool]:
    """Whether the search for duplicates and the map take longer than they may, by p95."""
    from amends.reports import queries

    def near(chance: random.Random, open_: bool | None = True, metres: float = 250.0) -> Any:
        return queries.nearby(48.36 + chance.random() * 0.08, 15.51 + chance.random() * 0.13, metres, open=open_)

    works: dict[str, tuple[Work, Work | None]] = {
        "open ones within 250 m": (near, lambda chance: _all_measured(chance, "open AND")),
        "all within 250 m": (lambda chance: near(chance, None), lambda chance: _all_measured(chance, "")),
    }
    for zoom in (10, 12, 14, 16, 17, 18):
        works[f"clusters at zoom {zoom}"] = (_seen(zoom), _all_grouped(zoom))
        works[f"open ones at zoom {zoom}"] = (_seen(zoom, True), None)
    return [_place(name, work, naive, rounds) for name, (work, naive) in works.items()]


def _place(name: str, work: Work, naive: Work | None, rounds: int) -> bool:
    ours = in_turns({"": work}, rounds)[""]
    said = f"  {name:24} {len(work(random.Random(0))):5} found: {_said(ours)} ms (goal {MOST_MS:.0f})"
    if naive is not None:
        plain = in_turns({"": naive}, 3)[""]
        said += f"; every report looked at {plain[0]:.0f} ms, {plain[0] / ours[0]:.0f} times"
    print(said, flush=True)
    return ours[1] > MOST_MS


def _screen(chance: random.Random, zoom: int) -> tuple[float, float, float, float]:
    """What a screen of 1280 by 768 shows."""
    wide, high = 360 / 2**zoom * 5, 360 / 2**zoom * 3 * 0.66
    west, south = 15.5 + chance.random() * max(0.0, 0.15 - wide), 48.35 + chance.random() * max(0.0, 0.1 - high)
    return west, south, west + wide, south + high


def _seen(zoom: int, open_: bool | None = None) -> Work:
    from amends.reports import clusters
    from amends.reports.records import Filter

    return lambda chance: clusters.clusters(_screen(chance, zoom), zoom, Filter(open=open_))


def _all_measured(chance: random.Random, condition: str) -> Any:
    """The great-circle distance to every report, as one would write it first."""
    from django.db import connection

    lat, long = 48.36 + chance.random() * 0.08, 15.51 + chance.random() * 0.13
    away = (
        "2 * 6371000 * ASIN(SQRT(POWER(SIN(RADIANS(lat - %s) / 2), 2) "
        "+ COS(RADIANS(lat)) * COS(RADIANS(%s)) * POWER(SIN(RADIANS(long - %s) / 2), 2)))"
    )
    sql = f"SELECT * FROM (SELECT number, {away} AS away FROM reports_reportrow WHERE {condition} visible) AS measured"
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} WHERE away <= 250 ORDER BY away LIMIT 20", [lat, lat, long])
        return cursor.fetchall()


def _all_grouped(zoom: int) -> Work:
    """The reports in sight grouped as they lie, without the cells and without an index of places."""
    from django.db import connection

    from amends.reports import clusters

    def work(chance: random.Random) -> Any:
        west, south, east, north = _screen(chance, zoom)
        x, y = clusters._x(clusters.level_of(zoom)), clusters._y(clusters.level_of(zoom))
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT AVG(lat), AVG(long), COUNT(*) FROM reports_reportrow WHERE visible AND long >= %s AND long <= %s "
                f"AND lat >= %s AND lat <= %s GROUP BY {x}, {y}",
                [west, east, south, north],
            )
            return cursor.fetchall()

    return work


# The desk


def queue(rounds: int) -> list[bool]:
    """Whether the desk's queue takes longer than it may, by p95."""
    from amends.reports import queueing

    now = datetime.now(UTC)
    works: dict[str, Work] = {
        "queue, first page": lambda _: queueing.page(queueing.Queue(), now, 51),
        "queue, its counts": lambda _: [queueing.counts(queueing.Queue(), now)],
        "queue, to choose from": lambda _: queueing.values(),
        "queue, at risk": lambda _: queueing.page(queueing.Queue(standing=queueing.Standing.AT_RISK), now, 51),
    }
    return [_place(name, work, None, rounds) for name, work in works.items()]
