"""A candidate policy held against the one in force, over the same history; no chance, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.learning.burning import local_days
from amends.learning.history import codes_of
from amends.learning.records import Bools, Decided, Example, Group, Ints, Note, Simulation, Spread

UTC = ZoneInfo("UTC")
QUANTILES = (5, 25, 50, 75, 95, 99, 100)
BUCKETS = 12
EXAMPLES = 6
MOST_GROUPS = 25
AGAIN = ("first", "second", "third or more")


def compare(
    history: pa.Table,
    before: Decided,
    after: Decided,
    notes: Mapping[str, Bools] | None = None,
    zone: ZoneInfo = UTC,
) -> list[Simulation]:
    """One simulation per currency, the one with most failures first; `notes`: what had to be assumed, and of whom;
    `zone`: the company's, for months."""
    notes = _together(notes or {}, before.notes, after.notes)
    currency = history["currency"]
    counted = pc.value_counts(currency).to_pylist()
    ordered = sorted(counted, key=lambda one: (-one["counts"], one["values"]))
    found = []
    for one in ordered:
        if len(ordered) == 1:
            return [_simulate(one["values"], history, before, after, notes, zone)]
        rows = np.flatnonzero(pc.equal(currency, one["values"]).to_numpy(zero_copy_only=False))
        mine = {says: where[rows] for says, where in notes.items()}
        both = (_only(before, rows), _only(after, rows))
        found.append(_simulate(one["values"], history.take(pa.array(rows)), *both, mine, zone))
    return found


def _together(*parts: Mapping[str, Bools]) -> dict[str, Bools]:
    """What is said by several is said once, of all whom any of them means."""
    found: dict[str, Bools] = {}
    for says, where in (item for part in parts for item in part.items()):
        found[says] = found[says] | where if says in found else where
    return found


def _only(decided: Decided, rows: Ints) -> Decided:
    return Decided(
        decided.policy,
        decided.versions,
        decided.by_version[rows],
        decided.digest,
        decided.owed[rows],
        decided.goodwill[rows],
        decided.person[rows],
        decided.row,
        decided.held[rows],
        standing=decided.standing,
    )


def _simulate(
    currency: str, history: pa.Table, before: Decided, after: Decided, notes: Mapping[str, Bools], zone: ZoneInfo
) -> Simulation:
    customer = codes_of(history["customer_id"])
    paid = [_paid(customer, decided.total) for decided in (before, after)]
    edges = _edges(*paid)
    said = sorted(
        (Note(int(where.sum()), says) for says, where in notes.items()), key=lambda one: (-one.failures, one.says)
    )
    return Simulation(
        currency=currency,
        before=_named(before),
        after=_named(after),
        versions_before=_versions(before),
        versions_after=_versions(after),
        notes=tuple(note for note in said if note.failures),
        whole=_group("all", np.ones(len(customer), np.bool_), customer, before, after),
        by={
            name: tuple(_groups(history, name, customer, before, after))
            for name in ("severity", "recurrence", "segment")
        },
        spread_before=_spread(paid[0], edges),
        spread_after=_spread(paid[1], edges),
        months=_months(history, before.total, after.total, zone),
        examples=_examples(history, before, after),
        rows=_rows(before, after),
    )


def _versions(decided: Decided) -> tuple[tuple[str, int], ...]:
    """Each version that decided any of these failures, oldest first, and how many."""
    counts = np.bincount(decided.by_version[decided.by_version >= 0], minlength=len(decided.versions)).tolist()
    return tuple((since, count) for since, count in zip(decided.versions, counts, strict=True) if count)


def _named(decided: Decided) -> str:
    """Policy and text: `film-plays (ab12…)`, with what is to be said of it."""
    return f"{decided.policy} ({decided.digest[:12]}{', ' * bool(decided.standing)}{decided.standing})"


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


def _paid(customer: Ints, total: Ints) -> Ints:
    """What each customer gets who gets any, the least first."""
    per = np.bincount(customer, total) if len(customer) else np.zeros(0)
    return np.sort(per[per > 0]).astype(np.int64)


def _edges(*paid: Ints) -> list[int]:
    """Upper edges of the buckets for several policies: up to what all but one customer in a hundred get, then open."""
    most = max((_quantile(one, 99) for one in paid if len(one)), default=0)
    width = max(1, -(-most // BUCKETS))
    return [width * (number + 1) for number in range(BUCKETS)]


def _quantile(paid: Ints, share: int) -> int:
    return int(paid[max(0, min(len(paid), int(np.ceil(share / 100 * len(paid)))) - 1)])


def _spread(paid: Ints, edges: Sequence[int]) -> Spread:
    """Money per customer who gets any."""
    if not len(paid):
        return Spread(0, 0.0, dict.fromkeys(QUANTILES, 0), ())
    counts = np.diff([0, *np.searchsorted(paid, edges, "right").tolist(), len(paid)]).tolist()
    quantiles = {share: _quantile(paid, share) for share in QUANTILES}
    return Spread(len(paid), float(paid.mean()), quantiles, tuple(zip((*edges, None), counts, strict=True)))


def _months(history: pa.Table, before: Ints, after: Ints, zone: ZoneInfo) -> tuple[tuple[str, int, int], ...]:
    """Spent by the company's month of the failure, so that a budget can be held against it."""
    if not len(history):
        return ()
    month = local_days(history, zone).to_numpy(zero_copy_only=False).astype("datetime64[M]").astype(np.int64)
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
