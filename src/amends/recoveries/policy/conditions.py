"""`when:` read: cells of names, comparisons and values of the name's kind."""

from __future__ import annotations

from typing import Any

from amends.ground.marked import Marked
from amends.recoveries.policy.declaring import PERSONAL
from amends.recoveries.policy.scope import NUMERIC, SEVERITIES, Scope, meant, shown
from amends.recoveries.policy.tree import Cell, Kind, Parameter

OPS = ("=", "!=", "<", "<=", ">", ">=")
ORDERED = (*NUMERIC, Kind.DAY, Kind.SEVERITY)


def read_cells(scope: Scope, line: int, when: Any) -> tuple[Cell, ...]:
    found = scope.mapping(line, when if when is not None else Marked(), "when")
    return tuple(cell for name in found for cell in _cells(scope, found.line_of(name), name, found[name]))


def _cells(scope: Scope, line: int, name: str, value: Any) -> list[Cell]:
    if name in PERSONAL:
        raise scope.mistake(line, f"{name} is personal and cannot decide what is fair", "remove it")
    kind = scope.kind(name)
    if kind is None:
        raise scope.mistake(line, f"{name!r} is no input", meant(name, scope.names()))
    if value is None:
        return [Cell(name, "null", None)]
    if isinstance(value, list):
        return [Cell(name, "in", tuple(_literal(scope, line, name, kind, item) for item in value))]
    if isinstance(value, dict):
        if not value:
            raise scope.mistake(line, f"{name}: no condition", '{">=": 2} or {between: [1, 3]}')
        return [_operator(scope, line, name, kind, op, operand) for op, operand in value.items()]
    return [Cell(name, "=", _literal(scope, line, name, kind, value))]


def _operator(scope: Scope, line: int, name: str, kind: Kind, op: str, operand: Any) -> Cell:
    if op == "not" and operand is None:
        return Cell(name, "notnull", None)
    if op in ("in", "between") and isinstance(operand, list):
        items = tuple(_literal(scope, line, name, kind, item) for item in operand)
        if op == "between" and len(items) != 2:
            raise scope.mistake(line, f"{name}: between needs two values")
        return Cell(name, op, items)
    if op not in OPS:
        raise scope.mistake(line, f"{name}: {op!r} is no comparison", f"use {' '.join(OPS)} in between null")
    if op not in ("=", "!=") and kind not in ORDERED:
        raise scope.mistake(line, f"{name} is a {kind.value}: it has no order", "use = != or a list")
    return Cell(name, op, _literal(scope, line, name, kind, operand))


def _literal(scope: Scope, line: int, name: str, kind: Kind, value: Any) -> Any:
    """A value of the kind, exact; a number may be a parameter's or derived value's name."""
    if kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY) and isinstance(value, str) and scope.kind(value) in NUMERIC:
        return Parameter(value, scope.speaks_of(value, line) if kind is Kind.MONEY else "")
    if kind is Kind.MONEY:
        return scope.money(line, value)
    if kind in (Kind.NUMBER, Kind.COUNT):
        return scope.number(line, name, value)
    if kind is Kind.FLAG:
        return scope.flag(line, name, value)
    if kind is Kind.DAY:
        return scope.day(line, name, value)
    choices = SEVERITIES if kind is Kind.SEVERITY else scope.inputs[name].choices if name in scope.inputs else ()
    if choices and str(value) not in choices:
        raise scope.mistake(line, f"{name}: {shown(value)} never happens", f"one of {', '.join(choices)}")
    if kind in (Kind.DAYS, Kind.NUMBERS):
        raise scope.mistake(line, f"{name} is a list: it cannot be compared", "derive a number from it")
    return str(value)
