"""A table applied to one record: which rows hold, what they give, and how that stands together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from amends.ground.money import Money, less
from amends.recoveries.policy import reckoning
from amends.recoveries.policy.calendars import day_after, working_day_after
from amends.recoveries.policy.given import WrongInput, read_given
from amends.recoveries.policy.reckoning import Exact, Looked, Values
from amends.recoveries.policy.tree import Grant, Kind, Row, Table, TableVersion

NO_DAY = date(2100, 1, 1)


@dataclass(frozen=True)
class Given:
    """One remedy that a row gives, with its amount before and after rounding."""

    row: Row
    grant: Grant
    exact: Exact | None = None
    amount: Money | None = None


@dataclass(frozen=True)
class Outcome:
    """What a published rule says of one case."""

    eligible: bool
    amount: Money
    reason: str
    row: str
    claim: str = ""
    pay_by: date | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)
    trace: Mapping[str, Any] = field(default_factory=dict)
    person: str = ""  # why somebody must look


def apply(table: Table, given: Mapping[str, Any], on: date | None = None) -> Outcome:
    """A published rule on one case; WrongInput names an input that cannot be. `on` chooses the version where no input
    does."""
    given, on = dated(table, given, on)
    inputs = read_given(table, given)
    version, day = version_for(table, inputs, on)
    found = reckoning.values_of(table, version, inputs, day)
    looked = reckoning.look(table, version, found, table.currency)
    held = [one.row for one in looked if one.held]
    given_by = [one for row in held for one in _grants(row, found, table.currency)]
    kept = stacked(given_by, version.stacking) if version.hit == "collect" else given_by
    return _outcome(table, version, found, looked, held, kept)


def says_when(table: Table, given: Mapping[str, Any]) -> bool:
    """Whether the version follows from what was told: the day of the event, or a version's name."""
    return any(table.names.get(name) in (table.event, table.by_name) for name in given)


def dated(table: Table, given: Mapping[str, Any], on: date | None) -> tuple[Mapping[str, Any], date | None]:
    """What was told, with the name of the version in force on a day where versions go by name and none was told."""
    if on is None or not table.by_name or says_when(table, given):
        return given, on
    version = table.at(on)
    if version is None:
        raise WrongInput("on", f"{table.name} has no version for {on}; known: from {table.versions[0].since} on")
    return {**given, table.by_name: version.named}, None


def version_for(table: Table, inputs: Values, on: date | None = None) -> tuple[TableVersion, date]:
    """The version in force on the day of the event, or of the name that was asked for, and that day; `on` where an
    input says neither."""
    named = str(inputs.get(table.by_name) or "") if table.by_name else ""
    day = inputs.get(table.event) if table.event else None
    if on is not None and (day or named):
        chosen = table.event if day else table.by_name
        raise WrongInput("on", f"the version of {table.name} is chosen by the input {chosen}; leave one of them out")
    day = day or on
    version = table.at(day or NO_DAY, named)
    if version is None:
        field_ = (table.by_name if named else "") or table.event or "on"
        first = table.versions[0]
        known = ", ".join(one.named for one in table.versions) if named else f"from {first.since} on"
        raise WrongInput(field_, f"{table.name} has no version for {named or day}; known: {known}")
    return version, day or (version.since if named else NO_DAY)


def _grants(row: Row, found: Values, currency: str) -> list[Given]:
    made = []
    for grant in row.grants:
        if grant.term is None:
            made.append(Given(row, grant))
            continue
        exact = reckoning.reckon(grant.term, found, currency)
        made.append(Given(row, grant, exact, reckoning.rounded(exact, currency)))
    return made


def stacked(given: Sequence[Given], stacking: str) -> list[Given]:
    """Several rows together: the larger of what is owed and goodwill (max), both (sum), or goodwill less what is owed.

    Of the goodwill rows only the largest counts, but for `sum`. Words (an apology, a call) always stay.
    """
    words = [one for one in given if one.amount is None]
    owed = [one for one in given if one.amount is not None and one.grant.owed]
    goodwill = [one for one in given if one.amount is not None and not one.grant.owed]
    if stacking == "sum" or not owed or not goodwill:
        return [*owed, *(goodwill if stacking == "sum" or len(goodwill) < 2 else [_largest(goodwill)]), *words]
    best = _largest(goodwill)
    if stacking == "max":
        return [*(owed if _total(owed) >= _total([best]) else _largest_as_owed(owed, best)), *words]
    rest = _total([best]) - _total(owed)
    if rest <= 0:
        return [*owed, *words]
    assert best.amount
    return [*owed, Given(best.row, best.grant, best.exact, Money(rest, best.amount.currency)), *words]


def set_off(given: Sequence[Given]) -> list[Given]:
    """What is owed, and of the goodwill what it exceeds that by, taken off in its order; words always stay."""
    owed = [one for one in given if one.amount is not None and one.grant.owed]
    goodwill = [(one, one.amount) for one in given if one.amount is not None and not one.grant.owed]
    rest = less((amount for _, amount in goodwill), _total(owed))
    kept = [replace(one, amount=amount) for (one, _), amount in zip(goodwill, rest, strict=True) if amount.minor]
    return [*owed, *kept, *(one for one in given if one.amount is None)]


def _largest_as_owed(owed: Sequence[Given], best: Given) -> list[Given]:
    """The larger goodwill amount, of which as much as the statute owes stays owed."""
    assert best.amount
    rest = best.amount.minor - _total(owed)
    return [*owed, Given(best.row, best.grant, best.exact, Money(rest, best.amount.currency))]


def _largest(given: Sequence[Given]) -> Given:
    return max(given, key=lambda one: one.amount.minor if one.amount else 0)


def _total(given: Sequence[Given]) -> int:
    return sum(one.amount.minor for one in given if one.amount)


def _outcome(
    table: Table, version: TableVersion, found: Values, looked: Sequence[Looked], held: Sequence[Row], kept: list[Given]
) -> Outcome:
    total = Money(_total(kept), table.currency)
    row = kept[0].row if kept else held[0] if held else None
    reason = row.reason if row else "no_row"
    if reckoning.below(version.minimum, total) and version.minimum:
        total, reason = Money(0, table.currency), version.minimum.reason
    if not total.minor and reason == "ok":
        reason = "nothing_due"
    eligible = total.minor > 0
    marks = frozenset().union(*(one.exact.marks for one in kept if one.exact)) if eligible else frozenset()
    if reason == "ok":
        reason = "capped" if "capped" in marks else "ok_halved" if "halved" in marks else "ok"
    return Outcome(
        eligible=eligible,
        amount=total,
        reason=reason,
        row=row.row_id if row else "",
        claim=row.claim if row and eligible else "",
        pay_by=deadline(row, found) if row and eligible else None,
        shown=_shown(table, row, found, eligible),
        trace=trace_of(version, looked, kept, found),
        person=next((one.person for one in held if one.person), ""),
    )


def _shown(table: Table, row: Row | None, found: Values, eligible: bool) -> dict[str, Any]:
    """What belongs to the answer besides the amount: where nothing is due, no days are paid."""
    shown = {name: found.get(name) for name in table.shown} | dict(row.shown if row else {})
    excluded = row is not None and row.excludes
    kept = {n: v for n, v in shown.items() if not (excluded and isinstance(v, date))}
    paid = row.shown if row else {}
    days = {one.name for one in table.derived if one.kind is Kind.DAY}
    return {n: plain(v) if eligible or n in paid or n in days else 0 for n, v in kept.items()}


def deadline(row: Row, found: Values, decided_on: date | None = None) -> date | None:
    """The day by which it must be paid; None where the rule names none or the day it runs from is not known."""
    if row.pay_by is None:
        return None
    start = found.get(row.pay_by.after) if row.pay_by.after else decided_on
    if start is None:
        return None
    if row.pay_by.working:
        return working_day_after(start, row.pay_by.days, found.get("holidays") or ())
    return day_after(start, row.pay_by.days)


def trace_of(version: TableVersion, looked: Sequence[Looked], kept: Sequence[Given], found: Values) -> dict[str, Any]:
    """What was looked at, in order, and the amounts before and after rounding: enough to tell why, and why not."""
    rows = [{"row": one.row.row_id, "conditions": dict(one.conditions), "held": one.held} for one in looked]
    amounts = [
        {
            "row": one.row.row_id,
            "remedy": one.grant.kind,
            "exact": exact_text(one.exact),
            "amount": one.amount.plain(),
            "marks": sorted(one.exact.marks),
        }
        for one in kept
        if one.amount is not None and one.exact is not None
    ]
    values = {name: plain(value) for name, value in found.items() if value is not None}
    since = version.named or version.since.isoformat()
    return {"version": since, "values": values, "rows": rows, "amounts": amounts}


def exact_text(exact: Exact) -> str:
    """The exact amount as people write it: a fraction where no decimal says it."""
    value = exact.value
    scaled = value * 10**12
    if scaled.denominator == 1:
        return f"{scaled.numerator // 10**12}.{abs(scaled.numerator) % 10**12:012d}".rstrip("0").rstrip(".")
    return f"{value.numerator}/{value.denominator}"


def plain(value: Any) -> Any:
    """A value as JSON has it, exact: decimals as text without needless zeros, whole ones as numbers."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    whole = value.to_integral_value() if hasattr(value, "to_integral_value") else value
    return int(whole) if value == whole else format(value.normalize(), "f")
