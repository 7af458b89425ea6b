"""Two texts of a policy compared by what they mean: versions, rows, conditions and amounts in words, and how many
decisions on tried records come out differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amends.ground.counts import counted
from amends.ground.money import MoneyError
from amends.recoveries.policy import sampling
from amends.recoveries.policy.applying import Outcome, apply
from amends.recoveries.policy.asking import TYPES
from amends.recoveries.policy.given import WrongInput
from amends.recoveries.policy.plainly import Plainly, day_words, human, listed
from amends.recoveries.policy.reckoning import NoAmount
from amends.recoveries.policy.tree import REQUIRED, Input, PayBy, Row, Table, TableVersion

TABLE_WORDS = {
    "promise": "the promise it answers",
    "currency": "the currency",
    "event": "the day that chooses the version",
    "statute": "the published rules underneath",
}
VERSION_WORDS = {
    "hit": "which rows count",
    "stacking": "how statute and goodwill stand together",
    "memory_days": "how many days a failure is remembered",
    "half_life_days": "after how many days a failure weighs half",
}


@dataclass(frozen=True)
class Change:
    """One difference: `where` it is (`1 January 2026, row spoiled`), what was and what is."""

    where: str
    what: str
    before: str = ""
    after: str = ""

    def text(self) -> str:
        said = f"{self.where}: {self.what}" if self.where else self.what
        if not (self.before or self.after):
            return said
        return f"{said}\n    before  {self.before or 'nothing'}\n    after   {self.after or 'nothing'}"


def compare(old: Table, new: Table) -> list[Change]:
    """Every difference that means something; another order of keys, comments or spaces means nothing."""
    changes = list(_of_tables(old, new))
    before, after = ({_name(one): one for one in table.versions} for table in (old, new))
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            changes.append(Change("", f"the version of {name} is gone"))
        elif name not in before:
            rows = counted(len(after[name].rows), "row")
            changes.append(Change("", f"a version of {name} was added, with {rows}"))
            earlier = old.versions[-1]
            changes += of_versions(
                Plainly(old, earlier), Plainly(new, after[name]), f"{name}, against {_name(earlier)}"
            )
        else:
            changes += of_versions(Plainly(old, before[name]), Plainly(new, after[name]), name)
    return changes


def _name(version: TableVersion) -> str:
    return version.named or day_words(version.since)


def _of_tables(old: Table, new: Table) -> Iterator[Change]:
    for field, words in TABLE_WORDS.items():
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield Change("", f"{words} changed", _said(before), _said(after))
    for name in [*old.inputs, *(name for name in new.inputs if name not in old.inputs)]:
        one, other = old.inputs.get(name), new.inputs.get(name)
        if one is None or other is None:
            yield Change("", f"the input {human(name)} {'was added' if one is None else 'is gone'}")
        elif _meaning(one) != _meaning(other):
            yield Change("", f"the input {human(name)} changed", _input(one), _input(other))
    made = [{one.name: (one.op, tuple(map(str, one.of))) for one in table.derived} for table in (old, new)]
    for name in dict.fromkeys([*made[0], *made[1]]):
        before, after = (one.get(name) for one in made)
        if before != after:
            yield Change("", f"how the {human(name)} is reckoned changed", _derived(before), _derived(after))


def _said(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _meaning(one: Input) -> tuple[Any, ...]:
    return one.kind, one.default, one.choices, one.unit, one.least, one.most


def _input(one: Input) -> str:
    default = "must be given" if one.default is REQUIRED else f"{_plain(one.default)} unless given"
    bounds = [
        f"{words} {value}" for words, value in (("at least", one.least), ("at most", one.most)) if value is not None
    ]
    choices = [listed(one.choices, "or")] if one.choices else []
    return ", ".join([f"{TYPES.get(one.kind, one.kind)}", *choices, *bounds, default])


def _plain(value: Any) -> str:
    return (
        "not known" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    )


def _derived(made: tuple[str, tuple[str, ...]] | None) -> str:
    return f"{human(made[0])}: {', '.join(human(part) for part in made[1])}" if made else ""


def of_versions(old: Plainly, new: Plainly, where: str) -> list[Change]:
    before, after = old.version, new.version
    changes = []
    for field, words in VERSION_WORDS.items():
        if getattr(before, field) != getattr(after, field):
            changes.append(Change(where, f"{words} changed", str(getattr(before, field)), str(getattr(after, field))))
    for name in dict.fromkeys([*before.parameters, *after.parameters]):
        values = [table.parameters.get(name) for table in (before, after)]
        if values[0] != values[1]:
            said = ["" if value is None else str(value) for value in values]
            changes.append(Change(where, f"{human(name)} changed", *said))
    if before.minimum != after.minimum:
        changes.append(Change(where, "the smallest amount that is paid changed", _least(old), _least(new)))
    return changes + _rows(old, new, where)


def _least(words: Plainly) -> str:
    least = words.version.minimum
    return f"{'more than' if least.above else 'at least'} {words.money(least.amount)}" if least else ""


def _rows(old: Plainly, new: Plainly, where: str) -> list[Change]:
    before, after = ({row.row_id: row for row in one.version.rows} for one in (old, new))
    kept = [name for name in before if name in after]
    changes = [
        Change(where, f"row {name} is gone", _row(old, row)) for name, row in before.items() if name not in after
    ]
    for name, row in after.items():
        if name not in before:
            changes.append(Change(where, f"row {name} was added {_place(after, name)}", "", _row(new, row)))
    changes += [Change(where, f"row {name} moved {_place(after, name)}") for name in _moved(kept, after)]
    for name in kept:
        changes += _of_rows(old, new, before[name], after[name], f"{where}, row {name}")
    return changes


def _place(rows: Mapping[str, Row], name: str) -> str:
    names = list(rows)
    at = names.index(name)
    return "to the top" if not at else f"behind {names[at - 1]}"


def _moved(kept: Sequence[str], after: Mapping[str, Row]) -> list[str]:
    """The fewest rows that have to be moved to turn one order into the other."""
    place = {name: at for at, name in enumerate(after)}
    best: list[list[str]] = []
    for name in kept:
        runs = sorted((run for run in best if place[run[-1]] < place[name]), key=len)
        best.append([*(runs[-1] if runs else []), name])
    staying = {name for run in sorted(best, key=len)[-1:] for name in run}
    return [name for name in kept if name not in staying]


def _of_rows(old: Plainly, new: Plainly, before: Row, after: Row, where: str) -> Iterator[Change]:
    for what, say in (
        ("it holds", _when),
        ("it gives", _gives),
        ("the reason", lambda _, row: human(row.reason)),
        ("a person", lambda _, row: row.person),
        ("asking for it", lambda _, row: row.claim),
        ("when it must be paid", lambda words, row: pay_by(words, row.pay_by)),
    ):
        said = say(old, before), say(new, after)
        if said[0] != said[1]:
            yield Change(where, f"{what} changed", *said)


def _row(words: Plainly, row: Row) -> str:
    return f"{_when(words, row)}: {_gives(words, row)}" + (f"; a person: {row.person}" if row.person else "")


def _when(words: Plainly, row: Row) -> str:
    return (
        f"when {' and '.join(sorted(words.needs(cell) for cell in row.cells))}" if row.cells else "for everything else"
    )


def _gives(words: Plainly, row: Row) -> str:
    gifts = [human(one.kind) + (f" of {words.amount(one.term)}" if one.term else "") for one in row.grants]
    said = [f"{gift} (owed)" if one.owed else gift for gift, one in zip(gifts, row.grants, strict=True)]
    return listed(said, "and") if said else "nothing"


def pay_by(words: Plainly, one: PayBy | None) -> str:
    """`within 30 days after the day of the repair`."""
    if one is None:
        return ""
    after = f"after {words.name(one.after)}" if one.after else one.words or "after the day of the failure"
    return f"within {counted(one.days, 'working day' if one.working else 'day')} {after}"


# ---------------------------------------------------------------- on tried records


@dataclass(frozen=True)
class Tried:
    """How decisions on tried records differ: how many of each kind, and one record of each."""

    records: int
    counts: Mapping[str, int]
    examples: Mapping[str, Mapping[str, Any]]

    def text(self) -> str:
        changed = sum(self.counts.values())
        records = counted(self.records, "tried record")
        lines = [f"{changed:,} of {records} {'is' if changed == 1 else 'are'} decided differently"]
        for kind, count in sorted(self.counts.items()):
            one = self.examples[kind]
            record = ", ".join(f"{human(name)} {_plain(value)}" for name, value in one["inputs"].items())
            lines.append(f"{count:6}  {kind}: {one['before']} is now {one['after']}\n        such as {record}")
        return "\n".join(lines)


def try_both(old: Table, new: Table, count: int, seed: int = 1) -> Tried:
    """So many records, drawn to the numbers at which either text changes its mind; the same seed draws the same."""
    old, new = sampling.with_currency(old), sampling.with_currency(new)
    counts: dict[str, int] = {}
    examples: dict[str, Mapping[str, Any]] = {}
    drawn = [*sampling.records(old, count - count // 2, seed), *sampling.records(new, count // 2, seed + 1)]
    for record in drawn:
        before, after = _decided(old, record), _decided(new, record)
        kind = _kind(before, after)
        if kind:
            counts[kind] = counts.get(kind, 0) + 1
            examples.setdefault(kind, {"inputs": record, "before": _outcome(before), "after": _outcome(after)})
    return Tried(len(drawn), counts, examples)


@dataclass(frozen=True)
class _Decided:
    """What a text says of one record: the outcome, whether a person is brought in, and what is given."""

    outcome: Outcome
    person: bool
    gives: frozenset[tuple[str, bool]]  # each kind of remedy, and whether it is owed


def _decided(table: Table, record: Mapping[str, Any]) -> _Decided | str:
    try:
        outcome = apply(table, {name: value for name, value in record.items() if name in table.names})
        return _with_rows(outcome, _held(table, outcome))
    except WrongInput as error:
        return f"no answer ({human(error.field)})"
    except (NoAmount, MoneyError, ArithmeticError):
        return "a person (no amount)"


def _held(table: Table, outcome: Outcome) -> list[Row]:
    """The rows that decided: the trace has those that were looked at, in their order."""
    said = outcome.trace["version"]
    version = next(one for one in table.versions if said in (one.named, one.since.isoformat()))
    looked = zip(version.rows, outcome.trace["rows"], strict=False)
    return [row for row, one in looked if one["held"]]


def _with_rows(outcome: Outcome, rows: Sequence[Row]) -> _Decided:
    paid = {(one["row"], one["remedy"]) for one in outcome.trace["amounts"]}
    gives = {
        (grant.kind, grant.owed)
        for row in rows
        for grant in row.grants
        if grant.term is None or (row.row_id, grant.kind) in paid
    }
    return _Decided(outcome, any(row.person for row in rows), frozenset(gives))


def _kind(one: _Decided | str, other: _Decided | str) -> str:
    if isinstance(one, str) or isinstance(other, str):
        return "" if one == other else "decided by one text only"
    before, after = one.outcome, other.outcome
    if before.amount.currency != after.amount.currency:
        return "another currency"
    if before.amount != after.amount:
        if not before.amount.minor or not after.amount.minor:
            return "something for the first time" if after.amount.minor else "nothing any more"
        return "more" if before.amount < after.amount else "less"
    if one.person != other.person:
        return "the same amount, and a person is brought in" if other.person else "the same amount without a person"
    same = (before.reason, before.claim, before.pay_by) == (after.reason, after.claim, after.pay_by)
    alike = same and one.gives == other.gives
    return "" if alike else "the same amount for another reason or on other terms"


def _outcome(one: _Decided | str) -> str:
    if isinstance(one, str):
        return one
    return f"{one.outcome.amount} ({human(one.outcome.row)}{', a person' if one.person else ''})"
