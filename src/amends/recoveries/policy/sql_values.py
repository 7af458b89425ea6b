"""Values as SQL: whole numbers with a scale, each step under a name of its own, and a bound for each step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from amends.ground.money import Money, minor_digits
from amends.recoveries.policy.calendars import MOST_DAYS
from amends.recoveries.policy.column_values import constant, threshold
from amends.recoveries.policy.scope import SEVERITIES
from amends.recoveries.policy.sql_dialects import Dialect, day_text
from amends.recoveries.policy.tree import Cell, Derived, Input, Kind, Parameter, Table, TableVersion

MOST_WHOLE = 10**38 - 1  # what DECIMAL(38, 0) holds, and a 128-bit integer
MOST_NUMBER, MOST_MINOR = Decimal(10) ** 9, 10**13  # larger ones are left to the columns
NUMBERS = (Kind.NUMBER, Kind.COUNT, Kind.MONEY)
_STEP = re.compile(r"\b_v(\d+)\b")


class NotInSql(ValueError):
    """What a table needs and no SQL text gives; the columns do."""


@dataclass(frozen=True)
class Number:
    """`sql / 10 ** scale`, null where it is not known; `most` bounds its absolute value."""

    sql: str
    scale: int
    most: int


@dataclass
class Steps:
    """A query in layers, each of which may use the names of those before it."""

    table: Table
    version: TableVersion
    dialect: Dialect
    currency: str
    digits: int  # after the point, of numbers
    layers: list[dict[str, str]] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    depth: list[int] = field(default_factory=list)

    def let(self, expression: str) -> str:
        """The name under which an expression can be used from here on."""
        if expression in self.known or len(expression) < 7:
            return self.known.get(expression, expression)
        layer = max((self.depth[int(number)] + 1 for number in _STEP.findall(expression)), default=0)
        name = f"_v{len(self.depth)}"
        self.depth.append(layer)
        while len(self.layers) <= layer:
            self.layers.append({})
        self.layers[layer][name] = expression
        self.known[expression] = name
        return name

    def query(self, source: str, outputs: Mapping[str, str]) -> str:
        """All layers around a source, and what is wanted of them."""
        inner = f"{source} AS given"
        for number, layer in enumerate(self.layers):
            lines = ",\n  ".join(f"{expression} AS {name}" for name, expression in layer.items())
            inner = f"(\nSELECT *,\n  {lines}\nFROM {inner}) AS layer{number}"
        lines = ",\n  ".join(f"{expression} AS {self.dialect.column(name)}" for name, expression in outputs.items())
        return f"SELECT given_id,\n  {lines}\nFROM {inner}"

    def fitting(self, most: int) -> int:
        if most > MOST_WHOLE:
            raise NotInSql(f"{self.table.name}: an amount on the way may have more than 38 digits")
        return most

    # ------------------------------------------------------------ names

    def kind(self, name: str) -> Kind:
        if name in self.table.inputs:
            return self.table.inputs[name].kind
        return next((one.kind for one in self.table.derived if one.name == name), Kind.NUMBER)

    def number(self, name: Any) -> Number:
        """The number behind a name; a number stands for itself."""
        if isinstance(name, Decimal):
            column = constant(name)
            return Number(self.literal(column.data), column.scale, self.fitting(abs(column.data)))
        if name not in self.found:
            self.found[name] = self._number(name)
        return self.found[name]  # type: ignore[no-any-return]

    def literal(self, number: int) -> str:
        """A whole number that no engine takes for a small one."""
        return self.let(f"CAST({number} AS {self.dialect.whole})")

    def _number(self, name: str) -> Number:
        if name in self.version.parameters:
            return self.number(self.version.parameters[name])
        derived = next((one for one in self.table.derived if one.name == name), None)
        if derived is not None:
            return _derive(derived, self)
        one = self.table.inputs[name]
        column, whole = self.dialect.column(name), self.dialect.whole
        if one.kind is Kind.MONEY:
            digits = minor_digits(self.currency)
            most = min(MOST_MINOR, int(one.most.scaleb(digits))) if one.most is not None else MOST_MINOR
            return Number(self.let(f"CAST({column} AS {whole})"), digits, most)
        most_number = min(one.most, MOST_NUMBER) if one.most is not None else MOST_NUMBER
        most_number = max(most_number, abs(one.least or Decimal(0)))
        if one.kind is Kind.COUNT:
            return Number(self.let(f"CAST({column} AS {whole})"), 0, int(most_number))
        scaled = self.let(f"CAST({column} * {10**self.digits} AS {whole})")
        return Number(scaled, self.digits, int(most_number.scaleb(self.digits)))

    def day(self, name: str) -> str:
        if name in self.table.inputs:
            return self.dialect.column(name)
        if name not in self.found:
            derived = next(one for one in self.table.derived if one.name == name)
            self.found[name] = self.let(_day(derived, self))
        return str(self.found[name])

    def chosen(self, name: str) -> str:
        """A column of texts, other words for a choice read as that choice."""
        column, same = self.dialect.column(name), self.table.inputs[name].same
        if not same:
            return column
        whens = " ".join(f"WHEN {text(word)} THEN {text(choice)}" for word, choice in same.items())
        return self.let(f"CASE {column} {whens} ELSE {column} END")

    def event(self) -> str:
        far = self.version.since if self.table.by_name and self.version.named else date(2100, 1, 1)
        return f"coalesce({self.day(self.table.event)}, {day_text(far)})" if self.table.event else day_text(far)

    def list_of(self, name: Any) -> str:
        if isinstance(name, str):
            if name not in self.table.inputs:
                raise NotInSql(f"{self.table.name}: the calendar of {name} is not known to SQL")
            return self.dialect.column(name)
        return self.dialect.days(name)

    # ------------------------------------------------------------ arithmetic

    def scaled(self, one: Number, scale: int) -> Number:
        if one.scale == scale:
            return one
        factor = 10 ** (scale - one.scale)
        return Number(multiplied(one.sql, factor), scale, self.fitting(one.most * factor))

    def alike(self, one: Number, other: Number) -> tuple[Number, Number]:
        scale = max(one.scale, other.scale)
        return self.scaled(one, scale), self.scaled(other, scale)


def multiplied(sql: str, factor: int) -> str:
    return sql if factor == 1 else f"({sql} * {factor})"


def _derive(derived: Derived, steps: Steps) -> Number:
    op, whole = derived.op, steps.dialect.whole
    if op == "by_date":
        return _by_date(derived, steps)
    if op == "days":
        since, until = (steps.day(name) for name in derived.of)
        return Number(steps.let(f"CAST({steps.dialect.days_between.format(since, until)} AS {whole})"), 0, 4_000_000)
    if op in ("total", "count_above"):
        return _over_list(derived, steps)
    if op == "first_known":
        parts = [steps.number(name) for name in derived.of]
        scale = max(part.scale for part in parts)
        parts = [steps.scaled(part, scale) for part in parts]
        joined = ", ".join(part.sql for part in parts)
        return Number(steps.let(f"coalesce({joined})"), scale, max(part.most for part in parts))
    left, right = steps.alike(*(steps.number(name) for name in derived.of))
    made, most = _TWO[op](left.sql, right.sql, steps.dialect), steps.fitting(left.most + right.most)
    return Number(steps.let(made), 0 if op in ("complete", "begun") else left.scale, most)


_TWO: Mapping[str, Callable[[str, str, Dialect], str]] = {
    "plus": lambda a, b, dialect: f"({a} + {b})",
    "minus": lambda a, b, dialect: f"({a} - {b})",
    "at_least": lambda a, b, dialect: f"CASE WHEN {b} IS NULL THEN NULL WHEN {a} < {b} THEN {b} ELSE {a} END",
    "at_most": lambda a, b, dialect: f"CASE WHEN {b} IS NULL THEN NULL WHEN {a} > {b} THEN {b} ELSE {a} END",
    "complete": lambda a, b, dialect: _periods(a, b, a, dialect),
    "begun": lambda a, b, dialect: _periods(a, b, f"{a} + {b} - 1", dialect),
}


def _periods(length: str, period: str, over: str, dialect: Dialect) -> str:
    unknown = f"{length} IS NULL OR {period} IS NULL THEN NULL WHEN {length} <= 0 OR {period} <= 0 THEN 0"
    return f"CASE WHEN {unknown} ELSE {dialect.divide(over, period)} END"


def _by_date(derived: Derived, steps: Steps) -> Number:
    values = [constant(value) for _, value in derived.of]
    scale = max(value.scale for value in values)
    numbers = [value.data * 10 ** (scale - value.scale) for value in values]
    first = f"CAST(NULL AS {steps.dialect.whole})"
    whens = [
        f"WHEN {steps.event()} >= {day_text(since)} THEN {number}"
        for (since, _), number in reversed(list(zip(derived.of, numbers, strict=True)))
    ]
    return Number(steps.let(f"CASE {' '.join(whens)} ELSE {first} END"), scale, max(map(abs, numbers)))


def _over_list(derived: Derived, steps: Steps) -> Number:
    dialect, numbers = steps.dialect, steps.dialect.column(derived.of[0])
    one = steps.table.inputs[derived.of[0]]
    whole = dialect.mapped.format(numbers, f"CAST(x * {10**steps.digits} AS {dialect.whole})")
    if derived.op == "total":
        most = int((one.most or MOST_NUMBER).scaleb(steps.digits)) * 10_000
        total = f"CAST({dialect.total.format(whole)} AS {dialect.whole})"
        return Number(steps.let(f"CASE WHEN {numbers} IS NOT NULL THEN {total} END"), steps.digits, most)
    least = steps.scaled(steps.number(derived.of[1]), max(steps.digits, steps.number(derived.of[1]).scale))
    factor = 10 ** (least.scale - steps.digits)
    larger = dialect.kept.format(whole, f"{multiplied('x', factor)} > {least.sql}")
    counted = f"CAST({dialect.size.format(larger)} AS {dialect.whole})"
    known = f"{numbers} IS NOT NULL AND {least.sql} IS NOT NULL"
    return Number(steps.let(f"CASE WHEN {known} THEN {counted} END"), 0, 10_000)


def _day(derived: Derived, steps: Steps) -> str:
    start, count = steps.day(derived.of[0]), steps.number(derived.of[1])
    size = str(10**count.scale)
    down, up = steps.dialect.divide(f"-({count.sql})", size), steps.dialect.divide(count.sql, size)
    whole = steps.let(f"CASE WHEN {count.sql} < 0 THEN -{down} ELSE {up} END")
    if derived.op == "days_after":
        return days_after(start, whole, steps)
    return working_days_after(start, whole, steps.list_of(derived.of[2]), steps)


def days_after(start: str, count: str, steps: Steps) -> str:
    """So many days later; null where the calendar ends."""
    held = f"greatest(least({count}, 4000000), -4000000)"
    later = steps.let(f"CASE WHEN {count} IS NOT NULL THEN {steps.dialect.day_later.format(start, held)} END")
    return f"CASE WHEN {later} BETWEEN {day_text(date.min)} AND {day_text(date.max)} THEN {later} END"


def working_days_after(start: str, count: str, free: str, steps: Steps) -> str:
    dialect = steps.dialect
    free = steps.let(free)
    enough = steps.let(dialect.divide(f"(greatest({count}, 1) + {dialect.size.format(free)}) * 7", "5"))
    later = dialect.mapped.format(dialect.numbers_up_to.format(f"{enough} + 7"), dialect.day_later.format(start, "x"))
    working = dialect.kept.format(later, f"{dialect.weekday.format('x')} < 6 AND NOT {dialect.has.format(free, 'x')}")
    found = dialect.at.format(working, count)
    some = f"{start} IS NOT NULL AND {free} IS NOT NULL AND {count} <= {MOST_DAYS}"
    return f"CASE WHEN {some} AND {count} > 0 THEN {found} WHEN {some} THEN {start} END"


# ---------------------------------------------------------------- conditions


def holds(cell: Cell, steps: Steps) -> str:
    """Where one condition is met: true or false, never null."""
    return steps.let(f"coalesce({_condition(cell, steps)}, FALSE)")


def _condition(cell: Cell, steps: Steps) -> str:
    kind = steps.kind(cell.name)
    if cell.op in ("null", "notnull"):
        value = steps.number(cell.name).sql if kind in NUMBERS else _other(cell.name, kind, steps)
        return f"{value} IS {'NOT ' if cell.op == 'notnull' else ''}NULL"
    if cell.op == "in":
        return "(" + " OR ".join(_compared("=", cell.name, part, kind, steps) for part in cell.value) + ")"
    if cell.op == "between":
        low, high = cell.value
        ends = (_compared(">=", cell.name, low, kind, steps), _compared("<=", cell.name, high, kind, steps))
        return f"({ends[0]} AND {ends[1]})"
    return _compared(cell.op, cell.name, cell.value, kind, steps)


def _other(name: str, kind: Kind, steps: Steps) -> str:
    return steps.day(name) if kind is Kind.DAY else steps.chosen(name)


def _compared(op: str, name: str, value: Any, kind: Kind, steps: Steps) -> str:
    said = "<>" if op == "!=" else op
    if kind in NUMBERS:
        return _numeric(op, said, steps.number(name), value, steps)
    column = _other(name, kind, steps)
    if kind is Kind.SEVERITY:
        return f"{_rank(column)} {said} {SEVERITIES.index(value)}"
    if kind is Kind.FLAG:
        return f"{column} {said} {'TRUE' if value else 'FALSE'}"
    return f"{column} {said} {day_text(value) if kind is Kind.DAY else text(value)}"


def _rank(column: str) -> str:
    whens = " ".join(f"WHEN '{severity}' THEN {rank}" for rank, severity in enumerate(SEVERITIES))
    return f"CASE {column} {whens} END"


def _numeric(op: str, said: str, column: Number, value: Any, steps: Steps) -> str:
    if isinstance(value, Parameter):
        if value.currency not in ("", steps.currency):
            return "FALSE"
        left, right = steps.alike(column, steps.number(value.name))
        return f"{left.sql} {said} {right.sql}"
    if isinstance(value, Money):
        if value.currency != steps.currency:
            return "FALSE"
        value = value.decimal()
    least = threshold(value, column.scale, up=op in (">=", "<"))
    if op in ("=", "!=") and least != value.scaleb(column.scale):
        return f"{column.sql} IS NOT NULL" if op == "!=" else "FALSE"
    return f"{column.sql} {said} {least}"


def text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def out_of_range(one: Input, steps: Steps) -> str:
    """Where an input cannot be, or is too large for SQL's whole numbers; empty where anything goes."""
    if one.choices or one.kind is Kind.SEVERITY:
        said = ", ".join(text(choice) for choice in one.choices or SEVERITIES)
        return f"{steps.chosen(one.name)} NOT IN ({said})"
    if one.kind not in NUMBERS:
        return ""
    number = steps.number(one.name)
    least = threshold(one.least or Decimal(0), number.scale, up=True)
    return f"{number.sql} NOT BETWEEN {least} AND {number.most}"
