"""How long rules of routing take over a year's reports: columns against one report at a time, in one run."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from amends.promises.calendars import WorkCalendar
from amends.reports.layers import Feature, Layer
from amends.reports.places import Places
from amends.reports.routing import Asked, Router
from amends.reports.routing_rules import InArea, InPolygon, OnRoad, Routing, Rule

ZONE = ZoneInfo("Europe/Vienna")
START = datetime(2026, 1, 1, tzinfo=UTC)


def town(chance: np.random.Generator) -> Router:
    """400 areas, 5,000 roads, 30 rules."""
    squares = [
        shapely.box(15 + n % 20 / 20, 48 + n // 20 / 20, 15.05 + n % 20 / 20, 48.05 + n // 20 / 20) for n in range(400)
    ]
    areas = [Feature(str(n), {"code": f"a{n}"}, square) for n, square in enumerate(squares)]
    ends = chance.uniform((15, 48), (16, 49), (5000, 2))
    roads = [shapely.LineString([end, end + chance.normal(0, 0.005, 2)]) for end in ends]
    streets = [Feature(str(n), {"owner": ("state", "town")[n % 2]}, road) for n, road in enumerate(roads)]
    works = WorkCalendar(
        "works",
        ZONE,
        dict.fromkeys(range(5), ((datetime.min.time().replace(hour=8), datetime.min.time().replace(hour=18)),)),
    )
    rules = [Rule(f"area {n}", "b1", "c", frozenset({"c1"}), where=InArea(frozenset({f"a{n}"}), 50)) for n in range(27)]
    polygon = InPolygon(shapely.to_geojson(shapely.box(15.2, 48.2, 15.4, 48.4)))
    rules += [
        Rule("polygon", "b2", where=polygon),
        Rule("road", "b3", where=OnRoad(frozenset({"state"}))),
        Rule("night", "b4", closed="works"),
    ]
    places = Places([Layer("areas", areas), Layer("streets", streets)])
    return Router(Routing(tuple(rules)), places, {"works": works}, ZONE)


def main(reports: int) -> None:
    chance = np.random.default_rng(1)
    router = town(chance)
    rows = [
        (f"c{n % 4}", "", float(lat), float(long), START + timedelta(minutes=5 * n))
        for n, (long, lat) in enumerate(chance.uniform((15, 48), (16, 49), (reports, 2)))
    ]
    bodies = {f"c{n}": "b0" for n in range(4)}
    began = time.perf_counter()
    together = router.ways(Asked.many(rows), bodies)
    columns_s = time.perf_counter() - began
    some = rows[:: max(1, reports // 500)]
    began = time.perf_counter()
    singly = [router.ways(Asked.many([row]), bodies)[0] for row in some]
    singly_s = (time.perf_counter() - began) / len(some) * reports
    assert singly == together[:: max(1, reports // 500)]
    print(
        f"{reports:,} reports, 30 rules: columns {columns_s:.2f} s, one at a time {singly_s:.1f} s, ratio {singly_s / columns_s:.0f}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
