from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.ground.money import MAX_MINOR, Money, MoneyError, round_half_up

MINOR = st.integers(-MAX_MINOR, MAX_MINOR)
CURRENCY = st.sampled_from(["EUR", "JPY", "KWD"])


@given(minor=MINOR, currency=CURRENCY)
def test_what_is_written_can_be_read_back(minor: int, currency: str) -> None:
    assert Money.parse(Money(minor, currency).plain(), currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("exact", "currency", "minor"),
    [("0.005", "EUR", 1), ("0.0049", "EUR", 0), ("-0.005", "EUR", -1), ("0.5", "JPY", 1), ("0.0005", "KWD", 1)],
)
def test_half_a_minor_unit_rounds_away_from_zero(exact: str, currency: str, minor: int) -> None:
    assert round_half_up(Decimal(exact), currency) == Money(minor, currency)


def test_two_currencies_are_never_added() -> None:
    with pytest.raises(MoneyError, match="EUR and USD"):
        Money(1, "EUR") + Money(1, "USD")


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "X1Z"])
def test_an_unknown_currency_is_named(currency: str) -> None:
    with pytest.raises(MoneyError, match="ISO 4217"):
        Money(1, currency)


def test_amounts_beyond_the_books_are_refused() -> None:
    with pytest.raises(MoneyError, match="2\\^63"):
        Money(2**63, "EUR")


def test_a_reader_sees_their_own_form() -> None:
    assert Money(499, "EUR").words("en") == "€4.99"
    assert Money(499, "EUR").words("de") == "4,99\xa0€"
