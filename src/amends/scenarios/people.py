"""People of the stories: made up, the same for the same seed, and nobody who could be written to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from amends.ground.moments import format_moment

FIRST = (
    *("Ada", "Ben", "Carla", "Dinko", "Emeka", "Finn", "Greta", "Hana", "Ilse", "Jonas", "Kaja", "Lena", "Milan"),
    *("Nora", "Omar", "Petra", "Quentin", "Rosa", "Sami", "Tilde"),
)
LAST = (
    *("Aydin", "Bauer", "Chen", "Dahl", "Egger", "Fuchs", "Gruber", "Huber", "Ivanova", "Jansen", "Kovac", "Lang"),
    *("Moser", "Novak", "Okafor", "Pichler", "Reiter", "Steiner"),
)
SPEAKING = ("en", "en-GB", "de", "de-AT")


def person(
    chance: random.Random, number: int, kind: str, *, zone: str = "Europe/Vienna", speaking: Sequence[str] = SPEAKING
) -> dict[str, Any]:
    """One customer as `com.amends.customer.upserted` tells of them; `kind` names them, such as viewer."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    return {
        "customer_id": f"{kind}-{number:05d}",
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{number}@{kind}s.example".lower(),
        "locale": chance.choice(speaking),
        "time_zone": zone,
        "segment": chance.choice(("new", "regular", "long-standing")),
    }


def event(source: str, event_id: str, type_: str, data: dict[str, Any], at_ms: int | None = None) -> dict[str, Any]:
    """A CloudEvent; `at_ms` is when it happened, in Unix milliseconds."""
    made = {"specversion": "1.0", "id": event_id, "source": source, "type": type_, "data": data}
    if at_ms is not None:
        made["time"] = format_moment(datetime.fromtimestamp(at_ms / 1000, UTC))
    return made
