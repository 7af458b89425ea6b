"""A table applied to columns: a million records as one; whole numbers only, and always what the reference says.

Numbers come as Arrow columns under the names of the table's inputs; money in whole minor units of the currency.
What does not fit into 64 bits is reckoned with unbounded integers, what Arrow cannot hold exactly by the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from amends.ground.money import minor_digits
from amends.recoveries.policy import column_reading, column_reference
from amends.recoveries.policy.applying import NO_DAY as FAR_AWAY
from amends.recoveries.policy.column_answers import BEYOND, NO_AMOUNT, NO_VERSION, Decided, Group
from amends.recoveries.policy.column_block import Block
from amends.recoveries.policy.column_days import number_of
from amends.recoveries.policy.column_deciding import FINE, NO_DAY, Deciding, Local
from amends.recoveries.policy.column_plan import NO_ROW, Plan, by_row, plans
from amends.recoveries.policy.column_reading import Read
from amends.recoveries.policy.column_values import Array, Column, Known, Wide
from amends.recoveries.policy.tree import Kind, Table

BLOCK = 1 << 15  # records at a time: what the processor's cache holds
TAME = (2**40, 2**31, 2**20)  # tried in turn: records without larger numbers stay with 64 bits
NUMERIC = (Kind.NUMBER, Kind.COUNT, Kind.MONEY)


def decide_columns(
    table: Table,
    data: Any,
    *,
    currency: Any = None,
    day: Any = None,
    decided_on: date | None = None,
) -> Decided:
    """Every record of a `pa.Table` (or columns by name) decided.

    A published rule refuses a record that cannot be, as `applying.apply` does, and the rest goes through; `day` chooses
    its version where no input does. A company's policy takes the `day` of each failure and the `currency` paid in (one
    for all or one each); what it cannot know brings a person in.
    """
    strict = not table.promise
    codes, names = _currencies(table, currency)
    read = column_reading.read_columns(table, data, digits=minor_digits(names[0]), checked=strict)
    return _Run(table, read, strict, codes, names, _days(table, read, day, decided_on), decided_on).all()


def _currencies(table: Table, currency: Any) -> tuple[Array | None, list[str]]:
    """Which currency each record has: a code each (None: all the same), and the names."""
    if currency is None:
        currency = table.currency
    if isinstance(currency, str):
        if not currency:
            raise ValueError(f"{table.name} pays in what the customer paid: say the currency")
        return None, [currency]
    array = column_reading.dictionary_of(currency)
    if array.null_count:
        raise ValueError("a record without a currency")
    return column_reading.plain_numbers(array.indices.cast(pa.int32()), np.int32), array.dictionary.to_pylist()


@dataclass
class _Days:
    """By record: the day of the event, from which the version follows, and the day a deadline may run from."""

    event: Column
    decided_on: Column | None


def _days(table: Table, read: Read, day: Any, decided_on: date | None) -> _Days:
    start = Column(number_of(decided_on)) if decided_on else None
    if day is None:
        if table.promise:
            raise ValueError("a policy's version is chosen by the day of the failure: say day=")
        event = read.columns.get(table.event, Column(0, False)) if table.event else Column(0, False)
        assert isinstance(event, Column)
        return _Days(event, start)
    if isinstance(day, date):
        found = Column(number_of(day))
    else:
        array = column_reading.array_of(day).cast(pa.date32())
        found = Column(column_reading.plain_numbers(array, np.int32), column_reading.known_of(array))
    return _Days(_told_first(table, read, found), start or found)


def _told_first(table: Table, read: Read, day: Column) -> Column:
    """The day that a published rule was told itself, else this one."""
    told = read.columns.get(table.event) if table.event else None
    if not isinstance(told, Column) or told.known is False:
        return day
    return told if told.known is True else Column(np.where(told.known, told.data, day.data), told.known | day.known)


@dataclass
class _Run:
    table: Table
    read: Read
    strict: bool
    codes: Array | None
    currencies: list[str]
    days: _Days
    decided_on: date | None

    def all(self) -> Decided:
        self.plans, self.by_row = plans(self.table), by_row(self.table)
        size, width = self.read.size, max(plan.width for plan in self.plans)
        refused = np.zeros(size, np.int16) if self.read.refused is None else self.read.refused
        amounts = np.zeros((max(width, 1), size), np.int64)
        alone = width == 1 and not any(plan.version.minimum for plan in self.plans)
        self.out = Decided(
            table=self.table,
            read=self.read,
            by_row=self.by_row,
            row=np.full(size, -1, np.int16),
            amounts=amounts,
            total=amounts[0] if alone else np.zeros(size, np.int64),  # memory is touched once where one amount is all
            owed=np.zeros(size, np.int64),
            reason_codes=np.full(size, NO_ROW, np.int16),
            marks=np.zeros(size, np.uint8),
            person=np.zeros(size, bool),
            due_on=np.full(size, NO_DAY, np.int32),
            refused=refused,
            ask=self._ask,
        )
        for plan, currency, chosen in self._groups():
            self._group(plan, currency, chosen)
        self._clear()
        if self.read.slow is not None:
            self._slow(np.flatnonzero(self.read.slow))
        return self.out

    # ------------------------------------------------------------ versions and currencies

    def _groups(self) -> Iterator[tuple[Plan, str, Array | None]]:
        version = self._versions()
        if not isinstance(version, np.ndarray) and self.codes is None:
            if version >= 0:
                yield self.plans[version], self.currencies[0], None
            else:
                self._no_version(np.arange(self.read.size))
            return
        codes = self.codes if self.codes is not None else 0
        key = np.broadcast_to(version * len(self.currencies) + codes, (self.read.size,))
        for one in np.unique(key):
            chosen = np.flatnonzero(key == one)
            plan, code = divmod(int(one), len(self.currencies))
            if plan < 0:
                self._no_version(chosen)
            else:
                whole = len(chosen) == self.read.size
                yield self.plans[plan], self.currencies[code], None if whole else chosen

    def _no_version(self, chosen: Array) -> None:
        fresh = chosen[self.out.refused[chosen] == 0]
        self.out.refused[fresh] = NO_VERSION
        if not self.strict:
            self.out.person[fresh] = True

    def _versions(self) -> Any:
        """The number of each record's version; -1 where none is in force."""
        event = self.days.event
        since = np.array([number_of(version.since) for version in self.table.versions])
        day = np.where(event.known, event.data, number_of(FAR_AWAY)) if event.known is not True else event.data
        found = np.searchsorted(since, day, side="right") - 1
        by_day: Any = found if isinstance(day, np.ndarray) and day.ndim else int(found)
        if not self.table.by_name:
            return by_day
        named = self.read.columns[self.table.by_name]
        assert isinstance(named, Column)
        numbers = {version.named: number for number, version in reversed(list(enumerate(self.table.versions)))}
        place = np.array([numbers.get(name, -1) for name in self.table.inputs[self.table.by_name].choices] + [-1])
        by_name = place[named.data]
        return int(by_name) if named.known is True and not np.ndim(by_name) else np.where(named.known, by_name, by_day)

    def _event(self, plan: Plan) -> Column:
        """The day behind `by_date`: the event's, else the first of a version chosen by name."""
        event = self.days.event
        other = number_of(plan.version.since if self.table.by_name and plan.version.named else FAR_AWAY)
        if event.known is True:
            return event
        return Column(other) if event.known is False else Column(np.where(event.known, event.data, other))

    # ------------------------------------------------------------ blocks

    def _group(self, plan: Plan, currency: str, chosen: Array | None) -> None:
        size = self.read.size if chosen is None else len(chosen)
        self.columns = self._in_currency(currency)
        self.event = self._event(plan)
        bits = np.zeros((len(plan.cells), (size + 7) >> 3), np.uint8)
        for start in range(0, size, BLOCK):
            end = min(start + BLOCK, size)
            picked = slice(start, end) if chosen is None else chosen[start:end]
            local = self._block(plan, currency, picked, end - start)
            self._write(plan, picked, local)
            _pack(local.conditions, bits[:, start >> 3 : (end + 7) >> 3])
        self.out.groups.append(Group(plan, currency, chosen, bits))

    def _in_currency(self, currency: str) -> Mapping[str, Any]:
        """The columns, with amounts in this currency's minor unit."""
        digits = minor_digits(currency)
        columns = dict(self.read.columns)
        for name in self.read.given:
            column = columns[name]
            if self.table.inputs[name].kind is Kind.MONEY and isinstance(column, Column):
                columns[name] = replace(column, scale=digits)
        return columns

    def _block(self, plan: Plan, currency: str, picked: Any, size: int) -> Local:
        """One block decided; records that lie side by side are written where they belong at once."""
        local = self._view(plan, picked) if isinstance(picked, slice) else Local.empty(plan, size)
        try:
            return self._decide(plan, currency, picked, local, wide=False)
        except Wide:
            return self._mixed(plan, currency, picked, local.clear())

    def _view(self, plan: Plan, picked: slice) -> Local:
        out = self.out
        return Local(
            row=out.row[picked],
            amounts=out.amounts[: plan.width, picked],
            total=out.total[picked],
            owed=out.owed[picked],
            marks=out.marks[picked],
            reason=out.reason_codes[picked],
            person=out.person[picked],
            pay_by=out.due_on[picked],
            failed=np.zeros(picked.stop - picked.start, np.uint8),
            conditions=[False] * len(plan.cells),
        )

    def _decide(self, plan: Plan, currency: str, picked: Any, local: Local, *, wide: bool) -> Local:
        day = self.event.pick(picked)
        block = Block(self.table, plan.version, currency, self.columns, picked, len(local.row), day, wide)
        decided_on = self.days.decided_on.pick(picked) if self.days.decided_on else None
        return Deciding(plan, block, self.by_row, self.strict, decided_on, local).decide()

    def _mixed(self, plan: Plan, currency: str, picked: Any, local: Local) -> Local:
        """Records with huge numbers apart from the others."""
        records = np.arange(picked.start, picked.stop) if isinstance(picked, slice) else picked
        for limit in TAME:
            tame = self._tame(records, limit)
            try:
                self._part(plan, currency, records, np.flatnonzero(tame), local, wide=False)
                break
            except Wide:
                tame = np.zeros(len(records), bool)
        self._part(plan, currency, records, np.flatnonzero(~tame), local, wide=True)
        return local

    def _part(self, plan: Plan, currency: str, records: Array, chosen: Array, whole: Local, *, wide: bool) -> None:
        part = self._decide(plan, currency, records[chosen], Local.empty(plan, len(chosen)), wide=wide)
        whole.put(part, chosen)

    def _tame(self, records: Array, limit: int) -> Array:
        tame = np.ones(len(records), bool)
        for name, column in self.columns.items():
            if self.table.inputs[name].kind in NUMERIC and isinstance(column.data, np.ndarray):
                tame &= np.abs(column.data[records]) <= limit
        return tame

    def _write(self, plan: Plan, picked: Any, local: Local) -> None:
        out = self.out
        if plan.first_row:
            local.row[local.row >= 0] += plan.first_row
        if not isinstance(picked, slice):
            out.row[picked], out.amounts[: plan.width, picked] = local.row, local.amounts
            out.total[picked], out.owed[picked], out.marks[picked] = local.total, local.owed, local.marks
            out.reason_codes[picked], out.person[picked], out.due_on[picked] = local.reason, local.person, local.pay_by
        if local.failed.any():
            failed = np.where(local.failed == FINE, 0, np.where(local.failed == 1, NO_AMOUNT, BEYOND))
            known = out.refused[picked]
            out.refused[picked] = np.where(known == 0, failed, known)

    def _clear(self) -> None:
        """Nothing is said of what a rule refused."""
        wrong = self.out.refused != 0 if self.strict else self.out.refused == NO_VERSION
        if wrong.any():
            self.out.row[wrong], self.out.total[wrong], self.out.owed[wrong] = -1, 0, 0
            self.out.amounts[:, wrong], self.out.marks[wrong], self.out.due_on[wrong] = 0, 0, NO_DAY
            self.out.reason_codes[wrong], self.out.person[wrong] = NO_ROW, not self.strict

    # ------------------------------------------------------------ one by one

    def _ask(self, record: int) -> column_reference.Answer:
        currency = self.currencies[int(self.codes[record]) if self.codes is not None else 0]
        event = self.days.event
        known = event.known if isinstance(event.known, bool) else bool(event.known[record])
        number = int(event.data[record]) if isinstance(event.data, np.ndarray) else int(event.data)
        day = date(1970, 1, 1) + timedelta(days=number) if known else None
        return column_reference.ask(self.table, self.read, record, currency, day, self.decided_on)

    def _slow(self, records: Array) -> None:
        for record in records.tolist():
            column_reference.write(self.out, record, self._ask(record))


def _pack(conditions: list[Known], bits: Array) -> None:
    for number, met in enumerate(conditions):
        if isinstance(met, np.ndarray):
            bits[number] = np.packbits(met, bitorder="little")
        elif met:
            bits[number] = 255
