"""What somebody hands a table, read into values of its inputs' kinds; what cannot be is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from amends.ground.money import MAX_MINOR, MoneyError, minor_digits
from amends.recoveries.policy.calendars import NoCalendar, is_working_day
from amends.recoveries.policy.scope import SEVERITIES, shown
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Table

ABSURD = Decimal(10) ** 12
MOST_ITEMS = 10_000
EXPECTED = {
    Kind.FLAG: "true or false",
    Kind.COUNT: "a whole number",
    Kind.MONEY: "an amount such as 4.99",
    Kind.DAY: "a day such as 2024-06-03",
    Kind.DAYS: "a list of days, or a region such as GB-ENG",
    Kind.NUMBERS: "a list of numbers",
}
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
        found[name] = read_value(table, one, value) if value is not None else _default(one, name in told)
    return found


def as_said(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody who asks a table really said: null says nothing, so the default holds or it is missing; and
    `4.99 EUR` is the amount 4.99 where the table reckons in EUR."""
    said = {name: value for name, value in given.items() if value is not None or name not in table.names}
    for name, (amount, currency) in money_texts(table, given).items():
        if currency != table.currency:
            raise WrongInput(name, f"{given[name]} is in {currency}, and {table.name} reckons in {table.currency}")
        said[name] = amount
    return said


def money_texts(table: Table, given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Amounts that were given with their currency: `4.99 EUR`, or `EUR 4.99`."""
    found = {}
    for name, value in given.items():
        own = table.inputs.get(table.names.get(name, ""))
        if own is not None and own.kind is Kind.MONEY and (said := money_text(value)):
            amount, currency = said
            found[name] = amount, _known(name, currency)
    return found


def money_text(value: Any) -> tuple[str, str] | None:
    """The amount and the currency of a text that has both, in whichever order."""
    parts = value.split() if isinstance(value, str) else []
    if len(parts) != 2:
        return None
    amount, currency = parts if parts[1].isalpha() else reversed(parts)
    return (amount, currency) if currency.isalpha() and not amount.isalpha() else None


def _known(name: str, currency: str) -> str:
    try:
        minor_digits(currency)
    except MoneyError as error:
        raise WrongInput(name, str(error)) from error
    return currency


def paid_in(table: Table, given: Mapping[str, Any], told: str = "") -> str:
    """The currency that a case says it is in: told, or that of an amount; of a published rule always its own."""
    if table.currency and not table.promise:
        if told and told != table.currency:
            raise WrongInput("currency", f"{table.name} reckons in {table.currency}, not in {told}")
        return table.currency
    said = {_known("currency", told)} if told else set()
    said |= {currency for _, currency in money_texts(table, given).values()}
    if len(said) > 1:
        raise WrongInput("currency", f"{' and '.join(sorted(said))} at once; a case has one currency")
    return next(iter(said), "")


def _default(one: Input, told: bool) -> Any:
    return None if told or one.default is REQUIRED else one.default


def _expected(one: Input) -> str:
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    return f"one of {', '.join(choices)}" if choices else EXPECTED.get(one.kind, f"a {one.kind.value}")


def read_value(table: Table, one: Input, value: Any) -> Any:
    """What was told as a value of an input's kind; WrongInput when it cannot be that."""
    if one.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise WrongInput(one.name, f"expected true or false, not {shown(value)}")
        return value
    if one.kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY):
        if one.kind is Kind.MONEY and table.currency:
            return amount(one, value, table.currency)
        return _bounded(one, number(one.name, value, EXPECTED.get(one.kind, "a number")))
    if one.kind is Kind.DAY:
        return day(one.name, value)
    if one.kind is Kind.DAYS:
        return _days(one.name, value)
    if one.kind is Kind.NUMBERS:
        return tuple(_bounded(one, number(one.name, item)) for item in _items(one.name, value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongInput(one.name, f"expected {_expected(one)}, not {shown(value)}")
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    said = one.same.get(str(value), str(value))
    if choices and said not in choices:
        raise WrongInput(one.name, f"{shown(value)} is not known; expected {_expected(one)}")
    return said


def number(name: str, value: Any, expected: str = "a number") -> Decimal:
    """A number as JSON has it, or as text so that nothing is lost."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise WrongInput(name, f"expected {expected}, not {shown(value)}")
    try:
        if "_" in (text := str(value)):  # Python's own way of writing thousands, nobody else's
            raise InvalidOperation
        found = Decimal(text)
    except InvalidOperation as error:
        raise WrongInput(name, f"expected {expected}, not {shown(value)}") from error
    if not found.is_finite():
        raise WrongInput(name, f"expected a finite number, not {value}")
    if found.adjusted() > MOST_DIGITS or -int(found.as_tuple().exponent) > MOST_DIGITS:
        raise WrongInput(name, f"{value} has more digits than anything that is measured")
    return found


def amount(one: Input, value: Any, currency: str) -> Decimal:
    """An amount of money that there can be in a currency."""
    found, digits = number(one.name, value, EXPECTED[Kind.MONEY]), minor_digits(currency)
    if -int(found.normalize().as_tuple().exponent) > digits:
        raise WrongInput(one.name, f"{found} has more digits than {currency} has ({digits})")
    return _within(one, found, Decimal(MAX_MINOR).scaleb(-digits))


def _bounded(one: Input, found: Decimal) -> Decimal:
    if one.kind is Kind.COUNT and found != found.to_integral_value():
        raise WrongInput(one.name, f"expected a whole number, not {found}")
    return _within(one, found)


def _within(one: Input, found: Decimal, most: Decimal = ABSURD) -> Decimal:
    """A number that lies between the bounds of its input."""
    least, most = bounds(one, most)
    if not least <= found <= most:
        raise WrongInput(one.name, f"{found} is out of range; expected {least} to {most}")
    return found


def bounds(one: Input, most: Decimal = ABSURD) -> tuple[Decimal, Decimal]:
    """(least, most) that an input may be."""
    return one.least if one.least is not None else Decimal(0), one.most if one.most is not None else most


def day(name: str, value: Any) -> date:
    """A calendar day; a moment is none until somebody says where."""
    text = value.isoformat() if isinstance(value, date) else value
    try:
        if not isinstance(text, str) or len(text) != 10 or text[7] != "-":  # nor 2024-W23-1
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise WrongInput(name, f"expected a day such as 2024-06-03, not {shown(value)}") from error


def date_of(told: Any) -> Any:
    """The date of a moment where one was told for a day; else what was told."""
    try:
        return told[:10] if isinstance(told, str) and datetime.fromisoformat(told) else told
    except ValueError:
        return told


def _items(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > MOST_ITEMS:
        raise WrongInput(name, f"expected a list (of at most 10,000), not {shown(value)}")
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
