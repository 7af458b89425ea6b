"""A version of a table laid out for columns: each condition once, rows as numbers of conditions, places for amounts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from amends.recoveries.policy.column_values import Array
from amends.recoveries.policy.tree import Cell, Grant, Row, Table, TableVersion

REASONS = ("ok", "nothing_due", "no_row", "capped", "ok_halved")
OK, NOTHING_DUE, NO_ROW, OK_CAPPED, OK_HALVED = range(len(REASONS))


@dataclass(frozen=True)
class Plan:
    """What is known of one version before any record is seen."""

    version: TableVersion
    first_row: int  # of this version among the rows of all versions
    cells: tuple[Cell, ...]  # each condition once
    rows: tuple[tuple[int, ...], ...]  # which conditions each row has
    places: tuple[tuple[tuple[int, Grant], ...], ...]  # by row: where the amount of each grant goes
    collects: bool

    @cached_property
    def width(self) -> int:
        """How many amounts one record may have."""
        return 1 + max((place for places in self.places for place, _ in places), default=-1)

    @cached_property
    def all_owed(self) -> bool:
        return all(grant.owed for places in self.places for _, grant in places)


def plans(table: Table) -> list[Plan]:
    """A plan for each version, oldest first."""
    made, first = [], 0
    for version in table.versions:
        made.append(_plan(version, first))
        first += len(version.rows)
    return made


def _plan(version: TableVersion, first: int) -> Plan:
    cells: dict[str, Cell] = {}
    rows = []
    for row in version.rows:
        keys = [repr(cell) for cell in row.cells]
        cells.update(zip(keys, row.cells, strict=True))
        rows.append(tuple(keys))
    number = {key: place for place, key in enumerate(cells)}
    collects = version.hit == "collect"
    return Plan(
        version,
        first,
        tuple(cells.values()),
        tuple(tuple(number[key] for key in keys) for keys in rows),
        _places(version, collects),
        collects,
    )


def _places(version: TableVersion, collects: bool) -> tuple[tuple[tuple[int, Grant], ...], ...]:
    """Where the first row decides, rows share places; where rows add up, each amount has its own."""
    places, used = [], 0
    for row in version.rows:
        grants = [grant for grant in row.grants if grant.term is not None]
        places.append(tuple((used + place, grant) for place, grant in enumerate(grants)))
        used += len(grants) if collects else 0
    return tuple(places)


@dataclass(frozen=True)
class ByRow:
    """What a row means, looked up by its number among all rows; the last entry is for no row at all (-1)."""

    rows: tuple[Row, ...]
    reasons: tuple[str, ...]

    @cached_property
    def reason(self) -> Array:
        place = {reason: number for number, reason in reversed(list(enumerate(self.reasons)))}
        return np.array([*(place[row.reason] for row in self.rows), NO_ROW], np.int16)

    @cached_property
    def person(self) -> Array:
        return np.array([*(bool(row.person) for row in self.rows), False])


def by_row(table: Table) -> ByRow:
    rows = tuple(row for version in table.versions for row in version.rows)
    minima = [version.minimum.reason for version in table.versions if version.minimum]
    return ByRow(rows, (*REASONS, *dict.fromkeys([*(row.reason for row in rows), *minima])))
