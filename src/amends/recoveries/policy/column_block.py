"""Some records of a batch under the names a table uses: inputs, parameters, derived values; reckoned when asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from amends.ground.money import Money
from amends.recoveries.policy import column_days
from amends.recoveries.policy.column_reading import Values, vocabulary
from amends.recoveries.policy.column_values import (
    UNKNOWN,
    Array,
    Column,
    Known,
    Lists,
    Picked,
    Regions,
    both,
    constant,
    fitting,
    same_scale,
    threshold,
    times,
    where,
)
from amends.recoveries.policy.tree import Cell, Derived, Kind, Parameter, Table, TableVersion

NUMBERS = (Kind.NUMBER, Kind.COUNT, Kind.MONEY)
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass
class Block:
    """Records side by side. `wide`: with integers that have no largest, for the few that need them."""

    table: Table
    version: TableVersion
    currency: str
    source: Mapping[str, Values]
    picked: Picked
    size: int
    day: Column  # of the event
    wide: bool = False
    parent: Block | None = None
    found: dict[str, Any] = field(default_factory=dict)

    def take(self, chosen: Array) -> Block:
        """The same of some of these records."""
        day = self.day.pick(chosen)
        return Block(
            self.table, self.version, self.currency, {}, chosen, len(chosen), day, self.wide, self, dict[str, Any]()
        )

    def operand(self, name: Any) -> Any:
        """The column behind a name; a number stands for itself."""
        return self[name] if type(name) is str else self._constant(name) if isinstance(name, Decimal) else name

    def _constant(self, value: Decimal) -> Column:
        found = constant(value)
        fitting(found.bound, self.wide)
        return found

    def __getitem__(self, name: str) -> Any:
        known = self.found.get(name)
        if known is None:
            known = self.found[name] = self._find(name)
        return known

    def _find(self, name: str) -> Any:
        if self.parent is not None and (name in self.parent.found or name in self.table.inputs):
            return self.parent[name].pick(self.picked)
        if name in self.version.parameters:
            return self._constant(self.version.parameters[name])
        derived = next((one for one in reversed(self.table.derived) if one.name == name), None)
        if derived is not None:
            return derive(derived, self)
        if name not in self.source:
            return UNKNOWN
        column = self.source[name].pick(self.picked)
        if isinstance(column, Lists) and self.wide:
            return Lists(column.starts, column.items.unbounded(), column.known)
        numeric = isinstance(column, Column) and self.table.inputs[name].kind in NUMBERS
        return column.unbounded() if self.wide and numeric and isinstance(column, Column) else column

    def is_number(self, name: str) -> bool:
        return name not in self.table.inputs or self.table.inputs[name].kind in (*NUMBERS, Kind.DAY)


# ---------------------------------------------------------------- derived values


def derive(derived: Derived, block: Block) -> Column:
    if derived.op == "by_date":
        return column_days.in_force(derived.of, block.day)
    of = [block.operand(name) for name in derived.of]
    if derived.op == "first_known":
        return _first_known(of, block.wide)
    return _OPS[derived.op](block.wide, *of)


def _first_known(of: list[Column], wide: bool) -> Column:
    found = of[-1]
    for column in reversed(of[:-1]):
        data, other, scale, most = same_scale(column, found, wide)
        known = True if found.known is True or column.known is True else where(column.known, True, found.known)
        found = Column(where(column.known, data, other), known, scale, most)
    return found


def _added(sign: int) -> Callable[..., Column]:
    def add(wide: bool, one: Column, other: Column) -> Column:
        left, right, scale, most = same_scale(one, other, wide)
        bound = fitting(most * 2, wide)
        return Column(left + right if sign > 0 else left - right, both(one.known, other.known), scale, bound)

    return add


def _held(largest: bool) -> Callable[..., Column]:
    def hold(wide: bool, one: Column, other: Column) -> Column:
        left, right, scale, most = same_scale(one, other, wide)
        arrays = isinstance(left, np.ndarray) or isinstance(right, np.ndarray)
        if arrays:
            data = np.maximum(left, right) if largest else np.minimum(left, right)
        else:
            data = max(left, right) if largest else min(left, right)
        return Column(data, both(one.known, other.known), scale, most)

    return hold


def _periods(begun: bool) -> Callable[..., Column]:
    def count(wide: bool, length: Column, period: Column) -> Column:
        """How many whole (or begun) periods a length is; none where either is not above zero."""
        known = both(length.known, period.known)
        left, right, _, most = same_scale(length, period, wide)
        some = (left > 0) & (right > 0)
        divisor = right if not isinstance(right, np.ndarray) else np.where(right > 0, right, 1)
        divisor = divisor if isinstance(divisor, np.ndarray) else max(divisor, 1)
        whole = (left + (divisor - 1) if begun else left) // divisor
        fitting(most * 2, wide)
        return Column(whole * some, known, 0, most)

    return count


def _days(wide: bool, since: Column, until: Column) -> Column:
    later = until.data.astype(np.int64) if isinstance(until.data, np.ndarray) else until.data
    return Column(later - since.data, both(since.known, until.known), 0, 4_000_000)


def _total(wide: bool, numbers: Lists) -> Column:
    counts = np.diff(numbers.starts)
    most = fitting(numbers.items.bound * max(int(counts.max(initial=0)), 1), wide)
    if wide:
        running = np.concatenate([np.array([0], object), np.cumsum(numbers.items.data, dtype=object)])
        data = running[numbers.starts[1:]] - running[numbers.starts[:-1]]
    else:
        data = _sums(numbers, numbers.items.data)
    return Column(data, numbers.known, numbers.items.scale, most)


def _sums(numbers: Lists, values: Array) -> Array:
    """By record; running sums may wrap around, their differences are right all the same."""
    running = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.asarray(running[numbers.starts[1:]] - running[numbers.starts[:-1]])


def _count_above(wide: bool, numbers: Lists, least: Column) -> Column:
    known = both(numbers.known, least.known)
    if isinstance(least.data, np.ndarray):
        least = least.pick(numbers.owners)
    left, right, _, _ = same_scale(numbers.items, least, wide)
    return Column(_sums(numbers, np.asarray(left > right, np.int64)), known, 0)


_OPS: Mapping[str, Callable[..., Column]] = {
    "plus": _added(1),
    "minus": _added(-1),
    "complete": _periods(False),
    "begun": _periods(True),
    "days": _days,
    "days_after": lambda wide, start, count: column_days.days_after(start, count),
    "working_days_after": lambda wide, start, count, free: column_days.working_days_after(start, count, _free(free)),
    "at_least": _held(True),
    "at_most": _held(False),
    "total": _total,
    "count_above": _count_above,
}


def _free(free: Any) -> Any:
    """Regions and lists as they are; one region's name for all records."""
    return Regions(np.zeros(1, np.int32), (str(free),)) if isinstance(free, str) else free


# ---------------------------------------------------------------- conditions


def holds(cell: Cell, block: Block) -> Known:
    """Where one condition is met; what is not known meets none but `null`."""
    column = block[cell.name]
    if cell.op in ("null", "notnull"):
        known = column.known
        return known if cell.op == "notnull" else (not known) if isinstance(known, bool) else ~known
    if column.known is False:
        return False
    if not block.is_number(cell.name):
        return _coded(cell, column, block)
    if cell.op == "in":
        met: Known = False
        for part in cell.value:
            met = met | _compare("=", column, part, block)
        return both(column.known, met)
    if cell.op == "between":
        low, high = cell.value
        met = both(_compare(">=", column, low, block), _compare("<=", column, high, block))
        return both(column.known, met)
    return both(column.known, _compare(cell.op, column, cell.value, block))


def _compare(op: str, column: Column, value: Any, block: Block) -> Known:
    if isinstance(value, Parameter):
        if value.currency not in ("", block.currency):
            return False
        other = block[value.name]
        left, right, _, _ = same_scale(column, other, block.wide)
        return both(other.known, _plain(_COMPARE[op](left, right)))
    if isinstance(value, Money):
        if value.currency != block.currency:
            return False
        value = value.decimal()
    if not isinstance(value, Decimal):
        return _plain(_COMPARE[op](column.data, column_days.number_of(value)))
    least = threshold(value, column.scale, up=op in (">=", "<"))
    if op in ("=", "!=") and least != value.scaleb(column.scale):
        return op == "!="
    return _plain(_COMPARE[op](column.data, least))


def _coded(cell: Cell, column: Column, block: Block) -> Known:
    """Flags by themselves; texts and severities by their place in the vocabulary, where -1 meets nothing."""
    one = block.table.inputs[cell.name]
    said = (False, True) if one.kind is Kind.FLAG else vocabulary(block.table, one)
    if cell.op == "in":
        met: Known = False
        for part in cell.value:
            met = met | _plain(column.data == said.index(part))
        return met if one.kind is not Kind.FLAG else both(column.known, met)
    if cell.op == "between":
        low, high = (said.index(part) for part in cell.value)
        return both(both(column.known, _plain(column.data >= low)), _plain(column.data <= high))
    wanted = said.index(cell.value)
    if one.kind is Kind.FLAG and cell.op in ("=", "!="):
        yes = column.data if wanted == (cell.op == "=") else ~column.data if _many(column) else not column.data
        return both(column.known, yes)
    met = _plain(_COMPARE[cell.op](column.data, wanted))
    return met if cell.op in ("=", ">", ">=") else both(column.known, met)


def at_least(column: Column, least: Decimal) -> Known:
    return _plain(column.data >= threshold(least, column.scale, up=True))


def _many(column: Column) -> bool:
    return isinstance(column.data, np.ndarray)


def _plain(met: Any) -> Known:
    return met if isinstance(met, np.ndarray) else bool(met)


def scaled(column: Column, digits: int, wide: bool) -> tuple[Any, int, int]:
    """A number as minor units: numerator, denominator, bound."""
    if column.scale <= digits:
        data, most = times(column.data, 10 ** (digits - column.scale), column.bound, wide)
        return data, 1, most
    return column.data, 10 ** (column.scale - digits), column.bound
