"""Arrow columns read into whole numbers, as `given.read_given` reads one record; what cannot be is marked by record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.ground.money import MAX_MINOR, minor_digits
from amends.recoveries.policy.calendars import NoCalendar, holidays_of
from amends.recoveries.policy.column_days import number_of
from amends.recoveries.policy.column_values import (
    FIRST_DAY,
    LAST_DAY,
    Array,
    Column,
    Lists,
    Regions,
    constant,
    threshold,
)
from amends.recoveries.policy.given import ABSURD, MOST_ITEMS, WrongInput
from amends.recoveries.policy.scope import SEVERITIES
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Table

SCALES = (0, 1, 2, 3, 4, 6, 9)  # digits after the point that floats are tried with
MOST_SCALE = 18
SAMPLE = 1 << 14
SURE = 10**15  # a float of at most fifteen digits is written in one way only
Values = Column | Lists | Regions


@dataclass
class Read:
    """A batch as it was read: columns by input, and which records were refused or need the reference."""

    size: int
    given: dict[str, pa.Array] = field(default_factory=dict)  # as they came, by the input's name
    columns: dict[str, Values] = field(default_factory=dict)
    refused: Array | None = None  # 0, or 1 + the number of the first input that cannot be
    slow: Array | None = None  # numbers with more digits than 64 bits surely hold

    def refuse(self, number: int, wrong: Array) -> None:
        if self.refused is None:
            self.refused = np.zeros(self.size, np.int16)
        self.refused[wrong & (self.refused == 0)] = number + 1

    def leave(self, slow: Array) -> None:
        self.slow = slow if self.slow is None else self.slow | slow


def vocabulary(table: Table, one: Input) -> tuple[str, ...]:
    """The texts that can matter: choices, or what the table compares free text with."""
    if one.kind is Kind.SEVERITY:
        return SEVERITIES
    if one.choices:
        return one.choices
    said: dict[str, None] = {}
    for version in table.versions:
        for cell in (cell for row in version.rows for cell in row.cells if cell.name == one.name):
            parts = cell.value if isinstance(cell.value, tuple) else (cell.value,)
            said.update(dict.fromkeys(part for part in parts if isinstance(part, str)))
    return (*said, *((one.default,) if isinstance(one.default, str) and one.default not in said else ()))


def read_columns(table: Table, data: Any, *, digits: int, checked: bool) -> Read:
    """Every input of the table as a column. `checked`: as published rules are asked, each value within its bounds;
    else (a company's own facts) what is no value of its kind is not known. WrongInput for a column that cannot be."""
    batch = _batch(data)
    read = Read(batch.num_rows)
    names = table.names
    for name in batch.schema.names:
        if names.get(name) in read.given:
            raise WrongInput(name, f"{names[name]} is given twice, under two names")
        if name in names:
            read.given[names[name]] = _whole(batch.column(name))
        elif checked:
            raise WrongInput(name, f"{table.name} has no such input; known: {', '.join(table.inputs)}")
    for number, one in enumerate(table.inputs.values()):
        if one.name in read.given:
            found = _Reader(table, one, number, digits, checked, read).column(read.given[one.name])
        elif one.default is REQUIRED and checked:
            raise WrongInput(one.name, f"missing; expected a column of {one.kind.value}")
        else:
            found = _default(table, one, None if one.default is REQUIRED else one.default, read.size)
        read.columns[one.name] = found
    return read


def _batch(data: Any) -> Any:
    if isinstance(data, Mapping):
        return pa.table({name: array_of(column) for name, column in data.items()})
    return data


def array_of(column: Any) -> Any:
    """Any column as one Arrow array."""
    return _whole(column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column))


def dictionary_of(column: Any) -> Any:
    array = array_of(column)
    return array if pa.types.is_dictionary(array.type) else pc.dictionary_encode(array)


def _whole(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def _default(table: Table, one: Input, value: Any, size: int) -> Values:
    """One value for every record."""
    if value is None:
        return Column(0, False)
    if one.kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY):
        return constant(value)
    if one.kind is Kind.FLAG:
        return Column(value)
    if one.kind is Kind.DAY:
        return Column(number_of(date.fromisoformat(str(value))))
    if isinstance(value, str) and one.kind is Kind.DAYS:
        return Regions(np.zeros(size, np.int32), (value,))
    if one.kind in (Kind.DAYS, Kind.NUMBERS):
        return _same_list(one, value, size)
    return Column(vocabulary(table, one).index(str(value)))


def _same_list(one: Input, value: Sequence[Any], size: int) -> Lists:
    if one.kind is Kind.DAYS:
        items = [Column(number_of(date.fromisoformat(str(item)))) for item in value]
    else:
        items = [constant(Decimal(str(item))) for item in value]
    scale = max((item.scale for item in items), default=0)
    scaled = np.array([item.data * 10 ** (scale - item.scale) for item in items], np.int64)
    return Lists(np.arange(size + 1) * len(items), Column(np.tile(scaled, size), True, scale))


def known_of(array: Any) -> Any:
    """True, or where the array is not null."""
    return True if not array.null_count else pc.is_valid(array).to_numpy(zero_copy_only=False)


def plain_numbers(array: Any, kind: Any) -> Array:
    """The values behind an array, zero where it is null, copied only then."""
    data = np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]
    return np.where(known_of(array), data, kind(0)) if array.null_count else data


@dataclass
class _Reader:
    """One column read; what cannot be is refused in `read`."""

    table: Table
    one: Input
    number: int
    digits: int
    checked: bool
    read: Read

    def column(self, array: Any) -> Values:
        if pa.types.is_null(array.type):
            return Column(0, False)
        kind = self.one.kind
        if kind is Kind.FLAG:
            return self._flags(array)
        if kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY):
            return self._bounded(self._money(array) if kind is Kind.MONEY else self._numbers(array))
        if kind is Kind.DAY:
            return self._days(array)
        if kind in (Kind.DAYS, Kind.NUMBERS):
            return self._lists(array)
        return self._codes(array)

    def _wrong(self, expected: str, array: Any) -> WrongInput:
        return WrongInput(self.one.name, f"expected a column of {expected}, not {array.type}")

    def _refuse(self, wrong: Array, column: Column, fill: int = 0) -> Column:
        """Records whose value cannot be: refused, or not known where nothing is checked."""
        if not wrong.any():
            return column
        if self.checked:
            self.read.refuse(self.number, wrong)
        known = ~wrong if column.known is True else column.known & ~wrong
        return Column(np.where(wrong, fill, column.data), known, column.scale)

    def _flags(self, array: Any) -> Column:
        if not pa.types.is_boolean(array.type):
            raise self._wrong("true and false", array)
        known = known_of(array)
        return Column(pc.fill_null(array, False).to_numpy(zero_copy_only=False), known)

    def _money(self, array: Any) -> Column:
        if not pa.types.is_integer(array.type):
            raise self._wrong("whole minor units", array)
        found = self._numbers(array)
        return Column(found.data, found.known, self.digits)

    def _numbers(self, array: Any) -> Column:
        if pa.types.is_integer(array.type):
            return Column(plain_numbers(pc.cast(array, pa.int64()), np.int64), known_of(array))
        if pa.types.is_floating(array.type):
            return self._floats(array)
        if pa.types.is_decimal(array.type):
            return self._decimals(pc.cast(array, pa.decimal128(array.type.precision, array.type.scale)))
        raise self._wrong("numbers", array)

    def _floats(self, array: Any) -> Column:
        """Floats as they are written: 0.1 is a tenth. Exact up to fifteen digits, the rest is left to the reference."""
        values = plain_numbers(pc.cast(array, pa.float64()), np.float64)
        finite = np.isfinite(values)
        column = Column(values, known_of(array))
        if not finite.all():
            column = self._refuse(~finite, column)
        for scale in SCALES:
            if _as_written(column.data[:SAMPLE], scale)[1].all():
                data, exact = _as_written(column.data, scale)
                if exact.all():
                    return Column(data, column.known, scale)
        tries = [(scale, *_as_written(column.data, scale)) for scale in SCALES]
        scale, data, exact = max(tries, key=lambda tried: int(np.count_nonzero(tried[2])))
        self.read.leave(~exact)
        return Column(data, column.known, scale)

    def _decimals(self, array: Any) -> Column:
        scale = array.type.scale
        words = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)[array.offset : array.offset + len(array)]
        known = known_of(array)
        low = np.where(known, words[:, 0], 0)
        fits = (words[:, 0] >> 63) == words[:, 1]
        if scale > MOST_SCALE:
            fits = np.zeros(len(low), bool)
        if not np.all(fits | ~np.asarray(known)):
            self.read.leave(~fits & known)
            low = np.where(fits, low, 0)
        return Column(low, known, scale) if scale >= 0 else Column(low * 10**-scale, known)

    def _bounded(self, column: Column) -> Column:
        if not self.checked:
            return column
        if self.one.kind is Kind.COUNT:
            column = self._counted(column)
        column.known = column.known if not isinstance(column.data, np.ndarray) or column.data.size else True
        least, most = self._bounds()
        low, high = threshold(least, column.scale, up=True), threshold(most, column.scale, up=False)
        if isinstance(column.data, np.ndarray) and column.data.size:
            smallest, largest = int(column.data.min()), int(column.data.max())
            if smallest < low or largest > high:
                wrong = (column.data < low) | (column.data > high)
                return self._refuse(wrong & column.known, column)
            column.most = max(abs(smallest), abs(largest))
        return column

    def _counted(self, column: Column) -> Column:
        size = 10**column.scale
        if size == 1:
            return column
        column = self._refuse(column.data % size != 0, column)
        return Column(column.data // size, column.known)

    def _bounds(self) -> tuple[Decimal, Decimal]:
        most = ABSURD
        if self.one.kind is Kind.MONEY:
            most = Decimal(MAX_MINOR).scaleb(-minor_digits(self.table.currency))
        least = self.one.least if self.one.least is not None else Decimal(0)
        return least, self.one.most if self.one.most is not None else most

    def _days(self, array: Any) -> Column:
        if not pa.types.is_date(array.type):
            raise self._wrong("days (date32)", array)
        data = plain_numbers(pc.cast(array, pa.date32()), np.int32)
        return self._refuse((data < FIRST_DAY) | (data > LAST_DAY), Column(data, known_of(array)))

    def _codes(self, array: Any) -> Column:
        """Texts by their place in the vocabulary: -1 not known, one past the end for texts that match nothing."""
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_integer(array.type):
            array = pc.dictionary_encode(pc.cast(array, pa.string()))
        if not pa.types.is_dictionary(array.type):
            raise self._wrong("texts", array)
        said = vocabulary(self.table, self.one)
        place = {text: code for code, text in enumerate(said)}
        place |= {word: place[choice] for word, choice in self.one.same.items()}
        codes = np.array([place.get(str(text), len(said)) for text in array.dictionary.to_pylist()] or [-1], np.int16)
        indices = plain_numbers(array.indices, array.indices.type.to_pandas_dtype())
        known = known_of(array)
        same = np.array_equal(codes, np.arange(len(codes)))
        data = indices if same and array.indices.type != pa.uint64() else codes[indices]
        column = Column(np.where(known, data, -1) if known is not True else data, known)
        if self.one.kind is Kind.TEXT:
            return column
        return self._refuse(column.data == len(said), column, -1) if len(said) in codes else column

    def _lists(self, array: Any) -> Values:
        if self.one.kind is Kind.DAYS and (pa.types.is_string(array.type) or pa.types.is_dictionary(array.type)):
            return self._regions(array)
        if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
            raise self._wrong("lists", array)
        known = known_of(array)
        array = pc.cast(array, pa.large_list(array.type.value_type))
        counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)])
        items = array.flatten()
        owners = np.repeat(np.arange(len(counts)), counts)
        inner = _Reader(self.table, self.one, self.number, self.digits, self.checked, Read(len(items)))
        found = inner._days(items) if self.one.kind is Kind.DAYS else inner._bounded(inner._numbers(items))
        self._pass_on(inner.read, owners, found, counts)
        return Lists(starts, Column(found.data, True, found.scale), known)

    def _pass_on(self, inner: Read, owners: Array, found: Column, counts: Array) -> None:
        """A list is refused for any item that cannot be, and for too many."""
        wrong = counts > MOST_ITEMS
        for bad in (inner.refused, None if found.known is True else ~found.known):
            if bad is not None:
                wrong |= np.bincount(owners[bad != 0], minlength=len(counts)) > 0
        if wrong.any() and self.checked:
            self.read.refuse(self.number, wrong)
        if inner.slow is not None:
            self.read.leave(np.bincount(owners[inner.slow], minlength=len(counts)) > 0)

    def _regions(self, array: Any) -> Regions:
        array = array if pa.types.is_dictionary(array.type) else pc.dictionary_encode(array)
        known = known_of(array)
        names: Sequence[str] = array.dictionary.to_pylist()
        codes = np.where(known, plain_numbers(pc.cast(array.indices, pa.int32()), np.int32), -1)
        bad = [code for code, name in enumerate(names) if not _has_calendar(name)]
        if bad:
            self.read.refuse(self.number, np.isin(codes, bad) & known)
            codes = np.where(np.isin(codes, bad), -1, codes)
        return Regions(codes, names, known)


def _as_written(values: Array, scale: int) -> tuple[Array, Array]:
    """Floats × 10 ** scale as whole numbers (zero where they are none), and where that is exact."""
    data, exact = np.empty(len(values), np.int64), np.empty(len(values), bool)
    size = 10.0**scale
    for start in range(0, len(values), SAMPLE):  # as much as the processor's cache holds
        part = slice(start, start + SAMPLE)
        scaled = np.rint(values[part] * size)
        fits = exact[part]
        np.equal(scaled / size, values[part], out=fits)
        if max(scaled.max(), -scaled.min()) >= SURE:
            fits &= np.abs(scaled) < SURE
        if not fits.all():
            scaled = np.where(fits, scaled, 0)
        data[part] = scaled
    return data, exact


def _has_calendar(name: str) -> bool:
    try:
        return bool(holidays_of(name, 2024)) or True
    except NoCalendar:
        return False
