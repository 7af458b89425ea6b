"""Remedies: doing it, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    owed: bool = False
    taken_back: str = ""  # how far taking it back is: under way, done, refused, with a person


class CannotTakeBack(ValueError):
    """This money is not taken back; the message says why."""


@dataclass(frozen=True)
class OpenDifference:
    """Where a provider's own list and our books differ: missing, doubled, different, unknown or unreadable."""

    difference_id: str
    connector: str
    kind: str
    act_key: str
    says: str
    theirs: list[Any]
    found_at: datetime
