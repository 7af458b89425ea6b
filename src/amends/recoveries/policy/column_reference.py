"""One record of a batch asked of the reference: for numbers that no column holds exactly, for reasons, for traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from amends.ground.money import MAX_MINOR, MoneyError, minor_digits
from amends.recoveries.policy import applying, reckoning
from amends.recoveries.policy.applying import Given
from amends.recoveries.policy.column_answers import Decided
from amends.recoveries.policy.column_days import number_of
from amends.recoveries.policy.column_deciding import NO_DAY
from amends.recoveries.policy.column_plan import NO_ROW
from amends.recoveries.policy.column_reading import Read
from amends.recoveries.policy.column_terms import MARKS
from amends.recoveries.policy.given import WrongInput, number, read_given
from amends.recoveries.policy.reckoning import Looked, NoAmount
from amends.recoveries.policy.scope import SEVERITIES
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Row, Table, TableVersion


@dataclass
class Answer:
    """What the reference says of one record."""

    version: TableVersion | None = None
    row: Row | None = None
    kept: list[Given] = field(default_factory=list)
    total: int = 0
    reason: str = "no_row"
    marks: frozenset[str] = frozenset()
    person: bool = False
    pay_by: date | None = None
    refused: int = 0
    why: str = ""
    trace: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    currency: str = ""


def ask(table: Table, read: Read, record: int, currency: str, day: date | None, decided_on: date | None, /) -> Answer:
    """The reference on one record; what it refuses is named."""
    if table.promise:
        return _ask_policy(table, read, record, currency, day, decided_on)
    try:
        inputs = read_given(table, given_of(table, read, record, currency))
        told = any(inputs.get(name) for name in (table.event, table.by_name))
        version, event = applying.version_for(table, inputs, None if told else day)
    except WrongInput as wrong:
        names = list(table.inputs)
        version_missing = wrong.reason.startswith(f"{table.name} has no version")
        return Answer(refused=-1 if version_missing else names.index(wrong.field) + 1, why=str(wrong))
    found = reckoning.values_of(table, version, inputs, event)
    looked = reckoning.look(table, version, found, currency)
    answer = Answer(version, found=found, currency=currency)
    answer.person = any(one.row.person for one in looked if one.held)
    given, failed = _grants(looked, found, currency)
    collects = version.hit == "collect"
    if not failed:
        try:
            kept = applying.stacked(given, version.stacking) if collects else given
            held = [one.row for one in looked if one.held]
            outcome = applying._outcome(table, version, found, looked, held, kept)
        except MoneyError as error:
            failed = [error]
    if failed:
        answer.why, answer.refused, answer.person = str(failed[0]), -2 if isinstance(failed[0], NoAmount) else -3, False
        return answer
    answer.kept, answer.total, answer.reason = kept, outcome.amount.minor, outcome.reason
    answer.row = next((row for row in version.rows if row.row_id == outcome.row), None)
    answer.pay_by, answer.trace = outcome.pay_by, outcome.trace
    if outcome.eligible:
        answer.marks = _marks(kept)
        answer.pay_by = applying.deadline(answer.row, found, decided_on) if answer.row else None
    return answer


def _grants(looked: list[Looked], found: Any, currency: str) -> tuple[list[Given], list[Exception]]:
    """What the rows that hold give, and why some of it cannot be reckoned."""
    given, failed = [], list[Exception]()
    for one in looked:
        for grant in one.row.grants if one.held else ():
            if grant.term is None:
                given.append(Given(one.row, grant))
                continue
            try:
                exact = reckoning.reckon(grant.term, found, currency)
                given.append(Given(one.row, grant, exact, reckoning.rounded(exact, currency)))
            except (NoAmount, MoneyError) as error:
                failed.append(error)
    return given, failed


def _marks(kept: list[Given]) -> frozenset[str]:
    return frozenset().union(*(one.exact.marks for one in kept if one.exact))


def _ask_policy(
    table: Table, read: Read, record: int, currency: str, day: date | None, decided_on: date | None
) -> Answer:
    version = table.at(day) if day else None
    if version is None or day is None:
        return Answer(person=True, refused=-1, why=f"policy {table.name} has no version for {day}")
    found = reckoning.values_of(table, version, _known_of(table, read, record, currency), day)
    looked = reckoning.look(table, version, found, currency)
    given, failed = _grants(looked, found, currency)
    kept = applying.stacked(given, version.stacking) if version.hit == "collect" else given
    rows = [one.row for one in looked if one.held]
    answer = Answer(version, rows[0] if rows else None, kept, found=found, currency=currency)
    answer.total = sum(one.amount.minor for one in kept if one.amount)
    answer.person = bool(failed) or any(row.person for row in rows)
    beyond = answer.total > MAX_MINOR
    if failed or beyond:
        first = failed[0] if failed else MoneyError("the amounts together are beyond what the books can hold")
        answer.why, answer.refused = str(first), -2 if isinstance(first, NoAmount) else -3
    answer.reason = _reason(answer)
    answer.marks = _marks(kept) if answer.total else frozenset()
    until = (applying.deadline(row, found, decided_on or day) for row in rows)
    answer.pay_by = next((one for one in until if one), None) if answer.total else None
    answer.trace = applying.trace_of(version, looked, kept, found)
    return answer


def _reason(answer: Answer) -> str:
    reason = answer.row.reason if answer.row else "no_row"
    if reason != "ok":
        return reason
    if not answer.total:
        return "nothing_due"
    marks = _marks(answer.kept)
    return "capped" if "capped" in marks else "ok_halved" if "halved" in marks else "ok"


def given_of(table: Table, read: Read, record: int, currency: str) -> dict[str, Any]:
    """One record of the columns, as `read_given` takes it."""
    digits = minor_digits(currency)
    found = {}
    for name, array in read.given.items():
        value = array[record].as_py()
        if table.inputs[name].kind is Kind.MONEY and value is not None:
            value = Decimal(value).scaleb(-digits)
        found[name] = value
    return found


def _known_of(table: Table, read: Read, record: int, currency: str) -> dict[str, Any]:
    """A company's own facts; what is no value of its kind is not known."""
    given = given_of(table, read, record, currency)
    return {
        name: _value(one, given[name]) if name in given else (None if one.default is REQUIRED else one.default)
        for name, one in table.inputs.items()
    }


def _value(one: Input, value: Any) -> Any:
    if value is None:
        return None
    if one.kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY):
        try:
            return number(one.name, value)
        except WrongInput:
            return None
    choices = SEVERITIES if one.kind is Kind.SEVERITY else one.choices
    return None if choices and str(value) not in choices else value


def write(out: Decided, record: int, answer: Answer) -> None:
    """An answer in its place among the columns."""
    out.refused[record] = answer.refused
    out.person[record] = answer.person
    out.amounts[:, record], out.total[record], out.owed[record], out.marks[record] = 0, 0, 0, 0
    out.due_on[record], out.reason_codes[record] = NO_DAY, NO_ROW
    if answer.version is None or (answer.refused and not out.table.promise):
        out.row[record] = -1
        return
    group, place = next((g, p) for g in out.groups if (p := g.place(record)) is not None)
    rows = answer.version.rows
    number = next((n for n, row in enumerate(rows) if row is answer.row), -1)
    out.row[record] = group.plan.first_row + number if number >= 0 else -1
    paid = not answer.kept or answer.total > 0
    for one in answer.kept:
        if one.amount is not None:
            at = next(n for n, row in enumerate(rows) if row is one.row)
            slot = next(slot for slot, grant in group.plan.places[at] if grant is one.grant)
            out.amounts[slot, record] = one.amount.minor
    out.total[record] = answer.total
    out.owed[record] = sum(one.amount.minor for one in answer.kept if one.amount and one.grant.owed) if paid else 0
    out.reason_codes[record] = out.by_row.reasons.index(answer.reason)
    out.marks[record] = sum(bit for bit, word in MARKS.items() if word in answer.marks)
    out.due_on[record] = number_of(answer.pay_by) if answer.pay_by else NO_DAY
    for cell_number, cell in enumerate(group.plan.cells):
        bit = reckoning.holds(out.table, cell, answer.found, answer.currency)
        packed = int(group.bits[cell_number, place >> 3])
        group.bits[cell_number, place >> 3] = packed & ~(1 << (place & 7)) | (bit << (place & 7))
