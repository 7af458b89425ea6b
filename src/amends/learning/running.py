"""A simulation from files and books to numbers: which histories, which policies, and both decided in columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import amends.recoveries.files
from amends.ground.config import Config, read_config
from amends.ground.marked import Mistake
from amends.ground.moments import format_moment
from amends.learning import history, simulating
from amends.learning.records import Bools, Decided, Ints, Simulation
from amends.recoveries.policy import packs
from amends.recoveries.policy.columns import decide_columns
from amends.recoveries.policy.given import WrongInput
from amends.recoveries.policy.tree import Table

Span = tuple[datetime | None, datetime | None]


def simulate(candidate: Path, against: str, directory: Path, span: Span, file: Path | None) -> list[Simulation]:
    """The candidate held against the policy in force (`current`) or another file; Mistake, NoHistory when it cannot."""
    new = amends.recoveries.files.read(candidate)
    old = _against(new, against, directory)
    config = read_config(directory, {})
    promise = "" if new.promise == "any" else new.promise
    found = _history(file, span, promise, _looked_at(old, new))
    return simulating.compare(*_both(_in_currency(found, config.company.currency), old, new, config))


def _looked_at(*policies: Table) -> set[str]:
    """Every name under which these policies, and the statutes underneath them, may be told something."""
    rules = [packs.rule(name) for policy in policies for name in policy.statute]
    return {name for table in (*policies, *rules) for name in table.names}


def _against(new: Table, against: str, directory: Path) -> Table:
    if against != "current":
        return amends.recoveries.files.read(Path(against))
    policies, _ = amends.recoveries.files.read_all(directory)
    by_promise = {policy.promise: policy for policy in policies}
    found = by_promise.get(new.promise) or by_promise.get("any")
    if found is None:
        hint = "name another file with --against"
        raise Mistake(str(directory / "policies"), 1, f"no policy in force covers {new.promise}", hint)
    return found


def _history(file: Path | None, span: Span, promise: str, told: Collection[str]) -> pa.Table:
    if file is not None:
        found = history.from_parquet(file, *span)
        return found.filter(pc.equal(found["promise"], promise)) if promise else found
    from amends.learning import queries  # only here is a database needed

    return queries.recorded(*span, told, promise)


def _in_currency(found: pa.Table, company: str) -> pa.Table:
    """Failures without a price are reckoned in the company's currency."""
    place = found.schema.get_field_index("currency")
    known = pc.if_else(pc.equal(found["currency"], ""), company, found["currency"])
    return found.set_column(place, "currency", known)


def _both(found: pa.Table, old: Table, new: Table, config: Config) -> tuple[pa.Table, Decided, Decided]:
    newest = new.versions[-1]
    found = history.with_recurrence(found, newest.memory_days, newest.half_life_days)
    zone = ZoneInfo(config.company.time_zone)
    return found, decided(found, old, zone), decided(found, new, zone)


def decided(found: pa.Table, policy: Table, zone: ZoneInfo) -> Decided:
    """What a policy and the statute underneath it give each failure of a history."""
    if not found.num_rows:
        nothing = np.zeros(0, np.int64)
        return Decided(policy.name, "", policy.digest, nothing, nothing, nothing == 1, (), nothing)
    day = pc.local_timestamp(pc.cast(found["started_at"], pa.timestamp("us", str(zone)))).cast(pa.date32())
    columns = {name: found[name] for name in found.column_names}
    answers = decide_columns(policy, columns | {"price": found["price_minor"]}, currency=found["currency"], day=day)
    owed, goodwill, person = answers.owed, answers.goodwill, answers.person.astype(np.bool_)
    for name in policy.statute:
        more, unknown = _statute(packs.rule(name), columns, found.num_rows)
        owed, person = owed + more, person | unknown
    if policy.statute:
        goodwill = _stacked(policy, day, owed, goodwill)
    newest = str(policy.versions[-1].since)
    rows = tuple(row.row_id for row in answers.by_row.rows)
    return Decided(policy.name, newest, policy.digest, owed, goodwill, person, rows, answers.row.astype(np.int64))


def _statute(rule: Table, columns: Mapping[str, Any], size: int) -> tuple[Ints, Bools]:
    """What a published rule owes each failure, and where it cannot tell: a person looks."""
    names = {other for one in rule.inputs.values() for other in (one.name, *one.also)}
    given = {name: column for name, column in columns.items() if name in names}
    try:
        answers = decide_columns(rule, given)
    except WrongInput:
        return np.zeros(size, np.int64), np.ones(size, np.bool_)
    return answers.total, answers.refused != 0


def _stacked(policy: Table, day: pa.Array, owed: Ints, goodwill: Ints) -> Ints:
    """Goodwill beside what is owed: all of it where both are summed, else what it exceeds it by."""
    stacking: Sequence[str] = [version.stacking for version in policy.versions]
    since = np.array([np.datetime64(version.since, "D") for version in policy.versions])
    version = np.searchsorted(since, day.to_numpy(zero_copy_only=False), "right") - 1
    sums = np.array([one == "sum" for one in stacking])[np.maximum(version, 0)]
    return np.where(sums | (owed == 0), goodwill, np.maximum(0, goodwill - owed))


def span_words(since: datetime | None, until: datetime | None) -> str:
    """The span of a study, as a person reads it."""
    if since is None and until is None:
        return "All recorded failures."
    parts = [f"from {format_moment(since)}" if since else "", f"to before {format_moment(until)}" if until else ""]
    return f"Failures {' '.join(part for part in parts if part)}."
