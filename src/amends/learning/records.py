"""Studies: what a policy costs and does, told in numbers that a person can check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from amends.ground.counts import counted

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Decided:
    """What one policy gives each failure of a history, in minor units of the failure's currency."""

    policy: str
    versions: tuple[str, ...]  # by the day they begin
    by_version: Ints  # which of them decided; -1 none
    digest: str
    owed: Ints
    goodwill: Ints
    person: Bools  # somebody must act
    row: tuple[str, ...]  # ids of the rows
    held: Ints  # which of them held; -1 none
    notes: Mapping[str, Bools] = field(default_factory=dict)  # what was not known or could not be reckoned, and of whom
    senseless: Sequence[str] = ()  # what is wrong with a column of which nothing could be read
    standing: str = ""  # what is to be said of its text

    @property
    def total(self) -> Ints:
        return self.owed + self.goodwill


@dataclass(frozen=True)
class Group:
    """Totals of one group of failures under both policies; money in minor units."""

    name: str
    failures: int
    customers: int
    owed_before: int
    owed_after: int
    goodwill_before: int
    goodwill_after: int
    persons_before: int
    persons_after: int
    more: int  # customers who would get more
    less: int

    @property
    def before(self) -> int:
        return self.owed_before + self.goodwill_before

    @property
    def after(self) -> int:
        return self.owed_after + self.goodwill_after


@dataclass(frozen=True)
class Spread:
    """Money per customer who gets any: how many, quantiles and mean, in minor units."""

    paid: int
    mean: float
    quantiles: Mapping[int, int]  # 5, 25, 50, 75, 95, 99, 100
    buckets: tuple[tuple[int | None, int], ...]  # upper edge (None: none), customers between it and the one before


@dataclass(frozen=True)
class Note:
    """What was not known of some failures, or could not be reckoned: `{failures} failures {says}`."""

    failures: int
    says: str

    def __str__(self) -> str:
        return f"{counted(self.failures, 'failure')} {self.says}"


@dataclass(frozen=True)
class Example:
    """One failure that the candidate would answer otherwise."""

    failure_id: str
    promise: str
    severity: str
    recurrence: int
    before: int
    after: int
    row_before: str
    row_after: str


@dataclass(frozen=True)
class Burnt:
    """What the goodwill of one policy alone would do to a budget."""

    over: int  # how many days, customers, incidents or decisions would go beyond it
    most: int  # the most that any of them would take, in minor units
    first: str  # the first such day, of a budget by day


@dataclass(frozen=True)
class Burn:
    """One budget under both policies."""

    name: str
    per: str
    cap: int
    before: Burnt
    after: Burnt
    days: int = 0  # of a customer's window


@dataclass(frozen=True)
class Simulation:
    """One currency's part of a history under the policy in force and a candidate."""

    currency: str
    before: str  # policy and hash of its text, in words
    after: str
    versions_before: tuple[tuple[str, int], ...]  # each version that decided, and how many failures
    versions_after: tuple[tuple[str, int], ...]
    notes: tuple[Note, ...]
    whole: Group
    by: Mapping[str, tuple[Group, ...]]  # segment, severity, recurrence
    spread_before: Spread
    spread_after: Spread
    months: tuple[tuple[str, int, int], ...]  # month, spent before and after
    examples: tuple[Example, ...]
    rows: tuple[tuple[str, str, int, int], ...]  # row before, row after, failures, difference in minor units
    budgets: tuple[Burn, ...] = ()
