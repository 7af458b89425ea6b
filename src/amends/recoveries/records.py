"""Recoveries: what we owe one customer for one failure, and how it went."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from amends.ground.money import Money


class RecoveryState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    UNDER_WAY = "under way"
    CALL_OPEN = "call open"  # all that a machine can do is done; a person has still to be in touch
    MADE_RIGHT = "made right"
    CLOSED = "closed"
    REOPENED = "reopened"
    DECLINED = "declined"


class Goodwill(StrEnum):
    """Goodwill beside what is owed: what is owed goes ahead, the goodwill may wait for a person."""

    WITH_THE_REST = ""
    WAITING = "waiting"
    GRANTED = "granted"  # a person let it go ahead; its remedies are to be started
    GIVEN = "given"
    DECLINED = "declined"


MOVES: Mapping[RecoveryState, frozenset[RecoveryState]] = {
    RecoveryState.PROPOSED: frozenset({RecoveryState.APPROVED, RecoveryState.DECLINED}),
    RecoveryState.APPROVED: frozenset({RecoveryState.UNDER_WAY, RecoveryState.DECLINED}),
    RecoveryState.UNDER_WAY: frozenset({RecoveryState.CALL_OPEN, RecoveryState.MADE_RIGHT, RecoveryState.REOPENED}),
    RecoveryState.CALL_OPEN: frozenset({RecoveryState.MADE_RIGHT, RecoveryState.CLOSED, RecoveryState.REOPENED}),
    RecoveryState.MADE_RIGHT: frozenset({RecoveryState.CLOSED, RecoveryState.REOPENED, RecoveryState.CALL_OPEN}),
    RecoveryState.CLOSED: frozenset({RecoveryState.REOPENED, RecoveryState.CALL_OPEN}),
    RecoveryState.REOPENED: frozenset({RecoveryState.CLOSED, RecoveryState.MADE_RIGHT}),
    RecoveryState.DECLINED: frozenset({RecoveryState.APPROVED, RecoveryState.REOPENED}),
}


@dataclass(frozen=True)
class Remedy:
    """One concrete good that a decision grants. `amount` is None for an apology or a call."""

    kind: str  # apology, refund, credit, call
    amount: Money | None = None
    owed: bool = False  # by law or contract: passes holdouts and budgets
    revision: int = 0  # 0: of the first decision; above: what a revision added to what was begun before


@dataclass(frozen=True)
class Decision:
    """What is fair and why; together with the policy version it can be replayed to the same result."""

    policy: str
    version: str  # the version's first day, e.g. 2026-01-01
    policy_hash: str
    row: str  # id of the row that held
    remedies: tuple[Remedy, ...]
    person: str  # why a person must act or approve; empty when nobody needs to
    needs_approval: bool
    holdout: bool  # goodwill was withheld for measurement
    reasons: tuple[str, ...]  # sentences shown to the operator as they stand
    inputs: Mapping[str, Any]
    trace: Mapping[str, Any]  # rows looked at with the conditions that held and did not; amounts before and after caps
    pay_by: str = ""  # the day by which it must be paid, where law or policy names one

    def name_of(self, remedy: Remedy) -> str:
        return name_of(remedy, self.remedies)


def name_of(remedy: Remedy, all_: Collection[Remedy]) -> str:
    """What tells remedies apart: their kind, goodwill from what is owed where both are of one kind, and their number.

    What a later revision adds never changes the name of what was there.
    """
    name = _kind_of(remedy, all_)
    earlier = {one.revision for one in all_ if one.revision < remedy.revision and _kind_of(one, all_) == name}
    return f"{name}-{len(earlier) + 1}" if earlier else name


def _kind_of(remedy: Remedy, all_: Collection[Remedy]) -> str:
    alike = any(one.kind == remedy.kind and one.owed and one.revision <= remedy.revision for one in all_)
    return f"{remedy.kind}-goodwill" if alike and not remedy.owed else remedy.kind


def withheld(remedies: Collection[Remedy], goodwill: str) -> list[Remedy]:
    """The goodwill that waits or was declined: of the newest revision that brought some; before it, it was given."""
    if goodwill not in (Goodwill.WAITING, Goodwill.DECLINED):
        return []
    mine = [remedy for remedy in remedies if remedy.amount is not None and not remedy.owed]
    newest = max((remedy.revision for remedy in mine), default=0)
    return [remedy for remedy in mine if remedy.revision == newest]


class Granted(NamedTuple):
    """What became of one decision: what was given of it, or that it still waits for a person's yes."""

    failure_id: str
    minor: int  # of what goes ahead: without goodwill that waits or was declined
    given: bool  # anything with an amount
    waiting: bool
    hours: float | None  # from the decision until what was given was made right; None while it is not


class Start(NamedTuple):
    """A recovery whose remedies are to be started, read by the thousand; each remedy with its name."""

    recovery_id: str
    failure_id: str
    customer_id: str
    policy: str
    person: str
    goodwill: str
    decided_at: datetime
    remedies: tuple[tuple[str, Remedy], ...]


@dataclass(frozen=True)
class Recovery:
    recovery_id: str
    failure_id: str
    customer_id: str
    state: RecoveryState
    decision: Decision
    decided_at: datetime
    changed_at: datetime
    declined_reason: str = ""
    signers: int = 0  # how many operators must let it go ahead
    goodwill: Goodwill = Goodwill.WITH_THE_REST
    held: str = ""  # why it, or its goodwill, waits for a person
    pay_by_on: date | None = None  # the day by which what is owed must be paid

    @property
    def has_later(self) -> bool:
        """Whether anything was given after the rest: goodwill that had to wait, or what a revision added."""
        return self.goodwill is Goodwill.GIVEN or any(remedy.revision for remedy in self.decision.remedies)


@dataclass(frozen=True)
class Former:
    """What a recovery's decision was until it was decided anew, and why it was."""

    decision: Decision
    replaced_at: datetime
    why: str


@dataclass(frozen=True)
class Budgeted:
    """One budget's counter: what is spent of what may be."""

    key: str
    name: str
    cap: Money
    spent: Money


@dataclass(frozen=True)
class Approval:
    """One operator's yes."""

    who: str
    why: str
    at: datetime


@dataclass(frozen=True)
class Stop:
    """Paying stopped, for one policy or (empty) for all."""

    number: int
    policy: str
    why: str
    who: str
    stopped_at: datetime
    resumed_at: datetime | None = None
    resumed_by: str = ""


@dataclass(frozen=True)
class PolicyText:
    """A policy's text as first seen; `in_force_at` is None while it waits for a second pair of eyes."""

    digest: str
    name: str
    file: str
    text: str
    seen_at: datetime
    seen_by: str
    in_force_at: datetime | None


@dataclass(frozen=True)
class Move:
    """One line of a recovery's history."""

    recovery_id: str
    before: str
    after: str
    who: str
    why: str
    at: datetime
