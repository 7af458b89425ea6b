"""What studies ask of the rooms before: histories and outcomes, as columns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import amends.customers.queries
import amends.failures.queries
import amends.recoveries.queries
from amends.learning.fairness import NONE_TOLD, Cell, Moments
from amends.recoveries.records import Granted

ALWAYS = ("failure_id", "customer_id", "promise", "started_at", "severity", "price_minor", "currency")
RECKONED = ("segment", "price", "recurrence", "recurrence_decayed")  # never taken from the facts


def recorded(since: datetime | None, until: datetime | None, told: Collection[str] = (), promise: str = "") -> pa.Table:
    """Recorded failures of a span, by id: what a study always needs, what of `told` is recorded, their segments."""
    facts = sorted(set(told) - {*amends.failures.queries.COLUMNS, *RECKONED})
    found = amends.failures.queries.columns(since, until, {*ALWAYS, *told}, facts=facts, promise=promise)
    return found.append_column("segment", pc.fill_null(_segments(found["customer_id"]), ""))


def _segments(customers: pa.ChunkedArray) -> pa.ChunkedArray:
    """The segment of each of these customers, null for those without one."""
    known = amends.customers.queries.segments().combine_chunks()
    return known["segment"].take(pc.index_in(customers, known["customer_id"]))


def cells(since: datetime | None, until: datetime | None) -> list[Cell]:
    """What each segment got, by promise and severity: counts and sums, for a fairness audit."""
    failures = amends.failures.queries.columns(None, None, ("failure_id", "customer_id", "promise", "severity"))
    segment = pc.fill_null(_segments(failures["customer_id"]), NONE_TOLD)
    told = (*(failures[name] for name in ("failure_id", "promise", "severity")), segment)
    kinds = {
        failure: (promise, severity, whose)
        for failure, promise, severity, whose in zip(*(column.to_pylist() for column in told), strict=True)
    }
    gathered: dict[tuple[str, str, str], list[Granted]] = {}
    for one in amends.recoveries.queries.granted(since, until):
        if one.failure_id in kinds:
            gathered.setdefault(kinds[one.failure_id], []).append(one)
    return [_cell(kind, rows) for kind, rows in sorted(gathered.items())]


def _cell(kind: tuple[str, str, str], rows: list[Granted]) -> Cell:
    promise, severity, segment = kind
    amounts = [float(one.minor) for one in rows if one.given]
    hours = [one.hours for one in rows if one.hours is not None]
    waiting = sum(one.waiting for one in rows)
    return Cell(
        (promise, severity), segment, len(rows) - waiting, len(amounts), _moments(amounts), _moments(hours), waiting
    )


def _moments(values: list[float]) -> Moments:
    array = np.array(values, np.float64)
    return Moments(len(values), float(array.sum()), float((array**2).sum()))
