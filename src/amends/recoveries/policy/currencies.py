"""Whether the amounts of a table can stand beside each other: those of two currencies are never compared or added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.recoveries.policy.tree import Row, Table, TableVersion


def check(table: Table) -> Iterator[Mistake]:
    """Rows that nobody could be paid by: two currencies in one, or another one than the policy's, for whoever paid."""
    for version in table.versions:
        main = table.currency or _most(version)
        for row in version.rows:
            yield from _row(table, row, main)


def _most(version: TableVersion) -> str:
    """The currency in which most rows pay that say nothing of what was paid in."""
    found = Counter(code for row in version.rows if not _says_which(row) for code in {c for _, c in _spoken(row)})
    return found.most_common(1)[0][0] if found else ""


def _row(table: Table, row: Row, main: str) -> Iterator[Mistake]:
    spoken = _spoken(row)
    codes = list(dict.fromkeys(code for _, code in spoken))
    line = next((line for line, code in spoken if code != (codes[0] if len(codes) > 1 else main)), row.line)
    if len(codes) > 1:
        says = f"row {row.row_id} speaks of {' and '.join(codes)}: they are not compared or added, so it pays nobody"
        hint = f"one row for each currency: when: {{price: {{'>=': 0.01 {codes[1]}}}}} takes those who paid in it"
        yield Mistake(table.file, line, says, hint)
    elif codes and codes[0] != main and (not table.promise or not _says_which(row)):
        says = f"row {row.row_id} pays in {codes[0]}, the rest in {main}: nobody who paid in {main} would get it"
        hint = f"write it in {main}" + (
            f", or ask for those who paid in it: when: {{price: {{'>=': 0.01 {codes[0]}}}}}" if table.promise else ""
        )
        yield Mistake(table.file, line, says, hint)


def _says_which(row: Row) -> bool:
    """Whether its conditions hold in one currency only: those with an amount do."""
    return any(cell.name == "currency" or any(_money(cell.value)) for cell in row.cells)


def _spoken(row: Row) -> list[tuple[int, str]]:
    """(line, currency) of each amount in a row: of its conditions, what it gives, and what lateness adds."""
    found = [(row.line, money) for cell in row.cells for money in _money(cell.value)]
    found += [(grant.line or row.line, money) for grant in row.grants for money in _money(grant.term)]
    found += [(row.line, money) for money in _money(row.pay_by)]
    return [(line, money.currency) for line, money in found]


def _money(part: Any) -> Iterator[Money]:
    if isinstance(part, Money):
        yield part
    elif isinstance(part, tuple):
        for one in part:
            yield from _money(one)
    elif is_dataclass(part):
        for one in fields(part):
            yield from _money(getattr(part, one.name))
