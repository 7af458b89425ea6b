"""A seeded evening without television: who was trying, who saw nothing of it, and of whom nobody can tell."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from amends.ground.moments import to_ms
from amends.scenarios import playing
from amends.scenarios.people import event, person

SOURCE = "demo/television"
ZONE = ZoneInfo("Europe/Vienna")
COMPONENT = "live-tv"
GONE_AT, BACK_AT = (20, 12), (21, 47)  # by the clock on the wall, yesterday
SHOWS = ("The Evening News", "Tatort Krems", "A Quiz for Two", "The Late Match", "Nachtstudio")
MINUTE = 60_000
EAST = (
    *(["nothing"] * 54 + ["tried"] * 27 + ["cut off"] * 8 + ["through"] * 5 + ["before"] * 4),
    *(["tried once"] * 2),
)
States = tuple[tuple[int, str], ...]
TRYING = ("tried", "tried once", "cut off")


@dataclass(frozen=True)
class Session:
    """One attempt to watch: (ms since it began, CMCD state)."""

    session_id: str
    customer_id: str
    title: str
    began_ms: int
    states: States


@dataclass
class World:
    """Customers, what serves them, what they did that evening, and what the story knows of them."""

    gone_ms: int
    back_ms: int
    customers: list[dict[str, Any]] = field(default_factory=list)
    served: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    truth: dict[str, str] = field(default_factory=dict)  # customer -> what they did; only those of the east


def yesterday(now_ms: int) -> tuple[int, int]:
    """When it was gone and back, in Unix ms: on the evening before this moment."""
    day = datetime.fromtimestamp(now_ms / 1000, ZONE).date() - timedelta(days=1)
    gone, back = (datetime(day.year, day.month, day.day, *clock, tzinfo=ZONE) for clock in (GONE_AT, BACK_AT))
    return to_ms(gone.astimezone(UTC)), to_ms(back.astimezone(UTC))


def make(seed: int, customers: int, now_ms: int) -> World:
    """The evening before `now_ms`; the same for the same seed but for the day."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    world = World(*yesterday(now_ms))
    for number in range(customers):
        _add(world, chance, number)
    return world


def _add(world: World, chance: random.Random, number: int) -> None:
    who = person(chance, number, "household")
    reach = chance.random()
    if reach < 0.01:
        who["email"] = ""
    elif reach < 0.02:
        who["contact"] = {"mail": False}
    area = "east" if chance.random() < 0.6 else "west"
    serves = {"customer_id": who["customer_id"], "component": COMPONENT, "area": area, "customer_class": "home"}
    kind = chance.choice(EAST)
    if area == "east" and chance.random() < 0.01:
        serves["ended_at"] = datetime.fromtimestamp(world.gone_ms / 1000 - 86_400 * 9, UTC).isoformat()
        kind = "moved away"
    world.customers.append(who)
    world.served.append(serves)
    if area == "east":
        world.truth[who["customer_id"]] = kind
    elif kind != "nothing":
        kind = "through"
    _live(world, chance, who["customer_id"], kind)


def _live(world: World, chance: random.Random, customer_id: str, kind: str) -> None:
    """The evening of one household, as their player saw it."""
    length = world.back_ms - world.gone_ms
    if kind in ("tried", "tried once"):
        tries = 1 if kind == "tried once" else chance.randrange(2, 5)
        for at in sorted(chance.sample(range(MINUTE, length - 2 * MINUTE), tries)):
            waited = chance.randrange(4000, 12_000)
            _watch(world, chance, customer_id, world.gone_ms + at, ((0, "s"), (600, "r"), (600 + waited, "f")))
    elif kind == "cut off":
        since = chance.randrange(5 * MINUTE, 60 * MINUTE)
        stood = since + chance.randrange(2000, 30_000)
        states: States = ((0, "s"), (900, "p"), (stood, "r"), (stood + chance.randrange(20_000, 60_000), "f"))
        _watch(world, chance, customer_id, world.gone_ms - since, states)
    elif kind == "through":
        since = chance.randrange(15 * MINUTE, 40 * MINUTE)
        until = since + length + chance.randrange(5 * MINUTE, 30 * MINUTE)
        _watch(world, chance, customer_id, world.gone_ms - since, ((0, "s"), (800, "p"), (until, "e")))
    elif kind == "before":
        since = chance.randrange(60 * MINUTE, 120 * MINUTE)
        states = ((0, "s"), (700, "p"), (since - chance.randrange(5 * MINUTE, 30 * MINUTE), "e"))
        _watch(world, chance, customer_id, world.gone_ms - since, states)


def _watch(world: World, chance: random.Random, customer_id: str, began_ms: int, states: States) -> None:
    session_id = f"tv-{len(world.sessions):06d}"
    world.sessions.append(Session(session_id, customer_id, chance.choice(SHOWS), began_ms, states))


def events(world: World) -> Iterator[dict[str, Any]]:
    """Customers, what serves them, and who watched what."""
    for who, serves in zip(world.customers, world.served, strict=True):
        yield event(SOURCE, f"customer/{who['customer_id']}", "com.amends.customer.upserted", who)
        yield event(SOURCE, f"served/{who['customer_id']}", "com.amends.customer.served", serves)
    for session in world.sessions:
        data = {"session_id": session.session_id, "customer_id": session.customer_id, "title": session.title}
        data |= {"product": "subscription"}
        yield event(SOURCE, f"playback/{session.session_id}", "com.amends.playback.started", data, session.began_ms)


def log(world: World) -> list[str]:
    """What an edge server wrote down that evening of what the players reported, in the order in which it came."""
    timed: list[tuple[int, str]] = []
    for session in world.sessions:
        bitrates = [(session.states[1][0], 2601)]
        timed += playing.log(session.session_id, session.title, session.began_ms, session.states, bitrates)
    return [line for _, line in sorted(timed)]


def tellings(world: World) -> list[dict[str, Any]]:
    """What monitoring says of it: its end first, its start twice, by two monitors that do not agree to the second."""
    place = {"component": COMPONENT, "area": "east"}
    cause = {"cause": "the storage of the eastern head-end failed, and its spare did not take over"}
    return [
        event(f"{SOURCE}/probe", "gone/1/end", "com.amends.outage.ended", place, world.back_ms),
        event(f"{SOURCE}/network", "east/7", "com.amends.outage.started", place | cause, world.gone_ms + 41_000),
        event(f"{SOURCE}/probe", "gone/1", "com.amends.outage.started", place, world.gone_ms),
    ]
