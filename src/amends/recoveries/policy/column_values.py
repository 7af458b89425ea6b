"""Numbers, codes and days as columns of whole numbers: what is known of each, its scale, and how large it gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt

MOST = 2**63 - 1  # what 64 bits hold
EPOCH_ORDINAL = 719_163  # date(1970, 1, 1).toordinal()
FIRST_DAY, LAST_DAY = 1 - EPOCH_ORDINAL, 3_652_059 - EPOCH_ORDINAL  # what a calendar day can be

Array = npt.NDArray[Any]
Ints = Any  # an array of whole numbers, or one for all records
Known = Any  # an array of booleans, or one for all records
Picked = Any  # a slice of records, or their numbers


class Wide(Exception):
    """A number on the way might not fit into 64 bits: these records need unbounded integers."""


@dataclass
class Column:
    """Whole numbers, each meaning `data / 10 ** scale`; what is not known has a zero (or -1 for a code)."""

    data: Ints
    known: Known = True
    scale: int = 0
    most: int | None = None  # no absolute value is larger

    @property
    def bound(self) -> int:
        if self.most is None:
            self.most = _largest(self.data)
        return self.most

    def pick(self, picked: Picked) -> Column:
        """Some of the records. A bound that is known holds for them too."""
        known = self.known[picked] if isinstance(self.known, np.ndarray) else self.known
        data = self.data[picked] if isinstance(self.data, np.ndarray) else self.data
        return Column(data, known, self.scale, self.most)

    def unbounded(self) -> Column:
        """The same with Python's integers, which have no largest."""
        data = self.data.astype(object) if isinstance(self.data, np.ndarray) else self.data
        return Column(data, self.known, self.scale, 0)


@dataclass
class Lists:
    """A list for each record, end to end; `starts` has one more entry than there are records."""

    starts: Array
    items: Column
    known: Known = True

    def pick(self, picked: Picked) -> Lists:
        known = self.known[picked] if isinstance(self.known, np.ndarray) else self.known
        first, last = self.starts[:-1][picked], self.starts[1:][picked]
        counts = last - first
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(starts[-1]) + np.repeat(first - starts[:-1], counts)
        return Lists(starts, self.items.pick(places), known)

    @property
    def owners(self) -> Array:
        """For each item, whose it is."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass
class Regions:
    """The name of a region's calendar for each record."""

    codes: Ints
    names: Sequence[str]
    known: Known = True

    def pick(self, picked: Picked) -> Regions:
        known = self.known[picked] if isinstance(self.known, np.ndarray) else self.known
        return Regions(self.codes[picked] if isinstance(self.codes, np.ndarray) else self.codes, self.names, known)


UNKNOWN = Column(0, False)


def _largest(data: Ints) -> int:
    if not isinstance(data, np.ndarray):
        return abs(int(data))
    return max(abs(int(data.max())), abs(int(data.min()))) if data.size else 0


def constant(value: Decimal | int) -> Column:
    """One number for every record, exact.

    >>> constant(Decimal("12.50"))
    Column(data=125, known=True, scale=1, most=None)
    """
    sign, digits, exponent = Decimal(value).as_tuple()
    assert isinstance(exponent, int)
    whole = int("".join(map(str, digits))) * (-1 if sign else 1)
    if exponent >= 0:
        return Column(whole * 10**exponent)
    while exponent < 0 and whole % 10 == 0:
        whole, exponent = whole // 10, exponent + 1
    return Column(whole, scale=-exponent)


def both(one: Known, other: Known) -> Known:
    """Where both hold; true and false for all records cost nothing."""
    if one is True or other is False:
        return other
    if other is True or one is False:
        return one
    return one & other


def either(one: Known, other: Known) -> Known:
    if one is False or other is True:
        return other
    if other is False or one is True:
        return one
    return one | other


def where(condition: Known, one: Any, other: Any) -> Any:
    """`one` where the condition holds; no array is made where it holds for all or none."""
    if condition is True:
        return one
    return other if condition is False else np.where(condition, one, other)


def fitting(bound: int, wide: bool) -> int:
    """The bound, if 64 bits hold it."""
    if not wide and bound > MOST:
        raise Wide
    return 0 if wide else bound


def times(data: Ints, factor: int, bound: int, wide: bool) -> tuple[Ints, int]:
    """Data × a whole number, and the new bound."""
    if factor == 1:
        return data, bound
    most = fitting(max(bound, 1) * max(abs(factor), 1), wide)
    return data * factor, most


def same_scale(one: Column, other: Column, wide: bool) -> tuple[Ints, Ints, int, int]:
    """Both brought to one scale: their data, that scale, and a bound of either."""
    scale = max(one.scale, other.scale)
    left, most = times(one.data, 10 ** (scale - one.scale), one.bound, wide)
    right, most_right = times(other.data, 10 ** (scale - other.scale), other.bound, wide)
    return left, right, scale, max(most, most_right)


def threshold(value: Decimal, scale: int, *, up: bool) -> int:
    """The whole number of that scale at or above (else at or below) a constant."""
    with localcontext() as context:
        context.prec = 100
        return int(value.scaleb(scale).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR))
