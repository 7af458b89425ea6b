"""Acts on the outside world: one key, one row, at most one effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class ActState(StrEnum):
    """Where an act stands. `in doubt` and `parked` wait for a person; `unknown` is looked up before another try."""

    DUE = "due"
    TRYING = "trying"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"
    PARKED = "parked"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Order:
    """What a connector is handed: the key travels with every try, the payload never changes."""

    key: str
    kind: str  # remedy.refund, remedy.credit, remedy.reversal, mail.apology, person.call …
    connector: str  # billing, smtp, person
    recovery_id: str
    customer_id: str
    payload: Mapping[str, Any]
    urgency: int = 5  # 0 first
    not_before: datetime | None = None


@dataclass(frozen=True)
class Done:
    """The other side says it is done; `ref` is its proof."""

    ref: str
    already: bool = False


@dataclass(frozen=True)
class Refused:
    """The other side said no and will say no again: a person decides."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """It may or may not have happened: look it up under the same key before trying again."""

    reason: str


@dataclass(frozen=True)
class Later:
    """It certainly did not happen; try again, not before `after_s` seconds where the other side said so."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True)
class NotDone:
    """Looked up under the key: the other side has never done it."""


Answer = Done | Refused | Unknown | Later
Found = Done | NotDone | Unknown


class Connector(Protocol):
    """One outside system. Without `can_find` an ambiguous answer puts the act before a person."""

    name: str
    can_find: bool

    def act(self, order: Order, now: datetime) -> Answer: ...

    def find(self, order: Order) -> Found: ...


@dataclass(frozen=True)
class Act:
    """An act as it stands, for desks and exports."""

    key: str
    kind: str
    connector: str
    recovery_id: str
    customer_id: str
    payload: Mapping[str, Any]
    state: ActState
    attempts: int
    due_at: datetime
    created_at: datetime
    changed_at: datetime
    ref: str
    last_answer: str


@dataclass(frozen=True)
class Receipt:
    """The other side's proof that an act is done."""

    key: str
    recovery_id: str
    kind: str
    ref: str
    at: datetime
