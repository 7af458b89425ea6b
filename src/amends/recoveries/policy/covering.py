"""Which records a row covers, as boxes over what its conditions tell apart: unreachable rows, gaps and overlaps are
reckoned exactly for intervals, choices and flags, also where only several rows together cover one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from amends.ground.money import Money, minor_digits
from amends.recoveries.policy.reckoning import SEVERITIES
from amends.recoveries.policy.tree import Cell, Derived, Input, Kind, Parameter, Row, Table, TableVersion

MOST_BOXES = 20_000  # a table that needs more is not told apart: what cannot be shown is not said
Box = dict[str, int]  # by axis: one bit for each value that is left
NUMERIC = (Kind.NUMBER, Kind.COUNT, Kind.MONEY, Kind.DAY)


class _Other:
    """Any value that no row names, or an amount in another currency."""

    def __repr__(self) -> str:
        return "something else"


OTHER = _Other()


@dataclass(frozen=True)
class Axis:
    """What one name can be, as far as the rows tell values apart: one sample of each."""

    name: str
    samples: tuple[Any, ...]
    always: int  # the samples that can come up at all, where nothing is left unsaid
    plain: bool = True  # an input, so that a sample can be handed in


class TooMany(Exception):
    """More boxes than are looked through."""


class Space:
    """One version's rows as boxes."""

    def __init__(self, table: Table, version: TableVersion) -> None:
        self.table, self.version = table, version
        cells: dict[str, list[Cell]] = {}
        for row in version.rows:
            for cell in row.cells:
                cells.setdefault(self._axis_of(cell), []).append(cell)
        self.axes = {key: self._axis(key, found) for key, found in cells.items()}
        self._boxes = {id(row): self._box(row) for row in version.rows}

    # ------------------------------------------------------------ boxes

    def box(self, row: Row) -> Box:
        """The records for which a row of the version holds."""
        return self._boxes[id(row)]

    def _box(self, row: Row) -> Box:
        made: Box = {}
        for cell in row.cells:
            key = self._axis_of(cell)
            axis = self.axes[key]
            mask = sum(1 << at for at, sample in enumerate(axis.samples) if self._holds(cell, key, sample))
            made[key] = made.get(key, self._full(key)) & mask
        return made

    def possible(self) -> Box:
        """Every record in which nothing is left unsaid that has to be said."""
        return {key: axis.always for key, axis in self.axes.items()}

    def covering(self, row: Row, earlier: Sequence[Row]) -> list[Row] | None:
        """The fewest earlier rows that hold whenever this one would; None when it can be reached."""
        box = self.box(row)
        one = next(([other] for other in earlier if not self.rest([box], [other])), None)
        if one is not None or self.rest([box], earlier):
            return one
        needed = list(earlier)
        for other in earlier:
            fewer = [kept for kept in needed if kept is not other]
            needed = needed if self.rest([box], fewer) else fewer
        return needed

    def rest(self, boxes: Iterable[Box], rows: Iterable[Row]) -> list[Box]:
        """What is left of boxes when the rows have had theirs."""
        left = [box for box in boxes if all(box.values())]
        for row in rows:
            taken = self.box(row)
            left = [part for box in left for part in self._without(box, taken)]
            if len(left) > MOST_BOXES:
                raise TooMany
        return left

    def _without(self, box: Box, taken: Box) -> Iterator[Box]:
        if not all(box.get(key, self._full(key)) & mask for key, mask in taken.items()):
            yield box
            return
        box = dict(box)
        for key, mask in taken.items():
            before = box.get(key, self._full(key))
            if before & ~mask:
                yield box | {key: before & ~mask}
            box[key] = before & mask

    def overlap(self, one: Row, other: Row) -> bool:
        """Whether some record fits both rows."""
        first, second = self.box(one), self.box(other)
        keys = {*first, *second}
        return all(first.get(key, self._full(key)) & second.get(key, self._full(key)) for key in keys)

    def example(self, box: Box) -> dict[str, Any]:
        """One record of a box, by name; None where something is not known."""
        return {key: self._first(key, mask) for key, mask in box.items() if mask != self.axes[key].always}

    def _first(self, key: str, mask: int) -> Any:
        found = [sample for at, sample in enumerate(self.axes[key].samples) if mask >> at & 1]
        return next((sample for sample in found if sample is not None), None)

    def _full(self, key: str) -> int:
        return (1 << len(self.axes[key].samples)) - 1

    # ------------------------------------------------------------ axes

    def _axis_of(self, cell: Cell) -> str:
        """A condition that compares two names is an axis of its own: it holds or it does not."""
        values = cell.value if isinstance(cell.value, tuple) else (cell.value,)
        opaque = any(isinstance(value, Parameter) and self._constant(value) is None for value in values)
        return cell.words() if opaque else cell.name

    def _constant(self, value: Any) -> Any:
        return self.version.parameters.get(value.name) if isinstance(value, Parameter) else value

    def _axis(self, key: str, cells: Sequence[Cell]) -> Axis:
        if key != cells[0].name:
            return Axis(key, (True, False), 0b11, plain=False)
        given = self.table.inputs.get(key)
        derived = next((one for one in reversed(self.table.derived) if one.name == key), None)
        kind = derived.kind if derived else given.kind if given else Kind.NUMBER
        samples = tuple(self._samples(kind, key, cells, given if not derived else None, derived))
        unknown = _unknowable(self.table, key)
        return Axis(key, (*samples, None), (1 << len(samples) + unknown) - 1, plain=derived is None)

    def _samples(
        self, kind: Kind, key: str, cells: Sequence[Cell], given: Input | None, derived: Derived | None
    ) -> Iterator[Any]:
        named = [self._constant(value) for cell in cells for value in _values(cell)]
        if kind is Kind.FLAG:
            yield from (True, False)
        elif kind is Kind.SEVERITY:
            yield from SEVERITIES
        elif kind is Kind.CHOICE and given:
            yield from given.choices
        elif kind is Kind.MONEY and not self.table.currency:
            yield from _amounts([value for value in named if isinstance(value, Money)])
        elif kind in NUMERIC:
            points = [value.decimal() if isinstance(value, Money) else value for value in named]
            yield from _between(kind, points, *_bounds(kind, given, derived))
        else:
            yield from (*dict.fromkeys(value for value in named if value is not None), OTHER)

    def _holds(self, cell: Cell, key: str, sample: Any) -> bool:
        if key != cell.name:
            return bool(sample)
        if cell.op in ("null", "notnull"):
            return (sample is None) == (cell.op == "null")
        if sample is None:
            return False
        values = [self._comparable(cell.name, self._constant(value), sample) for value in _values(cell)]
        if sample is OTHER:
            return cell.op == "!=" and not any(isinstance(value, Money) for value in _values(cell))
        mine = self._comparable(cell.name, sample, sample)
        if cell.op == "in":
            return mine in values
        if None in values:
            return False
        if cell.op == "between":
            return bool(values[0] <= mine <= values[1])
        return bool(_OPS[cell.op](mine, values[0]))

    def _comparable(self, name: str, value: Any, sample: Any) -> Any:
        if isinstance(value, Money):
            same = not isinstance(sample, Money) or sample.currency == value.currency
            return value.decimal() if same else None
        given = self.table.inputs.get(name)
        ranked = given is not None and given.kind is Kind.SEVERITY and value in SEVERITIES
        return SEVERITIES.index(value) if ranked else value


_OPS: Mapping[str, Any] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _values(cell: Cell) -> tuple[Any, ...]:
    if cell.op in ("null", "notnull"):
        return ()
    return cell.value if isinstance(cell.value, tuple) else (cell.value,)


def _amounts(named: Sequence[Money]) -> Iterator[Any]:
    """Amounts of every currency that is named, and one of a currency that is not."""
    for currency in dict.fromkeys(money.currency for money in named):
        points = [money.decimal() for money in named if money.currency == currency]
        unit = Decimal(1).scaleb(-minor_digits(currency))
        for sample in _between(Kind.NUMBER, points, Decimal(0), None):
            yield Money(int(sample / unit), currency)
    yield OTHER


def _between(kind: Kind, points: Sequence[Any], least: Any, most: Any) -> Iterator[Any]:
    """Each point that is named, and one value between each two, below the lowest and above the highest."""
    step: Any = timedelta(days=1) if kind is Kind.DAY else Decimal(1)
    whole = kind in (Kind.DAY, Kind.COUNT)
    rising = sorted(set(points))
    if not rising:
        yield least if least is not None else date(2026, 1, 1) if kind is Kind.DAY else Decimal(1)
        return
    candidates = [least if least is not None and least < rising[0] else rising[0] - step]
    for low, high in itertools.pairwise(rising):
        candidates += [low, low + step if whole else low + (high - low) / 2]
    candidates += [
        rising[-1],
        rising[-1] + step if most is None or rising[-1] + step <= most else _middle(rising, most),
    ]
    for sample in dict.fromkeys(candidates):
        inside = (least is None or sample >= least) and (most is None or sample <= most)
        if inside and (kind is not Kind.COUNT or sample == sample.to_integral_value()):
            yield sample


def _middle(rising: Sequence[Any], most: Any) -> Any:
    return rising[-1] + (most - rising[-1]) / 2


def _bounds(kind: Kind, given: Input | None, derived: Derived | None) -> tuple[Any, Any]:
    if kind is Kind.DAY:
        return None, None
    if given is not None:
        return given.least if given.least is not None else Decimal(0), given.most
    if derived is None:
        return None, None
    if derived.op in ("complete", "begun", "total", "count_above"):
        return Decimal(0), None
    fixed = [part for part in derived.of if isinstance(part, Decimal)]
    least = fixed[0] if derived.op == "at_least" and fixed else None
    return least, fixed[0] if derived.op == "at_most" and fixed else None


def _unknowable(table: Table, name: Any) -> bool:
    """Whether a name may have no value although everything was said that has to be."""
    if type(name) is not str:
        return False
    derived = next((one for one in reversed(table.derived) if one.name == name), None)
    if derived is None:
        given = table.inputs.get(name)
        return given is not None and given.default is None
    if derived.op == "by_date":
        return True
    unknown = [_unknowable(table, part) for part in derived.of]
    return all(unknown) if derived.op == "first_known" else any(unknown)
