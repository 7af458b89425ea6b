"""`policies/*.yaml` parsed: one parser, one tree, and every mistake with its file and line."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from amends.ground.marked import Marked, MarkedList, Mistake, load
from amends.ground.money import Money, MoneyError
from amends.recoveries.tables import (
    Bounded,
    Cell,
    Chosen,
    Fixed,
    Grant,
    Percent,
    PerUnit,
    Policy,
    Row,
    TableVersion,
    Term,
)

# What a policy may look at, and of which type. Personal fields are not here and cannot be.
INPUTS: dict[str, str] = {
    "severity": "severity",
    "recurrence": "number",
    "recurrence_decayed": "number",
    "controllable": "flag",
    "stable_cause": "flag",
    "loss_kind": "text",
    "used_anyway": "flag",
    "evidence": "text",
    "product": "text",
    "disputed": "flag",
    "price": "money",
    "stall_s": "number",
    "stall_count": "number",
    "longest_stall_s": "number",
    "startup_s": "number",
    "watched_s": "number",
    "played_s": "number",
}
PERSONAL = ("name", "email", "phone", "address", "locale", "language", "postcode", "customer_id", "age", "gender")
CHOICES = {
    "severity": ("minor", "major", "severe"),
    "loss_kind": ("money", "outcome", "process", "attention"),
    "evidence": ("observed", "corroborated", "claimed with proof", "claimed"),
    "product": ("rental", "purchase", "subscription", "free"),
}
OPS = ("=", "!=", "<", "<=", ">", ">=")
MONEY_KINDS = ("refund", "credit")
WORD_KINDS = ("apology", "call")
TERMS = ("fixed", "percent", "of", "per_unit", "unit", "max_of", "min_of", "cap", "floor", "halve")


def read_all(directory: Path) -> tuple[list[Policy], list[Mistake]]:
    """Every policy of `directory/policies`, and what is wrong in those that cannot be used."""
    policies, mistakes = [], []
    for path in sorted((directory / "policies").glob("*.yaml")):
        try:
            policies.append(read(path))
        except Mistake as mistake:
            mistakes.append(mistake)
    return policies, mistakes


def read(path: Path) -> Policy:
    """One policy file; Mistake for the first thing wrong in it."""
    top = load(path)
    _only(path, top, ("policy", "promise", "words", "versions"))
    for key in ("policy", "promise", "versions"):
        if key not in top:
            raise Mistake(str(path), top.line, f"`{key}:` is missing", "see docs/reference/policy.md")
    versions = sorted((_version(path, item) for item in top["versions"]), key=lambda version: version.since)
    if not versions:
        raise Mistake(str(path), top.line_of("versions"), "no version", "give one with from: and rows:")
    canonical = json.dumps(top, sort_keys=True, default=str)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    words = {str(k): str(v) for k, v in (top.get("words") or {}).items()}
    return Policy(str(top["policy"]), str(top["promise"]), words, tuple(versions), digest, str(path))


def _version(path: Path, item: Any) -> TableVersion:
    if not isinstance(item, Marked):
        raise Mistake(str(path), 1, "a version needs from: and rows:")
    _only(path, item, ("from", "hit", "memory", "rows"))
    since = item.get("from")
    if not isinstance(since, date) or isinstance(since, datetime):
        raise Mistake(str(path), item.line_of("from"), f"from: {since!r} is no day", "write 2026-01-01")
    if item.get("hit", "first") != "first":
        raise Mistake(str(path), item.line_of("hit"), f"hit {item['hit']!r} is not supported yet", "use first")
    memory = item.get("memory") or {}
    rows = item.get("rows")
    if not isinstance(rows, MarkedList) or not rows:
        raise Mistake(str(path), item.line_of("rows"), "rows: is missing or empty", "end with a row whose when: is {}")
    days, half_life = int(memory.get("days", 90)), float(memory.get("half_life_days", 30))
    return TableVersion(since, days, half_life, tuple(_row(path, row) for row in rows))


def _row(path: Path, item: Any) -> Row:
    if not isinstance(item, Marked):
        raise Mistake(str(path), 1, "a row needs id:, when: and then:")
    _only(path, item, ("id", "when", "then", "person"))
    for key in ("id", "when", "then"):
        if key not in item:
            raise Mistake(str(path), item.line, f"`{key}:` is missing in this row")
    when = item["when"] or {}
    cells = tuple(_cell(path, item, when, name) for name in when)
    grants = tuple(_grant(path, item, grant) for grant in item["then"] or [])
    return Row(str(item["id"]), cells, grants, str(item.get("person", "")), item.line)


def _cell(path: Path, row: Marked, when: Any, name: str) -> Cell:
    line = when.line_of(name)
    if name in PERSONAL:
        raise Mistake(str(path), line, f"{name} is personal and cannot decide what is fair", "remove it")
    if name not in INPUTS:
        raise Mistake(str(path), line, f"{name!r} is no input", f"known: {', '.join(INPUTS)}")
    value = when[name]
    if value is None:
        return Cell(name, "null", None)
    if isinstance(value, list):
        return Cell(name, "in", tuple(_literal(path, line, name, item) for item in value))
    if isinstance(value, dict):
        return _operator(path, line, name, value)
    return Cell(name, "=", _literal(path, line, name, value))


def _operator(path: Path, line: int, name: str, value: dict[str, Any]) -> Cell:
    if len(value) != 1:
        raise Mistake(str(path), line, f"{name}: one condition per cell", 'such as {">=": 2} or {between: [1, 3]}')
    op, operand = next(iter(value.items()))
    if op == "not" and operand is None:
        return Cell(name, "notnull", None)
    if op in ("in", "between") and isinstance(operand, list):
        items = tuple(_literal(path, line, name, item) for item in operand)
        if op == "between" and len(items) != 2:
            raise Mistake(str(path), line, f"{name}: between needs two values")
        return Cell(name, op, items)
    if op not in OPS:
        raise Mistake(str(path), line, f"{name}: {op!r} is no comparison", f"use {' '.join(OPS)} in between null")
    return Cell(name, op, _literal(path, line, name, operand))


def _literal(path: Path, line: int, name: str, value: Any) -> Any:
    """A value of the input's type, exact."""
    kind = INPUTS[name]
    if name in CHOICES and value not in CHOICES[name]:
        raise Mistake(str(path), line, f"{name}: {value!r} never happens", f"one of {', '.join(CHOICES[name])}")
    if kind == "flag" and not isinstance(value, bool):
        raise Mistake(str(path), line, f"{name}: expected true or false, not {value!r}")
    if kind == "number":
        return _decimal(path, line, name, value)
    if kind == "money":
        return _money(path, line, value)
    return value


def _decimal(path: Path, line: int, name: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Mistake(str(path), line, f"{name}: {value!r} is no number")
    return number


def _money(path: Path, line: int, value: Any) -> Money:
    parts = str(value).split()
    if len(parts) != 2:
        raise Mistake(str(path), line, f"{value!r} is no amount", "write 5.00 EUR")
    try:
        return Money.parse(*(parts if not parts[0].isalpha() else reversed(parts)))
    except (MoneyError, InvalidOperation) as error:
        raise Mistake(str(path), line, f"{value!r} is no amount: {error}", "write 5.00 EUR") from error


def _grant(path: Path, row: Marked, item: Any) -> Grant:
    line = item.line if isinstance(item, Marked) else row.line_of("then")
    if item in WORD_KINDS:
        return Grant(str(item), None, False)
    if not isinstance(item, Marked):
        raise Mistake(str(path), line, f"{item!r} is no remedy", f"known: {', '.join((*MONEY_KINDS, *WORD_KINDS))}")
    kinds = [kind for kind in item if kind in MONEY_KINDS]
    _only(path, item, (*MONEY_KINDS, "owed"))
    if len(kinds) != 1:
        raise Mistake(str(path), line, "a remedy with an amount is refund: or credit:")
    owed = item.get("owed", False)
    if not isinstance(owed, bool):
        raise Mistake(str(path), item.line_of("owed"), "owed: expected true or false")
    return Grant(kinds[0], _term(path, item.line_of(kinds[0]), item[kinds[0]]), owed)


def _term(path: Path, line: int, item: Any) -> Term:
    """An amount; a plain one is fixed."""
    if not isinstance(item, Marked):
        return Fixed(_money(path, line, item))
    _only(path, item, TERMS)
    base = _base_term(path, line, item)
    cap, floor = (_term(path, line, item[key]) if key in item else None for key in ("cap", "floor"))
    halve = bool(item.get("halve", False))
    return Bounded(base, cap, floor, halve) if cap or floor or halve else base


def _base_term(path: Path, line: int, item: Marked) -> Term:
    if "percent" in item:
        of = str(item.get("of", "price"))
        if INPUTS.get(of) != "money":
            raise Mistake(str(path), line, f"percent of {of!r}: no amount of money", "write of: price")
        return Percent(_decimal(path, line, "percent", item["percent"]), of)
    if "per_unit" in item:
        unit = str(item.get("unit", ""))
        if INPUTS.get(unit) != "number":
            raise Mistake(str(path), line, f"per_unit of {unit!r}: no number", "write unit: stall_count")
        return PerUnit(_money(path, line, item["per_unit"]), unit)
    for key in ("max_of", "min_of"):
        if key in item:
            return Chosen(key == "max_of", tuple(_term(path, line, term) for term in item[key]))
    if "fixed" in item:
        return Fixed(_money(path, line, item["fixed"]))
    raise Mistake(str(path), line, "no amount", "fixed, percent, per_unit, max_of or min_of")


def _only(path: Path, found: Marked, known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            raise Mistake(str(path), found.line_of(key), f"{key!r} is not known here", f"known: {', '.join(known)}")
