"""Signals: one thing that reached us from outside, as received."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from amends.ground.money import Money


@dataclass(frozen=True)
class Refusal:
    """Why one event of a batch was not taken: where, which field, what was expected."""

    index: int
    field: str
    reason: str


@dataclass(frozen=True)
class Taken:
    """The answer to a batch."""

    accepted: int
    duplicate: int
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Signal:
    """A matter as received; `sequence` grows with arrival."""

    sequence: int
    source: str
    event_id: str
    type: str
    time: datetime | None
    received_at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Playback:
    """Who watched what in a session, and what it cost them."""

    session_id: str
    customer_id: str
    title: str = ""
    product: str = ""  # rental, purchase, subscription, free
    order_id: str = ""
    price: Money | None = None
    payment_ref: str = ""
    started_at: datetime | None = None
    disputed_by: str = ""


@dataclass(frozen=True)
class Viewing:
    """One play session as assessed, with whom it belongs to where that is known.

    `facts` holds startup_s, stall_count, stall_s, longest_stall_s, watched_s, played_s, bitrate_kbps_mean,
    bitrate_kbps_min, switches, failed_start, exited_before_start, playback_failed, score, method, confidence;
    None where unknown. `spans` are {kind, from_s, to_s} in seconds since `started_at`.
    """

    session_id: str
    started_at: datetime
    last_seen_at: datetime
    closed: bool
    settled_at: datetime | None
    gaps: int
    facts: Mapping[str, Any]
    spans: tuple[Mapping[str, Any], ...]
    customer_id: str
    content_id: str
    playback: Playback | None
    changed_at: datetime


@dataclass(frozen=True)
class Quarantined:
    """Something that could not be read, waiting for a person."""

    number: int
    door: str
    position: str
    field: str
    reason: str
    raw: str
    state: str
    times: int
    received_at: datetime
