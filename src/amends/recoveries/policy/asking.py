"""How a table is asked: its inputs by name, with type, unit, values and what holds where one is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from amends.ground.money import Money
from amends.recoveries.policy.applying import plain
from amends.recoveries.policy.plainly import Plainly, listed
from amends.recoveries.policy.scope import NUMERIC, SEVERITIES
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Table

TYPES = {Kind.FLAG: "yes or no", Kind.COUNT: "whole number", Kind.NUMBERS: "list of numbers", Kind.DAYS: "list of days"}


@dataclass(frozen=True)
class Asked:
    """One input as a program gives it. What stands between backticks is written as it stands."""

    name: str
    means: str
    type: str
    values: str
    otherwise: str


def inputs(table: Table, words: Plainly) -> Iterator[Asked]:
    """Every input that a table looks at."""
    for one in looked_at(table):
        also = f"; also {listed([_code(name) for name in one.also], 'or')}" if one.also else ""
        unit = f", {one.unit}" if one.unit else ""
        meaning = f"whether {words.name(one.name)}" if one.kind is Kind.FLAG else words.name(one.name)
        yield Asked(
            one.name, f"{meaning}{also}", f"{TYPES.get(one.kind, one.kind)}{unit}", _values(table, one), _else(one)
        )


def looked_at(table: Table) -> list[Input]:
    """The inputs of a rule; of a policy its own, and those that every policy has where anything looks at them."""
    return [one for one in table.inputs.values() if one.line or one.name in table.looked_at or not table.promise]


def line(table: Table, record: Mapping[str, Any], currency: str) -> str:
    """A record as `amends policy decide` reads it; `currency` is said where the table has none of its own."""
    paid = "" if table.currency else f" {currency}"
    given = {name: _given(table.inputs[name], value, paid) for name, value in record.items()}
    return json.dumps({"id": 1, "rule": table.name, "inputs": given}, ensure_ascii=False)


def _given(one: Input, value: Any, paid: str) -> Any:
    if one.kind is Kind.MONEY:
        return f"{value}{paid}"
    if one.kind is Kind.NUMBERS:
        return [_number(item) for item in value]
    return _number(value) if one.kind in NUMERIC else value


def _number(value: Any) -> int | float:
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else float(number)


def _values(table: Table, one: Input) -> str:
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    if choices:
        return listed([_code(choice) for choice in choices], "or")
    if one.kind is Kind.MONEY:
        return _money(table)
    said = {
        Kind.FLAG: "`true` or `false`",
        Kind.TEXT: "any text",
        Kind.DAY: "such as `2024-06-03`",
        Kind.DAYS: 'such as `["2024-12-25"]`, or a region such as `GB-ENG`',
        Kind.NUMBERS: f"each {_range(one)}",
    }
    return said.get(one.kind) or _range(one)


def _money(table: Table) -> str:
    if not table.currency:
        return 'with its currency, such as `"4.99 EUR"`'
    return f'in {table.currency}, such as `"{Money(499, table.currency).plain()}"`'


def _range(one: Input) -> str:
    least = plain(one.least if one.least is not None else Decimal(0))
    return f"{least} to {plain(one.most)}" if one.most is not None else f"{least} or more"


def _else(one: Input) -> str:
    if one.default is REQUIRED:
        return "required"
    if one.default is None:
        return "not known"
    return _code(json.dumps(_plain(one.default)).strip('"'))


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else plain(value)


def _code(text: str) -> str:
    return f"`{text}`"
