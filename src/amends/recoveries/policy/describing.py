"""A table as a page of plain words: what it covers, who gets what when, exclusions, deadlines, versions, examples.
What the page says is read from the table and reckoned by it; `pages` prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from amends.ground.money import Money, MoneyError
from amends.recoveries.policy import asking, sampling
from amends.recoveries.policy.applying import Outcome, apply, plain, version_for
from amends.recoveries.policy.asking import Asked
from amends.recoveries.policy.comparing import Change, of_versions, pay_by
from amends.recoveries.policy.explaining import names_in
from amends.recoveries.policy.given import WrongInput, read_given
from amends.recoveries.policy.plainly import REMEDIES, Plainly, day_words, human, listed, reason_words, sentence
from amends.recoveries.policy.reckoning import NoAmount
from amends.recoveries.policy.scope import SEVERITIES
from amends.recoveries.policy.tree import REQUIRED, Derived, Input, Kind, Row, Table, TableVersion

PAID_IN = "in the currency of the failure"
TRIED = 600
MOST_EXAMPLES = 8
HIT = {
    "first": "The lines are read from the top; the first that fits decides.",
    "collect": "Every line that fits counts.",
}
STACKING = {
    "max": "Of the goodwill the largest single amount counts; of that and what is owed the larger is given.",
    "sum": "What is owed and all goodwill are given together.",
    "set_off": "Of the goodwill the largest single amount counts, less what is owed.",
}


@dataclass(frozen=True)
class Line:
    """One row as a person reads it."""

    number: int
    when: str
    gives: str
    terms: str  # by when, and whether it has to be asked for


@dataclass(frozen=True)
class Edition:
    """One version: since when, its lines, and what it changed."""

    name: str
    since: str
    how: str
    lines: tuple[Line, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Example:
    """A case reckoned by the table itself."""

    case: str
    answer: str
    line: str
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    title: str
    kicker: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    editions: tuple[Edition, ...]  # newest first
    rates: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    exclusions: tuple[tuple[str, str], ...]  # what, and the evidence it needs
    inputs: tuple[tuple[str, str], ...]
    counted: tuple[tuple[str, str], ...]
    examples: tuple[Example, ...]
    asked: tuple[Asked, ...]
    line: str  # the first example as a program asks it; empty where there is none
    sources: tuple[str, ...]
    name: str
    digest: str


def describe(table: Table) -> Page:
    """A rule or policy as a page."""
    about = table.about
    shown = sampling.with_currency(table)
    newest = shown.versions[-1]
    words = Plainly(shown, newest)
    examples = _examples(shown)
    kicker = [str(about[key]) for key in ("jurisdiction", "kind") if key in about] or ["policy of the house"]
    return Page(
        title=str(about.get("title") or human(table.name.replace("-", " "), keep=True).capitalize()),
        kicker=" · ".join(kicker),
        lead=str(about.get("reading") or table.words.get("en") or ""),
        facts=tuple(_facts(table, newest)),
        editions=tuple(_editions(shown)),
        rates=tuple(_rates(words, shown)),
        exclusions=tuple(_exclusions(words, newest)),
        inputs=tuple(_inputs(words, shown)),
        counted=tuple((words.name(one.name), _counted(words, one)) for one in shown.derived if one.op != "by_date"),
        examples=tuple(examples),
        asked=tuple(_asked(table, words)),
        line=asking.line(table, examples[0].record, shown.currency) if examples else "",
        sources=tuple(map(str, about.get("sources", ()))),
        name=table.name,
        digest=table.digest,
    )


def _facts(table: Table, newest: TableVersion) -> Iterator[tuple[str, str]]:
    claims = {row.claim for row in newest.rows if any(grant.term for grant in row.grants)}
    if claims == {""}:
        yield "Asking for it", "Not needed: it is given without a claim."
    elif "" not in claims and claims:
        yield "Asking for it", "It has to be asked for."
    elif claims:
        yield "Asking for it", "Some of it has to be asked for; the lines say which."
    if "claim_deadline" in table.about:
        yield "Time for asking", sentence(str(table.about["claim_deadline"]))
    words = Plainly(table, newest)
    deadlines = dict.fromkeys(pay_by(words, row.pay_by) for row in newest.rows if row.pay_by)
    if deadlines:
        yield "Paid", sentence(listed(list(deadlines), "or"))
    yield "Currency", table.currency or "What the customer paid in"
    since = newest.named or (day_words(newest.since) if newest.since.year > 1900 else "")
    yield "Version", f"{since} ({len(table.versions)} in all)" if len(table.versions) > 1 else since
    if newest.minimum:
        least = words.money(newest.minimum.amount)
        yield "Smallest payment", f"Amounts {'of at most' if newest.minimum.above else 'below'} {least} are not paid."
    if table.statute:
        law = listed([human(one) for one in table.statute], "and")
        yield "Law underneath", f"{sentence(law)} The worked examples leave out what it owes."


def _editions(table: Table) -> Iterator[Edition]:
    for at in range(len(table.versions) - 1, -1, -1):
        version = table.versions[at]
        words = Plainly(table, version)
        before = Plainly(table, table.versions[at - 1]) if at else None
        changes = _changes(before, words) if before else []
        both = version.hit == "collect"
        since = day_words(version.since) if version.since.year > 1900 else ""
        how = HIT[version.hit] + (f" {STACKING[version.stacking]}" if both else "")
        rows = [row for row in version.rows if not row.excludes]
        lines = tuple(_line(words, number, row) for number, row in enumerate(rows, 1))
        yield Edition(version.named or since, since, how, lines, tuple(changes))


def _changes(before: Plainly, after: Plainly) -> list[Change]:
    """What a version changed; amounts that its lines name are not named twice."""
    rows = [*before.version.rows, *after.version.rows]
    named = {name for row in rows for grant in row.grants if grant.term for name in names_in(grant.term)}
    said = {f"{human(name)} changed" for name in named}
    return [one for one in of_versions(before, after, "") if one.where or one.what not in said]


def _line(words: Plainly, number: int, row: Row) -> Line:
    when = sentence(listed([words.needs(cell) for cell in row.cells], "and")) if row.cells else "Everything else."
    money = [f"{words.amount(one.term)}" for one in row.grants if one.term is not None]
    other = [REMEDIES.get(one.kind, one.kind) for one in row.grants if one.term is None]
    said = [listed(money, "and")] if money else []
    said += [f"{'an' if one[0] in 'aeiou' else 'a'} {one}" for one in other]
    gives = sentence(listed(said, "and")) if said else "Nothing is due."
    if row.person:
        gives = gives if said else "A person decides."
    terms = [sentence(row.person if gives == "A person decides." else f"A person looks at it: {row.person}")]
    terms = terms if row.person else []
    terms += [sentence(pay_by(words, row.pay_by))] if row.pay_by else []
    terms += [sentence(f"To be asked for: {row.claim}")] if row.claim and money else []
    return Line(number, when, gives, " ".join(terms))


def _rates(words: Plainly, table: Table) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    for one in table.derived:
        if one.op == "by_date":
            found = tuple((f"from {day_words(day)}", words.money(value)) for day, value in reversed(one.of))
            yield words.name(one.name).removeprefix("the ").capitalize(), found


def _exclusions(words: Plainly, version: TableVersion) -> Iterator[tuple[str, str]]:
    for row in version.rows:
        if row.excludes:
            shown = sentence(row.evidence) if row.evidence else "Nothing further."
            yield sentence(" and ".join(words.needs(cell) for cell in row.cells)), shown


def _inputs(words: Plainly, table: Table) -> Iterator[tuple[str, str]]:
    for one in asking.looked_at(table):
        name = words.name(one.name)
        label = f"whether {name}" if one.kind is Kind.FLAG else name
        yield label[0].upper() + label[1:], _expected(words, one)


def _asked(table: Table, words: Plainly) -> Iterator[Asked]:
    """Inputs by name; a policy's amounts are in what the customer paid in, whatever currency it writes its own in."""
    for one in asking.inputs(table, words):
        if table.promise and table.currency and table.inputs[one.name].kind is Kind.MONEY:
            such = Money(499, table.currency)
            one = replace(one, values=f'{PAID_IN}, such as `"{such.plain()}"` or `"{such.plain()} {such.currency}"`')
        yield one


def _expected(words: Plainly, one: Input) -> str:
    kinds = {
        Kind.FLAG: "yes or no",
        Kind.MONEY: f"an amount {PAID_IN}" if words.table.promise else "an amount",
        Kind.DAY: "a day",
        Kind.DAYS: "days, or a region",
        Kind.COUNT: "a whole number",
        Kind.NUMBERS: "a list of numbers" + (f", in {one.unit}" if one.unit else ""),
        Kind.SEVERITY: listed(SEVERITIES, "or"),
    }
    kind = (
        listed([human(choice, keep=True) for choice in one.choices], "or")
        if one.choices
        else kinds.get(one.kind, f"a {one.kind}")
    )
    unit = f" of {one.unit}" if one.unit and one.kind in (Kind.NUMBER, Kind.COUNT) else ""
    if one.default is REQUIRED:
        return sentence(f"{kind}{unit}; has to be known")
    return sentence(f"{kind}{unit}; {_unless(words, one)}")


def _unless(words: Plainly, one: Input) -> str:
    if one.default is None:
        return "may be left open"
    value = tuple(one.default) if isinstance(one.default, list | tuple) else one.default
    return f"{words.value(one.name, value)} where nobody says otherwise"


def _counted(words: Plainly, one: Derived) -> str:
    """How a value is made of others."""
    of = [_of(words, part) for part in one.of]
    made = {
        "plus": lambda: f"{of[0]} plus {of[1]}",
        "minus": lambda: f"{of[0]} less {of[1]}",
        "complete": lambda: f"how many complete periods of {of[1]} there are in {of[0]}",
        "begun": lambda: f"how many periods of {of[1]} there are in {of[0]}; one that has begun counts whole",
        "days": lambda: f"the calendar days from {of[0]} to {of[1]}",
        "days_after": lambda: f"the day {of[1]} {'day' if of[1] == '1' else 'days'} after {of[0]}",
        "working_days_after": lambda: (
            f"the end of working day {of[1]} after {of[0]}; weekends and holidays do not count"
        ),
        "at_least": lambda: f"{of[0]}, but at least {of[1]}",
        "at_most": lambda: f"{of[0]}, but at most {of[1]}",
        "total": lambda: f"all of {of[0]} together",
        "count_above": lambda: f"how many of {of[0]} are above {of[1]}",
        "first_known": lambda: f"{of[0]}, or where that is not known {listed(of[1:], 'or')}",
    }
    return sentence(made[one.op]())


def _of(words: Plainly, part: Any) -> str:
    if isinstance(part, Decimal):
        return str(plain(part))
    known = words.version.parameters.get(str(part))
    return str(plain(known)) if known is not None else words.name(str(part))


# ---------------------------------------------------------------- worked examples


def _examples(table: Table) -> list[Example]:
    """For each row the plainest of many tried records, reckoned by the table."""
    found: dict[str, tuple[int, dict[str, Any], Outcome]] = {}
    for record in sampling.records(table, TRIED, 7):
        outcome = _tried(table, record)
        if outcome is None or not outcome.row:
            continue
        size = sum(len(str(value)) for value in record.values()) + 8 * len(record)
        if outcome.row not in found or size < found[outcome.row][0]:
            found[outcome.row] = size, record, outcome
    order = [row.row_id for row in table.versions[-1].rows]
    names = sorted(
        found, key=lambda name: (found[name][2].amount.minor == 0, order.index(name) if name in order else 99)
    )
    return [_example(table, *_plainest(table, *found[name][1:])) for name in names[:MOST_EXAMPLES]]


def _plainest(table: Table, record: dict[str, Any], outcome: Outcome) -> tuple[dict[str, Any], Outcome]:
    """The record without whatever may be left out: the same row for the same amount."""
    for name in list(record):
        shorter = {other: value for other, value in record.items() if other != name}
        again = _tried(table, shorter)
        if again is not None and (again.row, again.amount, again.pay_by) == (
            outcome.row,
            outcome.amount,
            outcome.pay_by,
        ):
            record, outcome = shorter, again
    return record, outcome


def _gets(row: Row, outcome: Outcome) -> str:
    words = [REMEDIES.get(one.kind, one.kind) for one in row.grants if one.term is None]
    gets = [outcome.amount.words()] if outcome.eligible else []
    gets += [f"{'an' if one[0] in 'aeiou' else 'a'} {one}" for one in words]
    if gets:
        said = listed(gets, "and")
        return said[0].upper() + said[1:]
    return "A person decides" if row.person else f"Nothing: {reason_words(outcome.reason)}"


def _tried(table: Table, record: dict[str, Any]) -> Outcome | None:
    try:
        return apply(table, record)
    except (WrongInput, NoAmount, MoneyError, ArithmeticError):
        return None


def _example(table: Table, record: dict[str, Any], outcome: Outcome) -> Example:
    inputs = read_given(table, record)
    version, _ = version_for(table, inputs)
    words = Plainly(table, version)
    case = " ".join(
        sentence(words.was(name, inputs[name]))
        for name in table.inputs
        if name in record and inputs[name] not in (table.inputs[name].default, None)
    )
    case = case or "Nothing in particular is known."
    answer = _gets(next(row for row in version.rows if row.row_id == outcome.row), outcome)
    if outcome.pay_by:
        answer += f", by {day_words(outcome.pay_by)}"
    numbers = {row.row_id: number for number, row in enumerate([r for r in version.rows if not r.excludes], 1)}
    line = f"line {numbers[outcome.row]}" if outcome.row in numbers else "exclusion"
    return Example(case, answer, line, record)
