"""Reports: what people asked us to mend: where, what, what we promised, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a report stands. Fixed is not closed without repair, and only the former can keep a promise."""

    PENDING = "pending"  # waits for a look before it is public or has a number outside (batch, moderation)
    RECEIVED = "received"
    INVESTIGATING = "investigating"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in progress"
    WAITING = "waiting"  # for the person who reported it
    REOPENED = "reopened"
    FIXED = "fixed"
    NOT_FIXED = "closed without repair"
    NOT_OURS = "not ours"
    DUPLICATE = "duplicate"

    @property
    def is_open(self) -> bool:
        return self in OPEN


OPEN = frozenset(
    (
        *(State.PENDING, State.RECEIVED, State.INVESTIGATING, State.SCHEDULED),
        *(State.IN_PROGRESS, State.WAITING, State.REOPENED),
    )
)


class Privacy(StrEnum):
    """What becomes of the name of who reports: shown to all, known to staff only, or never asked."""

    NAMED = "named"
    PRIVATE = "private"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Reporter:
    """Who reports, as they said it. Empty for the anonymous."""

    customer_id: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    account_id: str = ""
    device_id: str = ""


@dataclass(frozen=True)
class Intake:
    """A report as it comes in, checked. `form` is its one-time mark: the same form again is the same report.

    `answers` are (attribute code, values) in the order of the category; `photos` are names of photos kept before.
    """

    form: str
    category: str
    description: str = ""
    lat: float | None = None
    long: float | None = None
    address: str = ""
    address_id: str = ""
    zipcode: str = ""
    asset: str = ""
    answers: Sequence[tuple[str, Sequence[str]]] = ()
    severity: str = ""
    privacy: Privacy = Privacy.PRIVATE
    reporter: Reporter = field(default_factory=Reporter)
    source: str = "web"  # web, open311, phone, mail, desk, crew, or what brought it
    media_url: str = ""
    photos: Sequence[str] = ()
    locale: str = ""
    requested_at: datetime | None = None  # where it was made elsewhere, earlier; None is now
    hidden: bool = False  # not public until somebody has looked


@dataclass(frozen=True)
class Report:
    """A report as it stands. `due` is the promise in force (`promises.repairs.Due` as JSON), None where no target."""

    number: int
    category: str
    state: State
    description: str
    lat: float | None
    long: float | None
    address: str
    address_id: str
    zipcode: str
    area: str
    asset: str
    severity: str
    answers: Sequence[tuple[str, Sequence[str]]]
    body: str
    crew: str
    assignee: str
    customer_id: str
    privacy: Privacy
    source: str
    locale: str
    media_url: str
    requested_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    due: Mapping[str, Any] | None
    risk: float | None  # 0..1 that the promise is missed, as last reckoned
    predicted_at: datetime | None
    kept: bool | None  # None while open or without target
    reopened: int
    duplicate_of: int | None
    affected: int  # people, the first one included
    incident: str
    visible: bool
    notice: str
    status_notes: str
    token: str
    external_id: str
    split_from: int | None = None
    paused_at: datetime | None = None  # since when its clock stands still: until it runs again, nothing is late
    new_due_at: datetime | None = None  # where the promise slips: the new date that was told; due_at stays as promised
    hidden_why: str = ""  # why it is not public

    @property
    def is_open(self) -> bool:
        return self.state.is_open


@dataclass(frozen=True)
class Move:
    """One step in a report's history. `words` are public, `note` is for staff."""

    number: int  # of the move, rising
    report: int
    at: datetime
    who: str
    kind: str  # state, promise, place, category, routing, photo, words, affected, moderation, …
    state: State
    words: str = ""
    note: str = ""
    public: bool = True
    media_url: str = ""
    external_code: str = ""
    was: Mapping[str, Any] = field(default_factory=dict)  # what it was before, where that is worth keeping


@dataclass(frozen=True)
class PhotoOf:
    """A photo of a report, already without metadata. `kind` is before or after."""

    name: str
    report: int | None
    kind: str
    width: int
    height: int
    at: datetime
    visible: bool
    who: str


@dataclass(frozen=True)
class Filter:
    """Which reports: every given part narrows. `numbers` alone overrides all others (GeoReport v2)."""

    numbers: Sequence[int] | None = None
    categories: Sequence[str] | None = None
    states: Sequence[State] | None = None
    open: bool | None = None
    requested_from: datetime | None = None
    requested_to: datetime | None = None  # inclusive, to the second
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None  # west, south, east, north
    near: tuple[float, float, float] | None = None  # lat, long, metres
    areas: Sequence[str] | None = None
    bodies: Sequence[str] | None = None
    crews: Sequence[str] | None = None
    words: str = ""
    customer_id: str = ""
    hidden_too: bool = False


class Order(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    UPDATED = "updated"
    RISK = "risk"
    DUE = "due"


@dataclass(frozen=True)
class Near:
    """A report near a place."""

    report: Report
    metres: float


@dataclass(frozen=True)
class Cluster:
    """Reports that stand close together at a zoom: how many, and the one where it is alone."""

    lat: float
    long: float
    count: int
    open: int
    number: int | None


class Refused(ValueError):
    """What was asked of a report cannot be; the message says why, in words for who asked."""


class NotAllowed(Refused):
    """A move from this state to that one; the message names what is possible."""
