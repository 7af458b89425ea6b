"""What studies ask of the rooms before: histories and outcomes, as columns."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

import amends.customers.queries
import amends.failures.queries
import amends.recoveries.queries
from amends.learning import history
from amends.learning.fairness import Cell, Moments


def recorded(since: datetime | None, until: datetime | None) -> pa.Table:
    """Every recorded failure of a span with what a policy may look at, and its customer's segment."""
    found = amends.failures.queries.columns(since, until)
    segments = amends.customers.queries.segments()
    told = [segments.get(customer, "") for customer in found["customer_id"].to_pylist()]
    return history.normal(found.append_column("segment", pa.array(told, pa.string())))


def cells(since: datetime | None, until: datetime | None) -> list[Cell]:
    """What each segment got, by promise and severity: counts and sums, for a fairness audit."""
    failures = amends.failures.queries.columns(None, None).select(["failure_id", "customer_id", "promise", "severity"])
    segments = amends.customers.queries.segments()
    kinds = {
        failure: (promise, severity, segments.get(customer, "none told"))
        for failure, customer, promise, severity in zip(
            *(column.to_pylist() for column in failures.columns), strict=True
        )
    }
    gathered: dict[tuple[str, str, str], list[tuple[int, bool, float | None]]] = {}
    for failure_id, minor, given, hours in amends.recoveries.queries.granted(since, until):
        if failure_id in kinds:
            gathered.setdefault(kinds[failure_id], []).append((minor, given, hours))
    return [_cell(kind, rows) for kind, rows in sorted(gathered.items())]


def _cell(kind: tuple[str, str, str], rows: list[tuple[int, bool, float | None]]) -> Cell:
    promise, severity, segment = kind
    amounts = [float(minor) for minor, given, _ in rows if given]
    hours = [hours for _, _, hours in rows if hours is not None]
    return Cell(
        (promise, severity), segment, len(rows), sum(given for _, given, _ in rows), _moments(amounts), _moments(hours)
    )


def _moments(values: list[float]) -> Moments:
    array = np.array(values, np.float64)
    return Moments(len(values), float(array.sum()), float((array**2).sum()))
