"""What a history tells a table: each input's column in the kind it needs, as the deciding reads facts; and what it does
not tell, in sentences with the failures that they are about."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amends.ground.money import minor_digits
from amends.learning import reading
from amends.learning.history import COUNTED, PLAIN, NoHistory, nearest, without
from amends.learning.records import Bools
from amends.recoveries.files import INPUTS
from amends.recoveries.lived import KNOWN, asked
from amends.recoveries.policy.applying import plain
from amends.recoveries.policy.given import bounds
from amends.recoveries.policy.scope import SEVERITIES
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Table

ALIKE = 0.8  # how much a column nobody asked for looks like a built-in input that is not there
MOST_MINOR = 2.0**62


@dataclass
class Told:
    """An input's columns for one table, and for which failures what was not told."""

    columns: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    unknown: dict[str, Bools] = field(default_factory=dict)  # by input
    unusable: dict[str, Bools] = field(default_factory=dict)  # by input: told, and no value of its kind
    notes: dict[str, Bools] = field(default_factory=dict)  # by sentence
    senseless: list[str] = field(default_factory=list)  # what no failure told as a value of its kind
    refused: Bools | np.bool_ = reading.NOWHERE  # no row is looked at: a person decides


def refuse_what_is_missing(found: pa.Table, *tables: Table) -> None:
    """NoHistory for an input of a policy's own that no column tells, or a column that was perhaps meant for another."""
    asked = {name for table in tables for name in table.names}
    free = [name for name in found.column_names if name not in {*asked, *PLAIN.names}]
    for table in tables:
        for one in (table.inputs[name] for name in sorted(looked_at(table) - {"severity"})):
            if one.name == "price" and "price" in found.column_names and "price_minor" not in found.column_names:
                raise NoHistory("column 'price' is not read: give 'price_minor', in whole minor units, and 'currency'")
            names = ("price_minor",) if one.name == "price" else one.names
            if {*names} & {*found.column_names, *COUNTED}:
                continue
            if one.name not in INPUTS or nearest(one.name, free, alike=ALIKE):
                said = without(one.name, found.column_names, free)
                way = f"; where nobody knows it, give an empty column {one.name!r}"
                raise NoHistory(f"{said}: policy {table.name} looks at it{way}")


def looked_at(policy: Table) -> set[str]:
    """What a study looks at of each failure: what a row does, and what must be given."""
    return {"severity", *policy.looked_at, *(one.name for one in asked(policy))}


def tell(found: pa.Table, table: Table) -> Told:
    """What the history tells a company's policy, or (facts only) a published rule."""
    told, looked = Told(), looked_at(table) if table.promise else set(table.inputs)
    digits = _digits(found, table)
    for one in (table.inputs[name] for name in table.inputs if name in looked):
        if one.name == "price" and table.promise:
            column = told.columns["price"] = found["price_minor"]
            _note(told, f"had no {one.name}", one, _where(pc.is_null(column)))
            continue
        _tell(told, found, table, one, _sources(found, one, rule=not table.promise), digits)
    return told


def unless_told(found: pa.Table, rule: Table, column: pa.ChunkedArray, names: pa.Array) -> pa.ChunkedArray:
    """A rule's version by its name where the history tells one, else these names."""
    sources = _sources(found, rule.inputs[rule.by_name], rule=True)
    told = reduce(np.logical_or, [_where(pc.is_valid(source)) for source in sources], np.zeros(len(column), np.bool_))
    return pc.if_else(pa.array(told), column, names)


def _sources(found: pa.Table, one: Input, *, rule: bool) -> list[pa.ChunkedArray]:
    apart = {*PLAIN.names, *COUNTED, "segment"} if rule else set()
    return [found[name] for name in one.names if name in found.column_names and name not in apart]


def _tell(told: Told, found: pa.Table, table: Table, one: Input, sources: list[pa.ChunkedArray], digits: Any) -> None:
    default = None if one.default is REQUIRED else one.default
    default = False if one.name == "disputed" else default
    if not sources and one.kind in (Kind.DAYS, Kind.NUMBERS):
        return  # a table has its own default for lists
    sources = sources or [reading.nothing(found["promise"], pa.null())]
    read = [reading.as_kind(table, one, source, found["currency"], digits) for source in sources]
    column = reduce(pc.coalesce, [kept for kept, _ in read])
    if column.null_count:
        nothing = reduce(np.logical_and, [_where(pc.is_null(source)) for source in sources])
        unusable = _where(pc.is_null(column)) & ~nothing
        if one.name != "disputed":
            _note(told, _without(one.name, default), one, nothing)
        foreign = unusable & np.logical_or.reduce([elsewhere for _, elsewhere in read])
        if table.promise:  # as the worker: what must be given and is not known, or cannot be what was told
            needed = one.default is REQUIRED and one.name not in KNOWN
            told.refused = told.refused | (nothing | unusable if needed else unusable)
        then, says = "a person decides" if table.promise else "it is not known", f"told {one.name} as {_expected(one)}"
        _note(told, f"told {one.name} in another currency: a person decides", one, foreign)
        _note(told, f"{says}: {then}", one, unusable & ~foreign)
        if unusable.any():
            told.unusable[one.name] = unusable
        if len(unusable) and unusable.all():
            told.senseless.append(says)
        column = _filled(one, column, default, nothing)
    told.columns[one.name] = _minor(column, digits) if one.kind is Kind.MONEY else column


def _without(name: str, default: Any) -> str:
    said = str(default).lower() if isinstance(default, bool) else default
    return f"had no {name}" + (f": {said} was assumed" if default is not None else "")


def _note(told: Told, says: str, one: Input, where: Bools) -> None:
    if where.any():
        told.notes[says] = where
        told.unknown[one.name] = told.unknown.get(one.name, False) | where


def _where(mask: pa.ChunkedArray) -> Bools:
    found: Bools = mask.to_numpy(zero_copy_only=False) if isinstance(mask, pa.Array) else mask.to_numpy()
    return found


def _expected(one: Input) -> str:
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    words = {Kind.FLAG: "neither true nor false", Kind.DAY: "no day", Kind.TEXT: "no text"}
    words |= {Kind.DAYS: "no days such as the others tell (all as lists, or all as regions)"}
    words |= {Kind.NUMBERS: "no list of numbers", Kind.MONEY: "no amount that there can be in its currency"}
    return f"none of {', '.join(choices)}" if choices else words.get(one.kind) or _number(one)


def _number(one: Input) -> str:
    least, most = (plain(bound) for bound in bounds(one))
    whole = "whole " if one.kind is Kind.COUNT else ""
    return f"no {whole}number " + (f"of {least} or more" if one.most is None else f"from {least} to {most}")


def _filled(one: Input, column: pa.ChunkedArray, default: Any, nothing: Bools) -> pa.ChunkedArray:
    """Its default where nothing was told; what is no value of its kind stays unknown."""
    lists = one.kind in (Kind.DAYS, Kind.NUMBERS)
    if default is None or (lists and not _fits(default, column.type)):
        return column
    value: Any = date.fromisoformat(str(default)) if one.kind is Kind.DAY else default
    if one.kind in reading.NUMERIC:
        column, value = column.cast(pa.float64(), safe=False), float(default)
    return pc.if_else(pa.array(nothing), pa.scalar(value, column.type), column)


def _fits(default: Any, kind: pa.DataType) -> bool:
    """Whether a default stands beside what was told: a region beside regions, an empty list beside lists."""
    return bool(pa.types.is_string(kind)) if isinstance(default, str) else pa.types.is_list(kind) and not default


def _digits(found: pa.Table, table: Table) -> Any:
    """Digits behind the point of each failure's currency; of a rule's own."""
    if not table.promise:
        return minor_digits(table.currency)
    coded = found["currency"].combine_chunks().dictionary_encode()
    each = np.array([minor_digits(code) for code in coded.dictionary.to_pylist()] or [0], np.int64)
    return each[coded.indices.to_numpy(zero_copy_only=False)] if len(each) > 1 else int(each[0])


def _minor(column: pa.ChunkedArray, digits: Any) -> pa.ChunkedArray:
    """Amounts among the facts, which stand in the major unit, in whole minor units."""
    major = column.cast(pa.float64(), safe=False)
    known = _where(pc.is_valid(major))
    minor = np.rint(pc.fill_null(major, 0.0).to_numpy() * 10.0**digits)
    fits = known & (np.abs(minor) < MOST_MINOR)
    return pa.chunked_array([pa.array(np.where(fits, minor, 0).astype(np.int64), mask=~fits)])
