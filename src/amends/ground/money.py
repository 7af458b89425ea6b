"""Money: integer minor units and a currency; never a float."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision

MAX_MINOR = 2**63 - 1


class MoneyError(ValueError):
    """An amount or currency that cannot be; the message says which and why."""


@cache
def minor_digits(currency: str) -> int:
    """How many digits ISO 4217 gives the minor unit: EUR 2, JPY 0, KWD 3."""
    if currency not in get_global("all_currencies"):
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code such as EUR")
    return int(get_currency_precision(currency))


@dataclass(frozen=True, order=False, slots=True)
class Money:
    """An exact amount: `minor` units (cents for EUR, yen for JPY) of an ISO 4217 `currency`."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        minor_digits(self.currency)
        if not -MAX_MINOR <= self.minor <= MAX_MINOR:
            raise MoneyError(f"{self.minor} is beyond what the books can hold (2^63 - 1 minor units)")

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read `4.99`; more digits than the currency has are an error, not a rounding."""
        scaled = Decimal(text).scaleb(minor_digits(currency))
        if scaled != scaled.to_integral_value():
            raise MoneyError(f"{text} has more digits than {currency} has")
        return cls(int(scaled), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise MoneyError(f"{self.currency} and {other.currency} cannot be reckoned together")
        return other.minor

    def decimal(self) -> Decimal:
        with localcontext() as context:
            context.prec = 40
            return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def plain(self) -> str:
        """The amount with the currency's digits: `4.99`."""
        return f"{self.decimal():.{minor_digits(self.currency)}f}"

    def words(self, locale: str = "en") -> str:
        """As a person of that locale reads it: `€4.99`, `4,99 €`."""
        return str(format_currency(self.decimal(), self.currency, locale=locale.replace("-", "_")))

    def __str__(self) -> str:
        return f"{self.currency} {self.plain()}"


def round_half_up(exact: Decimal, currency: str) -> Money:
    """The one rounding of amends: once, at the end, half up (away from zero) to the minor unit."""
    with localcontext() as context:
        context.prec = 60
        minor = exact.scaleb(minor_digits(currency)).to_integral_value(ROUND_HALF_UP)
    return Money(int(minor), currency)


def less(amounts: Iterable[Money], taken: int) -> Iterator[Money]:
    """Amounts in their order, so many minor units taken off, from the first on.

    >>> [str(one) for one in less([Money(1200, "EUR"), Money(400, "EUR")], 1300)]
    ['EUR 0.00', 'EUR 3.00']
    """
    for amount in amounts:
        cut = min(taken, amount.minor)
        taken -= cut
        yield Money(amount.minor - cut, amount.currency)
