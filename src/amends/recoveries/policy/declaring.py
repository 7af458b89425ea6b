"""`inputs:` and `derive:` read: what a table may look at, and what it makes of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from amends.ground.marked import Marked, MarkedList
from amends.recoveries.policy.scope import SEVERITIES, Scope, meant, shown
from amends.recoveries.policy.tree import REQUIRED, Derived, Input, Kind

PERSONAL = frozenset(
    (
        *("name", "first_name", "last_name", "email", "phone", "address", "street", "city", "postcode", "zip"),
        *("locale", "language", "customer_id", "age", "birthday", "gender", "sex", "religion", "nationality"),
        *("ethnicity", "race"),
    )
)
_INPUT_KEYS = ("type", "default", "of", "also", "same", "unit", "least", "most", "about", "evidence", "words")
_TWO_NUMBERS = ("plus", "minus", "complete", "begun", "at_least", "at_most")
_LENGTHS = {"complete": "period", "begun": "period"}


def read_inputs(scope: Scope, found: Any) -> dict[str, Input]:
    """Typed inputs by name. Personal fields are refused: who somebody is decides nothing."""
    given = scope.mapping(1, found, "inputs")
    return {name: _input(scope, given.line_of(name), name, given[name]) for name in given}


def _input(scope: Scope, line: int, name: str, item: Any) -> Input:
    if name.lower() in PERSONAL:
        raise scope.mistake(line, f"{name} is personal and cannot decide what is fair", "remove it")
    spec = item if isinstance(item, Marked) else Marked(type=item)
    if not isinstance(item, Marked):
        spec.line, spec.lines = line, {}
    scope.only(spec, _INPUT_KEYS)
    if spec.get("type") not in list(Kind):
        says = f"{name}: type {shown(spec.get('type'))} is not known"
        raise scope.mistake(spec.line_of("type"), says, meant(spec.get("type"), Kind))
    kind = Kind(spec["type"])
    choices = tuple(str(choice) for choice in spec.get("of", ()))
    if (kind is Kind.CHOICE) != bool(choices):
        raise scope.mistake(line, f"{name}: of: belongs to a choice, and a choice needs it", "of: [one, other]")
    bounds = {end: scope.number(spec.line_of(end), end, spec[end]) for end in ("least", "most") if end in spec}
    least = bounds.get("least", Decimal(0))
    if least > bounds.get("most", least):
        says = f"{name}: least {least} is above most {bounds['most']}"
        scope.refuse(spec.line_of("most"), says, "without least: it is 0" if "least" not in bounds else "swap them")
    made = Input(
        name,
        kind,
        choices=choices,
        also=tuple(map(str, spec.get("also", ()))),
        same=_same(scope, line, name, choices, spec.get("same") or Marked()),
        unit=str(spec.get("unit", "")),
        about=str(spec.get("about", "customer")),
        evidence=str(spec.get("evidence", "")),
        words=str(spec.get("words", "")),
        line=line,
        **bounds,
    )
    default = _default(scope, spec.line_of("default"), made, spec["default"]) if "default" in spec else REQUIRED
    return Input(**{**vars(made), "default": default})


def _same(scope: Scope, line: int, name: str, choices: tuple[str, ...], found: Any) -> dict[str, str]:
    """`same: {missed: not_kept}`: other words that systems have for a choice."""
    same = {str(word): str(choice) for word, choice in scope.mapping(line, found, "same").items()}
    wrong = next((word for word, choice in same.items() if choice not in choices or word in choices), None)
    if wrong:
        raise scope.mistake(line, f"{name}: same: {wrong!r} stands for no choice", f"one of {', '.join(choices)}")
    return same


def _default(scope: Scope, line: int, made: Input, value: Any) -> Any:
    if value is None:
        return None
    what = f"{made.name}: default"
    if made.kind is Kind.FLAG:
        return scope.flag(line, what, value)
    if made.kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY):
        return _number(scope, line, made, value)
    if made.kind is Kind.DAY:
        return scope.day(line, what, value)
    if made.kind is Kind.DAYS and isinstance(value, str):
        return value  # a region
    if made.kind in (Kind.DAYS, Kind.NUMBERS):
        listed = scope.items(line, value, what, "default: []")
        return tuple(
            _number(scope, line, made, one) if made.kind is Kind.NUMBERS else scope.day(line, what, one)
            for one in listed
        )
    choices = SEVERITIES if made.kind is Kind.SEVERITY else made.choices
    if choices and str(value) not in choices:
        scope.refuse(line, f"{what} {shown(value)} never happens", meant(value, choices))
    if isinstance(value, bool | list | dict):
        scope.refuse(line, f"{what} {shown(value)} is no text", "write it in quotes")
    return str(value)


def _number(scope: Scope, line: int, made: Input, value: Any) -> Decimal:
    """A default that could be given as well: within the bounds, and whole where things are counted."""
    number = scope.number(line, f"{made.name}: default", value)
    least = made.least if made.least is not None else Decimal(0)
    if number < least or (made.most is not None and number > made.most):
        expected = f"{least} to {made.most}" if made.most is not None else f"{least} or more"
        scope.refuse(line, f"{made.name}: default {number} is out of range", f"expected {expected}")
    if made.kind is Kind.COUNT and number != int(number):
        scope.refuse(line, f"{made.name}: default {number} is no whole number", "things are counted one by one")
    return number


def read_derived(scope: Scope, found: Any) -> Scope:
    """The scope with derived values, in the order in which they may use each other."""
    given = scope.mapping(1, found, "derive")
    for name in given:
        line = given.line_of(name)
        if scope.kind(name) is not None or name.lower() in PERSONAL:
            raise scope.mistake(line, f"{name!r} is taken already", "give the derived value a name of its own")
        scope = scope.more(_derived(scope, line, name, given[name]))
    return scope


def _derived(scope: Scope, line: int, name: str, item: Any) -> Derived:
    spec = scope.mapping(line, item, name)
    ops = [op for op in spec if op in _READERS]
    if len(ops) != 1:
        raise scope.mistake(line, f"{name}: expected one of {', '.join(_READERS)}")
    said = {key: str(spec.get(key, "")) for key in ("words", "unit")}
    bare = Marked({key: value for key, value in spec.items() if key not in said})
    bare.line, bare.lines = spec.line, spec.lines
    kind, of = _READERS[ops[0]](scope, line, ops[0], bare)
    return Derived(name, kind, ops[0], of, line, **said)


def _two(scope: Scope, line: int, op: str, spec: Marked) -> tuple[Kind, tuple[Any, ...]]:
    """`{minus: [a, b]}`, `{complete: hours, period: 12}`."""
    scope.only(spec, (op, "period"))
    parts = (spec[op], spec.get("period")) if op in _LENGTHS else spec[op]
    if not isinstance(parts, tuple | MarkedList) or len(parts) != 2 or None in parts:
        hint = f"{{{op}: hours, period: 12}}" if op in _LENGTHS else f"{{{op}: [one, other]}}"
        raise scope.mistake(line, f"{op} needs two numbers", hint)
    of = tuple(scope.operand(line, part, op) for part in parts)
    if op in _LENGTHS:
        scope.divides(line, "period", of[1])
    return Kind.NUMBER, of


def _days(scope: Scope, line: int, op: str, spec: Marked) -> tuple[Kind, tuple[Any, ...]]:
    """`{days: [reported_on, fixed_on]}`: calendar days from one to the other."""
    scope.only(spec, (op,))
    return Kind.NUMBER, tuple(scope.need(line, name, (Kind.DAY,), "days lie between two days") for name in spec[op])


def _after(scope: Scope, line: int, op: str, spec: Marked) -> tuple[Kind, tuple[Any, ...]]:
    """`{working_days_after: reported_on, count: 2, holidays: holidays}`; holidays may be a region."""
    scope.only(spec, (op, "count", "holidays"))
    start = scope.need(line, spec[op], (Kind.DAY,), "days are counted from a day")
    count = scope.operand(line, spec.get("count"), "count")
    if op == "days_after":
        return Kind.DAY, (start, count)
    free = spec.get("holidays", MarkedList())
    if isinstance(free, str) and scope.kind(free) is Kind.DAYS:
        return Kind.DAY, (start, count, free)
    return Kind.DAY, (start, count, Region(free) if isinstance(free, str) else tuple(free))


class Region(str):
    """A region's name among operands, where plain text would be the name of a value."""


def _list(scope: Scope, line: int, op: str, spec: Marked) -> tuple[Kind, tuple[Any, ...]]:
    """`{total: hours_by_day}`, `{count_above: hours_by_day, least: 12}`."""
    scope.only(spec, (op, "least"))
    numbers = scope.need(line, spec[op], (Kind.NUMBERS,), f"{op} goes over a list")
    return Kind.NUMBER, (numbers, scope.operand(line, spec["least"], op)) if op == "count_above" else (numbers,)


def _first_known(scope: Scope, line: int, op: str, spec: Marked) -> tuple[Kind, tuple[Any, ...]]:
    scope.only(spec, (op,))
    return Kind.NUMBER, tuple(scope.operand(line, part, op) for part in spec[op])


def _by_date(scope: Scope, line: int, op: str, spec: Marked) -> tuple[Kind, tuple[Any, ...]]:
    """`{by_date: {2024-04-01: 9.76, 2026-04-01: 10.34}}`: what is in force on the day of the event."""
    scope.only(spec, (op,))
    dated = scope.mapping(line, spec[op], op)
    if not dated:
        raise scope.mistake(line, "by_date: no value")
    try:
        pairs = [(date.fromisoformat(day), scope.number(dated.line_of(day), day, dated[day])) for day in dated]
    except ValueError as error:
        raise scope.mistake(line, f"by_date: {error}", "write 2026-04-01: 10.34") from error
    return Kind.NUMBER, tuple(sorted(pairs))


_READERS = {
    **dict.fromkeys(_TWO_NUMBERS, _two),
    "days": _days,
    "days_after": _after,
    "working_days_after": _after,
    "total": _list,
    "count_above": _list,
    "first_known": _first_known,
    "by_date": _by_date,
}
