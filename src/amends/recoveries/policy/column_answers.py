"""What was decided of a batch, record by record, and what was looked at on the way: enough for any trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from amends.recoveries.policy.column_deciding import NO_DAY
from amends.recoveries.policy.column_plan import ByRow, Plan
from amends.recoveries.policy.column_reading import Read
from amends.recoveries.policy.column_terms import MARKS
from amends.recoveries.policy.column_values import Array
from amends.recoveries.policy.tree import Row, Table

NO_VERSION, NO_AMOUNT, BEYOND = -1, -2, -3  # refusals that are no input's


@dataclass
class Decided:
    """The answers, record by record: money in minor units, rows numbered over all versions of the table."""

    table: Table
    read: Read
    by_row: ByRow
    row: Array  # -1: none
    amounts: Array  # one line for each remedy that a record may get
    total: Array
    owed: Array
    reason_codes: Array
    marks: Array
    person: Array
    due_on: Array  # days since 1970
    refused: Array  # 0, or 1 + the number of the input that cannot be, or NO_VERSION, NO_AMOUNT, BEYOND
    groups: list[Group] = field(default_factory=list)
    ask: Callable[[int], Any] | None = None  # the reference, for one record

    @property
    def goodwill(self) -> Array:
        return np.asarray(self.total - self.owed)

    @property
    def reason(self) -> pa.Array:
        """Why, in the table's words."""
        return pa.DictionaryArray.from_arrays(pa.array(self.reason_codes), pa.array(self.by_row.reasons))

    @property
    def pay_by(self) -> pa.Array:
        return pa.array(self.due_on, mask=self.due_on == NO_DAY).cast(pa.date32())

    def row_of(self, record: int) -> Row | None:
        number = int(self.row[record])
        return self.by_row.rows[number] if number >= 0 else None

    def marks_of(self, record: int) -> list[str]:
        return sorted(word for bit, word in MARKS.items() if self.marks[record] & bit)

    def by_kind(self) -> dict[str, Array]:
        """Minor units by kind of remedy."""
        found: dict[str, Array] = {}
        for group in self.groups:
            for place, kind, rows in group.plan_kinds():
                here = group.records(len(self.row))
                amounts = self.amounts[place, here]
                if rows is not None:
                    amounts = np.where(np.isin(self.row[here], rows), amounts, 0)
                whole = found.setdefault(kind, np.zeros(len(self.row), np.int64))
                whole[here] += amounts
        return found

    def looked(self, record: int) -> list[dict[str, Any]]:
        """What was looked at for one record: row by row, each condition in words and whether it held."""
        group, place = next((g, p) for g in self.groups if (p := g.place(record)) is not None)
        met = (group.bits[:, place >> 3] >> (place & 7)) & 1
        rows = []
        for row, cells in zip(group.plan.version.rows, group.plan.rows, strict=True):
            words = {group.plan.cells[cell].words(): bool(met[cell]) for cell in cells}
            rows.append({"row": row.row_id, "conditions": words, "held": all(words.values())})
            if rows[-1]["held"] and (row.excludes or not group.plan.collects):
                break
        return rows

    def why(self, record: int) -> str:
        """Why a record was refused, or could not be reckoned, in words."""
        assert self.ask
        return str(self.ask(record).why)

    def trace(self, record: int) -> Mapping[str, Any]:
        """The whole trace of one record, as the reference writes it."""
        assert self.ask
        found: Mapping[str, Any] = self.ask(record).trace
        return found


@dataclass
class Group:
    """Records of one version and currency, and which conditions each of them met, packed eight to a byte."""

    plan: Plan
    currency: str
    chosen: Array | None  # None: all records
    bits: Array

    def records(self, size: int) -> Any:
        return slice(0, size) if self.chosen is None else self.chosen

    def place(self, record: int) -> int | None:
        if self.chosen is None:
            return record
        found = int(np.searchsorted(self.chosen, record))
        return found if found < len(self.chosen) and self.chosen[found] == record else None

    def plan_kinds(self) -> Iterator[tuple[int, str, Array | None]]:
        """Each place with its kind of remedy, and for which rows it is that (None: for all)."""
        seen: dict[tuple[int, str], list[int]] = {}
        for row, places in enumerate(self.plan.places):
            for place, grant in places:
                seen.setdefault((place, grant.kind), []).append(row + self.plan.first_row)
        for (place, kind), rows in seen.items():
            yield place, kind, None if self.plan.collects else np.array(rows)
