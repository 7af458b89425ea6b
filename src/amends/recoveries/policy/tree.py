"""The parsed table: typed inputs, derived values, dated versions of ordered rows, amounts. Data, so it can be checked,
read out, and run by any back end (`reckoning` one by one, `columns` for millions, `sparksql` as text)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from amends.ground.money import Money


class Kind(StrEnum):
    """What an input or a derived value is."""

    NUMBER = "number"
    COUNT = "count"  # a whole number, not negative
    FLAG = "flag"
    CHOICE = "choice"
    TEXT = "text"
    MONEY = "money"  # in the table's currency
    DAY = "day"
    DAYS = "days"  # a list of days, such as holidays
    NUMBERS = "numbers"  # a list of numbers, such as hours by day
    SEVERITY = "severity"


REQUIRED = object()


@dataclass(frozen=True)
class Input:
    """One thing a table may look at. `default` is REQUIRED where it must be given; None means not known."""

    name: str
    kind: Kind
    default: Any = REQUIRED
    choices: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other names it may come under
    same: Mapping[str, str] = field(default_factory=dict)  # other words for a choice
    unit: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    about: str = "customer"  # or incident: how many were touched, how bad it was overall
    evidence: str = ""  # what must be shown for it to count, where it excludes
    words: str = ""
    line: int = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Its own name, and the others it may come under."""
        return (self.name, *self.also)


Operand = Decimal | str  # a number, or the name of an input, a derived value or a parameter


@dataclass(frozen=True)
class Derived:
    """A value made of others: `op` over `of`; null where any of them is not known.

    plus minus: two numbers. complete begun: of how many whole (or begun) periods a length is. days: from one day to
    another. working_days_after: a day so many working days after another, holidays left out; days_after likewise.
    at_least at_most: held within a bound. total: of a list. count_above: how many of a list exceed a number.
    first_known: the first of several that is known. by_date: the value in force on the day of the event.
    """

    name: str
    kind: Kind
    op: str
    of: tuple[Any, ...]
    line: int = 0
    words: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Fixed:
    """So much: an amount, or what stands behind a name; in the policy's `currency` where that is not the customer's own
    money."""

    amount: Money | str
    currency: str = ""


@dataclass(frozen=True)
class Percent:
    percent: Operand
    of: str


@dataclass(frozen=True)
class PerUnit:
    """An amount for each unit of something that was counted."""

    term: Term
    unit: str


@dataclass(frozen=True)
class Share:
    """So many parts of an amount: rent × days ÷ days in the month."""

    of: str
    units: Operand
    parts: Operand


@dataclass(frozen=True)
class Chosen:
    """The largest or smallest of several amounts."""

    largest: bool
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Summed:
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Steps:
    """The amount of the highest step that a number has reached; nothing below the first."""

    by: str
    steps: tuple[tuple[Decimal, Term], ...]  # rising


@dataclass(frozen=True)
class Left:
    """What is left of a limit for a month or year of which something was used already."""

    limit: Term
    used: str


@dataclass(frozen=True)
class Bounded:
    """An amount halved where the rule says so, then held between a floor and a cap."""

    term: Term
    cap: Term | None = None
    floor: Term | None = None
    halve: bool = False


Term = Fixed | Percent | PerUnit | Share | Chosen | Summed | Steps | Left | Bounded


@dataclass(frozen=True)
class Parameter:
    """A cell's value that is a parameter of the version, or a derived value; an amount in the policy's `currency`
    where it is compared with money."""

    name: str
    currency: str = ""

    def __str__(self) -> str:
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class Cell:
    """One condition: `name op value`; op is = != < <= > >= in between null notnull. A value may name a parameter."""

    name: str
    op: str
    value: Any

    def words(self) -> str:
        """The condition as a person reads it: `used anyway: no`, `recurrence at least 1`."""
        return self._words

    @cached_property
    def _words(self) -> str:
        name = self.name.replace("_", " ").removesuffix(" s")
        if self.op in ("null", "notnull"):
            return f"{name} is {'not ' if self.op == 'null' else ''}known"
        if self.op == "in":
            return f"{name} is {' or '.join(map(str, self.value))}"
        if self.op == "between":
            return f"{name} is between {self.value[0]} and {self.value[1]}"
        if isinstance(self.value, bool):
            return f"{name}: {'yes' if self.value == (self.op == '=') else 'no'}"
        said = {"=": "is", "!=": "is not", "<": "below", "<=": "at most", ">": "above", ">=": "at least"}[self.op]
        return f"{name} {said} {self.value}"


@dataclass(frozen=True)
class PayBy:
    """When it must have been paid: so many days (or working days) after a day, or after the failure's."""

    days: int
    working: bool = False
    after: str = ""  # name of a day; empty: the day of the failure
    late: Term | None = None  # what is owed on top when that is missed
    words: str = ""


@dataclass(frozen=True)
class Grant:
    """One remedy that a row gives."""

    kind: str
    term: Term | None
    owed: bool
    line: int = 0


@dataclass(frozen=True)
class Row:
    row_id: str
    cells: tuple[Cell, ...]
    grants: tuple[Grant, ...]
    person: str = ""
    reason: str = "ok"
    claim: str = ""  # the law that demands a claim; empty: it is given without one
    pay_by: PayBy | None = None
    excludes: bool = False
    evidence: str = ""  # what must be shown for an exclusion to count
    shown: Mapping[str, Decimal] = field(default_factory=dict)  # numbers that belong to its answer
    line: int = 0


@dataclass(frozen=True)
class Minimum:
    """Amounts below (or, where `above`, not above) this are not paid."""

    amount: Decimal
    above: bool
    reason: str


@dataclass(frozen=True)
class TableVersion:
    since: date
    memory_days: int
    half_life_days: float
    rows: tuple[Row, ...]
    named: str = ""  # what an input calls it, where tables are chosen by name
    hit: str = "first"  # or collect: every row that holds
    stacking: str = "max"  # how statute and goodwill stand together: max, sum, set_off
    parameters: Mapping[str, Decimal] = field(default_factory=dict)
    minimum: Minimum | None = None
    line: int = 0


@dataclass(frozen=True)
class Table:
    """A policy of a company, or a published rule: which `promise` it answers, or the `rule` it states."""

    name: str
    promise: str  # `any` covers promises without a policy of their own; empty for a published rule
    words: Mapping[str, str]
    versions: tuple[TableVersion, ...]  # oldest first
    digest: str
    file: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    derived: tuple[Derived, ...] = ()
    currency: str = ""  # of a published rule; a policy pays in what the customer paid
    event: str = ""  # the day by which a version is chosen; empty: the day of the failure
    by_name: str = ""  # the choice by which a version is chosen instead
    statute: tuple[str, ...] = ()  # published rules that hold underneath this policy
    shown: tuple[str, ...] = ()  # derived values that belong to the answer
    about: Mapping[str, Any] = field(default_factory=dict)  # title, jurisdiction, sources, exclusions in words

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Every name under which an input may be given, and the input's own."""
        return {other: one.name for one in self.inputs.values() for other in one.names}

    @cached_property
    def looked_at(self) -> frozenset[str]:
        """The inputs that any row, amount or derived value looks at."""
        rows = [row for version in self.versions for row in version.rows]
        said = {text for row in rows for cell in row.cells for text in (cell.name, *_names(cell.value, Parameter))}
        parts = [(grant.term for row in rows for grant in row.grants), (one.of for one in self.derived)]
        said |= {text for part in parts for one in part for text in _names(one, str)}
        said |= {text for row in rows if row.pay_by for text in (row.pay_by.after, *_names(row.pay_by.late, str))}
        return frozenset(one.name for one in self.inputs.values() if one.name in said or one.kind is Kind.DAYS)

    def at(self, day: date, named: str = "") -> TableVersion | None:
        """The version in force on a day, or the one of that name."""
        if named:
            return next((version for version in self.versions if version.named == named), None)
        return next((version for version in reversed(self.versions) if version.since <= day), None)


def _names(part: Any, kind: type) -> Iterator[str]:
    if isinstance(part, kind):
        yield str(getattr(part, "name", part))
    elif isinstance(part, tuple):
        for one in part:
            yield from _names(one, kind)
    elif is_dataclass(part):
        for one in fields(part):
            yield from _names(getattr(part, one.name), kind)


Policy = Table
