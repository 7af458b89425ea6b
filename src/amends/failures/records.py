"""Failures: one customer's bad experience, with what research says decides its effect (design, section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

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
    payment_ref: str = ""


@dataclass(frozen=True)
class Recurrence:
    """Earlier failures of the same kind: how many in the window, and their decayed sum (half-life in the policy)."""

    count: int = 0
    decayed: float = 0.0
