"""A candidate policy held against the one in force, over the same history; no chance, no clock."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.learning.history import codes_of
from amends.learning.records import Bools, Decided, Example, Group, Ints, Simulation, Spread

QUANTILES = (5, 25, 50, 75, 95, 99, 100)
BUCKETS = 12
EXAMPLES = 6
MOST_GROUPS = 25
AGAIN = ("first", "second", "third or more")


def compare(history: pa.Table, before: Decided, after: Decided) -> list[Simulation]:
    """One simulation per currency, the one with most failures first."""
    currency = history["currency"]
    counted = pc.value_counts(currency).to_pylist()
    ordered = sorted(counted, key=lambda one: (-one["counts"], one["values"]))
    found = []
    for one in ordered:
        if len(ordered) == 1:
            return [_simulate(one["values"], history, before, after)]
        rows = np.flatnonzero(pc.equal(currency, one["values"]).to_numpy(zero_copy_only=False))
        found.append(_simulate(one["values"], history.take(pa.array(rows)), _only(before, rows), _only(after, rows)))
    return found


def _only(decided: Decided, rows: Ints) -> Decided:
    return Decided(
        decided.policy,
        decided.version,
        decided.digest,
        decided.owed[rows],
        decided.goodwill[rows],
        decided.person[rows],
        decided.row,
        decided.held[rows],
    )


def _simulate(currency: str, history: pa.Table, before: Decided, after: Decided) -> Simulation:
    customer = codes_of(history["customer_id"])
    return Simulation(
        currency=currency,
        before=_named(before),
        after=_named(after),
        whole=_group("all", np.ones(len(customer), np.bool_), customer, before, after),
        by={
            name: tuple(_groups(history, name, customer, before, after))
            for name in ("severity", "recurrence", "segment")
        },
        spread_before=_spread(customer, before.total),
        spread_after=_spread(customer, after.total),
        months=_months(history, before.total, after.total),
        examples=_examples(history, before, after),
        rows=_rows(before, after),
    )


def _named(decided: Decided) -> str:
    return f"{decided.policy} of {decided.version} ({decided.digest[:12]})"


def _group(name: str, mask: Bools, customer: Ints, before: Decided, after: Decided) -> Group:
    who = customer[mask]
    change = np.bincount(who, (after.total - before.total)[mask], minlength=1)
    return Group(
        name=name,
        failures=int(mask.sum()),
        customers=int(np.count_nonzero(np.bincount(who))),
        owed_before=int(before.owed[mask].sum()),
        owed_after=int(after.owed[mask].sum()),
        goodwill_before=int(before.goodwill[mask].sum()),
        goodwill_after=int(after.goodwill[mask].sum()),
        persons_before=int(before.person[mask].sum()),
        persons_after=int(after.person[mask].sum()),
        more=int((change > 0).sum()),
        less=int((change < 0).sum()),
    )


def _groups(history: pa.Table, name: str, customer: Ints, before: Decided, after: Decided) -> Iterator[Group]:
    for label, mask in _masks(history, name):
        if mask.any():
            yield _group(label, mask, customer, before, after)


def _masks(history: pa.Table, name: str) -> Iterator[tuple[str, Bools]]:
    if name == "recurrence":
        times = np.minimum(history["recurrence"].to_numpy(), 2)
        yield from ((AGAIN[number], times == number) for number in range(3))
        return
    counted = sorted(pc.value_counts(history[name]).to_pylist(), key=lambda one: (-one["counts"], str(one["values"])))
    codes = history[name].combine_chunks().dictionary_encode()
    index = {value: number for number, value in enumerate(codes.dictionary.to_pylist())}
    places = codes.indices.to_numpy(zero_copy_only=False)
    for one in counted[:MOST_GROUPS]:
        yield str(one["values"] or "none told"), places == index[one["values"]]


def _spread(customer: Ints, total: Ints) -> Spread:
    """Money per customer who gets any."""
    per = np.bincount(customer, total) if len(customer) else np.zeros(0)
    paid = np.sort(per[per > 0]).astype(np.int64)
    if not len(paid):
        return Spread(0, 0.0, dict.fromkeys(QUANTILES, 0), ())
    places = [min(len(paid) - 1, int(np.ceil(share / 100 * len(paid))) - 1) for share in QUANTILES]
    quantiles = {share: int(paid[max(0, place)]) for share, place in zip(QUANTILES, places, strict=True)}
    width = max(1, -(-int(paid[min(len(paid) - 1, places[-2])]) // BUCKETS))
    edges = [width * (number + 1) for number in range(BUCKETS)] + [max(int(paid[-1]), width * BUCKETS)]
    upto = np.searchsorted(paid, edges, "right")
    counts = np.diff(upto, prepend=0)
    buckets = tuple((edge, int(count)) for edge, count in zip(edges, counts, strict=True))
    return Spread(len(paid), float(paid.mean()), quantiles, buckets)


def _months(history: pa.Table, before: Ints, after: Ints) -> tuple[tuple[str, int, int], ...]:
    """Spent by month of the failure, so that a budget can be held against it."""
    month = history["started_at"].to_numpy().astype("datetime64[M]").astype(np.int64)
    if not len(month):
        return ()
    first = int(month.min())
    sums = [np.bincount(month - first, amount).astype(np.int64) for amount in (before, after)]
    names = [str(np.datetime64(first + number, "M")) for number in range(len(sums[0]))]
    return tuple((name, int(a), int(b)) for name, a, b in zip(names, *sums, strict=True))


def _rows(before: Decided, after: Decided) -> tuple[tuple[str, str, int, int], ...]:
    """Which row took over from which, for how many failures, and what that costs; largest differences first."""
    key = (before.held + 1) * (len(after.row) + 1) + after.held + 1
    change = after.total - before.total
    found = []
    for value in np.unique(key).tolist():
        mask = key == value
        old, new = divmod(value, len(after.row) + 1)
        names = (before.row[old - 1] if old else "no row", after.row[new - 1] if new else "no row")
        found.append((*names, int(mask.sum()), int(change[mask].sum())))
    return tuple(sorted(found, key=lambda one: (-abs(one[3]), -one[2], one[:2])))


def _examples(history: pa.Table, before: Decided, after: Decided) -> tuple[Example, ...]:
    """The failures with the largest change, one for each pair of rows first; ties by place, so always the same."""
    change = after.total - before.total
    order = np.lexsort((np.arange(len(change)), -np.abs(change)))
    order = order[change[order] != 0]
    pairs = (before.held[order] + 1) * (len(after.row) + 1) + after.held[order] + 1
    _, first = np.unique(pairs, return_index=True)
    chosen = order[np.sort(first)][:EXAMPLES]
    return tuple(_example(history, before, after, int(row)) for row in chosen)


def _example(history: pa.Table, before: Decided, after: Decided, row: int) -> Example:
    one = history.slice(row, 1).to_pylist()[0]
    return Example(
        str(one["failure_id"] or ""),
        one["promise"],
        one["severity"],
        int(one["recurrence"]),
        int(before.total[row]),
        int(after.total[row]),
        before.row[before.held[row]] if before.held[row] >= 0 else "no row",
        after.row[after.held[row]] if after.held[row] >= 0 else "no row",
    )
