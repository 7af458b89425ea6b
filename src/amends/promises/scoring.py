"""The scoreboard in columns: made, kept, late and by how much, closed without repair, reopened, without target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from amends.promises.repairs import Standing

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
STANDINGS = tuple(Standing)  # a standing's code is its place in here
# Lateness is kept in steps of a tenth, so that counts of many days can be added up and still give a median.
FIRST_S, GROWTH, BINS = 60.0, 1.1, 160


@dataclass(frozen=True)
class Scores:
    """One entry per group. What has no target is counted and never enters a share; nor does what is open still."""

    groups: Mapping[str, npt.NDArray[np.object_]]  # by name of the column: category, area; none for everything
    counts: Mapping[Standing, Longs]
    late_median_s: Floats  # of what was mended late, or is late; NaN where nothing was
    late_p90_s: Floats

    @property
    def made(self) -> Longs:
        """Promises: everything that had a target."""
        return self.decided + self.counts[Standing.OPEN]

    @property
    def decided(self) -> Longs:
        """Promises whose end is known: kept or not."""
        ends = (Standing.KEPT, Standing.LATE, Standing.CLOSED_WITHOUT_REPAIR, Standing.REOPENED)
        total: Longs = np.sum([self.counts[end] for end in ends], axis=0, dtype=np.int64)
        return total

    @property
    def kept_share(self) -> Floats:
        """Kept, of those whose end is known; NaN where there are none."""
        decided, kept = self.decided, self.counts[Standing.KEPT].astype(np.float64)
        share: Floats = np.divide(kept, decided, out=np.full(len(kept), np.nan), where=decided > 0)
        return share


def codes(standings: Sequence[Standing]) -> npt.NDArray[np.int8]:
    places = {standing: place for place, standing in enumerate(STANDINGS)}
    return np.array([places[standing] for standing in standings], np.int8)


def score(columns: Mapping[str, Sequence[str]], standing: npt.NDArray[np.int8], late_s: Floats) -> Scores:
    """Scores of each combination of these columns, in their order; without columns, of everything."""
    names, which, count = _grouped(columns, len(standing))
    counts = {
        one: np.bincount(which[standing == code], minlength=count).astype(np.int64)
        for code, one in enumerate(STANDINGS)
    }
    late = np.isin(standing, codes([Standing.LATE, Standing.REOPENED])) & (late_s > 0)
    median, p90 = _quantiles(which[late], late_s[late], count, (0.5, 0.9))
    return Scores(names, counts, median, p90)


def late_bin(late_s: Floats) -> Longs:
    """The step of each lateness, for a rollup that adds up: `late_of` reads medians out of the sums."""
    steps = np.floor(np.log(np.maximum(late_s, FIRST_S) / FIRST_S) / np.log(GROWTH))
    bins: Longs = np.clip(steps, 0, BINS - 1).astype(np.int64)
    return bins


def late_of(bins: Mapping[int, int], share: float) -> float:
    """The lateness in seconds that this share of all stays below, within a twentieth; NaN where there is none."""
    places, counts = np.array(sorted(bins), np.int64), np.array([bins[place] for place in sorted(bins)])
    if not counts.sum():
        return float("nan")
    rank = share * (counts.sum() - 1)
    place = places[int(np.searchsorted(np.cumsum(counts) - 1, rank, side="left"))]
    return float(FIRST_S * GROWTH ** (int(place) + 0.5))


def _grouped(columns: Mapping[str, Sequence[str]], rows: int) -> tuple[dict[str, npt.NDArray[np.object_]], Longs, int]:
    """Each group's names, the group of each row, and how many groups there are."""
    which = np.zeros(rows, np.int64)
    known: list[tuple[str, npt.NDArray[np.object_], Longs]] = []
    for name, values in columns.items():
        found, place = np.unique(np.array(values, object), return_inverse=True)
        which = which * max(len(found), 1) + place
        known.append((name, found, place))
    seen, first, which = np.unique(which, return_index=True, return_inverse=True)
    names = {name: found[place[first]] for name, found, place in known}
    return names, which, len(seen) if columns else 1


def _quantiles(which: Longs, values: Floats, count: int, shares: Sequence[float]) -> list[Floats]:
    """Quantiles of each group, between neighbours as NumPy does by default."""
    order = np.lexsort((values, which))
    ordered = values[order]
    sizes = np.bincount(which, minlength=count)
    starts = np.cumsum(sizes) - sizes
    found = []
    for share in shares:
        rank = share * np.maximum(sizes - 1, 0)
        low = np.floor(rank).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(sizes - 1, 0))
        some = sizes > 0
        result = np.full(count, np.nan)
        below, above = ordered[(starts + low)[some]], ordered[(starts + high)[some]]
        result[some] = below + (rank - low)[some] * (above - below)
        found.append(result)
    return found
