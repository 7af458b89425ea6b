"""A simulation from files and books to numbers: which histories, which policies, and both decided in columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import amends.recoveries.files
from amends.ground.config import read_config
from amends.ground.marked import Mistake
from amends.ground.moments import format_moment
from amends.learning import burning, history, refusals, simulating, telling
from amends.learning.history import NoHistory
from amends.learning.records import Bools, Decided, Ints, Simulation
from amends.recoveries import budgets
from amends.recoveries.policy import packs
from amends.recoveries.policy.columns import decide_columns
from amends.recoveries.policy.given import WrongInput
from amends.recoveries.policy.tree import Table

OLD = " of the other"  # behind the names of columns that only the policy in force looks at
Span = tuple[datetime | None, datetime | None]


def simulate(candidate: Path, against: str, directory: Path, span: Span, file: Path | None) -> list[Simulation]:
    """The candidate held against the policy in force (`current`) or another file; Mistake, NoHistory when it cannot."""
    new = amends.recoveries.files.read(candidate)
    limits, config = budgets.read(directory), read_config(directory, {})
    old, standing = _against(new, against, directory, limits.four_eyes)
    caps = limits.budgets
    told = _looked_at(old, new) | ({"incident"} if any(one.per == "incident" for one in caps) else set())
    found, notes = _history(file, span, told, (old, new))
    found, unsaid = _in_currency(found, config.company.currency)
    if unsaid.any():
        notes[f"had no currency: {config.company.currency} was assumed, the company's own"] = unsaid
    zone = ZoneInfo(config.company.time_zone)
    before = decided(_as_counted_by_the_other(found), old, zone, "the policy in force")
    after = decided(found, new, zone, "the candidate")
    before = replace(before, standing=standing)
    if file is not None:
        _refuse_what_says_nothing(file, before, after)
    compared = simulating.compare(found, before, after, notes, zone)
    return [replace(one, budgets=burning.of(found, before, after, caps, one.currency, zone)) for one in compared]


def _looked_at(*policies: Table) -> set[str]:
    """Every name under which what these policies look at, and the statutes underneath them, may be told."""
    rules = [packs.rule(name) for policy in policies for name in policy.statute]
    looked = [policy.inputs[name] for policy in policies for name in telling.looked_at(policy)]
    return {name for one in looked for name in one.names} | {name for rule in rules for name in rule.names}


def _against(new: Table, against: str, directory: Path, four_eyes: bool) -> tuple[Table, str]:
    """The policy to hold it against, and what is to be said of its text."""
    if against != "current":
        return amends.recoveries.files.read(Path(against)), ""
    policies, mistakes = amends.recoveries.files.read_all(directory)
    by_promise = {policy.promise: policy for policy in policies}
    if mistakes and new.promise not in by_promise:
        raise mistakes[0]  # perhaps it is the one
    found = by_promise.get(new.promise) or by_promise.get("any")
    if found is None:
        hint = "name another file with --against"
        raise Mistake(str(directory / "policies"), 1, f"no policy in force covers {new.promise}", hint)
    if not four_eyes:
        return found, ""
    from amends.recoveries import versions  # needs a database

    held = versions.standing(found, four_eyes=True)
    waits = f"as approved last: two operators have not approved the text that {Path(found.file).name} has now"
    return held, waits if held.digest != found.digest else ""


def _history(
    file: Path | None, span: Span, told: Collection[str], policies: tuple[Table, Table]
) -> tuple[pa.Table, dict[str, Bools]]:
    """The failures of the span, what happened before counted as each policy counts, and what had to be assumed."""
    promise = "" if policies[1].promise == "any" else policies[1].promise
    if file is None:
        from amends.learning import queries  # needs a database

        found = queries.recorded(*_longer(span, policies), told, promise)
        return history.within(_counted(found, policies), *span), {}
    found = history.from_parquet(file, None, None)
    try:
        telling.refuse_what_is_missing(found, *policies)
    except NoHistory as error:
        raise NoHistory(f"{file}: {error}") from error
    mine = found.filter(pc.equal(found["promise"], promise)) if promise else found
    if found.num_rows and not mine.num_rows:
        others = ", ".join(map(str, pc.unique(found["promise"]).to_pylist()[:9]))
        raise NoHistory(f"{file}: column 'promise' never says {promise!r}; it says {others}")
    mine, assumed = history.filled(history.within(_counted(mine, policies), *span))
    looked = {name for policy in policies for name in telling.looked_at(policy)}
    said = {name: str(history.DEFAULTS[name]).lower() for name in assumed if name in looked and name != "currency"}
    return mine, {f"had no {name}: {value or 'none'} was assumed": assumed[name] for name, value in said.items()}


def _longer(span: Span, policies: tuple[Table, Table]) -> Span:
    """The span with as much before it as the policies remember."""
    since, until = span
    days = max(_memory(policy)[0] for policy in policies)
    return (since and since - timedelta(days=days), until)


def _memory(policy: Table) -> tuple[int, float]:
    """(days, half-life in days) for which earlier failures count, as the worker takes it."""
    return policy.versions[-1].memory_days, policy.versions[-1].half_life_days


def _counted(found: pa.Table, policies: tuple[Table, Table]) -> pa.Table:
    """With `recurrence` as the candidate counts it; and apart, where the other remembers longer or shorter, its own."""
    old, new = map(_memory, policies)
    counted = history.with_recurrence(found, *new)
    if old == new:
        return counted
    other = history.with_recurrence(found, *old)
    for name in history.COUNTED:
        counted = counted.append_column(f"{name}{OLD}", other[name])
    return counted


def _as_counted_by_the_other(found: pa.Table) -> pa.Table:
    """What happened before, as the policy counts it that the candidate is held against."""
    for name in history.COUNTED:
        if f"{name}{OLD}" in found.column_names:
            found = found.set_column(found.schema.get_field_index(name), name, found[f"{name}{OLD}"])
    return found


def _refuse_what_says_nothing(file: Path, *decided: Decided) -> None:
    """A column of which no value is of its input's kind was not meant so."""
    for one in decided:
        for says in one.senseless:
            raise NoHistory(f"{file}: each of {len(one.owed):,} failures {says}")


def _in_currency(found: pa.Table, company: str) -> tuple[pa.Table, Bools]:
    """Failures without a currency are reckoned in the company's; and which these are."""
    place = found.schema.get_field_index("currency")
    unsaid = pc.equal(pc.fill_null(found["currency"], ""), "")
    return found.set_column(place, "currency", pc.if_else(unsaid, company, found["currency"])), unsaid.to_numpy()


def decided(found: pa.Table, policy: Table, zone: ZoneInfo, who: str = "the policy") -> Decided:
    """What a policy and the statute underneath it give each failure of a history."""
    versions = tuple(str(version.since) for version in policy.versions)
    if not found.num_rows:
        nothing = np.zeros(0, np.int64)
        return Decided(policy.name, versions, nothing, policy.digest, nothing, nothing, nothing == 1, (), nothing)
    day = burning.local_days(found, zone)
    told = telling.tell(found, policy)
    try:
        answers = decide_columns(policy, told.columns, currency=found["currency"], day=day)
    except WrongInput as error:
        raise NoHistory(f"column {error.field!r}: {error.reason}") from error
    owed, goodwill, person = answers.owed, answers.goodwill, answers.person.astype(np.bool_)
    others = refusals.of(answers, told, found["currency"], who)
    for name in policy.statute:
        more, unknown, why = _statute(packs.rule(name), found, day)
        owed, person, others = owed + more, person | unknown, others | why
    by_version = _by_version(policy, day)
    if policy.statute:
        goodwill = _stacked(policy, by_version, owed, goodwill)
    rows, held = _rows(policy), answers.row.astype(np.int64)
    if told.refused.any():
        owed, goodwill, held = (np.where(told.refused, no, one) for no, one in ((0, owed), (0, goodwill), (-1, held)))
        person, others = person | told.refused, {says: where & ~told.refused for says, where in others.items()}
    notes = told.notes | {says: where for says, where in others.items() if where.any()}
    said = (notes, tuple(told.senseless))
    return Decided(policy.name, versions, by_version, policy.digest, owed, goodwill, person, rows, held, *said)


def _rows(policy: Table) -> tuple[str, ...]:
    """The rows of all versions by their ids; where there are several, with the version's day."""
    several = len(policy.versions) > 1
    return tuple(f"{r.row_id} ({v.since})" if several else r.row_id for v in policy.versions for r in v.rows)


def _statute(rule: Table, found: pa.Table, day: pa.Array) -> tuple[Ints, Bools, dict[str, Bools]]:
    """What a published rule owes each failure, where it cannot tell (a person looks), and why not."""
    told, everybody = telling.tell(found, rule), np.ones(found.num_rows, np.bool_)
    if rule.by_name:
        number = _by_version(rule, day)
        names = pa.array([version.named for version in rule.versions]).take(pa.array(number, mask=number < 0))
        told.columns[rule.by_name] = telling.unless_told(found, rule, told.columns[rule.by_name], names)
    title = rule.about.get("title", rule.name)
    try:
        answers = decide_columns(rule, told.columns, day=day)
    except WrongInput as error:
        says = f"could not be looked at by {title} ({error}): a person decides"
        return np.zeros(found.num_rows, np.int64), everybody, {says: everybody}
    notes = refusals.of_rule(answers, told, title)
    unknown = np.logical_or.reduce([~everybody, *notes.values()])
    foreign = np.not_equal(found["currency"].to_numpy(), rule.currency) & (answers.total > 0) & ~unknown
    if foreign.any():
        owes = f"the {rule.currency} that {title} owes, paid in another currency"
        notes[f"could not be given {owes}: a person decides"] = foreign
    asks = refusals.persons(answers, title)
    person = np.logical_or.reduce([unknown, foreign, *asks.values()])
    return np.where(unknown | foreign, 0, answers.total), person, notes | asks


def _by_version(policy: Table, day: pa.Array) -> Ints:
    """The number of the version that decides each failure; -1 before the first."""
    since = np.array([np.datetime64(version.since, "D") for version in policy.versions])
    found: Ints = np.searchsorted(since, day.to_numpy(zero_copy_only=False), "right") - 1
    return found


def _stacked(policy: Table, by_version: Ints, owed: Ints, goodwill: Ints) -> Ints:
    """Goodwill beside what is owed: all of it where both are summed, else what it exceeds it by."""
    stacking: Sequence[str] = [version.stacking for version in policy.versions]
    sums = np.array([one == "sum" for one in stacking])[np.maximum(by_version, 0)]
    return np.where(sums | (owed == 0), goodwill, np.maximum(0, goodwill - owed))


def span_words(since: datetime | None, until: datetime | None) -> str:
    """The span of a study, as a person reads it: a day where it begins or ends with one, in its own zone."""
    if since is None and until is None:
        return "All failures of the history."
    parts = [f"from {_moment(since)}" if since else "", f"to before {_moment(until)}" if until else ""]
    return f"Failures {' '.join(part for part in parts if part)}."


def _moment(at: datetime) -> str:
    return at.date().isoformat() if at.time() == time() else format_moment(at)
