"""Acts on the outside world: one key, one row, at most one effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


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


class BatchState(StrEnum):
    """How a batch goes: its first acts alone, all of it, not at all, or never again."""

    CANARY = "canary"
    OPEN = "open"
    PAUSED = "paused"
    ABORTING = "aborting"
    ABORTED = "aborted"


class Order(NamedTuple):
    """What a connector is handed: the key travels with every try, the payload never changes."""

    key: str
    kind: str  # remedy.refund, remedy.credit, remedy.reversal, mail.apology, person.call …
    connector: str  # billing, smtp, person
    recovery_id: str
    customer_id: str
    payload: Mapping[str, Any]
    urgency: int = 5  # 0 first
    not_before: datetime | None = None
    batch: str = ""  # what it is a part of, such as an incident: paced, paused and aborted together


class Standing(NamedTuple):
    """Where an act stands, for rooms that ask by the ten thousand."""

    state: ActState
    connector: str
    ref: str


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


@dataclass(frozen=True)
class Declaration:
    """What a connector declares about the other side, so that the outbox can deal with it safely.

    `key_window` says how long the other side surely tells a repeated key from a new one; None where it makes no such
    promise, `timedelta.max` where it never forgets. Once four fifths of it are over, an act is looked up before it is
    tried again. Where nothing can be looked up, an unclear answer is tried again only inside the window; otherwise it
    stands before a person, unless `harmless_twice` says that a repetition hurts nobody. Money is never harmless.
    """

    name: str
    can_find: bool = False
    key_window: timedelta | None = None
    per_s: float = 0.0  # at most so many requests a second, over all workers and machines; 0: no limit
    per_s_of: Mapping[str, float] = field(default_factory=dict)  # narrower limits, by kind of act
    batch: int = 20  # begun in one commit; so many may be unclear after a kill, so few where nothing can be looked up
    at_once: int = 4  # on the wire at the same time, in one worker
    harmless_twice: bool = False


class Connector(Protocol):
    """One outside system; it may carry a `declaration: Declaration` beside its name (see `declared`).

    `act` is called from several threads and sends `order.key` with every try; `find` asks under that key.
    """

    name: str
    can_find: bool

    def act(self, order: Order, now: datetime) -> Answer: ...

    def find(self, order: Order) -> Found: ...


def declared(connector: Connector) -> Declaration:
    """What the connector declares; cautious defaults where it says no more than its name and `can_find`."""
    own = getattr(connector, "declaration", None)
    return own if isinstance(own, Declaration) else Declaration(connector.name, connector.can_find)


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


class Claimed(NamedTuple):
    """An act that this worker may try now; `attempt` is the number by which a late answer is told from a fresh one."""

    order: Order
    attempt: int
    unclear: int  # tries since the last clear answer, this one not counted
    first_at: datetime
    probe: bool = False  # sent alone, to see whether an endpoint that was broken works again
    place: int = 0  # of its row, where the database finds a row faster by place than by key
    called_off: bool = False  # its batch was aborted: it is only to be found out whether it happened


@dataclass(frozen=True)
class Lane:
    """Acts that wait for the same thing, and when the first of them is due."""

    connector: str
    kind: str
    batch: str
    canary: bool
    urgency: int
    due_at: datetime
    called_off: bool = False  # of an aborted batch: only what may have happened goes, to be looked up


@dataclass(frozen=True)
class Batch:
    """A batch as it stands. Figures are a few seconds old; `left_s` is what the rest will take, where that is known."""

    batch: str
    connector: str
    state: BatchState
    says: str
    total: int
    waiting: int
    done: int
    lost: int
    speed: float
    left_s: float | None
    counted_at: datetime
    created_at: datetime


@dataclass(frozen=True)
class Endpoint:
    """What all workers know of an outside address: whether it is left in peace, until when and why."""

    name: str
    waiting: int
    broken: int
    peace_until: datetime | None
    says: str
