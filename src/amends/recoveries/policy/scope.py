"""What names mean inside one table, and reading values of their kinds; every mistake with its file and line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from amends.ground.marked import Marked, MarkedList, Mistake
from amends.ground.money import Money, MoneyError, minor_digits
from amends.recoveries.policy.tree import Derived, Input, Kind, Operand

NUMERIC = (Kind.NUMBER, Kind.COUNT, Kind.MONEY)
SEVERITIES = ("minor", "major", "severe")
MOST_SHOWN = 60
ALIKE = 0.75  # from here on one name is taken for a slip in writing another
UNFIT = (ValueError, TypeError, AttributeError, KeyError, ArithmeticError)  # text where a list was looked for


@dataclass
class Noted:
    """Mistakes put down while reading goes on, and the names whose declarations are among them."""

    mistakes: list[Mistake] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def take(self, mistake: Mistake) -> None:
        """But for what only follows from another one: a name is unknown because its declaration could not be read."""
        if not any(repr(name) in mistake.says for name in self.broken):
            self.mistakes.append(mistake)


@dataclass(frozen=True)
class Scope:
    """The file being read, and the kind of each name in it."""

    file: str
    currency: str = ""
    inputs: Mapping[str, Input] = field(default_factory=dict)
    derived: tuple[Derived, ...] = ()
    parameters: frozenset[str] = frozenset()
    values: Mapping[str, Decimal] = field(default_factory=dict)  # of the parameters, in the version being read
    on_record: bool = False  # a text by which somebody was decided, read as it stood
    noted: Noted | None = None  # where mistakes go; None: the first one ends the reading

    @contextmanager
    def noting(self, name: str = "", line: int = 0) -> Iterator[None]:
        """A part that can be left out where all mistakes are sought; `name` is what it declares, on its `line`."""
        try:
            yield
        except Mistake as mistake:
            self._note(mistake, name)
        except UNFIT as error:
            if not line:
                raise
            says = f"{name or 'this'} has a form that was not expected"
            self._note(self.mistake(line, says, "compare it with docs/reference/policy.md"), name, error)

    def _note(self, mistake: Mistake, name: str, cause: Exception | None = None) -> None:
        if self.noted is None:
            raise mistake from cause
        self.noted.take(mistake)
        self.noted.broken |= {name} - {""}

    def mistake(self, line: int, says: str, hint: str = "") -> Mistake:
        return Mistake(self.file, line, says, hint)

    def refuse(self, line: int, says: str, hint: str) -> None:
        """What can be read, but nobody can mean: refused where it is written, not where it was in force."""
        if not self.on_record:
            raise self.mistake(line, says, hint)

    def kind(self, name: str) -> Kind | None:
        if name in self.parameters:
            return Kind.NUMBER
        derived = next((one for one in reversed(self.derived) if one.name == name), None)
        if derived:
            return derived.kind
        return self.inputs[name].kind if name in self.inputs else None

    def speaks_of(self, name: str, line: int) -> str:
        """The currency of a number that is used as an amount: the policy's, but for the customer's own money and what
        is derived from that alone."""
        if self._paid(name):
            return ""
        if not self.currency:
            self.refuse(line, f"{name} is an amount without a currency", "write currency: EUR at the top")
        return self.currency

    def _paid(self, name: Any) -> bool:
        if not isinstance(name, str):
            return bool(name == 0)
        derived = next((one for one in reversed(self.derived) if one.name == name), None)
        if derived is None:
            return self.kind(name) is Kind.MONEY
        sums = derived.op in ("plus", "minus", "at_least", "at_most", "first_known")
        return sums and all(map(self._paid, derived.of))

    def names(self, kinds: Iterable[Kind] = tuple(Kind)) -> list[str]:
        known = (*self.inputs, *(one.name for one in self.derived), *sorted(self.parameters))
        return [name for name in known if self.kind(name) in {*kinds}]

    def more(self, derived: Derived) -> Scope:
        return replace(self, derived=(*self.derived, derived))

    def need(self, line: int, name: Any, kinds: tuple[Kind, ...], what: str) -> str:
        """A name of one of these kinds."""
        kind = self.kind(str(name))
        if kind is None:
            raise self.mistake(line, f"{shown(name)} is no input", meant(name, self.names(kinds)))
        if kind not in kinds:
            raise self.mistake(line, f"{name} is a {kind.value}: {what}", f"expected a {' or a '.join(kinds)}")
        return str(name)

    def operand(self, line: int, value: Any, what: str) -> Operand:
        """A number, or the name of one."""
        if isinstance(value, str) and not _numeric(value):
            if self.kind(value) is None:
                says = f"{what}: {value!r} is no number, and no input either"
                raise self.mistake(line, says, meant(value, self.names(NUMERIC)))
            return self.need(line, value, NUMERIC, what)
        return self.number(line, what, value)

    def number(self, line: int, what: str, value: Any) -> Decimal:
        try:
            number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite():
            raise self.mistake(line, f"{what}: {shown(value)} is no number", "write 12 or 12.50")
        return number

    def known(self, value: Money | Operand) -> Decimal | None:
        """What is known of a number while reading: its own value, or that of a parameter in this version."""
        if isinstance(value, Money):
            return value.decimal()
        return self.values.get(value) if isinstance(value, str) else value

    def not_negative(self, line: int, what: str, value: Money | Operand) -> None:
        known = self.known(value)
        if known is not None and known < 0:
            self._refuse_number(line, what, value, "nobody is given less than nothing", "write 0 or more")

    def divides(self, line: int, what: str, value: Operand) -> None:
        known = self.known(value)
        if known is not None and known <= 0:
            self._refuse_number(line, what, value, "nothing is divided into so many parts", "write 1 or more")

    def _refuse_number(self, line: int, what: str, value: Money | Operand, because: str, hint: str) -> None:
        known = self.known(value)
        said = f"{value} is {known}" if isinstance(value, str) else str(known)
        self.refuse(line, f"{what}: {said}, and {because}", hint)

    def day(self, line: int, what: str, value: Any) -> date:
        if isinstance(value, datetime):
            says = f"{what}: {shown(value)} is a moment, and a day is needed"
            raise self.mistake(line, says, f"write {value.date()}")
        if not isinstance(value, date):
            raise self.mistake(line, f"{what}: {shown(value)} is no day", "write 2026-01-01")
        return value

    def flag(self, line: int, what: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.mistake(line, f"{what}: expected true or false, not {shown(value)}")
        return value

    def money(self, line: int, value: Any) -> Money:
        """`5.00 EUR`; in a table with a currency `5.00` will do."""
        parts = str(value).split()
        if len(parts) == 1 and self.currency:
            parts.append(self.currency)
        if len(parts) != 2:
            raise self.mistake(line, f"{shown(value)} is no amount", "write 5.00 EUR")
        try:
            return Money.parse(*(parts if not parts[0].isalpha() else reversed(parts)))
        except (MoneyError, InvalidOperation) as error:
            raise self.mistake(line, f"{shown(value)} is no amount: {_why(error)}", "write 5.00 EUR") from error

    def known_currency(self, line: int, code: Any) -> str:
        try:
            minor_digits(str(code))
        except MoneyError as error:
            says = f"currency: {shown(code)} is not an ISO 4217 currency code such as EUR"
            raise self.mistake(line, says, "three capital letters") from error
        return str(code)

    def only(self, found: Marked, known: tuple[str, ...], hints: Mapping[str, str] | None = None) -> None:
        for key in found:
            if key not in known:
                hint = (hints or {}).get(key) or meant(key, known)
                with self.noting():
                    raise self.mistake(found.line_of(key), f"{key!r} is not known here", hint)

    def items(self, line: int, found: Any, what: str, example: str) -> list[Any]:
        """A list, which may be left out."""
        if found is not None and not isinstance(found, list):
            raise self.mistake(line, f"{what}: expected a list, not {shown(found)}", f"write {example}")
        return found or MarkedList()

    def mapping(self, line: int, found: Any, what: str) -> Marked:
        if not isinstance(found, Marked):
            raise self.mistake(line, f"{what}: expected fields, not {shown(found)}")
        return found


def _why(error: MoneyError | InvalidOperation) -> str:
    return str(error) if isinstance(error, MoneyError) else "no number"


def meant(name: Any, known: Iterable[str]) -> str:
    """The hint where a name is not known: which one is perhaps meant, and which there are.

    >>> meant("shippng", ["price", "shipping"]), meant("moon", ["price"]), meant("moon", [])
    ("is 'shipping' meant? known: price, shipping", 'known: price', 'there is none')
    """
    names = list(known)
    if isinstance(name, bool):
        return f"YAML reads on, off, yes and no as true and false: put the name in quotes; known: {', '.join(names)}"
    near = difflib.get_close_matches(str(name), names, 1, ALIKE)
    return (f"is {near[0]!r} meant? " if near else "") + (f"known: {', '.join(names)}" if names else "there is none")


def shown(value: Any) -> str:
    """A value as whoever wrote it knows it, cut where it is long.

    >>> shown(True), shown(None), shown("2 h"), shown(Decimal("0.50")), shown([1, {"a": None}])
    ('true', 'null', "'2 h'", '0.50', '[1, {"a": null}]')
    """
    if isinstance(value, str):
        text = repr(value)
    elif isinstance(value, Decimal | datetime | date):
        text = str(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _numeric(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
