"""The reference: one record at a time, exact. Every other back end must give the same to the last minor unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from amends.ground.money import MAX_MINOR, Money, MoneyError, minor_digits
from amends.recoveries.policy.calendars import day_after, working_day_after
from amends.recoveries.policy.tree import (
    Bounded,
    Cell,
    Chosen,
    Derived,
    Fixed,
    Kind,
    Left,
    Minimum,
    Operand,
    Parameter,
    Percent,
    PerUnit,
    Row,
    Share,
    Steps,
    Summed,
    Table,
    TableVersion,
    Term,
)

SEVERITIES = ("minor", "major", "severe")
Values = Mapping[str, Any]  # by name: Decimal, bool, str, date, tuple; None where it is not known


class NoAmount(Exception):
    """An amount that cannot be reckoned from what is known; a person decides."""


@dataclass(frozen=True)
class Exact:
    """An amount in the major unit, not yet rounded, and what happened to it on the way."""

    value: Fraction
    marks: frozenset[str] = field(default_factory=frozenset)  # capped, halved, floored


@dataclass(frozen=True)
class Looked:
    """One row as it was looked at: each condition in words, and whether it held."""

    row: Row
    conditions: Mapping[str, bool]

    @property
    def held(self) -> bool:
        return all(self.conditions.values())


# ---------------------------------------------------------------- values


def values_of(table: Table, version: TableVersion, inputs: Values, day: date) -> dict[str, Any]:
    """Inputs, parameters and derived values under their names; `day` is the event's."""
    found: dict[str, Any] = dict(inputs) | dict(version.parameters)
    for derived in table.derived:
        found[derived.name] = _derive(derived, found, day)
    return found


def _derive(derived: Derived, found: Values, day: date) -> Any:
    if derived.op == "by_date":
        return next((value for since, value in reversed(derived.of) if since <= day), None)
    if derived.op == "first_known":
        return next((value for name in derived.of if (value := operand(name, found)) is not None), None)
    values = [operand(name, found) for name in derived.of]
    if any(value is None for value in values):
        return None
    return _OPS[derived.op](*values)


def operand(name: Any, found: Values) -> Any:
    """The value behind a name; a number stands for itself."""
    return found.get(name) if type(name) is str else name


def _periods(length: Decimal, period: Decimal, *, begun: bool) -> Decimal:
    if length <= 0 or period <= 0:
        return Decimal(0)
    whole = Decimal(int(length / period))
    return whole + 1 if begun and whole * period < length else whole


_OPS: Mapping[str, Callable[..., Any]] = {
    "plus": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "complete": lambda length, period: _periods(length, period, begun=False),
    "begun": lambda length, period: _periods(length, period, begun=True),
    "days": lambda since, until: Decimal((until - since).days),
    "days_after": lambda day, count: day_after(day, int(count)),
    "working_days_after": lambda day, count, holidays: working_day_after(day, int(count), holidays),
    "at_least": max,
    "at_most": min,
    "total": lambda numbers: sum(numbers, Decimal(0)),
    "count_above": lambda numbers, least: Decimal(sum(number > least for number in numbers)),
}


# ---------------------------------------------------------------- conditions


def look(table: Table, version: TableVersion, found: Values, currency: str) -> list[Looked]:
    """Rows in order, up to the first that holds; all of them where the table collects."""
    looked = []
    for row in version.rows:
        one = Looked(row, {cell.words(): holds(table, cell, found, currency) for cell in row.cells})
        looked.append(one)
        if one.held and (version.hit == "first" or row.excludes):
            break
    return looked


def holds(table: Table, cell: Cell, found: Values, currency: str) -> bool:
    """Whether one condition is met; what is not known meets none but `null`."""
    value = found.get(cell.name)
    if cell.op in ("null", "notnull"):
        return (value is None) == (cell.op == "null")
    if value is None:
        return False
    if cell.op == "in":
        return any(value == _compared(part, found, currency) for part in cell.value)
    rank = _rank(table, cell.name)
    if cell.op == "between":
        low, high = (_compared(part, found, currency) for part in cell.value)
        return low is not None and high is not None and bool(rank(low) <= rank(value) <= rank(high))
    other = _compared(cell.value, found, currency)
    if other is None:
        return False
    left, right = rank(value), rank(other)
    return bool(_COMPARE[cell.op](left, right))


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _rank(table: Table, name: str) -> Callable[[Any], Any]:
    given = table.inputs.get(name)
    return SEVERITIES.index if given is not None and given.kind is Kind.SEVERITY else lambda value: value


def _compared(value: Any, found: Values, currency: str) -> Any:
    """What a cell compares with: amounts of another currency cannot be compared, so no such condition holds."""
    if isinstance(value, Money):
        return value.decimal() if value.currency == currency else None
    if isinstance(value, Parameter):
        return found.get(value.name) if value.currency in ("", currency) else None
    return value


# ---------------------------------------------------------------- amounts


def reckon(term: Term, found: Values, currency: str) -> Exact:
    """An amount, exact. NoAmount when it cannot be known."""
    if isinstance(term, Fixed):
        return Exact(_fixed(term, found, currency))
    if isinstance(term, Percent):
        return Exact(_known(term.of, found) * _known(term.percent, found) / 100)
    if isinstance(term, PerUnit):
        base = reckon(term.term, found, currency)
        return Exact(base.value * _known(term.unit, found), base.marks)
    if isinstance(term, Share):
        parts = _known(term.parts, found)
        if parts <= 0:
            raise NoAmount(f"{term.parts} is not above zero")
        return Exact(_known(term.of, found) * _known(term.units, found) / parts)
    if isinstance(term, Chosen):
        amounts = [reckon(part, found, currency) for part in term.terms]
        return (max if term.largest else min)(amounts, key=lambda amount: amount.value)
    if isinstance(term, Summed):
        amounts = [reckon(part, found, currency) for part in term.terms]
        marks = frozenset().union(*(amount.marks for amount in amounts))
        return Exact(sum((amount.value for amount in amounts), Fraction(0)), marks)
    if isinstance(term, Steps):
        return _step(term, found, currency)
    if isinstance(term, Left):
        used = _known(term.used, found)
        return Exact(max(Fraction(0), reckon(term.limit, found, currency).value - used))
    return _bounded(term, found, currency)


def _fixed(term: Fixed, found: Values, currency: str) -> Fraction:
    speaks = term.currency if isinstance(term.amount, str) else term.amount.currency
    if speaks not in ("", currency):
        raise NoAmount(f"the policy speaks of {speaks}, the customer paid in {currency}")
    return _known(term.amount, found) if isinstance(term.amount, str) else Fraction(term.amount.decimal())


def _known(name: Operand, found: Values) -> Fraction:
    value = operand(name, found)
    if value is None:
        raise NoAmount(f"{name} is not known")
    return Fraction(value)


def _step(term: Steps, found: Values, currency: str) -> Exact:
    reached = _known(term.by, found)
    step = next((amount for least, amount in reversed(term.steps) if reached >= least), None)
    return reckon(step, found, currency) if step is not None else Exact(Fraction(0))


def _bounded(term: Bounded, found: Values, currency: str) -> Exact:
    base = reckon(term.term, found, currency)
    value, marks = base.value, base.marks
    if term.halve:
        value, marks = value / 2, marks | {"halved"}
    if term.floor is not None and value < (floor := reckon(term.floor, found, currency).value):
        value, marks = floor, marks | {"floored"}
    if term.cap is not None and value > (cap := reckon(term.cap, found, currency).value):
        value, marks = cap, marks | {"capped"}
    return Exact(value, marks)


def rounded(exact: Exact, currency: str) -> Money:
    """The one rounding: at the end, half up to the minor unit, never below zero. MoneyError beyond 2^63 - 1."""
    scaled = max(Fraction(0), exact.value) * 10 ** minor_digits(currency)
    minor = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    if minor > MAX_MINOR:
        raise MoneyError("the amount is beyond what the books can hold (2^63 - 1 minor units)")
    return Money(minor, currency)


def below(minimum: Minimum | None, amount: Money) -> bool:
    """Whether an amount is too small to be paid by the table."""
    if minimum is None or not amount.minor:
        return False
    value = amount.decimal()
    return value <= minimum.amount if minimum.above else value < minimum.amount
