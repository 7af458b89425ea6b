"""What can be seen wrong in a policy before anybody is paid by it; recovery research and law behind each (docs)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from amends.ground.marked import Mistake
from amends.recoveries.policy.tree import Cell, Percent, Policy, Row, TableVersion

MOST_PERCENT = Decimal(150)  # more than half again the loss lowers trust (Haesevoets et al. 2017)
SPOILED = ("major", "severe")


def check(policy: Policy) -> list[Mistake]:
    """Errors and warnings, in the order of the file."""
    return [mistake for version in policy.versions for mistake in _check_version(policy, version)]


def _check_version(policy: Policy, version: TableVersion) -> Iterator[Mistake]:
    last = version.rows[-1]
    if last.cells:
        yield Mistake(policy.file, last.line, "some failures fit no row", "end with a row whose when: is {}", "error")
    seen: list[Row] = []
    for row in version.rows:
        hiding = next((earlier for earlier in seen if _covers(earlier, row)), None)
        if hiding:
            says = f"row {row.row_id} can never be reached: row {hiding.row_id} holds whenever it would"
            yield Mistake(policy.file, row.line, says, "move it up or narrow the earlier row")
        if any(earlier.row_id == row.row_id for earlier in seen):
            yield Mistake(policy.file, row.line, f"two rows are called {row.row_id}", "give each its own id")
        seen.append(row)
        yield from _check_row(policy, row)


def _covers(earlier: Row, later: Row) -> bool:
    """Whether every condition of the earlier row is among (or implied by) the later row's."""
    return all(any(_implies(cell, wanted) for cell in later.cells) for wanted in earlier.cells)


def _implies(cell: Cell, wanted: Cell) -> bool:
    if cell.name != wanted.name:
        return False
    if cell == wanted or (wanted.op == "notnull" and cell.op != "null"):
        return True
    values = cell.value if cell.op == "in" else (cell.value,) if cell.op == "=" else None
    if values is None:
        return _bound_implies(cell, wanted)
    allowed = wanted.value if wanted.op == "in" else (wanted.value,) if wanted.op == "=" else None
    return allowed is not None and set(values) <= set(allowed)


def _bound_implies(cell: Cell, wanted: Cell) -> bool:
    if cell.name == "severity" or cell.value is None or wanted.value is None or isinstance(cell.value, tuple):
        return False
    try:
        if cell.op in (">", ">=") and wanted.op == ">=":
            return bool(cell.value >= wanted.value)
        if cell.op in ("<", "<=") and wanted.op == "<=":
            return bool(cell.value <= wanted.value)
    except TypeError:
        return False
    return False


def _check_row(policy: Policy, row: Row) -> Iterator[Mistake]:
    for grant in row.grants:
        term = grant.term
        if not isinstance(term, Percent) or isinstance(term.percent, str):
            continue
        if term.percent > MOST_PERCENT:
            says = f"row {row.row_id} gives {term.percent} % of the loss; more than 150 % lowers trust"
            yield Mistake(policy.file, row.line, says, "give at most 150 %")
        if _unusable(row) and 1 <= term.percent < 60:
            says = f"row {row.row_id} answers an unusable service with {term.percent} %"
            yield Mistake(policy.file, row.line, says, "an unusable service is paid back in full, or not with money")
    if _repeats(row) and not row.person and not any(grant.kind == "call" for grant in row.grants):
        says = f"row {row.row_id} answers a repeated failure without a person"
        yield Mistake(policy.file, row.line, says, "add person: and why; another coupon will not do")


def _unusable(row: Row) -> bool:
    spoiled = any(c.name == "severity" and _only_spoiled(c) for c in row.cells)
    return spoiled and any(c.name == "used_anyway" and c.op == "=" and c.value is False for c in row.cells)


def _only_spoiled(cell: Cell) -> bool:
    values = cell.value if isinstance(cell.value, tuple) else (cell.value,)
    return cell.op in ("=", "in", ">=") and all(value in SPOILED for value in values)


def _repeats(row: Row) -> bool:
    return any(c.name == "recurrence" and c.op in (">", ">=", "=") and c.value and c.value >= 1 for c in row.cells)
