"""A door to tell of outages, and the rooms that read what was told."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import amends.failures.steps
import amends.incidents.steps
import amends.signals.steps
from amends.ground.moments import format_moment
from amends.signals import door

Tell = Callable[..., None]
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=20)
LATER = datetime.now(UTC) + timedelta(hours=1)


def event(type_: str, at: datetime | None, number: int, data: dict[str, Any]) -> dict[str, Any]:
    made = {"specversion": "1.0", "id": f"{type_}-{number}", "source": "/grid", "type": f"com.amends.{type_}"}
    return made | {"data": data} | ({"time": format_moment(at)} if at else {})


@pytest.fixture
def tell(db: None) -> Tell:
    """Send one or many signals through the door, and let the story read them."""
    numbers = itertools.count()

    def send(type_: str, *many: dict[str, Any], at: datetime | None = None, settle: bool = True, **data: Any) -> None:
        events = [event(type_, at, next(numbers), each) for each in (many or (data,))]
        answer = door.take(json.dumps(events).encode(), lines=False, one=False, now=datetime.now(UTC))
        assert answer.refused == ()
        turn(settle)

    return send


def turn(settle: bool = True) -> None:
    now = datetime.now(UTC)
    amends.signals.steps.absorb(now)
    amends.failures.steps.take_observed(now)
    while amends.incidents.steps.gather(now):
        pass
    if settle:
        amends.incidents.steps.settle(LATER)


def served(customers: Iterable[str], **more: Any) -> list[dict[str, Any]]:
    return [{"customer_id": name, "component": "live-tv", "area": "east"} | more for name in customers]
