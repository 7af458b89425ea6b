"""A seeded storm over three districts: who is fed by which line, and when each line was back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from amends.ground.moments import to_ms
from amends.scenarios.people import event, person

SOURCE = "demo/grid"
ZONE = ZoneInfo("Europe/London")
PROMISE = "power-stays-on"
STRUCK_AT = (16, 40)  # on the wall clock, six days ago
DAYS_AGO = 6
SPEAKING = ("en-GB", "en-GB")
PER_MILLE_SHOPS = 40


@dataclass(frozen=True)
class Line:
    """One line, the district it feeds, the weather as the standard sorts it, and how long it was down."""

    component: str
    area: str
    weather: str
    down_min: int
    share: float  # of all homes


LINES = (
    Line("line-1", "moor", "category2", 68 * 60 + 20, 0.225),
    Line("line-4", "coast", "category1", 31 * 60 + 5, 0.350),
    Line("line-5", "coast", "category1", 23 * 60 + 15, 0.125),
    Line("line-8", "town", "normal", 13 * 60 + 10, 0.300),
)


@dataclass
class World:
    struck_ms: int
    customers: list[dict[str, Any]] = field(default_factory=list)
    served: list[dict[str, Any]] = field(default_factory=list)


def struck_ms(now_ms: int) -> int:
    """When the storm took the lines down, in Unix ms."""
    day = datetime.fromtimestamp(now_ms / 1000, ZONE).date() - timedelta(days=DAYS_AGO)
    return to_ms(datetime(day.year, day.month, day.day, *STRUCK_AT, tzinfo=ZONE).astimezone(UTC))


def make(seed: int, homes: int, now_ms: int) -> World:
    """Homes and shops under the storm; the same for the same seed but for the day."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    world = World(struck_ms(now_ms))
    for line in LINES:
        fed = round(homes * line.share)
        for _ in range(fed):
            _add(world, chance, line, "home")
        for _ in range(fed * PER_MILLE_SHOPS // 1000):
            _add(world, chance, line, "shop")
    return world


def _add(world: World, chance: random.Random, line: Line, kind: str) -> None:
    who = person(chance, len(world.customers), kind, zone="Europe/London", speaking=SPEAKING)
    if chance.random() < 0.02:
        who["email"] = ""
    world.customers.append(who)
    serves = {"customer_id": who["customer_id"], "component": line.component, "area": line.area}
    serves["customer_class"] = "home" if kind == "home" else "business"
    world.served.append(serves)


def events(world: World) -> Iterator[dict[str, Any]]:
    """Customers, and which line feeds each."""
    for who, serves in zip(world.customers, world.served, strict=True):
        yield event(SOURCE, f"customer/{who['customer_id']}", "com.amends.customer.upserted", who)
        yield event(SOURCE, f"served/{who['customer_id']}", "com.amends.customer.served", serves)


def tellings(world: World) -> Iterator[dict[str, Any]]:
    """What the control room says: each line down, and each back in its own time."""
    for line in LINES:
        place = {"component": line.component, "area": line.area, "promise": PROMISE, "weather": line.weather}
        place["cause"] = "the storm brought trees onto the line"
        back_ms = world.struck_ms + line.down_min * 60_000
        yield event(SOURCE, f"{line.component}/down", "com.amends.outage.started", place, world.struck_ms)
        yield event(SOURCE, f"{line.component}/up", "com.amends.outage.ended", place, back_ms)
