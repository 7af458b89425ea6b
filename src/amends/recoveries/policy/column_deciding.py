"""One block of records decided by one version: which row held, what it gives, and how that stands together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from amends.ground.money import MAX_MINOR, minor_digits
from amends.recoveries.policy import column_days
from amends.recoveries.policy.column_block import Block, holds
from amends.recoveries.policy.column_plan import NO_ROW, OK, OK_CAPPED, OK_HALVED, ByRow, Plan
from amends.recoveries.policy.column_terms import CAPPED, HALVED, amount, rounded
from amends.recoveries.policy.column_values import Array, Column, Known, Lists, Regions, both, constant, threshold
from amends.recoveries.policy.tree import PayBy, Row

NO_DAY = np.iinfo(np.int32).min
FINE, UNKNOWN_AMOUNT, TOO_LARGE = 0, 1, 2


@dataclass
class Local:
    """What was decided for the records of one block, in its order; rows are numbered within the version."""

    row: Array
    amounts: Array
    total: Array
    owed: Array
    marks: Array
    reason: Array
    person: Array
    pay_by: Array
    failed: Array  # why no amount could be reckoned
    conditions: list[Known]

    @classmethod
    def empty(cls, plan: Plan, size: int) -> Local:
        return cls(
            row=np.full(size, -1, np.int16),
            amounts=np.zeros((plan.width, size), np.int64),
            total=np.zeros(size, np.int64),
            owed=np.zeros(size, np.int64),
            marks=np.zeros(size, np.uint8),
            reason=np.full(size, NO_ROW, np.int16),
            person=np.zeros(size, bool),
            pay_by=np.full(size, NO_DAY, np.int32),
            failed=np.zeros(size, np.uint8),
            conditions=[False] * len(plan.cells),
        )

    def clear(self) -> Local:
        """As nothing decided yet."""
        for name in ("amounts", "total", "owed", "marks", "person", "failed"):
            getattr(self, name).fill(0)
        self.row.fill(-1)
        self.reason.fill(NO_ROW)
        self.pay_by.fill(NO_DAY)
        return self

    def put(self, part: Local, places: Array) -> None:
        """Another block's results in their places among these."""
        for name in ("row", "total", "owed", "marks", "reason", "person", "pay_by", "failed"):
            getattr(self, name)[places] = getattr(part, name)
        self.amounts[:, places] = part.amounts
        for number, met in enumerate(part.conditions):
            whole = self.conditions[number]
            if not isinstance(whole, np.ndarray):
                whole = self.conditions[number] = np.full(len(self.row), whole)
            whole[places] = met


@dataclass
class Deciding:
    """One block at work. `strict`: a published rule, where one amount that cannot be known refuses the record."""

    plan: Plan
    block: Block
    by_row: ByRow
    strict: bool
    decided_on: Column | None
    out: Local  # where the answers go, empty so far

    def decide(self) -> Local:
        self.met: dict[int, Known] = {}
        if self.plan.collects:
            self._finish(self._collect())
        else:
            self._first()
            self._finish(None)
        self.out.conditions = [self.met.get(number, False) for number in range(len(self.plan.cells))]
        return self.out

    def _row_holds(self, number: int) -> Known:
        held: Known = True
        for cell in self.plan.rows[number]:
            if cell not in self.met:
                self.met[cell] = holds(self.plan.cells[cell], self.block)
            held = both(held, self.met[cell])
        return held

    # ------------------------------------------------------------ the first row that holds

    def _first(self) -> None:
        still_open: Known = True
        for number in range(len(self.plan.rows)):
            held = self._row_holds(number)
            here = both(held, still_open)
            if here is False:
                continue
            still_open = _without(still_open, held)
            places = np.flatnonzero(here) if isinstance(here, np.ndarray) else None
            if places is not None and not len(places):
                continue
            self._give(number, places)
            if still_open is False or (isinstance(still_open, np.ndarray) and not still_open.any()):
                return

    def _give(self, number: int, places: Array | None) -> None:
        """A row's amounts for the records that it decides (all of them without `places`)."""
        out = self.out
        whole = places is None or len(places) == self.block.size
        where = slice(None) if whole else places
        out.row[where] = number
        if not self.plan.places[number]:
            return
        block = self.block if whole or places is None else self.block.take(places)
        for place, grant in self.plan.places[number]:
            minor, marks, failed = self._reckon(grant.term, block)
            out.amounts[place, where] = minor
            if isinstance(marks, np.ndarray) or marks:
                out.marks[where] |= marks
            if isinstance(failed, np.ndarray) or failed:
                out.failed[where] = np.maximum(out.failed[where], failed)

    def _reckon(self, term: Any, block: Block) -> tuple[Any, Any, Any]:
        """Minor units (none where it failed), marks, and why it failed."""
        exact = amount(term, block)
        minor, too_large = rounded(exact, block.wide)
        if exact.known is True and too_large is False:
            return minor, exact.marks, 0
        known = both(exact.known, ~too_large if isinstance(too_large, np.ndarray) else not too_large)
        failed = np.where(exact.known, np.where(too_large, TOO_LARGE, FINE), UNKNOWN_AMOUNT).astype(np.uint8)
        return np.where(known, minor, 0), np.where(known, exact.marks, 0).astype(np.uint8), failed

    # ------------------------------------------------------------ every row that holds

    def _collect(self) -> Array:
        """All rows (up to an exclusion that holds), then how what they give stands together."""
        size, out = self.block.size, self.out
        present = np.zeros((self.plan.width, size), bool)
        marks = np.zeros((self.plan.width, size), np.uint8)
        person, words, still_open = np.zeros(size, bool), np.full(size, -1, np.int16), np.ones(size, bool)
        for number, row in enumerate(self.plan.version.rows):
            here = np.broadcast_to(both(self._row_holds(number), still_open), (size,))
            places = np.flatnonzero(here)
            if not len(places):
                continue
            out.row[places] = np.where(out.row[places] < 0, number, out.row[places])
            person[places] |= bool(row.person)
            if any(grant.term is None for grant in row.grants):
                words[places] = np.where(words[places] < 0, number, words[places])
            self._add(number, places, present, marks)
            self._due_by(row, places, out.pay_by)
            if row.excludes:
                still_open = still_open & ~here
        self._stack(present, marks)
        if self.strict:
            out.row[:] = self._leading(present, words)
        return person

    def _add(self, number: int, places: Array, present: Array, marks: Array) -> None:
        if not self.plan.places[number]:
            return
        block = self.block.take(places)
        for place, grant in self.plan.places[number]:
            minor, marked, failed = self._reckon(grant.term, block)
            self.out.amounts[place, places] = minor
            marks[place, places] = marked
            present[place, places] = np.equal(failed, FINE)
            self.out.failed[places] = np.maximum(self.out.failed[places], failed)

    def _stack(self, present: Array, marks: Array) -> None:
        """As `applying.stacked`: of goodwill the largest counts (unless summed), as far as it exceeds what is owed."""
        amounts, grants = self.out.amounts, self._grants()
        owed_places = [place for place, (_, owed) in enumerate(grants) if owed]
        goodwill = [place for place, (_, owed) in enumerate(grants) if not owed]
        owed, too_large = total_of(amounts[owed_places].copy())
        if self.plan.version.stacking != "sum" and goodwill:
            any_owed = present[owed_places].any(axis=0)
            best, best_place = np.full(self.block.size, -1), np.full(self.block.size, -1)
            for place in goodwill:
                better = present[place] & (amounts[place] > best)
                best, best_place = np.where(better, amounts[place], best), np.where(better, place, best_place)
            rest = np.where(any_owed, best - owed, best)
            keep = ~any_owed | (rest > 0)
            for place in goodwill:
                present[place] &= keep & (best_place == place)
                amounts[place] = np.where(present[place], rest, 0)
        self.out.failed[too_large] = TOO_LARGE
        self.out.owed[:] = owed
        for place in range(len(grants)):
            self.out.marks |= np.where(present[place], marks[place], 0).astype(np.uint8)

    def _grants(self) -> list[tuple[int, bool]]:
        """By place: the row it belongs to, and whether it is owed."""
        return [(row, grant.owed) for row, places in enumerate(self.plan.places) for _, grant in places]

    def _leading(self, present: Array, words: Array) -> Array:
        """The row an answer names: of what is owed, else of goodwill, else of words, else the first that held."""
        row = np.where(words >= 0, words, self.out.row)
        for owed in (False, True):
            for place, (number, is_owed) in reversed(list(enumerate(self._grants()))):
                if is_owed == owed:
                    row = np.where(present[place], number, row)
        return row.astype(np.int16)

    # ------------------------------------------------------------ the answer

    def _finish(self, person: Array | None) -> None:
        out, plan = self.out, self.plan
        total, too_large = total_of(out.amounts)
        if not np.shares_memory(total, out.total):
            out.total[:] = total
        if too_large.any():
            out.failed[too_large] = TOO_LARGE
        if not plan.collects:
            out.owed[:] = out.total if plan.all_owed else self._owed()
        if self.strict:
            self._fail()
        elif out.failed.any():
            out.person |= out.failed != FINE
        number = out.row + plan.first_row if plan.first_row else out.row
        np.take(self.by_row.reason, number, out=out.reason, mode="wrap")  # -1: the last, which stands for no row
        if plan.first_row and out.row.min(initial=0) < 0:
            out.reason[out.row < 0] = NO_ROW
        if plan.version.minimum is not None and self.strict:
            self._minimum()
        due = out.total > 0
        fine = out.reason == OK
        out.reason += fine > due  # from OK to NOTHING_DUE
        if out.marks.any():
            out.marks *= due
            np.copyto(out.reason, OK_HALVED, where=fine & (out.marks & HALVED > 0))
            np.copyto(out.reason, OK_CAPPED, where=fine & (out.marks & CAPPED > 0))
        if person is not None:
            out.person |= person
        elif self.by_row.person.any():
            out.person |= self.by_row.person[np.where(out.row < 0, -1, out.row + plan.first_row)]
        if any(row.pay_by for row in plan.version.rows):
            if self.strict or not plan.collects:
                out.pay_by.fill(NO_DAY)
                self._deadlines(due)
            out.pay_by[~due] = NO_DAY

    def _owed(self) -> Array:
        owed = np.zeros(self.block.size, np.int64)
        for place in range(self.plan.width):
            factor = np.zeros(len(self.plan.rows) + 1, np.int64)
            for row, places in enumerate(self.plan.places):
                factor[row] = any(grant.owed for where, grant in places if where == place)
            owed += factor[self.out.row] * self.out.amounts[place]
        return owed

    def _fail(self) -> None:
        failed = self.out.failed != FINE
        if failed.any():
            self.out.amounts[:, failed] = 0
            self.out.total[failed], self.out.owed[failed], self.out.row[failed] = 0, 0, -1

    def _minimum(self) -> None:
        """Amounts too small to be paid by the table are not due."""
        minimum, out = self.plan.version.minimum, self.out
        assert minimum
        digits = minor_digits(self.block.currency)
        if minimum.above:
            small = out.total <= threshold(minimum.amount, digits, up=False)
        else:
            small = out.total < threshold(minimum.amount, digits, up=True)
        small &= out.total > 0
        if small.any():
            out.total[small], out.owed[small] = 0, 0
            out.reason[small] = self.by_row.reasons.index(minimum.reason)

    def _deadlines(self, due: Array) -> None:
        for number, row in enumerate(self.plan.version.rows):
            if row.pay_by is not None:
                self._due_by(row, np.flatnonzero(due & (self.out.row == number)), self.out.pay_by)

    def _due_by(self, row: Row, places: Array, pay_by: Array) -> None:
        """The deadline of a row, where none was found before."""
        if row.pay_by is None or not len(places):
            return
        found = deadline(row.pay_by, self.block.take(places), self.decided_on and self.decided_on.pick(places))
        fresh = np.broadcast_to(both(found.known, pay_by[places] == NO_DAY), (len(places),))
        pay_by[places] = np.where(fresh, found.data, pay_by[places])


def deadline(pay_by: PayBy, block: Block, decided_on: Column | None) -> Column:
    """The day by which it must be paid; not known where the rule names none."""
    start = block[pay_by.after] if pay_by.after else decided_on
    if start is None:
        return Column(0, False)
    if not pay_by.working:
        return column_days.days_after(start, constant(pay_by.days))
    free = block["holidays"]
    free = replace(free, known=True) if isinstance(free, Lists | Regions) else ()
    return column_days.working_days_after(start, constant(pay_by.days), free)


def total_of(amounts: Array) -> tuple[Array, Array]:
    """The sum by record, and where the books cannot hold it."""
    none = np.zeros(amounts.shape[1], bool)
    if len(amounts) < 2:
        return (amounts[0] if len(amounts) else np.zeros(amounts.shape[1], np.int64)), none
    if not amounts.size or sum(int(one.max()) for one in amounts) <= MAX_MINOR:
        return amounts.sum(axis=0), none
    exact = amounts.astype(object).sum(axis=0)
    too_large = np.asarray(exact > MAX_MINOR, bool)
    return np.where(too_large, 0, exact).astype(np.int64), too_large


def _without(still_open: Known, held: Known) -> Known:
    if held is True:
        return False
    if held is False:
        return still_open
    return ~held if still_open is True else still_open > held
