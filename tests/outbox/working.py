"""Working like a worker does, with a clock that the test sets."""

from __future__ import annotations

from datetime import datetime

from amends.outbox import answering, claiming
from amends.outbox.records import Claimed, Connector, Declaration, declared
from amends.worker.lanes import Back, attempt


def begin(declaration: Declaration, now: datetime, worker: str = "w", room: int = 100) -> list[Claimed]:
    """Claim what is due and may go."""
    due = claiming.lanes([declaration.name], now)
    return claiming.claim(worker, declaration, due, room, now)


def work(connector: Connector, now: datetime, worker: str = "w", room: int = 100) -> list[Back]:
    """Claim, try and write down once."""
    claims = begin(declared(connector), now, worker, room)
    backs = [attempt(claimed, connector, declared(connector), lambda: now) for claimed in claims]
    answering.record(worker, [back.answered for back in backs if back.answered], now)
    return backs
