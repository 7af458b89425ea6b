"""Incidents: the shared cause behind many failures, and everyone it touched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from amends.ground.money import Money


class IncidentState(StrEnum):
    OPEN = "open"  # no end is known
    RESOLVED = "resolved"  # over; who lived through it is found out when the time for late signals has passed
    SETTLED = "settled"  # everyone it touched has their failure
    MERGED = "merged"  # proved to be part of another one


@dataclass(frozen=True)
class Telling:
    """One signal about an outage: that it began, or that it ended."""

    sequence: int
    began: bool
    at: datetime
    received_at: datetime
    cause: str = ""
    weather: str = ""
    promise: str = ""


@dataclass(frozen=True)
class Period:
    """One outage of one component, put together from all that was told; without an end it lasts."""

    started_at: datetime
    ended_at: datetime | None
    tellings: tuple[Telling, ...]
    also_ended_at: tuple[datetime, ...] = ()  # ends told as well that do not fit: a person looks


@dataclass(frozen=True)
class Incident:
    """A shared cause. `incident_id` follows from component, area and the start as first told."""

    incident_id: str
    component: str
    area: str
    promise: str
    cause: str
    weather: str
    started_at: datetime
    ended_at: datetime | None
    state: IncidentState
    touched: int = 0
    observed: int = 0  # we saw that they were trying
    corroborated: int = 0  # only the incident says so
    undisturbed: int = 0  # seen using it all through: it did not reach them
    told: int = 0
    doubt: str = ""
    opened_at: datetime | None = None
    settled_at: datetime | None = None
    merged_into: str = ""


@dataclass(frozen=True)
class Service:
    """What one customer has of a component: who they are to the law, and what they pay."""

    customer_id: str
    customer_class: str = ""  # home, business
    price: Money | None = None
    payment_ref: str = ""


@dataclass(frozen=True)
class Trace:
    """What our own telemetry and other systems saw of one customer while it lasted."""

    tries: int = 0  # attempts that failed, broke off or stood still
    waited_s: float = 0.0
    first_at: datetime | None = None
    last_at: datetime | None = None
    undisturbed: bool = False  # used all through, from before it began until after it ended
    seen: bool = False  # another system observed them without the service

    @property
    def proves(self) -> bool:
        """Whether we know, and do not only conclude, that this customer lived through it."""
        return self.tries > 0 or self.seen
