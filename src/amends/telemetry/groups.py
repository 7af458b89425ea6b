"""Groups of rows side by side: sessions differ, what is done with their rows does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from amends.telemetry.ordered import Bools, Floats, Ints


def firsts(group: Ints) -> Ints:
    """The first row of each run of one group."""
    return np.flatnonzero(np.diff(group, prepend=-1))


def lasts(first: Ints, rows: int) -> Ints:
    """The last row of each run that begins at `first`."""
    return (np.append(first[1:], rows) - 1)[: len(first)]


def lanes(first: Ints, last: Ints) -> tuple[Ints, Iterator[tuple[int, Ints]]]:
    """Walk all groups at once, the longest first: their order, and per step how many still have a row, and which.

    What is remembered of a group stands at its place in that order, so that each step works on slices.
    """
    length = last - first + 1
    order = np.argsort(-length, kind="stable")
    return order, _steps(first[order], length[order])


def _steps(first: Ints, length: Ints) -> Iterator[tuple[int, Ints]]:
    for step in range(int(length.max(initial=0))):
        alive = int(np.searchsorted(-length, -step))
        yield alive, first[:alive] + step


def lowest_from_here(values: Floats, group: Ints) -> Floats:
    """Of each row the lowest value in it and the later rows of its group; takes log2 of the longest group passes."""
    found, step = values.copy(), 1
    while step < len(found):
        same = group[step:] == group[:-step]
        if not same.any():
            break
        np.minimum(found[:-step], found[step:], out=found[:-step], where=same)
        step *= 2
    return found


def medians(values: Floats, group: Ints, count: int) -> Floats:
    """The median of each group, NaN where it has no value."""
    found = np.full(count, np.nan)
    if not len(values):
        return found
    order = np.lexsort((values, group))
    values, group = values[order], group[order]
    first = firsts(group)
    length = np.diff(np.append(first, len(group)))
    found[group[first]] = (values[first + (length - 1) // 2] + values[first + length // 2]) / 2
    return found


def sums(values: Floats, group: Ints, count: int) -> Floats:
    """Of each group the sum of its values."""
    found: Floats = np.bincount(group, values, count).astype(np.float64, copy=False)
    return found


def any_of(mask: Bools, group: Ints, count: int) -> Bools:
    """Per group, whether the mask holds anywhere in it."""
    found = np.zeros(count, np.bool_)
    found[group[mask]] = True
    return found


def highest(values: Floats, group: Ints, count: int, without: float) -> Floats:
    """Per group, the highest value; `without` where it has none or none higher."""
    found = np.full(count, without)
    np.maximum.at(found, group, values)
    return found
