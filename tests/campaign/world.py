"""A small evening in which every kind of end occurs, and the rude ways in which it is told to us."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.campaign.billing import REFUSED
from tests.campaign.mailbox import GONE

Event = dict[str, Any]
SOURCE = "campaign"
BATCH = 4
CROWD = 1000
PRICES = ((499, "EUR"), (1299, "EUR"), (350, "USD"), (1200, "JPY"), (2750, "KWD"), (333, "GBP"))
KINDS = (
    *("refund",) * 21,
    *("credit",) * 8,
    *("apology",) * 3,
    *("claimed",) * 2,
    *("large",) * 2,
    *("no-policy",) * 2,
    *("closed-account",) * 2,
    *("gone",) * 2,
    *("again",) * 2,
)


@dataclass(frozen=True)
class Parcel:
    """One request a sender will make, again and again until it is answered; `after_s` from the start of the round."""

    body: bytes
    events: tuple[tuple[str, str], ...]  # (source, id) of what should be kept
    poison: int = 0  # so many of its events cannot be read
    after_s: float = 0.0


@dataclass
class World:
    """Customers and failures, the same for a seed on the same day."""

    seed: int
    customers: list[Event] = field(default_factory=list)
    earlier: list[Event] = field(
        default_factory=list
    )  # told before all else: whether it is the second time must be known
    failures: list[Event] = field(default_factory=list)
    pairs: list[Event] = field(default_factory=list)  # first and second time, told in one breath: the order decides
    crowd: list[Event] = field(default_factory=list)


def world(seed: int, day: datetime | None = None) -> World:
    """Two days ago, so that no jump of a clock makes it the future."""
    chance, made = random.Random(seed), World(seed)
    day = (day or datetime.now(UTC)).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    for number, kind in enumerate(chance.sample(KINDS, len(KINDS))):
        customer = f"c{seed}-{number:02d}"
        mail = f"{GONE if kind == 'gone' else ''}{customer}@viewers.example"
        locale = chance.choice(("en", "de"))
        data = {"customer_id": customer, "name": f"Viewer {number}", "email": mail, "locale": locale}
        made.customers.append(_event("customer.upserted", f"customer-{number}", data))
        told = _failure(chance, kind, customer, number, day + timedelta(minutes=number))
        event = _event("failure.observed", f"failure-{number}", told)
        if kind == "again":
            made.pairs += [_earlier(told, number, day), event]
        else:
            made.failures.append(event)
    for number in range(CROWD - 1):
        told = {"customer_id": f"x{number}", "kind": "spent", "value": float(number), "at": day.isoformat()}
        made.crowd.append(_event("outcome.observed", f"crowd-{number}", told))
    return made


def _failure(chance: random.Random, kind: str, customer: str, number: int, at: datetime) -> Event:
    minor, currency = chance.choice(PRICES[:3] if kind == "credit" else PRICES)
    prefix = REFUSED if kind == "closed-account" else "pay"
    data: Event = {
        "customer_id": customer,
        "promise": "parcel-arrives" if kind == "no-policy" else "film-plays",
        "subject": f"s-{number}",
        "started_at": at.isoformat(),
        "severity": "minor" if kind == "apology" else "severe",
        "used_anyway": kind == "credit",
        "price_minor": 990_000 if kind == "large" else minor,
        "currency": currency,
        "payment_ref": f"{prefix}-{number}",
        "facts": {"title": f"Film {number}"},
    }
    return data | ({"evidence": "claimed"} if kind == "claimed" else {})


def _earlier(told: Event, number: int, day: datetime) -> Event:
    """The first time: nine days before, slight, and nothing was paid for it."""
    data = {name: told[name] for name in ("customer_id", "promise")}
    data |= {"subject": f"earlier-{number}", "started_at": (day - timedelta(days=9)).isoformat(), "severity": "minor"}
    return _event("failure.observed", f"earlier-{number}", data)


def _event(kind: str, event_id: str, data: Event) -> Event:
    return {"specversion": "1.0", "source": SOURCE, "type": f"com.amends.{kind}", "id": event_id, "data": data}


def politely(world: World) -> list[Parcel]:
    """Everything once, in order: what an undisturbed company would send."""
    told = [_parcel(events) for events in (world.customers, world.pairs, world.failures)]
    return [*told, _parcel(world.crowd, poison=True)]


def rudely(world: World, seed: int, over_s: float) -> list[Parcel]:
    """Twice, shuffled, split anew, some late, some told by a second system, one poison among a thousand."""
    chance = random.Random(f"rude {seed}")
    parcels = [_parcel(world.customers), *(_parcel(world.pairs, chance.uniform(0, over_s)) for _ in range(2))]
    for _ in range(2):
        shuffled = chance.sample(world.failures, len(world.failures))
        parcels += [_parcel(part, chance.uniform(0, over_s)) for part in _split(shuffled, chance)]
    second = [event | {"source": "other-system"} for event in chance.sample(world.failures, 10)]
    parcels += [_parcel(part, chance.uniform(0, over_s)) for part in _split(second, chance)]
    parcels += [_parcel(world.crowd, at, poison=True) for at in (over_s * 0.3, over_s * 0.6)]
    parcels += [_parcel(world.customers, over_s)]
    return sorted(parcels, key=lambda parcel: parcel.after_s)


def _split(events: Sequence[Event], chance: random.Random) -> Iterator[Sequence[Event]]:
    start = 0
    while start < len(events):
        size = chance.randint(1, 2 * BATCH)
        yield events[start : start + size]
        start += size


def _parcel(events: Sequence[Event], after_s: float = 0.0, *, poison: bool = False) -> Parcel:
    told: list[Any] = list(events)
    if poison:
        told.insert(len(told) // 2, _event("failure.observed", "poison", {"customer_id": "x", "severity": "awful"}))
    ids = tuple((event["source"], event["id"]) for event in events)
    return Parcel(json.dumps(told).encode(), ids, int(poison), after_s)
