"""Amounts in words, as an operator or a customer reads them."""

from __future__ import annotations

from amends.recoveries.policy.tree import (
    Bounded,
    Chosen,
    Fixed,
    Left,
    Percent,
    PerUnit,
    Row,
    Share,
    Steps,
    Summed,
    Term,
)


def amount_words(term: Term | None) -> str:
    """An amount as a person says it: `10 % of the price, at most EUR 20.00`."""
    if term is None:
        return ""
    if isinstance(term, Bounded):
        bounds = [f"at {side} {amount_words(of)}" for side, of in (("least", term.floor), ("most", term.cap)) if of]
        return ", ".join([f"half of {amount_words(term.term)}" if term.halve else amount_words(term.term), *bounds])
    if isinstance(term, Chosen):
        parts = " and ".join(amount_words(part) for part in term.terms)
        return f"the {'larger' if term.largest else 'smaller'} of {parts}"
    if isinstance(term, Summed):
        return " plus ".join(amount_words(part) for part in term.terms)
    if isinstance(term, Steps):
        return ", ".join(f"{amount_words(step)} from {least} {_named(term.by)}" for least, step in term.steps)
    return _simple(term)


def _simple(term: Fixed | Percent | PerUnit | Share | Left) -> str:
    if isinstance(term, Fixed):
        return _named(str(term.amount))
    if isinstance(term, Percent):
        return f"{_named(str(term.percent))} % of the {_named(term.of)}"
    if isinstance(term, PerUnit):
        return f"{amount_words(term.term)} for each of {_named(term.unit)}"
    if isinstance(term, Share):
        return f"{_named(term.of)} × {_named(str(term.units))} ÷ {_named(str(term.parts))}"
    return f"what is left of {amount_words(term.limit)} after {_named(term.used)}"


def _named(name: str) -> str:
    return name.replace("_", " ")


def conditions_words(row: Row) -> str:
    return " and ".join(cell.words() for cell in row.cells) or "for everything else"
