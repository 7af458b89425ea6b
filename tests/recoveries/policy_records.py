"""Random records for any table, made of its own inputs: around every constant it names, missing, wrong and huge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from amends.ground.money import Money, minor_digits
from amends.recoveries.policy.tree import Input, Kind, Table

REGIONS = ("GB-ENG", "DE-BY", "US")


def constants(part: Any) -> Iterator[Any]:
    """Every number, amount and day that a table names."""
    if isinstance(part, Decimal | Money | date):
        yield part
    elif is_dataclass(part) and not isinstance(part, type):
        for one in fields(part):
            yield from constants(getattr(part, one.name))
    elif isinstance(part, tuple | list):
        for item in part:
            yield from constants(item)
    elif isinstance(part, dict):
        yield from constants(list(part.values()))


def records(table: Table, count: int, seed: int, *, tame: bool = False, currency: str = "") -> pa.Table:
    """`count` random records; `tame`: only what a published rule takes and SQL can reckon."""
    chance = np.random.default_rng(seed)
    known = list(constants([table.versions, table.derived]))
    columns = {}
    for one in table.inputs.values():
        if chance.random() < 0.15 and one.default is None and not tame:
            continue
        columns[one.name] = _column(one, known, count, chance, tame, currency or table.currency)
    return pa.table(columns)


def _column(one: Input, known: list[Any], count: int, chance: Any, tame: bool, currency: str) -> pa.Array:
    missing = chance.random(count) < chance.choice([0.0, 0.1])
    if one.kind is Kind.FLAG:
        return pa.array(chance.random(count) < 0.3, mask=missing)
    if one.kind is Kind.MONEY:
        return pa.array(_money(known, count, chance, tame, currency), mask=missing)
    if one.kind in (Kind.NUMBER, Kind.COUNT):
        return _numbers(one, known, count, chance, tame, missing)
    if one.kind is Kind.DAY:
        return pa.array(_days(known, count, chance, tame), mask=missing).cast(pa.date32())
    if one.kind is Kind.DAYS:
        return _holidays(count, chance, tame, missing)
    if one.kind is Kind.NUMBERS:
        lists = [[round(float(chance.choice([0, 12, 12.1, 24, 7.25])), 2) for _ in range(n)] for n in range(5)]
        pool = [chance.permutation(one).tolist() for one in lists for _ in range(20)]
        picked = chance.integers(0, len(pool), count)
        return pa.array(pool, pa.list_(pa.float64())).take(pa.array(picked, mask=missing))
    choices = one.choices or ("minor", "major", "severe") if one.kind is Kind.SEVERITY else one.choices
    pool = [*(choices or ("a", "b")), *(() if tame or chance.random() < 0.5 else ("never heard of",))]
    codes = pa.array(chance.integers(0, len(pool), count).astype(np.int32), mask=missing)
    coded = pa.DictionaryArray.from_arrays(codes, pa.array(pool))
    return coded if chance.random() < 0.5 else coded.cast(pa.string())


def _money(known: list[Any], count: int, chance: Any, tame: bool, currency: str) -> Any:
    drawn = chance.integers(0, chance.choice([3_000, 200_000]), count)
    ends = [part.minor for part in known if isinstance(part, Money)] + [
        int(part * 10 ** minor_digits(currency)) for part in known if isinstance(part, Decimal) and abs(part) < 10**6
    ]
    near = np.array([end + step for end in [*ends, 0] for step in (-1, 0, 1) if not tame or end + step >= 0], np.int64)
    found = np.where(chance.random(count) < 0.3, chance.choice(near, count), drawn)
    huge = np.array([2**63 - 1, 2**62 + 1, 10**15 + 7, 2**53 + 1])
    return np.where(chance.random(count) < (0 if tame else 0.02), chance.choice(huge, count), found)


def _numbers(one: Input, known: list[Any], count: int, chance: Any, tame: bool, missing: Any) -> pa.Array:
    ends = sorted({float(part) for part in known if isinstance(part, Decimal) and abs(part) < 10**9} | {0.0, 1.0, 30.0})
    whole = one.kind is Kind.COUNT
    steps = (-1, 0, 1) if whole else (-1, -0.1, -0.001, 0, 0.001, 0.25, 1)
    pool = [round(end + step, 3) for end in ends for step in steps]
    most = float(one.most) if one.most is not None else 10**9
    least = float(one.least) if one.least is not None else 0.0
    if tame:
        pool = [value for value in pool if least <= value <= most] or [least]
    elif not whole and chance.random() < 0.5:
        pool += [123456789012.345, 0.30000000000000004, 2e12, float("nan")]
    found = np.array(chance.choice([int(value) if whole else value for value in pool], count), float)
    spread = np.minimum(least + chance.integers(0, 60, count), most)
    found = np.where(chance.random(count) < 0.3, spread, found)
    if whole:
        return pa.array(found.astype(np.int64), mask=missing)
    written = (
        not np.isnan(found).any() and np.array_equal(np.round(found, 3), found) and np.abs(found).max(initial=0) < 10**9
    )
    if chance.random() < 0.3 and written:
        exact = [Decimal(str(value)) for value in np.unique(found)]
        places = np.searchsorted(np.unique(found), found)
        return pa.array(exact, pa.decimal128(18, 3 if tame else 17 if max(exact, default=0) < 9 else 4)).take(
            pa.array(places, mask=missing)
        )
    return pa.array(found, mask=missing)


def _days(known: list[Any], count: int, chance: Any, tame: bool) -> Any:
    first = date(2018, 1, 1)
    near = [part + timedelta(days=step) for part in known if isinstance(part, date) for step in (-1, 0, 1)]
    far = [] if tame else [date(1, 1, 1), date(9999, 12, 31), date(1999, 2, 28)]
    pool = np.array([first, *near, *far], "datetime64[D]")
    drawn = np.datetime64(first) + chance.integers(0, 3_400, count)
    return np.where(chance.random(count) < 0.2, chance.choice(pool, count), drawn)


def _holidays(count: int, chance: Any, tame: bool, missing: Any) -> pa.Array:
    if not tame and chance.random() < 0.4:
        return pa.array(chance.choice(REGIONS, count).astype(object), pa.string(), mask=missing)
    first = date(2018, 1, 1)
    pool = [[first + timedelta(days=int(day)) for day in chance.integers(0, 3_400, n)] for n in range(12)]
    pool += [[*days, *days] for days in pool] + [
        [first + timedelta(days=d) for d in range(k, k + 40)] for k in range(9)
    ]
    picked = pa.array(chance.integers(0, len(pool), count), mask=missing)
    return pa.array(pool, pa.list_(pa.date32())).take(picked)


def record_of(table: Table, data: pa.Table, number: int, currency: str) -> dict[str, Any]:
    """One record as the reference takes it."""
    found = {name: data[name][number].as_py() for name in data.column_names}
    for name, value in found.items():
        if value is not None and table.inputs[name].kind is Kind.MONEY:
            found[name] = Decimal(value).scaleb(-minor_digits(currency))
    return found
