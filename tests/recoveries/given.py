"""Failures and decisions for tests about money: who lived through what, and what a policy gave them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from amends.failures.models import FailureRow
from amends.failures.records import Failure, Severity
from amends.ground.ids import derive
from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.recoveries import opening
from amends.recoveries.opening import Opening
from amends.recoveries.records import Decision, Remedy

Write = Callable[[str], None]
NOW = datetime(2026, 11, 24, 20, tzinfo=UTC)


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def failure(n: int, customer: str = "", **more: Any) -> Failure:
    failure_id = derive("fail", "given", str(n))
    return Failure(failure_id, "film-plays", customer or f"c{n}", f"s-{n}", NOW, Severity.SEVERE, **more)


def keep(*failures: Failure) -> None:
    """Write failures down, as the rooms before would have."""
    for one in failures:
        FailureRow.objects.create(
            failure_id=one.failure_id,
            promise=one.promise,
            customer_id=one.customer_id,
            subject=one.subject,
            started_at=one.started_at,
            severity=one.severity,
            facts=dict(one.facts),
            evidence=one.evidence,
            incident=one.incident,
            recorded_at=NOW,
            revised_at=NOW,
        )


def decision(*remedies: Remedy, policy: str = "film-plays", person: str = "", pay_by: str = "") -> Decision:
    reasons = ("row spoiled of policy film-plays",)
    return Decision(policy, "2026-01-01", "h", "spoiled", remedies, person, False, False, reasons, {}, {}, pay_by)


def goodwill(minor: int, kind: str = "credit") -> Remedy:
    return Remedy(kind, euros(minor))


def owed(minor: int) -> Remedy:
    return Remedy("refund", euros(minor), owed=True)


def opened(lived: Failure, decision: Decision) -> Opening:
    """A decision as it is opened, under the limits of now."""
    try:
        bounds = opening.limits()
    except Mistake:
        bounds = None
    terms = opening.terms(decision, lived, bounds)
    return Opening(lived.failure_id, lived.customer_id, lived.incident, json.dumps(decision.inputs), terms)


def open_all(decided: Sequence[tuple[Failure, Decision]], now: datetime = NOW) -> list[str]:
    """Write the failures and a recovery for each; their ids in the same order."""
    keep(*[one for one, _ in decided])
    opening.write([opened(*one) for one in decided], now)
    return [derive("rec", one.failure_id) for one, _ in decided]
