"""Amounts by column: whole numbers over whole numbers in the minor unit, rounded once, half up, at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from amends.ground.money import MAX_MINOR, Money, minor_digits
from amends.recoveries.policy.column_block import Block, at_least, scaled
from amends.recoveries.policy.column_values import Column, Ints, Known, both, fitting, times, where
from amends.recoveries.policy.tree import (
    Bounded,
    Chosen,
    Fixed,
    Left,
    Percent,
    PerUnit,
    Share,
    Steps,
    Summed,
    Term,
)

CAPPED, HALVED, FLOORED = 1, 2, 4
MARKS = {CAPPED: "capped", HALVED: "halved", FLOORED: "floored"}


@dataclass(frozen=True)
class Amount:
    """`over / under` minor units; `under` is above zero. `marks`: what happened to it on the way."""

    over: Ints
    under: Ints
    most: int  # no |over| is larger
    known: Known = True
    marks: Ints = 0
    most_under: int = 1


def amount(term: Term, block: Block) -> Amount:
    """What a term comes to for each record, exact. Wide where 64 bits might not hold it."""
    if isinstance(term, Fixed):
        return _fixed(term, block)
    if isinstance(term, Percent):
        whole = _named(term.of, block)
        return _multiplied(whole, block.operand(term.percent), 100, block)
    if isinstance(term, PerUnit):
        return _multiplied(amount(term.term, block), block.operand(term.unit), 1, block)
    if isinstance(term, Share):
        return _share(term, block)
    if isinstance(term, Chosen):
        return _chosen([amount(part, block) for part in term.terms], term.largest, block.wide)
    if isinstance(term, Summed):
        return _summed([amount(part, block) for part in term.terms], block.wide)
    if isinstance(term, Steps):
        return _steps(term, block)
    if isinstance(term, Left):
        return _left(term, block)
    return _bounded(term, block)


def _fixed(term: Fixed, block: Block) -> Amount:
    if isinstance(term.amount, Money):
        return Amount(term.amount.minor, 1, abs(term.amount.minor), term.amount.currency == block.currency)
    found = _named(term.amount, block)
    return found if term.currency in ("", block.currency) else replace(found, known=False)


def _named(name: str, block: Block) -> Amount:
    column = block[name]
    over, under, most = scaled(column, minor_digits(block.currency), block.wide)
    return Amount(over, under, most, column.known, most_under=under)


def _multiplied(of: Amount, by: Column, divisor: int, block: Block) -> Amount:
    """Amount × number ÷ divisor; what cancels out is left out first."""
    under = divisor * 10**by.scale
    data, factor = by.data, by.bound
    if not isinstance(data, np.ndarray) and data:
        shared = math.gcd(data, under)
        data, factor, under = data // shared, factor // shared, under // shared
    if not isinstance(of.over, np.ndarray) and of.over:
        shared = math.gcd(of.over, under)
        of, under = replace(of, over=of.over // shared, most=of.most // shared), under // shared
    most = fitting(max(of.most, 1) * max(factor, 1), block.wide)
    below, most_below = times(of.under, under, of.most_under, block.wide)
    over = of.over if not isinstance(data, np.ndarray) and data == 1 else of.over * data
    return Amount(over, below, most, both(of.known, by.known), of.marks, most_below)


def _share(term: Share, block: Block) -> Amount:
    """Units of so many parts; not known where there are no parts."""
    parts = block.operand(term.parts)
    whole = _multiplied(_named(term.of, block), block.operand(term.units), 1, block)
    over, most = times(whole.over, 10**parts.scale, whole.most, block.wide)
    some = parts.data > 0
    known = both(both(whole.known, parts.known), some if isinstance(some, np.ndarray) else bool(some))
    below = where(some, parts.data, 1) if isinstance(parts.data, np.ndarray) else max(parts.data, 1)
    most_under = fitting(max(whole.most_under, 1) * max(parts.bound, 1), block.wide)
    return Amount(over, whole.under * below, most, known, whole.marks, most_under)


def _same_under(one: Amount, other: Amount, wide: bool) -> tuple[Ints, Ints, Ints, int, int]:
    """Both over one denominator: the two numerators, that denominator, a bound of either and of it."""
    if not isinstance(one.under, np.ndarray) and not isinstance(other.under, np.ndarray):
        under = math.lcm(one.under, other.under)
        left, most = times(one.over, under // one.under, one.most, wide)
        right, most_right = times(other.over, under // other.under, other.most, wide)
        return left, right, under, max(most, most_right), under
    if one.under is other.under:
        return one.over, other.over, one.under, max(one.most, other.most), one.most_under
    most = fitting(max(one.most * other.most_under, other.most * one.most_under, 1), wide)
    most_under = fitting(one.most_under * other.most_under, wide)
    return one.over * other.under, other.over * one.under, one.under * other.under, most, most_under


def _either(condition: Any, one: Amount, other: Amount, wide: bool) -> Amount:
    """`one` where the condition holds, else `other`."""
    if isinstance(condition, bool | np.bool_):
        return one if condition else other
    left, right, under, most, most_under = _same_under(one, other, wide)
    known = one.known if one.known is other.known else where(condition, one.known, other.known)
    marks = one.marks
    if isinstance(marks, np.ndarray) or isinstance(other.marks, np.ndarray) or marks != other.marks:
        marks = np.asarray(np.where(condition, marks, other.marks), np.uint8)
    return Amount(np.where(condition, left, right), under, most, known, marks, most_under)


def _chosen(parts: list[Amount], largest: bool, wide: bool) -> Amount:
    """The largest or smallest, the first of equal ones; known where all are."""
    found, known = parts[0], parts[0].known
    for part in parts[1:]:
        known = both(known, part.known)
        left, right, *_ = _same_under(part, found, wide)
        found = _either(left > right if largest else left < right, part, found, wide)
    return replace(found, known=known)


def _summed(parts: list[Amount], wide: bool) -> Amount:
    found = parts[0]
    for part in parts[1:]:
        left, right, under, most, most_under = _same_under(found, part, wide)
        known = both(found.known, part.known)
        found = Amount(left + right, under, fitting(most * 2, wide), known, found.marks | part.marks, most_under)
    return found


def _steps(term: Steps, block: Block) -> Amount:
    reached = block[term.by]
    found = Amount(0, 1, 0)
    for least, step in term.steps:
        found = _either(at_least(reached, least), amount(step, block), found, block.wide)
    return replace(found, known=both(reached.known, found.known))


def _left(term: Left, block: Block) -> Amount:
    limit, used = amount(term.limit, block), _named(term.used, block)
    left, right, under, most, most_under = _same_under(limit, used, block.wide)
    rest = left - right
    rest = np.maximum(rest, 0) if isinstance(rest, np.ndarray) else max(rest, 0)
    return Amount(rest, under, fitting(most * 2, block.wide), both(limit.known, used.known), 0, most_under)


def _bounded(term: Bounded, block: Block) -> Amount:
    found = amount(term.term, block)
    if term.halve:
        below, most_under = times(found.under, 2, found.most_under, block.wide)
        found = replace(found, under=below, most_under=most_under, marks=found.marks | HALVED)
    if term.floor is not None:
        found = _held(found, amount(term.floor, block), FLOORED, block.wide)
    if term.cap is not None:
        found = _held(found, amount(term.cap, block), CAPPED, block.wide)
    return found


def _held(found: Amount, limit: Amount, mark: int, wide: bool) -> Amount:
    """Held at a floor or a cap, and marked where it was."""
    left, right, under, most, most_under = _same_under(found, limit, wide)
    beyond = left > right if mark == CAPPED else left < right
    known = both(found.known, limit.known)
    if not isinstance(beyond, np.ndarray):
        over = right if beyond else left
        return Amount(over, under, most, known, found.marks | (mark if beyond else 0), most_under)
    over = np.minimum(left, right) if mark == CAPPED else np.maximum(left, right)
    return Amount(over, under, most, known, found.marks | beyond.astype(np.uint8) * np.uint8(mark), most_under)


def rounded(exact: Amount, wide: bool) -> tuple[Ints, Known]:
    """Minor units, half up and never below zero; and where the books cannot hold them."""
    over = np.maximum(exact.over, 0) if isinstance(exact.over, np.ndarray) else max(exact.over, 0)
    under = exact.under
    if isinstance(under, np.ndarray):
        doubled, _ = times(over, 2, exact.most + exact.most_under, wide)
        times(1, 2, exact.most_under, wide)
        minor = (doubled + under) // (2 * under)
    elif under == 1:
        minor = over
    elif under % 2 == 0:
        fitting(exact.most + under, wide)
        minor = (over + under // 2) // under
    else:
        fitting(2 * exact.most + under, wide)
        minor = (2 * over + under) // (2 * under)
    if not wide and isinstance(minor, np.ndarray):
        return minor, False
    too_large = minor > MAX_MINOR
    return where(too_large, 0, minor), too_large if isinstance(too_large, np.ndarray) else bool(too_large)
