"""What somebody hands a table, read into values of its inputs' kinds; what cannot be is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from amends.ground.money import MAX_MINOR, minor_digits
from amends.recoveries.policy.calendars import NoCalendar, is_working_day
from amends.recoveries.policy.scope import SEVERITIES
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Table

ABSURD = Decimal(10) ** 12
MOST_ITEMS = 10_000
MOST_DIGITS = 20  # before or behind the point: 1e-999999999 would be reckoned for hours


class WrongInput(ValueError):
    """An input that cannot be: `field` names it, the message says what was expected."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def read_given(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every input of the table with its value, its default, or None; WrongInput for the first that cannot be."""
    names = table.names
    for name in given:
        if name not in names:
            raise WrongInput(name, f"{table.name} has no such input; known: {', '.join(table.inputs)}")
        if name != names[name] and names[name] in given:
            raise WrongInput(name, f"given twice: it is another name of {names[name]}; keep one of them")
    told = {names[name]: value for name, value in given.items()}
    found = {}
    for name, one in table.inputs.items():
        value = told.get(name)
        if value is None and name not in told and one.default is REQUIRED:
            raise WrongInput(name, f"missing; expected {_expected(one)}")
        found[name] = _read(table, one, value) if value is not None else _default(one, name in told)
    return found


def without_nulls(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody who asks a published rule really said: null says nothing, so the default holds or it is missing."""
    return {name: value for name, value in given.items() if value is not None or name not in table.names}


def _default(one: Input, told: bool) -> Any:
    return None if told or one.default is REQUIRED else one.default


def _expected(one: Input) -> str:
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    return f"one of {', '.join(choices)}" if choices else f"a {one.kind.value}"


def _read(table: Table, one: Input, value: Any) -> Any:
    if one.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise WrongInput(one.name, f"expected true or false, not {value!r}")
        return value
    if one.kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY):
        return _bounded(table, one, number(one.name, value))
    if one.kind is Kind.DAY:
        return day(one.name, value)
    if one.kind is Kind.DAYS:
        return _days(one.name, value)
    if one.kind is Kind.NUMBERS:
        return tuple(_bounded(table, one, number(one.name, item)) for item in _items(one.name, value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongInput(one.name, f"expected {_expected(one)}, not {value!r}")
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    said = one.same.get(str(value), str(value))
    if choices and said not in choices:
        raise WrongInput(one.name, f"{value!r} is not known; expected {_expected(one)}")
    return said


def number(name: str, value: Any) -> Decimal:
    """A number as JSON has it, or as text so that nothing is lost."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise WrongInput(name, f"expected a number, not {value!r}")
    try:
        if "_" in (text := str(value)):  # Python's own way of writing thousands, nobody else's
            raise InvalidOperation
        found = Decimal(text)
    except InvalidOperation as error:
        raise WrongInput(name, f"expected a number, not {value!r}") from error
    if not found.is_finite():
        raise WrongInput(name, f"expected a finite number, not {value}")
    if found.adjusted() > MOST_DIGITS or -int(found.as_tuple().exponent) > MOST_DIGITS:
        raise WrongInput(name, f"{value} has more digits than anything that is measured")
    return found


def _bounded(table: Table, one: Input, found: Decimal) -> Decimal:
    least = one.least if one.least is not None else Decimal(0)
    most = one.most if one.most is not None else ABSURD
    if one.kind is Kind.MONEY and table.currency:
        digits = minor_digits(table.currency)
        if -Decimal(str(found.normalize().as_tuple().exponent)) > digits:
            raise WrongInput(one.name, f"{found} has more digits than {table.currency} has ({digits})")
        most = one.most if one.most is not None else Decimal(MAX_MINOR).scaleb(-digits)
    if one.kind is Kind.COUNT and found != found.to_integral_value():
        raise WrongInput(one.name, f"expected a whole number, not {found}")
    if not least <= found <= most:
        raise WrongInput(one.name, f"{found} is out of range; expected {least} to {most}")
    return found


def day(name: str, value: Any) -> date:
    """A calendar day; a moment is none until somebody says where."""
    text = value.isoformat() if isinstance(value, date) else value
    try:
        if not isinstance(text, str) or len(text) != 10 or text[7] != "-":  # nor 2024-W23-1
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise WrongInput(name, f"expected a day such as 2024-06-03, not {value!r}") from error


def _items(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > MOST_ITEMS:
        raise WrongInput(name, "expected a list (of at most 10,000)")
    return list(value)


def _days(name: str, value: Any) -> Any:
    """Holidays: days, or a region whose calendar is known."""
    if isinstance(value, str):
        try:
            is_working_day(date(2024, 1, 2), value)
        except NoCalendar as error:
            raise WrongInput(name, str(error)) from error
        return value
    return tuple(day(name, item) for item in _items(name, value))
