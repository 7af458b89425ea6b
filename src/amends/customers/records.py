"""Customers: who they are and how they may be reached. Personal fields live in this room only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class Customer:
    customer_id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    locale: str = ""
    time_zone: str = ""
    segment: str = ""
    since: date | None = None
    contact: Mapping[str, bool] = field(
        default_factory=dict
    )  # channel -> may be used; absent means yes for what is owed
    erased: bool = False


@dataclass(frozen=True)
class Erasure:
    """A customer to be forgotten, or forgotten: who asked and when, and how much of each kind was erased."""

    number: int
    customer_id: str
    asked_at: datetime
    asked_by: str
    told: tuple[str, ...]
    counts: Mapping[str, int]
    finished_at: datetime | None
