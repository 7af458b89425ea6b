"""Remedies: doing it, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from amends.ground.money import Money


@dataclass(frozen=True)
class RemedyDone:
    """One remedy of a recovery and how far it is: under way, done, refused, or with a person."""

    remedy_id: str
    recovery_id: str
    customer_id: str
    kind: str
    amount: Money | None
    state: str
    act_key: str
    ref: str
    settled_at: datetime | None
