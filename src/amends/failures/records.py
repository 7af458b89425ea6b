"""Failures: one customer's bad experience, with what research says decides its effect (design, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from amends.ground.money import Money


class Severity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    SEVERE = "severe"

    @property
    def rank(self) -> int:
        return ("minor", "major", "severe").index(self.value)


class LossKind(StrEnum):
    MONEY = "money"
    OUTCOME = "outcome"
    PROCESS = "process"
    ATTENTION = "attention"


class Evidence(StrEnum):
    """Grades of proof, strongest first."""

    OBSERVED = "observed"
    CORROBORATED = "corroborated"
    CLAIMED_WITH_PROOF = "claimed with proof"
    CLAIMED = "claimed"


@dataclass(frozen=True)
class Failure:
    """One broken promise for one customer. `failure_id` follows from promise, customer and subject."""

    failure_id: str
    promise: str
    customer_id: str
    subject: str  # what it happened to: a play session, an order, a line
    started_at: datetime
    severity: Severity
    ended_at: datetime | None = None
    severity_parts: Mapping[str, Any] = field(default_factory=dict)  # which measure gave which severity
    facts: Mapping[str, Any] = field(default_factory=dict)  # the lived facts in numbers; also title, product
    controllable: bool = True
    stable_cause: bool = False
    loss_kind: LossKind = LossKind.OUTCOME
    used_anyway: bool = False
    evidence: Evidence = Evidence.OBSERVED
    incident: str = ""
    price: Money | None = None
    currency: str = ""  # paid in, also where no price was told
    payment_ref: str = ""


class Ripe(NamedTuple):
    """A failure as it waits to be decided, read by the thousand: as it is kept, its facts as JSON text."""

    failure_id: str
    promise: str
    customer_id: str
    subject: str
    started_at: datetime
    severity: str
    controllable: bool
    stable_cause: bool
    loss_kind: str
    used_anyway: bool
    evidence: str
    incident: str
    price_minor: int | None
    currency: str
    payment_ref: str
    facts: str

    @property
    def looked_at(self) -> tuple[Any, ...]:
        """What policies may look at beside the facts."""
        return (*self[5:11], *self[12:14])

    def failure(self, facts: Mapping[str, Any]) -> Failure:
        """The record that rules look at, given its decoded facts."""
        priced = self.price_minor is not None and self.currency
        return Failure(
            failure_id=self.failure_id,
            promise=self.promise,
            customer_id=self.customer_id,
            subject=self.subject,
            started_at=self.started_at,
            severity=Severity(self.severity),
            facts=facts,
            controllable=bool(self.controllable),
            stable_cause=bool(self.stable_cause),
            loss_kind=LossKind(self.loss_kind),
            used_anyway=bool(self.used_anyway),
            evidence=Evidence(self.evidence),
            incident=self.incident,
            price=Money(self.price_minor or 0, self.currency) if priced else None,
            currency=self.currency,
            payment_ref=self.payment_ref,
        )


class Behind(NamedTuple):
    """What of a failure its remedies speak about."""

    promise: str
    subject: str
    payment_ref: str
    incident: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Recurrence:
    """Earlier failures of the same kind: how many in the window, and their decayed sum (half-life in the policy)."""

    count: int = 0
    decayed: float = 0.0


class Around(NamedTuple):
    """What other failures of the same kind and customer mean for some: their recurrence, of those that have any; and
    which later ones were decided before these were known, or known to have begun when they did."""

    recurrences: dict[str, Recurrence]
    later: set[str]
