"""A column of a history read into an input's kind, as the deciding reads facts: each distinct text, or JSON where the
failures tell it in several kinds, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.ground import packed
from amends.ground.money import MAX_MINOR
from amends.learning.records import Bools
from amends.recoveries.policy import given
from amends.recoveries.policy.scope import SEVERITIES
from amends.recoveries.policy.tree import Input, Kind, Table

NUMERIC = (Kind.NUMBER, Kind.COUNT, Kind.MONEY)
TEXTS = (Kind.CHOICE, Kind.TEXT, Kind.SEVERITY)
NOWHERE = np.False_
BOOKED = Decimal(MAX_MINOR)  # no more than this in any currency


def as_kind(
    table: Table, one: Input, column: pa.ChunkedArray, currency: pa.ChunkedArray, digits: Any
) -> tuple[pa.ChunkedArray, Bools | np.bool_]:
    """A column of what the input is, null for what is no value of its kind; and where that was an amount in another
    currency than the failure's, or than the rule's own. `digits` are those of each failure's currency."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if one.kind is Kind.MONEY and _is_text(column):
        read, foreign = _money(table, one, column, currency)
    else:
        read, foreign = _plain(one, column), NOWHERE
    if one.kind is Kind.MONEY:
        read = _whole(read, digits)
    return _bounded(one, read) if table.promise else read, foreign  # a published rule sees to its bounds itself


def nothing(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(len(column), kind)])


def _plain(one: Input, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if one.kind is Kind.FLAG:
        return column if pa.types.is_boolean(kind) else _read(column, _flag, pa.bool_())
    if one.kind in NUMERIC:
        numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        return column if numbers else _read(column, _number, pa.float64())
    if one.kind is Kind.DAY:
        days = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
        return column.cast(pa.date32(), safe=False) if days else _read(column, _day, pa.date32())
    if one.kind in TEXTS:
        return _texts(one, column)
    return _lists(one, column) if kind == packed.MIXED else column


def _bounded(one: Input, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Null for a number that its input cannot be: outside of its bounds, or not whole where it is counted; for a list
    with such a number."""
    if one.kind is Kind.NUMBERS and pa.types.is_list(column.type):
        flat = column.combine_chunks()
        items = pc.list_flatten(flat)
        wrong = pc.list_parent_indices(flat).filter(pc.invert(pc.fill_null(_within(one, items), False)))
        fits = pa.array(np.isin(np.arange(len(flat)), wrong.to_numpy(), invert=True))
        return pc.if_else(fits, column, pa.scalar(None, column.type)) if len(wrong) else column
    if one.kind not in NUMERIC:
        return column
    fits = _within(one, column)
    if one.kind is Kind.COUNT and not pa.types.is_integer(column.type):
        fits = pc.and_(fits, pc.equal(column, pc.round(column)))
    return _only_where(fits, column)


def _within(one: Input, column: Any) -> Any:
    least, most = given.bounds(one, BOOKED if one.kind is Kind.MONEY else given.ABSURD)
    return pc.and_(pc.greater_equal(column, float(least)), pc.less_equal(column, float(most)))


def _whole(column: pa.ChunkedArray, digits: Any) -> pa.ChunkedArray:
    """Null for an amount of more digits than its currency has."""
    if not len(column):
        return column
    major = column.cast(pa.float64(), safe=False)
    values = pc.fill_null(major, 0.0).to_numpy()
    size = 10.0**digits
    return _only_where(pa.array(np.rint(values * size) / size == values), column)


def _only_where(fits: Any, column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pc.all(fits).as_py() is not False else pc.if_else(fits, column, pa.scalar(None, column.type))


def _is_text(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == packed.MIXED)


def _distinct(column: pa.ChunkedArray) -> tuple[list[Any], pa.Array]:
    """Each distinct value of a column of texts or MIXED, and for every row which of them it has."""
    whole, mixed = column.combine_chunks(), column.type == packed.MIXED
    coded = (whole.storage if mixed else whole).dictionary_encode()
    texts = coded.dictionary.to_pylist()
    return [packed.decoded(text) for text in texts] if mixed else texts, coded.indices


def _read(column: pa.ChunkedArray, read: Callable[[Any], Any], kind: pa.DataType) -> pa.ChunkedArray:
    """Each distinct value read; null where it cannot be."""
    if not _is_text(column):
        return nothing(column, kind)
    values, places = _distinct(column)
    return pa.chunked_array([pa.array([_or_none(read, value) for value in values], kind).take(places)])


def _or_none(read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except ValueError:
        return None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _number(value: Any) -> float:
    return float(given.number("", value))


def _day(value: Any) -> date:
    return given.day("", given.date_of(value))


def _text(value: Any) -> str:
    if not isinstance(value, str | int):
        raise ValueError(value)
    return str(value)


def _texts(one: Input, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == packed.MIXED:
        column = _read(column, _text, pa.string())
    elif not _is_text(column):
        if not pa.types.is_integer(column.type):
            return nothing(column, pa.string())
        column = column.cast(pa.string())
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    if not choices:
        return column
    usable = pc.is_in(column, pa.array([*choices, *one.same], column.type))
    return column if pc.all(usable).as_py() else pc.if_else(usable, column, pa.scalar(None, column.type))


# ---------------------------------------------------------------- amounts


def _money(
    table: Table, one: Input, column: pa.ChunkedArray, currency: pa.ChunkedArray
) -> tuple[pa.ChunkedArray, Bools | np.bool_]:
    """Amounts as `4.90`, and as `4.90 EUR` where that is the currency reckoned in."""
    values, places = _distinct(column)
    read = [_amount(table, one, value) for value in values]
    column = pa.chunked_array([pa.array([amount for amount, _ in read], pa.float64()).take(places)])
    if not any(said for _, said in read):
        return column, NOWHERE
    said = pa.array([said for _, said in read], pa.string()).take(places)
    own = currency if table.promise else pa.scalar(table.currency)
    foreign = pc.and_(pc.not_equal(said, ""), pc.not_equal(said, own))
    foreign = np.asarray(pc.fill_null(foreign, False), np.bool_)
    return pc.if_else(pa.array(foreign), pa.scalar(None, pa.float64()), column), foreign


def _amount(table: Table, one: Input, value: Any) -> tuple[float | None, str]:
    """An amount and the currency that was told with it; one that does not exist is another."""
    try:
        amount, currency = given.money_texts(table, {one.name: value}).get(one.name, (value, ""))
    except given.WrongInput:
        return None, str(value)
    return _or_none(_number, amount), currency


# ---------------------------------------------------------------- lists


def _lists(one: Input, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists, or the names of regions."""
    values, _ = _distinct(column)
    if one.kind is Kind.NUMBERS or any(isinstance(value, list) for value in values):
        item, kind = (partial(given.day, ""), pa.date32()) if one.kind is Kind.DAYS else (_number, pa.float64())
        return _read(column, partial(_items, item), pa.list_(kind))
    return _read(column, _text, pa.string())


def _items(item: Callable[[Any], Any], value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(value)
    return [item(each) for each in value]
