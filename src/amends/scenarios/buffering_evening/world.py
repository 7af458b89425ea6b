"""A seeded evening of films: who watched what, what their players reported, and what is true of each."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from amends.scenarios import playing
from amends.scenarios.people import event, person

SOURCE = "demo/streaming"
FILMS = (
    *("The Long Way Down", "Nachtzug nach Krems", "A Lamp at the End of the Street", "Winter Harbour", "Zwei Flüsse"),
    *("The Cartographer's Daughter", "Stillstand", "Paper Boats", "Der letzte Sommergast", "Northern Lines"),
)
RENTALS = (299, 399, 499)
RUNGS = (351, 901, 2601)
KINDS = (
    *(["clean"] * 70 + ["seek"] * 6 + ["pause"] * 8 + ["short stall"] * 5 + ["stalls"] * 6),
    *(["never started"] * 2 + ["stopped"] * 2 + ["left"] * 1),
)
SPOILED = ("stalls", "never started", "stopped", "left")  # who left had waited 26 s and more for the first picture


@dataclass
class Session:
    """One evening's viewing: whose it is, what it is, and what really happened to it."""

    session_id: str
    customer_id: str
    title: str
    product: str
    price_minor: int | None
    kind: str
    began_ms: int
    states: list[tuple[int, str]] = field(default_factory=list)  # (ms since began, CMCD state)
    bitrates: list[tuple[int, int]] = field(default_factory=list)
    ended_ms: int = 0

    @property
    def spoiled(self) -> bool:
        return self.kind in SPOILED


@dataclass
class World:
    """Customers and sessions; the same for the same seed, but for when it ends."""

    customers: list[dict[str, Any]]
    sessions: list[Session]


def by_customer(evening: World) -> Iterator[list[Session]]:
    """Each customer's sessions in their order. Told in one breath, they are nearly always decided so.

    Apart, a second spoiled film may be decided as the first one, and what it brings is out before the other is known;
    a busy machine may still decide the later one first (`[or]` in expected.toml).
    """
    ordered = sorted(evening.sessions, key=lambda session: (session.customer_id, session.began_ms))
    return (list(found) for _, found in groupby(ordered, attrgetter("customer_id")))


def make(seed: int, sessions: int, ends_ms: int) -> World:
    """An evening that ends at `ends_ms` (Unix ms): a few thousand sessions of half as many customers."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    customers = [person(chance, number, "viewer") for number in range(max(1, sessions * 2 // 3))]
    made = [_session(chance, number, customers, ends_ms) for number in range(sessions)]
    return World(customers, made)


def _session(chance: random.Random, number: int, customers: list[dict[str, Any]], ends_ms: int) -> Session:
    rental = chance.random() < 0.55
    kind = chance.choice(KINDS)
    owner = (
        customers[min(int(chance.paretovariate(1.1)) - 1, len(customers) - 1)]
        if chance.random() < 0.02
        else chance.choice(customers)
    )
    session = Session(
        session_id=f"evening-{number:06d}",
        customer_id=owner["customer_id"],
        title=chance.choice(FILMS),
        product="rental" if rental else "subscription",
        price_minor=chance.choice(RENTALS) if rental else None,
        kind=kind,
        began_ms=0,
    )
    _live(chance, session)
    session.began_ms = ends_ms - session.ended_ms - chance.randrange(0, 3_600_000)
    return session


def _live(chance: random.Random, session: Session) -> None:
    """Let the session happen: states as a player reports them, in ms since it was asked for."""
    at = chance.randrange(300, 2500)
    session.states = [(0, "s")]
    session.bitrates = [(at, chance.choice(RUNGS))]
    if session.kind == "never started":
        session.states += [(at, "r"), (at + chance.randrange(3000, 9000), "f")]
    elif session.kind == "left":
        session.states += [(at, "r")]
        at += chance.randrange(26_000, 50_000)
        session.states += [(at, "q")]
    else:
        at = _play(chance, session, at)
    session.ended_ms = max(at, session.states[-1][0]) + 200


def _play(chance: random.Random, session: Session, at: int) -> int:
    session.states.append((at, "p"))
    pieces = {"stalls": chance.randrange(4, 12), "short stall": 1, "seek": 2, "pause": 1}.get(session.kind, 0)
    for _ in range(pieces):
        at += chance.randrange(20_000, 90_000)
        if session.kind == "seek":
            session.states += [(at, "k"), (at + 120, "r"), (at + 500, "p")]
            at += 500
        elif session.kind == "pause":
            session.states += [(at, "a"), (at + (length := chance.randrange(5_000, 600_000)), "p")]
            at += length
        else:
            length = chance.randrange(9_000, 40_000) if session.kind == "stalls" else chance.randrange(400, 2_500)
            session.states += [(at, "r"), (at + length, "p")]
            session.bitrates.append((at + length, chance.choice(RUNGS)))
            at += length
    at += chance.randrange(60_000, 300_000)
    session.states.append((at, "f" if session.kind == "stopped" else "e"))
    return at


def events(world: World) -> Iterator[dict[str, Any]]:
    """The evening as CloudEvents: customers first, then who watched what."""
    for customer in world.customers:
        yield _event(f"customer/{customer['customer_id']}", "com.amends.customer.upserted", customer, None)
    for session in world.sessions:
        data: dict[str, Any] = {
            "session_id": session.session_id,
            "customer_id": session.customer_id,
            "title": session.title,
            "product": session.product,
        }
        if session.price_minor is not None:
            paid = {"price_minor": session.price_minor, "currency": "EUR", "payment_ref": f"pay-{session.session_id}"}
            data |= paid | {"order_id": f"order-{session.session_id}"}
        yield _event(f"playback/{session.session_id}", "com.amends.playback.started", data, session.began_ms)


def _event(event_id: str, type_: str, data: dict[str, Any], at_ms: int | None) -> dict[str, Any]:
    return event(SOURCE, event_id, type_, data, at_ms)


def reports(session: Session) -> Iterator[str]:
    """What the player of one session sends."""
    return playing.reports(session.session_id, session.title, session.began_ms, session.states, session.bitrates)


def playback_of_traces(began: dict[str, str]) -> list[dict[str, Any]]:
    """Whose the recorded sessions of real players are, in this story: trace name -> session id."""
    return [
        _event(
            f"playback/{session_id}",
            "com.amends.playback.started",
            {
                "session_id": session_id,
                "customer_id": f"real-{name}",
                "title": f"Sixty Seconds ({name})",
                "product": "rental",
                "price_minor": 499,
                "currency": "EUR",
                "payment_ref": f"pay-{name}",
            },
            None,
        )
        for name, session_id in began.items()
    ]


def customers_of_traces(names: list[str]) -> list[dict[str, Any]]:
    return [
        _event(
            f"customer/real-{name}",
            "com.amends.customer.upserted",
            {
                "customer_id": f"real-{name}",
                "name": f"Viewer of {name}",
                "email": f"{name}@viewers.example",
                "locale": "en",
            },
            None,
        )
        for name in names
    ]


def shifted(lines: list[str], ends_s: float) -> tuple[str, list[str]]:
    """A recorded trace moved in time so that it ends at `ends_s`; its session id and its lines."""
    records = [json.loads(line) for line in lines]
    shift = ends_s - records[-1]["t"]
    shift_ms = round(shift * 1000)
    session_id = ""
    for record in records:
        record["t"] += shift
        if record.get("body"):
            record["body"] = _shift_ts(record["body"], shift_ms)
        text = str(record.get("query") or record.get("body") or record.get("headers"))
        session_id = session_id or (text.split('sid="')[1].split('"')[0] if 'sid="' in text else "")
    return session_id, [json.dumps(record) for record in records]


def _shift_ts(body: str, shift_ms: int) -> str:
    """The player's clock, moved along."""
    head, _, rest = body.partition(",ts=")
    if not rest:
        return body
    digits, _, tail = rest.partition(",")
    return f"{head},ts={int(digits.strip()) + shift_ms}" + (f",{tail}" if tail else "")
