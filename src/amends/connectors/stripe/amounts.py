"""Amounts as Stripe counts them: its minor units are not everywhere those of ISO 4217."""

from __future__ import annotations

from amends.ground.money import Money, MoneyError

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
CONTRADICTED = frozenset({"UGX"})  # documented both as whole shillings and as hundredths: a factor of a hundred


def to_stripe(money: Money) -> int:
    """The amount in Stripe's units; MoneyError where Stripe cannot move exactly this amount.

    >>> to_stripe(Money(500, "JPY")), to_stripe(Money(1250, "KWD")), to_stripe(Money(5, "ISK"))
    (500, 1250, 500)
    """
    if money.currency in CONTRADICTED:
        raise MoneyError(f"Stripe documents two units for {money.currency}; a person moves this amount")
    scaled = money.decimal().scaleb(digits(money.currency))
    if scaled != scaled.to_integral_value():
        raise MoneyError(f"Stripe moves no parts as small as in {money}")
    if money.currency in THREE_DECIMAL and int(scaled) % 10:
        raise MoneyError(f"Stripe moves {money.currency} in steps of 0.010 only, and this is {money}")
    return int(scaled)


def digits(currency: str) -> int:
    """How many decimal digits Stripe's unit of a currency has."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def from_stripe(amount: int, currency: str) -> Money:
    """Our amount for Stripe's; MoneyError where ours has no such part."""
    code = currency.upper()
    whole, rest = divmod(amount, 10 ** digits(code))
    return Money.parse(f"{whole}.{rest:0{digits(code)}d}" if digits(code) else str(amount), code)
