"""Records to try a table on: chance with a seed, drawn to the numbers at which the table changes its mind."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from amends.ground.money import Money
from amends.recoveries.policy.tree import (
    REQUIRED,
    Bounded,
    Chosen,
    Fixed,
    Input,
    Kind,
    Parameter,
    PerUnit,
    Steps,
    Summed,
    Table,
    Term,
)

MOST_NUMBER = Decimal(100)
SEVERITIES = ("minor", "major", "severe")


def records(table: Table, count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """So many records a table can be applied to; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311  records to try, no secrets
    points = {name: _points(table, name) for name in table.inputs}
    days = _days(table)
    for _ in range(count):
        anchor = chance.choice(days) + timedelta(days=chance.randint(-3, 400))
        drawn = {}
        for name, one in table.inputs.items():
            drawn[name] = _draw(chance, one, points[name], anchor)
            anchor = max(anchor, date.fromisoformat(drawn[name])) if _is_day(one, drawn[name]) else anchor
        yield {name: value for name, value in drawn.items() if value is not REQUIRED}


def with_currency(table: Table, currency: str = "") -> Table:
    """A policy pays in what the customer paid: to try it, the currency its amounts speak of."""
    return table if table.currency else replace(table, currency=currency or spoken(table) or "EUR")


def spoken(table: Table) -> str:
    """The currency of the first amount that names one; empty where none does."""
    terms = (grant.term for version in table.versions for row in version.rows for grant in row.grants)
    found = next((money for term in terms if term for money in _amounts(term)), None)
    return found.currency if found else ""


def _amounts(term: Term) -> Iterator[Money]:
    if isinstance(term, Fixed) and isinstance(term.amount, Money):
        yield term.amount
    for part in _parts(term):
        yield from _amounts(part)


def _parts(term: Term) -> list[Term]:
    if isinstance(term, Chosen | Summed):
        return list(term.terms)
    if isinstance(term, Steps):
        return [step for _, step in term.steps]
    if isinstance(term, Bounded):
        return [part for part in (term.term, term.cap, term.floor) if part is not None]
    return [term.term] if isinstance(term, PerUnit) else []


def _points(table: Table, name: str) -> list[Any]:
    """The values of a name that conditions and steps mention."""
    found: list[Any] = []
    for version in table.versions:
        for row in version.rows:
            for cell in row.cells:
                if cell.name == name:
                    found += cell.value if isinstance(cell.value, tuple) else [cell.value]
            for grant in row.grants:
                found += _steps(grant.term, name) if grant.term else []
        found = [version.parameters.get(one.name) if isinstance(one, Parameter) else one for one in found]
    numbers = [one.decimal() if isinstance(one, Money) else one for one in found if one is not None]
    for derived in table.derived:
        numbers += [part for part in derived.of if name in derived.of and isinstance(part, Decimal)]
    return list(dict.fromkeys(numbers))


def _steps(term: Term, name: str) -> list[Decimal]:
    mine = [least for least, _ in term.steps] if isinstance(term, Steps) and term.by == name else []
    return [*mine, *(found for part in _parts(term) for found in _steps(part, name))]


def _days(table: Table) -> list[date]:
    dated = [day for one in table.derived if one.op == "by_date" for day, _ in one.of]
    return [*(version.since for version in table.versions if version.since.year > 1900), *dated] or [date(2026, 1, 1)]


def _draw(chance: random.Random, one: Input, points: list[Any], anchor: date) -> Any:
    if one.default is not REQUIRED and chance.random() < (0.2 if points else 0.5):
        return REQUIRED
    if one.kind is Kind.FLAG:
        return chance.random() < 0.5
    if one.kind is Kind.SEVERITY:
        return chance.choice(SEVERITIES)
    if one.kind is Kind.CHOICE:
        return chance.choice(one.choices)
    if one.kind is Kind.DAY:
        return (anchor + timedelta(days=chance.randint(0, 20))).isoformat()
    if one.kind is Kind.DAYS:
        return []
    if one.kind is Kind.NUMBERS:
        return [str(chance.randint(0, 24)) for _ in range(chance.randint(1, 5))]
    if one.kind is Kind.TEXT:
        return str(chance.choice([*points, "something"]))
    return str(_number(chance, one, points))


def _is_day(one: Input, drawn: Any) -> bool:
    return one.kind is Kind.DAY and drawn is not REQUIRED


def _number(chance: random.Random, one: Input, points: list[Any]) -> Decimal:
    least = one.least if one.least is not None else Decimal(0)
    highest = max([MOST_NUMBER if not points else 2 * abs(max(points)) + 2, least + 1])
    most = min(highest, one.most) if one.most is not None else highest
    least = max(least, -highest)
    whole = one.kind is Kind.COUNT or (one.kind is Kind.NUMBER and not one.unit)
    places = Decimal(1) if whole else Decimal("0.01")
    if points and chance.random() < 0.5:
        found = Decimal(chance.choice(points)) + chance.choice((-1, 0, 1)) * places
    elif one.kind is Kind.MONEY:
        found = Decimal(chance.randint(1, 40_000)) / 100
    else:
        found = least + (most - least) * chance.randint(0, 1000) / 1000
    return min(max(found, least), most).quantize(places)
