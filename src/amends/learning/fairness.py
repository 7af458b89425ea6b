"""Whether like failures are answered alike: shares, amounts and waiting times of segments, compared within strata.

A segment that simply lives through worse failures gets more; so segments are compared only where promise and severity
are the same, and the strata are put together as Mantel and Haenszel do (J. Natl. Cancer Inst. 22 (1959) 719).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Z = 1.959963984540054  # 95 %
# Fewer on either side, in the strata compared, are too few for intervals by the normal curve: both together make the 40
# that Cochran asks of a 2×2 table (Biometrics 10 (1954) 417). Of amounts and hours, as many must have been granted.
LEAST = 20
ROOM = 5.0  # how far the expected grants must lie from the least and the most that could be (Mantel and Fleiss 1980)
NONE_TOLD = "none told"  # customers without a segment: no segment, so only part of the others


@dataclass(frozen=True)
class Odds:
    """A common odds ratio with its 95 % interval, and the test that it is one."""

    ratio: float
    low: float
    high: float
    chi_square: float
    p: float
    crude: float  # all strata thrown together: what a naive look would say


@dataclass(frozen=True)
class Gap:
    """A difference of means within strata, with its 95 % interval."""

    difference: float
    low: float
    high: float


def mantel_haenszel(tables: Sequence[tuple[float, float, float, float]]) -> Odds | None:
    """The common odds ratio of 2×2 tables (granted and not, of the segment; granted and not, of the others).

    Interval after Robins, Breslow and Greenland (Biometrics 42 (1986) 311); the test is continuity-corrected. None
    where no table tells anything.

    >>> round(mantel_haenszel([(10, 5, 4, 11)]).ratio, 2)
    5.5
    """
    a, b, c, d = (
        (np.array(column, np.float64) for column in zip(*tables, strict=True)) if tables else (np.zeros(0),) * 4
    )
    n = a + b + c + d
    used = (n > 1) & (a + b > 0) & (c + d > 0) & (a + c > 0) & (b + d > 0)
    a, b, c, d, n = a[used], b[used], c[used], d[used], n[used]
    r, s = a * d / n, b * c / n
    if not len(n) or not (r.sum() or s.sum()):
        return None
    if not r.sum() or not s.sum():  # one side got all or nothing: half a case more in each cell (Haldane and Anscombe)
        return mantel_haenszel([tuple(0.5 + x for x in one) for one in zip(a, b, c, d, strict=True)])
    ratio = float(r.sum() / s.sum())
    spread = _log_variance(a, b, c, d, n, r, s) ** 0.5
    chi_square = _chi_square(a, b, c, d, n)
    crude = _crude(a, b, c, d)
    p = math.erfc(math.sqrt(chi_square / 2))
    return Odds(ratio, ratio * math.exp(-Z * spread), ratio * math.exp(Z * spread), chi_square, p, crude)


def roomy(tables: Sequence[tuple[float, float, float, float]]) -> bool:
    """Whether the normal approximation may be used (Mantel and Fleiss, Am. J. Epidemiol. 112 (1980) 129).

    >>> roomy([(10, 10, 10, 10)]), roomy([(1, 19, 2, 18)])
    (True, False)
    """
    below = above = 0.0
    for a, b, c, d in tables:
        expected = (a + b) * (a + c) / (a + b + c + d) if a + b + c + d else 0.0
        below += expected - max(0.0, a - d)
        above += min(a + b, a + c) - expected
    return min(below, above) > ROOM


def _log_variance(a: Floats, b: Floats, c: Floats, d: Floats, n: Floats, r: Floats, s: Floats) -> float:
    p, q = (a + d) / n, (b + c) / n
    first = (p * r).sum() / (2 * r.sum() ** 2)
    mixed = (p * s + q * r).sum() / (2 * r.sum() * s.sum())
    return float(first + mixed + (q * s).sum() / (2 * s.sum() ** 2))


def _chi_square(a: Floats, b: Floats, c: Floats, d: Floats, n: Floats) -> float:
    expected = (a + b) * (a + c) / n
    variance = (a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))
    off = max(0.0, abs(float((a - expected).sum())) - 0.5)
    return off**2 / float(variance.sum())


def _crude(a: Floats, b: Floats, c: Floats, d: Floats) -> float:
    wrong, right = float(b.sum() * c.sum()), float(a.sum() * d.sum())
    return right / wrong if wrong else math.inf


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of squares of one group in one stratum."""

    count: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def variance(self) -> float:
        """Of the mean."""
        if self.count < 2:
            return 0.0
        return max(0.0, (self.squares - self.total**2 / self.count) / (self.count - 1)) / self.count


def stratified_gap(strata: Sequence[tuple[Moments, Moments]]) -> Gap | None:
    """Mean of the segment less mean of the others, strata weighted by how much both have in them."""
    both = [(one, other) for one, other in strata if one.count and other.count]
    if not both:
        return None
    weights = np.array([one.count * other.count / (one.count + other.count) for one, other in both])
    gaps = np.array([one.mean - other.mean for one, other in both])
    variances = np.array([one.variance + other.variance for one, other in both])
    difference = float((weights * gaps).sum() / weights.sum())
    spread = float(((weights**2 * variances).sum()) ** 0.5 / weights.sum())
    return Gap(difference, difference - Z * spread, difference + Z * spread)


@dataclass(frozen=True)
class Cell:
    """What one segment got in one stratum: sums are enough."""

    stratum: tuple[str, ...]
    segment: str
    count: int  # settled: granted or not
    granted: int
    amount: Moments  # minor units
    hours: Moments  # from the decision until what was granted was there
    waiting: int = 0  # before a person: neither granted nor not


@dataclass(frozen=True)
class Comparison:
    """One segment against all others."""

    segment: str
    count: int  # settled ones
    granted_share: float  # of them
    odds: Odds | None
    amount: Gap | None
    hours: Gap | None
    waiting: int = 0
    too_few: bool = False  # to tell whether it stands out

    @property
    def stands_out(self) -> bool:
        """Whether any interval leaves out what equal treatment would give."""
        odds = self.odds is not None and not self.odds.low <= 1 <= self.odds.high
        gaps = (gap for gap in (self.amount, self.hours) if gap is not None)
        return odds or any(not gap.low <= 0 <= gap.high for gap in gaps)


def compare(cells: Sequence[Cell]) -> list[Comparison]:
    """Every segment against the others, within strata; largest segments first. NONE_TOLD is compared as others only."""
    by_stratum: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        by_stratum.setdefault(cell.stratum, []).append(cell)
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell.segment] = counts.get(cell.segment, 0) + cell.count
    return [_compare(segment, counts[segment], by_stratum) for segment in sorted(counts, key=lambda s: (-counts[s], s))]


def _compare(segment: str, count: int, by_stratum: Mapping[tuple[str, ...], Sequence[Cell]]) -> Comparison:
    pairs = []
    for cells in by_stratum.values():
        mine = [cell for cell in cells if cell.segment == segment]
        others = [cell for cell in cells if cell.segment != segment]
        if mine and others and segment != NONE_TOLD:
            pairs.append((_sum(mine), _sum(others)))
    own = [cell for cells in by_stratum.values() for cell in cells if cell.segment == segment]
    granted = sum(cell.granted for cell in own)
    share, waiting = granted / count if count else 0.0, sum(cell.waiting for cell in own)
    tables = [(m.granted, m.count - m.granted, o.granted, o.count - o.granted) for m, o in pairs if m.count and o.count]
    if min(sum(a + b for a, b, _, _ in tables), sum(c + d for _, _, c, d in tables)) < LEAST:
        return Comparison(segment, count, share, None, None, None, waiting, segment != NONE_TOLD)
    odds = mantel_haenszel(tables) if roomy(tables) else None
    amount = _gap([(mine.amount, other.amount) for mine, other in pairs])
    hours = _gap([(mine.hours, other.hours) for mine, other in pairs])
    nothing_told = odds is None and amount is None and hours is None and any(a or c for a, _, c, _ in tables)
    return Comparison(segment, count, share, odds, amount, hours, waiting, nothing_told)


def _gap(strata: Sequence[tuple[Moments, Moments]]) -> Gap | None:
    """The gap where both have enough in the strata that both are in; one case alone has no spread that we know."""
    both = [(one, other) for one, other in strata if one.count > 1 and other.count > 1]
    least = min(sum(one.count for one, _ in both), sum(other.count for _, other in both))
    return stratified_gap(both) if least >= LEAST else None


def _sum(cells: Sequence[Cell]) -> Cell:
    return Cell(
        cells[0].stratum,
        "",
        sum(cell.count for cell in cells),
        sum(cell.granted for cell in cells),
        _added([cell.amount for cell in cells]),
        _added([cell.hours for cell in cells]),
    )


def _added(parts: Sequence[Moments]) -> Moments:
    return Moments(sum(p.count for p in parts), sum(p.total for p in parts), sum(p.squares for p in parts))
