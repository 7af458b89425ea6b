"""Why a table gave what it gave, in sentences that can be read to the customer: what was looked at, which row held,
why not the rows above it, the amount before and after its bounds, by when, and whether anybody has to ask for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from amends.ground.counts import counted
from amends.ground.money import Money, minor_digits
from amends.recoveries.policy import packs, reckoning
from amends.recoveries.policy.applying import Outcome, apply, dated, exact_text, version_for
from amends.recoveries.policy.given import as_said, read_given
from amends.recoveries.policy.plainly import Plainly, day_words, human, listed, plural, reason_words, sentence
from amends.recoveries.policy.reckoning import Looked, NoAmount, Values
from amends.recoveries.policy.tree import Bounded, Cell, Fixed, Kind, Row, Table, TableVersion, Term


@dataclass(frozen=True)
class Explanation:
    """Each part in whole sentences, in the order in which they are read out."""

    about: str
    answer: str
    looked_at: tuple[str, ...]
    why: tuple[str, ...]
    why_not: tuple[str, ...]
    amount: tuple[str, ...]
    when: tuple[str, ...]

    def text(self) -> str:
        parts = (
            ("", (self.about, self.answer)),
            ("What we looked at", self.looked_at),
            ("Why", self.why),
            ("How the amount comes about", self.amount),
            ("Why nothing else applied", self.why_not),
            ("When, and what you need to do", self.when),
        )
        return "\n\n".join("\n".join(filter(None, (head, *said))) for head, said in parts if said)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def explain(table: Table, given: Mapping[str, Any], on: date | None = None) -> Explanation:
    """A table on one case; WrongInput names an input that cannot be. `on` chooses the version where no input does."""
    given, on = dated(table, as_said(table, given), on)
    outcome = apply(table, given, on)
    inputs = read_given(table, given)
    version, day = version_for(table, inputs, on)
    found = reckoning.values_of(table, version, inputs, day)
    looked = reckoning.look(table, version, found, table.currency)
    told = {one.name for one in table.inputs.values() if set(one.names) & set(given)}
    return Explanation(
        about=sentence(
            f"This was decided by: {table.about.get('title', human(table.name))}, {_version(table, version)}"
        ),
        answer=_answer(table, version, outcome, looked),
        looked_at=facts(table, version, looked, found, told),
        why=why(table, version, looked, found),
        why_not=why_not(table, version, looked, found),
        amount=(*_amounts(table, version, looked, found, outcome), *_beside(table)),
        when=_when(table, looked, outcome),
    )


def _version(table: Table, version: TableVersion) -> str:
    if version.named:
        return f"in its version of {version.named}"
    return f"as in force from {day_words(version.since)}"


def _answer(table: Table, version: TableVersion, outcome: Outcome, looked: Sequence[Looked]) -> str:
    if outcome.eligible:
        return sentence(f"You get {outcome.amount.words()}")
    row = next((one.row for one in looked if one.held), None)
    if row is not None and row.excludes:
        words = Plainly(table, version)
        return sentence(f"Nothing is due, because {' and '.join(words.needs(cell) for cell in row.cells)}")
    return sentence(f"Nothing is due: {reason_words(outcome.reason)}")


def facts(
    table: Table,
    version: TableVersion,
    looked: Sequence[Looked],
    found: Values,
    told: set[str],
    by_default: Collection[str] | None = None,
) -> tuple[str, ...]:
    """What was said, and what was taken to be so because nobody said otherwise; where that was not kept, what is not
    as it is by default was said."""
    words = Plainly(table, version)
    looked_for = [name for one in looked for name in _looked_for(one.row, held=one.held)]
    needed = {inner for name in looked_for for inner in _behind(table, name)}
    taken = {name for name in table.inputs if name in needed - told and found[name] is not None}
    if by_default is None:
        by_default = {name for name in taken if found[name] == _by_default(table, name)}
    given = told | taken - {*by_default}
    said = [sentence(words.was(name, found[name])) for name in table.inputs if name in given]
    assumed = [name for name in table.inputs if name in taken - given]
    absent = [words.name(name) for name in assumed if found[name] is False]
    rest = [words.was(name, found[name]) for name in assumed if found[name] is not False]
    if absent:
        said.append(sentence(f"Nobody told us {listed([f'that {one}' for one in absent], 'or')}"))
    if rest:
        said.append(sentence(f"Nobody said otherwise, so we took it {listed([f'that {one}' for one in rest], 'and')}"))
    return tuple(said)


def _looked_for(row: Row, *, held: bool) -> list[str]:
    """The names that a row looks at: its conditions, and where it held what its amounts are reckoned from."""
    terms = [grant.term for grant in row.grants if held and grant.term is not None]
    return [*(cell.name for cell in row.cells), *(name for term in terms for name in names_in(term))]


def _by_default(table: Table, name: str) -> Any:
    default = table.inputs[name].default
    return tuple(default) if isinstance(default, list) else default


def _behind(table: Table, name: str) -> set[str]:
    """The inputs that a name rests on."""
    derived = next((one for one in table.derived if one.name == name), None)
    if derived is None:
        return {name}
    if derived.op == "by_date":
        return {table.event} - {""}
    return {inner for part in derived.of if type(part) is str for inner in _behind(table, part)}


def why(table: Table, version: TableVersion, looked: Sequence[Looked], found: Values) -> tuple[str, ...]:
    """What made the row hold that decided."""
    words = Plainly(table, version)
    held = [one.row for one in looked if one.held]
    if not held:
        return ("No row of the table fits, so a person decides.",)
    said = []
    for row in held:
        if row.cells:
            needs = listed([words.needs(cell) for cell in row.cells], "and")
            said.append(sentence(f"The rule says: when {needs}, {_gives(words, row)}{_here(words, row, found)}"))
        else:
            said.append(
                sentence(f"For everything that the lines above it do not cover the rule says: {_gives(words, row)}")
            )
        if row.person:
            said.append(sentence(f"A person looks at it: {row.person}"))
        if row.excludes:
            said += [f"It has to be shown by this: {row.evidence}."] if row.evidence else []
    return tuple(said)


def _here(words: Plainly, row: Row, found: Values) -> str:
    """What the numbers behind the bounds were."""
    cells = [cell for cell in row.cells if _worth_saying(words, cell)]
    if len(row.cells) == len(cells) == 1:
        name = cells[0].name
        return f"; here {_it(words, name)} {words.value(name, found.get(name))}"
    was = list(dict.fromkeys(words.was(cell.name, found.get(cell.name)) for cell in cells))
    return f"; {listed(was, 'and')}" if was else ""


def _it(words: Plainly, name: str) -> str:
    return "they were" if plural(words.name(name)) else "it was"


def _worth_saying(words: Plainly, cell: Cell) -> bool:
    """A number behind a bound is worth saying; that a flag was so has been said."""
    return words.kind(cell.name) not in (Kind.FLAG, Kind.CHOICE, Kind.SEVERITY) and cell.op not in (
        "=",
        "null",
        "notnull",
    )


def _gives(words: Plainly, row: Row) -> str:
    money = [words.amount(grant.term) for grant in row.grants if grant.term is not None]
    other = [human(grant.kind) for grant in row.grants if grant.term is None]
    if not money and not other:
        return (
            "nothing is due"
            if row.reason == row.row_id or not row.reason
            else f"nothing is due ({reason_words(row.reason)})"
        )
    said = [f"{listed(money, 'and')} {'is' if len(money) == 1 else 'are'} due"] if money else []
    return listed(
        [*said, *(f"there is an {one}" if one[0] in "aeiou" else f"there is a {one}" for one in other)], "and"
    )


def why_not(table: Table, version: TableVersion, looked: Sequence[Looked], found: Values) -> tuple[str, ...]:
    """Why each row above did not hold; exclusions together in one sentence."""
    words = Plainly(table, version)
    missed = [one for one in looked if not one.held]
    excluding = [one.row for one in missed if one.row.excludes]
    said = []
    if excluding and not any(one.held and one.row.excludes for one in looked):
        whats = [" and ".join(words.needs(cell) for cell in row.cells) for row in excluding]
        said.append(
            sentence(f"It would not have been due {listed([f'if {one}' for one in whats], 'or')}; nothing shows that")
        )
    for one in missed:
        if not one.row.excludes and not _only_unknown(table, one, found):
            said.append(sentence(f"Another line was not used, because {_lacking(words, one, found, version, table)}"))
    return tuple(dict.fromkeys(said))


def _only_unknown(table: Table, looked: Looked, found: Values) -> bool:
    """A line for what is not known needs no words where it is."""
    missing = next((c for c in looked.row.cells if not reckoning.holds(table, c, found, table.currency)), None)
    return missing is not None and missing.op == "null"


def _lacking(words: Plainly, looked: Looked, found: Values, version: TableVersion, table: Table) -> str:
    """The first condition that was not met, and what was the case instead."""
    for cell in looked.row.cells:
        if not reckoning.holds(table, cell, found, table.currency):
            value = found.get(cell.name)
            if isinstance(cell.value, bool) and value is not None:
                return f"it holds only when {words.needs(cell)}"
            if value is None or cell.op in ("null", "notnull"):
                return f"it holds only when {words.needs(cell)}, and {words.was(cell.name, value)}"
            return (
                f"it holds only when {words.needs(cell)}, and {_it(words, cell.name)} {words.value(cell.name, value)}"
            )
    return "its conditions were not met"


def _amounts(
    table: Table, version: TableVersion, looked: Sequence[Looked], found: Values, outcome: Outcome
) -> tuple[str, ...]:
    rows = [one.row for one in looked if one.held]
    terms = [grant.term for row in rows for grant in row.grants if grant.term is not None]
    said = [line for term in terms for line in amount_sentences(table, version, term, found)]
    if terms and not outcome.eligible and version.minimum:
        words = Plainly(table, version)
        least = words.money(version.minimum.amount)
        said.append(f"Amounts {'of at most' if version.minimum.above else 'below'} {least} are not paid.")
    return tuple(said)


def _beside(table: Table) -> list[str]:
    """What a policy rests on is asked by itself: a recovery's own explanation has both."""
    names = [str(packs.rule(name).about.get("title", name)) for name in table.statute]
    return [f"What is owed beside it was not looked at here: {listed(names, 'and')}."] if names else []


def amount_sentences(table: Table, version: TableVersion, term: Term, found: Values) -> list[str]:
    """The amount from its parts: before its bounds, after them, and rounded."""
    words = Plainly(table, version)
    try:
        exact = reckoning.reckon(term, found, table.currency)
        inner = term.term if isinstance(term, Bounded) else term
        before = reckoning.reckon(inner, found, table.currency)
    except NoAmount as error:
        return [sentence(f"The amount cannot be reckoned: {error}")]
    paid = reckoning.rounded(exact, table.currency)
    parts = [_part(words, table, name, found[name]) for name in names_in(term) if _counts(version, found, name)]
    said = [sentence(f"The rule gives {words.amount(inner)}")]
    said += [sentence(f"Here {listed(parts, 'and')}")] if parts else []
    if parts or not isinstance(inner, Fixed):
        said.append(f"That comes to {_exact(before.value, paid)}.")
    if isinstance(term, Bounded):
        said += _bounds(words, term, before.value, exact, paid)
    if Fraction(paid.decimal()) != exact.value:
        said.append(f"Rounded once, half up, it is {paid.words()}.")
    return said


def _counts(version: TableVersion, found: Values, name: str) -> bool:
    """Whether a name belongs to the sum: the version's own amounts are said already, and nothing adds nothing."""
    return name not in version.parameters and bool(found.get(name))


def _part(words: Plainly, table: Table, name: str, value: Any) -> str:
    rate = any(one.name == name and one.op == "by_date" for one in table.derived)
    return f"{words.name(name)} was {words.money(value)}" if rate else words.was(name, value)


def _bounds(words: Plainly, term: Bounded, before: Fraction, exact: reckoning.Exact, paid: Money) -> list[str]:
    said = [f"Half of it is due: {_exact(before / 2, paid)}."] if "halved" in exact.marks else []
    if term.cap is not None:
        capped = "capped" in exact.marks
        said.append(
            f"At most {words.amount(term.cap)} is given, "
            + (f"so it is {_exact(exact.value, paid)}." if capped else "which it stays below.")
        )
    if term.floor is not None and "floored" in exact.marks:
        said.append(f"At least {words.amount(term.floor)} is given, so it is {_exact(exact.value, paid)}.")
    return said


def _exact(value: Fraction, like: Money) -> str:
    """An amount in words; with all its digits where rounding would hide some."""
    rounded = reckoning.rounded(reckoning.Exact(value), like.currency)
    if Fraction(rounded.decimal()) == value:
        return rounded.words()
    text = exact_text(reckoning.Exact(value))
    if "/" not in text:
        return f"{like.currency} {text}"
    digits = minor_digits(like.currency) + 2
    return f"{like.currency} {value.numerator * 10**digits // value.denominator / Decimal(10**digits)}…"


def names_in(term: Any) -> list[str]:
    """The names that an amount is reckoned from, each once."""
    found: list[str] = []
    for one in vars(term).values():
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, tuple):
            for part in one:
                found += names_in(part[1] if isinstance(part, tuple) else part)
        elif hasattr(one, "__dataclass_fields__") and not isinstance(one, Money):
            found += names_in(one)
    return list(dict.fromkeys(found))


def _when(table: Table, looked: Sequence[Looked], outcome: Outcome) -> tuple[str, ...]:
    if not outcome.eligible:
        return ()
    row = next(one.row for one in looked if one.held)
    said = []
    if outcome.pay_by:
        said.append(f"It must reach you by {day_words(outcome.pay_by)}.")
    elif row.pay_by:
        count = counted(row.pay_by.days, "working day" if row.pay_by.working else "day")
        said.append(sentence(f"It must reach you within {count} {row.pay_by.words or ''}"))
    said.append(asking(outcome.claim, str(table.about.get("claim_deadline", ""))))
    return tuple(said)


def asking(claim: str, until: str = "") -> str:
    """Whether somebody has to ask for it."""
    if not claim:
        return "You do not need to ask for it: there is nothing you need to do."
    by = f" {sentence(f'The time for that is {until}')}" if until and until not in claim else ""
    return f"It has to be asked for ({claim}).{by}"
