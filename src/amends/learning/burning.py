"""What the goodwill of a policy would do to the budgets: how often it alone would go beyond them; none is withheld."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.learning.history import DAY_US, codes_of
from amends.learning.records import Burn, Burnt, Decided, Ints
from amends.recoveries.budgets import Budget


def local_days(found: pa.Table, zone: ZoneInfo) -> pa.Array:
    """The company's day of each failure."""
    return pc.local_timestamp(pc.cast(found["started_at"], pa.timestamp("us", str(zone)))).cast(pa.date32())


def of(
    found: pa.Table, before: Decided, after: Decided, budgets: Sequence[Budget], currency: str, zone: ZoneInfo
) -> tuple[Burn, ...]:
    """Each budget of a currency under both policies, as if every failure were decided on its day."""
    mine = np.flatnonzero(pc.equal(found["currency"], currency).to_numpy())
    asked = [one for one in budgets if one.cap.currency == currency and one.policy in ("", after.policy)]
    if not asked or not len(mine):
        return ()
    part = found.take(pa.array(mine))
    day: Ints = local_days(part, zone).cast(pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
    given = before.goodwill[mine], after.goodwill[mine]
    burnt = [[_burnt(one, part, day, goodwill) for goodwill in given] for one in asked]
    days = [one.days if one.per == "customer" else 0 for one in asked]
    told = zip(asked, burnt, days, strict=True)
    return tuple(Burn(one.name, one.per, one.cap.minor, both[0], both[1], window) for one, both, window in told)


def _burnt(budget: Budget, found: pa.Table, day: Ints, goodwill: Ints) -> Burnt:
    whose, sums = _sums(budget, found, day, goodwill)
    over = sums > budget.cap.minor
    first = str(np.datetime64(int(whose[over].min()), "D")) if budget.per == "policy day" and over.any() else ""
    return Burnt(len(np.unique(whose[over])), int(sums.max(initial=0)), first)


def _sums(budget: Budget, found: pa.Table, day: Ints, goodwill: Ints) -> tuple[Ints, Ints]:
    """(whose budget it is, what is taken from it)."""
    if budget.per == "decision":
        return np.arange(len(goodwill)), goodwill
    if budget.per == "policy day":
        return _together(day, goodwill)
    if budget.per == "customer":
        return _rolling(codes_of(found["customer_id"]), found["started_at"], goodwill, budget.days)
    named = np.flatnonzero(pc.not_equal(pc.fill_null(found["incident"], ""), "").to_numpy())
    return _together(codes_of(found["incident"])[named], goodwill[named])


def _together(key: Ints, goodwill: Ints) -> tuple[Ints, Ints]:
    whose, place = np.unique(key, return_inverse=True)
    return whose, np.bincount(place, goodwill, minlength=len(whose)).astype(np.int64)


def _rolling(owner: Ints, started_at: pa.ChunkedArray, goodwill: Ints, days: int) -> tuple[Ints, Ints]:
    """At each failure, what its customer got in the last `days` days with it."""
    at = started_at.cast(pa.int64()).to_numpy()
    order = np.lexsort((at, owner))
    owner, at, upto = owner[order], at[order], np.cumsum(goodwill[order])
    seconds = (at - at.min()) // 1_000_000
    window = days * (DAY_US // 1_000_000)
    line = owner * (int(seconds.max()) + window + 2) + seconds  # customers one behind the other, windows apart
    start = np.searchsorted(line, line - window, "right")
    return owner, upto - np.where(start > 0, upto[start - 1], 0)
