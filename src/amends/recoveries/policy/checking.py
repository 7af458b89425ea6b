"""What can be seen wrong in a table before anybody is paid by it; the research and law behind each is in the docs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.recoveries.policy import covering, currencies, sampling
from amends.recoveries.policy.applying import apply, plain
from amends.recoveries.policy.covering import Space, TooMany
from amends.recoveries.policy.given import WrongInput
from amends.recoveries.policy.reckoning import NoAmount
from amends.recoveries.policy.tree import (
    Bounded,
    Cell,
    Chosen,
    Left,
    Percent,
    PerUnit,
    Row,
    Steps,
    Summed,
    Table,
    TableVersion,
    Term,
)

MOST_PERCENT = Decimal(150)  # more than half again the loss lowers trust (Haesevoets et al. 2017)
SPOILED = ("major", "severe")
REPEATS = ("recurrence", "recurrence_decayed")
TRIED = 300
_LAW = re.compile(
    r"\d|§|\b(law|act|article|section|regulation|code|contract|terms|agreement|scheme|statute|licen[cs]e)\b", re.I
)


def check(table: Table, *, notes: bool = False) -> list[Mistake]:
    """Errors and warnings in the order of the file; with `notes` also which rows overlap."""
    found = [mistake for version in table.versions for mistake in _check_version(table, version, notes)]
    found += [*_check_names(table), *currencies.check(table)]
    return sorted(dict.fromkeys(found), key=lambda mistake: mistake.line)


def _check_names(table: Table) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for one in table.inputs.values():
        for name in one.names:
            if name in seen and seen[name] != one.name:
                says = f"{name} names both {seen[name]} and {one.name}"
                yield Mistake(table.file, one.line, says, "let one name mean one thing")
            seen[name] = one.name


def _check_version(table: Table, version: TableVersion, notes: bool) -> Iterator[Mistake]:
    yield from _same_ids(table, version)
    for row in version.rows:
        yield from _check_row(table, version, row)
    yield from _statute_first(table, version)
    try:
        space = Space(table, version)
        yield from _reachable(table, version, space)
        yield from _gaps(table, version, space)
        yield from _overlaps(table, version, space, notes)
        yield from _apologies(table, version, space)
    except TooMany:
        says = "this version has more combinations than are looked through: gaps and unreachable rows were not sought"
        yield Mistake(table.file, version.line, says, "split it into smaller tables", "warning")


# ---------------------------------------------------------------- rows together


def _same_ids(table: Table, version: TableVersion) -> Iterator[Mistake]:
    seen: set[str] = set()
    for row in version.rows:
        if row.row_id in seen and not row.excludes:
            yield Mistake(table.file, row.line, f"two rows are called {row.row_id}", "give each its own id")
        seen.add(row.row_id)


def _reachable(table: Table, version: TableVersion, space: Space) -> Iterator[Mistake]:
    stops: list[Row] = []
    for row in version.rows:
        if not all(space.box(row).values()):
            says = f"row {row.row_id} can never hold: its conditions rule each other out"
            yield Mistake(table.file, row.line, says, "mend the conditions")
            continue
        hiding = space.covering(row, stops)
        if hiding:
            ids = [one.row_id for one in hiding]
            who = f"row {ids[0]} holds" if len(ids) == 1 else f"rows {', '.join(ids[:-1])} and {ids[-1]} hold together"
            says = f"row {row.row_id} can never be reached: {who} whenever it would"
            yield Mistake(table.file, row.line, says, "move it up or narrow the earlier row")
        if version.hit == "first" or row.excludes:
            stops.append(row)


def _gaps(table: Table, version: TableVersion, space: Space) -> Iterator[Mistake]:
    last = version.rows[-1]
    left = space.rest([space.possible()], version.rows)
    hint = "end with a row whose when: is {}"
    if left:
        example = space.example(left[0])
        sure = all(space.axes[key].plain for key in example) or _really_left(table, version)
        says = "no row fits a record such as: " + ", ".join(f"{key} {_said(value)}" for key, value in example.items())
        yield Mistake(table.file, last.line, says, hint, "error" if sure else "warning")
    elif all(row.cells for row in version.rows) and version.hit == "first":
        says = f"every record fits a row, but nothing catches what is not known: row {last.row_id} has conditions"
        yield Mistake(table.file, last.line, says, hint, "warning")


def _really_left(table: Table, version: TableVersion) -> bool:
    """Whether some record that can be handed in fits no row, where conditions look at derived values."""
    tried = sampling.with_currency(table)
    for record in sampling.records(tried, TRIED):
        try:
            outcome = apply(tried, record)
        except (WrongInput, NoAmount, ArithmeticError, ValueError):
            continue
        if not outcome.row:
            return True
    return False


def _said(value: object) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, Money) or value is covering.OTHER else str(plain(value))


def _overlaps(table: Table, version: TableVersion, space: Space, notes: bool) -> Iterator[Mistake]:
    """Rows that can hold together: the first wins or all count, but the author should know which."""
    collects = version.hit == "collect"
    rows = [row for row in version.rows if row.cells and not row.excludes]
    for at, one in enumerate(rows):
        for other in rows[at + 1 :]:
            pays = _pays(one) and _pays(other)
            if not (notes or (collects and pays)) or not space.overlap(one, other):
                continue
            doubled = collects and pays and version.stacking == "sum" and not (_owes(one) or _owes(other))
            counts = "both count" if version.stacking == "sum" else "of goodwill the largest single amount counts"
            how = f"{counts} ({version.stacking})" if collects else f"{one.row_id} wins"
            hint = "goodwill is paid twice; make them exclude each other" if doubled else ""
            says = f"rows {one.row_id} and {other.row_id} can hold together; {how}"
            yield Mistake(table.file, other.line, says, hint, "warning" if doubled else "note")


def _apologies(table: Table, version: TableVersion, space: Space) -> Iterator[Mistake]:
    """An apology alone does harm when it comes again and again: some row must take the repeats away."""
    for at, row in enumerate(version.rows):
        if {grant.kind for grant in row.grants} != {"apology"} or row.person:
            continue
        box = space.box(row)
        often = {key: 1 << len(space.axes[key].samples) - 2 for key in REPEATS if key in space.axes}
        repeated = [box | {key: box.get(key, mask) & mask} for key, mask in often.items()]
        if not often or all(space.rest([one], version.rows[:at]) for one in repeated):
            says = f"row {row.row_id} gives nothing but an apology, however often: repeated apologies do harm"
            hint = 'give repeats to an earlier row with a person, or add recurrence: {"<": 1}'
            yield Mistake(table.file, row.line, says, hint, "warning")


def _statute_first(table: Table, version: TableVersion) -> Iterator[Mistake]:
    """What is owed comes before goodwill, or goodwill takes its place."""
    if version.hit == "collect" or not table.promise:
        return
    goodwill: list[Row] = []
    space = Space(table, version)
    for row in version.rows:
        before = next((one for one in goodwill if _owes(row) and space.overlap(one, row)), None)
        if before:
            says = f"row {row.row_id} is owed, but goodwill row {before.row_id} comes first and may take its place"
            yield Mistake(table.file, row.line, says, "move what is owed to the top")
        if _pays(row) and not _owes(row):
            goodwill.append(row)


def _pays(row: Row) -> bool:
    return any(grant.term is not None for grant in row.grants)


def _owes(row: Row) -> bool:
    return any(grant.owed for grant in row.grants)


# ---------------------------------------------------------------- one row


def _check_row(table: Table, version: TableVersion, row: Row) -> Iterator[Mistake]:
    yield from _amounts(table, version, row)
    yield from _claims(table, row)
    if _repeats(row) and not row.person and not any(grant.kind == "call" for grant in row.grants):
        says = f"row {row.row_id} answers a repeated failure without a person"
        yield Mistake(table.file, row.line, says, "add person: and why; another coupon will not do")


def _amounts(table: Table, version: TableVersion, row: Row) -> Iterator[Mistake]:
    terms = [grant.term for grant in row.grants if grant.term is not None]
    shares = [share for term in terms if (share := most_percent(term, version)) is not None]
    if not shares:
        return
    total = sum(shares, Decimal(0))
    if total > MOST_PERCENT and not _owes(row):
        says = f"row {row.row_id} gives {total} % of the loss; more than 150 % lowers trust"
        yield Mistake(table.file, row.line, says, "give at most 150 %")
    if _unusable(row) and 1 <= total < 60:
        says = f"row {row.row_id} answers an unusable service with {total} %"
        yield Mistake(table.file, row.line, says, "an unusable service is paid back in full, or not with money")


def most_percent(term: Term, version: TableVersion) -> Decimal | None:
    """The largest part of a loss, in percent, that an amount can come to; None where it is none."""
    if isinstance(term, Percent):
        return version.parameters.get(term.percent) if isinstance(term.percent, str) else term.percent
    if isinstance(term, Chosen):
        shares = [share for part in term.terms if (share := most_percent(part, version)) is not None]
        return (max if term.largest else min)(shares) if shares else None
    if isinstance(term, Summed | Steps):
        parts = term.terms if isinstance(term, Summed) else [step for _, step in term.steps]
        shares = [share for part in parts if (share := most_percent(part, version)) is not None]
        return (sum(shares, Decimal(0)) if isinstance(term, Summed) else max(shares)) if shares else None
    if isinstance(term, Bounded):
        share = most_percent(term.term, version)
        cap = most_percent(term.cap, version) if term.cap else None
        share = share / 2 if share is not None and term.halve else share
        return share if share is None or cap is None else min(share, cap)
    if isinstance(term, Left | PerUnit):
        return most_percent(term.limit if isinstance(term, Left) else term.term, version)
    return None


def _claims(table: Table, row: Row) -> Iterator[Mistake]:
    if row.claim and not _LAW.search(row.claim):
        says = f"row {row.row_id} demands a claim, but names no law or contract that does ({row.claim!r})"
        yield Mistake(table.file, row.line, says, "name it, or leave claim: out and give it unasked")
    if row.claim and _pays(row) and not all(grant.owed for grant in row.grants if grant.term is not None):
        says = f"row {row.row_id} demands a claim for something that is not owed"
        yield Mistake(table.file, row.line, says, "write owed: true where law or contract owes it, or drop claim:")
    law = not table.promise and table.about.get("jurisdiction") != "policy"
    if law and any(grant.term is not None and not grant.owed for grant in row.grants):
        says = f"row {row.row_id} of a published rule gives what is not owed"
        yield Mistake(table.file, row.line, says, "write owed: true")


def _unusable(row: Row) -> bool:
    spoiled = any(c.name == "severity" and _only_spoiled(c) for c in row.cells)
    return spoiled and any(c.name == "used_anyway" and c.op == "=" and c.value is False for c in row.cells)


def _only_spoiled(cell: Cell) -> bool:
    values = cell.value if isinstance(cell.value, tuple) else (cell.value,)
    return cell.op in ("=", "in", ">=", ">", "between") and all(value in SPOILED for value in values)


def _repeats(row: Row) -> bool:
    return any(_counts_repeats(c) and c.op in (">", ">=", "=") and _at_least_one(c.value) for c in row.cells)


def _counts_repeats(cell: Cell) -> bool:
    return cell.name in REPEATS or cell.name.startswith("repeat")


def _at_least_one(value: object) -> bool:
    return isinstance(value, Decimal | int) and value >= 1
