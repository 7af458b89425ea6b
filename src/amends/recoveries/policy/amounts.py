"""`then:` read: remedies and their amounts, and by when they are paid."""

from __future__ import annotations

from typing import Any

from amends.ground.marked import Marked
from amends.ground.money import Money
from amends.recoveries.policy.scope import NUMERIC, Scope, meant, shown
from amends.recoveries.policy.tree import (
    Bounded,
    Chosen,
    Fixed,
    Grant,
    Kind,
    Left,
    Operand,
    PayBy,
    Percent,
    PerUnit,
    Share,
    Steps,
    Summed,
    Term,
)

MONEY_KINDS = ("refund", "credit", "cash", "coupon")
WORD_KINDS = ("apology", "call", "label", "upgrade", "repair")
BASES = ("fixed", "percent", "per_unit", "share", "max_of", "min_of", "sum_of", "steps", "left_of")
HOLE = Fixed("")  # stands for an amount whose mistake was noted
_MORE = ("of", "unit", "units", "in", "by", "used", "cap", "floor", "halve")


def read_grant(scope: Scope, line: int, item: Any) -> Grant:
    if item in WORD_KINDS:
        return Grant(str(item), None, False, line)
    if not isinstance(item, Marked):
        raise scope.mistake(line, f"{shown(item)} is no remedy", meant(item, (*MONEY_KINDS, *WORD_KINDS)))
    kinds = [kind for kind in item if kind in MONEY_KINDS]
    unknown = next((key for key in item if key not in (*MONEY_KINDS, "owed")), None)
    if unknown and not kinds:
        says = f"{unknown!r} is not known as a remedy with an amount"
        raise scope.mistake(item.line_of(unknown), says, meant(unknown, MONEY_KINDS))
    scope.only(item, (*MONEY_KINDS, "owed"))
    if len(kinds) != 1:
        raise scope.mistake(item.line, "a remedy with an amount is one of refund: credit: cash: coupon:")
    kind = kinds[0]
    owed = scope.flag(item.line_of("owed"), "owed", item.get("owed", False))
    return Grant(kind, read_term(scope, item.line_of(kind), item[kind]), owed, item.line_of(kind))


def read_term(scope: Scope, line: int, item: Any) -> Term:
    """An amount; a plain one is fixed, a plain name a parameter or an amount among the inputs."""
    if not isinstance(item, Marked):
        return _amount(scope, line, item)
    found = [base for base in BASES if base in item]
    unknown = next((key for key in item if key not in (*BASES, *_MORE)), None)
    if unknown and not found:
        raise scope.mistake(item.line_of(unknown), f"{unknown!r} is not known as an amount", meant(unknown, BASES))
    scope.only(item, (*BASES, *_MORE))
    if len(found) != 1:
        raise scope.mistake(line, "no amount" if not found else "two amounts in one", f"one of {', '.join(BASES)}")
    base: Term = HOLE
    with scope.noting(line=line):
        base = _READERS[found[0]](scope, item.line_of(found[0]), item)
    cap, floor = (read_term(scope, item.line_of(key), item[key]) if key in item else None for key in ("cap", "floor"))
    if cap and floor and (crossed := _crossed(scope, cap, floor)):
        scope.refuse(item.line_of("cap"), crossed, "the cap is the most, the floor the least")
    halve = scope.flag(line, "halve", item.get("halve", False))
    return Bounded(base, cap, floor, halve) if cap or floor or halve else base


def _crossed(scope: Scope, cap: Term, floor: Term) -> str:
    """That a cap is below a floor, where both are known: two amounts, or two percentages of one thing."""
    ends: tuple[Any, Any] | None = None
    if isinstance(cap, Fixed) and isinstance(floor, Fixed):
        ends = cap.amount, floor.amount
    elif isinstance(cap, Percent) and isinstance(floor, Percent) and cap.of == floor.of:
        ends = cap.percent, floor.percent
    if ends is None or len({end.currency for end in ends if isinstance(end, Money)}) > 1:
        return ""
    most, least = map(scope.known, ends)
    return f"cap {most} is below floor {least}" if most is not None and least is not None and most < least else ""


def _amount(scope: Scope, line: int, value: Any) -> Fixed:
    if isinstance(value, str) and scope.kind(value) is not None:
        amount: Any = scope.need(line, value, NUMERIC, "an amount is a number")
    else:
        amount = scope.money(line, value)
    scope.not_negative(line, "an amount", amount)
    if isinstance(amount, str):
        return Fixed(amount, scope.speaks_of(amount, line))
    return Fixed(amount)


def _fixed(scope: Scope, line: int, item: Marked) -> Term:
    return _amount(scope, line, item["fixed"])


def _percent(scope: Scope, line: int, item: Marked) -> Term:
    of = item.get("of", "price")
    if scope.kind(str(of)) is not Kind.MONEY:
        says = f"percent of {shown(of)}: no amount of money"
        raise scope.mistake(item.line_of("of"), says, meant(of, scope.names((Kind.MONEY,))))
    return Percent(_operand(scope, item, "percent"), str(of))


def _operand(scope: Scope, item: Marked, key: str) -> Operand:
    found = scope.operand(item.line_of(key), item[key], key)
    scope.not_negative(item.line_of(key), key, found)
    return found


def _per_unit(scope: Scope, line: int, item: Marked) -> Term:
    unit = item.get("unit", "")
    if scope.kind(str(unit)) not in (Kind.NUMBER, Kind.COUNT):
        known = scope.names((Kind.NUMBER, Kind.COUNT))
        hint = meant(unit, known) if unit else "write unit: and what is counted"
        raise scope.mistake(item.line_of("unit"), f"per_unit of {shown(unit)}: no number", hint)
    return PerUnit(read_term(scope, line, item["per_unit"]), str(unit))


def _share(scope: Scope, line: int, item: Marked) -> Term:
    """`{share: monthly_rent, units: days, in: 30}`."""
    of = scope.need(line, item["share"], (Kind.MONEY,), "a share is part of an amount of money")
    for key in ("units", "in"):
        if key not in item:
            raise scope.mistake(line, f"share needs {key}:", "{share: monthly_rent, units: days, in: 30}")
    units, parts = _operand(scope, item, "units"), _operand(scope, item, "in")
    scope.divides(item.line_of("in"), "in", parts)
    return Share(of, units, parts)


def _several(key: str) -> Any:
    def read(scope: Scope, line: int, item: Marked) -> Term:
        if not isinstance(item[key], list) or not item[key]:
            raise scope.mistake(line, f"{key}: expected a list of amounts")
        terms = tuple(read_term(scope, line, term) for term in item[key])
        return Summed(terms) if key == "sum_of" else Chosen(key == "max_of", terms)

    return read


def _steps(scope: Scope, line: int, item: Marked) -> Term:
    """`{steps: {3: 400.00, 6: 700.00}, by: delay_h}`: the amount of the highest step reached."""
    by = scope.need(line, item.get("by"), (Kind.NUMBER, Kind.COUNT), "steps are climbed by a number")
    found = scope.mapping(line, item["steps"], "steps")
    read = [(scope.number(line, "step", least), read_term(scope, line, found[least])) for least in found]
    if [least for least, _ in read] != sorted({least for least, _ in read}):
        raise scope.mistake(line, "steps must rise", "lowest first")
    return Steps(by, tuple(read))


def _left(scope: Scope, line: int, item: Marked) -> Term:
    """`{left_of: 250.00, used: paid_this_year}`: what a yearly or monthly limit still allows."""
    used = scope.need(line, item.get("used"), NUMERIC, "what was used is an amount")
    return Left(read_term(scope, line, item["left_of"]), used)


_READERS = {
    "fixed": _fixed,
    "percent": _percent,
    "per_unit": _per_unit,
    "share": _share,
    "max_of": _several("max_of"),
    "min_of": _several("min_of"),
    "sum_of": _several("sum_of"),
    "steps": _steps,
    "left_of": _left,
}


def read_pay_by(scope: Scope, line: int, item: Any) -> PayBy | None:
    """`{days: 30, after: fixed_on, late: 40.00}` or `{working_days: 7, after: due_on}`."""
    if item is None:
        return None
    spec = scope.mapping(line, item, "pay_by")
    scope.only(spec, ("days", "working_days", "after", "late", "words"))
    if ("days" in spec) == ("working_days" in spec):
        raise scope.mistake(line, "pay_by needs days: or working_days:", "{days: 30, after: fixed_on}")
    count = scope.number(line, "pay_by", spec.get("days", spec.get("working_days")))
    if count < 0 or count != int(count):
        scope.refuse(line, f"pay_by: {count} is no number of days", "write a whole number")
    after = scope.need(line, spec["after"], (Kind.DAY,), "a deadline runs from a day") if "after" in spec else ""
    late = read_term(scope, line, spec["late"]) if "late" in spec else None
    return PayBy(int(count), "working_days" in spec, after, late, str(spec.get("words", "")))
