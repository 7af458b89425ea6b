"""What the amounts of a policy cannot be, before anybody is paid by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.recoveries.policy.tree import Fixed, Percent, Row, Table


def check(policy: Table, company: str) -> Iterator[Mistake]:
    """Negative amounts; amounts in another currency than the company's where no price says which."""
    for version in policy.versions:
        for row in version.rows:
            for grant in row.grants:
                for term in _terms(grant.term):
                    yield from _negative(policy, row, grant.line or row.line, term)
                    yield from _foreign(policy, row, grant.line or row.line, term, company)


def _terms(node: Any) -> Iterator[Any]:
    """A term and all terms inside it."""
    if isinstance(node, tuple):
        for inner in node:
            yield from _terms(inner)
    elif is_dataclass(node) and not isinstance(node, Money):
        yield node
        for field in fields(node):
            yield from _terms(getattr(node, field.name))


def _negative(policy: Table, row: Row, line: int, term: Any) -> Iterator[Mistake]:
    amount = term.amount if isinstance(term, Fixed) else None
    percent = term.percent if isinstance(term, Percent) else None
    if isinstance(amount, Money) and amount.minor < 0:
        yield Mistake(policy.file, line, f"row {row.row_id} gives {amount}: nobody is given less than nothing")
    if isinstance(percent, Decimal) and percent < 0:
        yield Mistake(policy.file, line, f"row {row.row_id} gives {percent} %: nobody is given less than nothing")


def _foreign(policy: Table, row: Row, line: int, term: Any, company: str) -> Iterator[Mistake]:
    amount = term.amount if isinstance(term, Fixed) else None
    priced = any(cell.name == "price" and cell.op != "null" for cell in row.cells)
    if isinstance(amount, Money) and not policy.currency and amount.currency != company and not priced:
        says = f"row {row.row_id} gives {amount} where no price says the currency; the company's is {company}"
        yield Mistake(policy.file, line, says, f"write it in {company}, or ask for price: {{not: null}}", "warning")
