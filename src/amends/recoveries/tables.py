"""The parsed policy: dated versions of an ordered table whose cells are data: it can be checked and replayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from amends.ground.money import Money


@dataclass(frozen=True)
class Fixed:
    money: Money


@dataclass(frozen=True)
class Percent:
    percent: Decimal
    of: str


@dataclass(frozen=True)
class PerUnit:
    money: Money
    unit: str  # an input that counts something


@dataclass(frozen=True)
class Chosen:
    """The largest or smallest of several amounts."""

    largest: bool
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Bounded:
    """An amount held between a floor and a cap, halved before where the rule says so."""

    term: Term
    cap: Term | None = None
    floor: Term | None = None
    halve: bool = False


Term = Fixed | Percent | PerUnit | Chosen | Bounded


@dataclass(frozen=True)
class Cell:
    """One condition: `name op value`; op is = != < <= > >= in between null notnull."""

    name: str
    op: str
    value: Any

    def words(self) -> str:
        """The condition as a person reads it: `used anyway: no`, `recurrence at least 1`."""
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
class Grant:
    """One remedy that a row gives."""

    kind: str
    term: Term | None
    owed: bool


@dataclass(frozen=True)
class Row:
    row_id: str
    cells: tuple[Cell, ...]
    grants: tuple[Grant, ...]
    person: str
    line: int


@dataclass(frozen=True)
class TableVersion:
    since: date
    memory_days: int
    half_life_days: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Policy:
    name: str
    promise: str  # `any` covers promises without a policy of their own
    words: Mapping[str, str]
    versions: tuple[TableVersion, ...]  # oldest first
    digest: str
    file: str

    def at(self, day: date) -> TableVersion | None:
        return next((v for v in reversed(self.versions) if v.since <= day), None)
