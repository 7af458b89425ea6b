"""Rows and amounts as SQL: which row holds, what it gives, and how that stands together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from amends.ground.money import MAX_MINOR, minor_digits
from amends.recoveries.policy.column_plan import Plan, plans
from amends.recoveries.policy.column_terms import CAPPED, HALVED
from amends.recoveries.policy.column_values import threshold
from amends.recoveries.policy.sql_values import (
    Number,
    Steps,
    days_after,
    holds,
    multiplied,
    out_of_range,
    text,
    working_days_after,
)
from amends.recoveries.policy.tree import (
    Bounded,
    Chosen,
    Fixed,
    Kind,
    Left,
    PayBy,
    Percent,
    PerUnit,
    Share,
    Summed,
    Term,
)
from amends.recoveries.policy.tree import Steps as StepsTerm


@dataclass(frozen=True)
class Amount:
    """`over / under` minor units, null where it is not known; `marks` is a number or a step's name."""

    over: str
    under: int | str
    most: int
    marks: str = "0"
    most_under: int = 1


class Amounts:
    """Amount terms, step by step."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.let = steps.let

    def amount(self, term: Term) -> Amount:
        if isinstance(term, Fixed):
            return self._fixed(term)
        if isinstance(term, Percent):
            return self._times(self._named(term.of), self.steps.number(term.percent), 100)
        if isinstance(term, PerUnit):
            return self._times(self.amount(term.term), self.steps.number(term.unit), 1)
        if isinstance(term, Share):
            return self._share(term)
        if isinstance(term, Chosen):
            return self._folded([self.amount(part) for part in term.terms], ">" if term.largest else "<", 0)
        if isinstance(term, Summed):
            return self._summed([self.amount(part) for part in term.terms])
        if isinstance(term, StepsTerm):
            return self._steps(term)
        if isinstance(term, Left):
            return self._left(term)
        return self._bounded(term)

    def _fixed(self, term: Fixed) -> Amount:
        speaks = term.currency if isinstance(term.amount, str) else term.amount.currency
        if speaks not in ("", self.steps.currency):
            return Amount(f"CAST(NULL AS {self.steps.dialect.whole})", 1, 0)
        if isinstance(term.amount, str):
            return self._named(term.amount)
        return Amount(self.steps.literal(term.amount.minor), 1, term.amount.minor)

    def _named(self, name: str) -> Amount:
        number, digits = self.steps.number(name), minor_digits(self.steps.currency)
        if number.scale <= digits:
            number = self.steps.scaled(number, digits)
            return Amount(number.sql, 1, number.most)
        under = 10 ** (number.scale - digits)
        return Amount(number.sql, under, number.most, most_under=under)

    def _times(self, of: Amount, by: Number, divisor: int) -> Amount:
        under = divisor * 10**by.scale
        most = self.steps.fitting(max(of.most, 1) * max(by.most, 1))
        below, most_below = self._under(of, under)
        return Amount(self.let(f"({of.over} * {by.sql})"), below, most, of.marks, most_below)

    def _under(self, of: Amount, factor: int) -> tuple[int | str, int]:
        most = self.steps.fitting(of.most_under * factor)
        return (of.under * factor if isinstance(of.under, int) else self.let(multiplied(of.under, factor))), most

    def _share(self, term: Share) -> Amount:
        parts = self.steps.number(term.parts)
        whole = self._times(self._named(term.of), self.steps.number(term.units), 1)
        over = f"CASE WHEN {parts.sql} > 0 THEN {multiplied(whole.over, 10**parts.scale)} END"
        under = self.let(f"CASE WHEN {parts.sql} > 0 THEN {parts.sql} * {whole.under} ELSE 1 END")
        most = self.steps.fitting(whole.most * 10**parts.scale)
        return Amount(
            self.let(over), under, most, whole.marks, self.steps.fitting(max(parts.most, 1) * whole.most_under)
        )

    def _same_under(self, one: Amount, other: Amount) -> tuple[Amount, Amount]:
        if one.under == other.under:
            return one, other
        if isinstance(one.under, int) and isinstance(other.under, int):
            under = math.lcm(one.under, other.under)
            return self._over(one, under // one.under, under), self._over(other, under // other.under, under)
        under_sql = self.let(f"({one.under} * {other.under})")
        most_under = self.steps.fitting(one.most_under * other.most_under)
        left = self.let(f"({one.over} * {other.under})"), self.steps.fitting(one.most * other.most_under)
        right = self.let(f"({other.over} * {one.under})"), self.steps.fitting(other.most * one.most_under)
        return (
            Amount(left[0], under_sql, left[1], one.marks, most_under),
            Amount(right[0], under_sql, right[1], other.marks, most_under),
        )

    def _over(self, one: Amount, factor: int, under: int) -> Amount:
        most = self.steps.fitting(one.most * factor)
        return Amount(multiplied(one.over, factor), under, most, one.marks, under)

    def _folded(self, parts: Sequence[Amount], better: str, mark: int) -> Amount:
        """The better of each, the first of equal ones; null where any is. `mark`: what a change to another means."""
        found = parts[0]
        for part in parts[1:]:
            other, kept = self._same_under(part, found)
            turns = self.let(f"coalesce({other.over} {better} {kept.over}, FALSE)")
            over = f"CASE WHEN {other.over} IS NULL THEN NULL WHEN {turns} THEN {other.over} ELSE {kept.over} END"
            marked = self._marked(kept.marks, str(mark)) if mark else other.marks
            marks = kept.marks if marked == kept.marks else f"CASE WHEN {turns} THEN {marked} ELSE {kept.marks} END"
            most = max(other.most, kept.most)
            found = Amount(self.let(over), kept.under, most, self.let(marks), kept.most_under)
        return found

    def _marked(self, marks: str, mark: str) -> str:
        if marks.isdigit() and mark.isdigit():
            return str(int(marks) | int(mark))
        return marks if mark == "0" else mark if marks == "0" else self.let(f"({marks} | {mark})")

    def _summed(self, parts: Sequence[Amount]) -> Amount:
        found = parts[0]
        for part in parts[1:]:
            left, right = self._same_under(found, part)
            most = self.steps.fitting(left.most + right.most)
            marks = self._marked(left.marks, right.marks)
            found = Amount(self.let(f"({left.over} + {right.over})"), left.under, most, marks, left.most_under)
        return found

    def _steps(self, term: StepsTerm) -> Amount:
        by = self.steps.number(term.by)
        found = Amount("0", 1, 0)
        for least, step in term.steps:
            one, other = self._same_under(self.amount(step), found)
            reached = f"{by.sql} >= {threshold(least, by.scale, up=True)}"
            over = f"CASE WHEN {by.sql} IS NULL THEN NULL WHEN {reached} THEN {one.over} ELSE {other.over} END"
            marks = f"CASE WHEN {reached} THEN {one.marks} ELSE {other.marks} END"
            marks = one.marks if one.marks == other.marks else self.let(marks)
            found = Amount(self.let(over), one.under, max(one.most, other.most), marks, one.most_under)
        return found

    def _left(self, term: Left) -> Amount:
        limit, used = self._same_under(self.amount(term.limit), self._named(term.used))
        rest = self.let(f"({limit.over} - {used.over})")
        most = self.steps.fitting(limit.most + used.most)
        return Amount(
            self.let(f"CASE WHEN {rest} < 0 THEN 0 ELSE {rest} END"), limit.under, most, "0", limit.most_under
        )

    def _bounded(self, term: Bounded) -> Amount:
        found = self.amount(term.term)
        if term.halve:
            under, most_under = self._under(found, 2)
            found = replace(found, under=under, most_under=most_under, marks=self._marked(found.marks, str(HALVED)))
        if term.floor is not None:
            found = self._folded([found, self.amount(term.floor)], ">", 4)
        if term.cap is not None:
            found = self._folded([found, self.amount(term.cap)], "<", CAPPED)
        return found

    def rounded(self, exact: Amount) -> str:
        """Minor units, half up and never below zero; null where they are not known or the books cannot hold them."""
        self.steps.fitting(2 * exact.most + exact.most_under)
        under = str(exact.under) if isinstance(exact.under, str) else self.steps.literal(exact.under)
        divided = self.steps.dialect.divide(f"2 * {exact.over} + {under}", f"2 * {under}")
        if exact.most <= MAX_MINOR:
            return self.let(f"CASE WHEN {exact.over} <= 0 THEN 0 ELSE {divided} END")
        self.steps.fitting(exact.most_under * MAX_MINOR)
        fits = f"{exact.over} <= {under} * {MAX_MINOR}"
        return self.let(f"CASE WHEN {exact.over} <= 0 THEN 0 WHEN {fits} THEN {divided} END")


class Rows:
    """The rows of a version, and the answer they give."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.let = steps, steps.let
        self.table, self.version = steps.table, steps.version
        self.plan: Plan = plans(self.table)[self.table.versions.index(self.version)]
        self.amounts = Amounts(steps)
        self.strict = not self.table.promise

    @cached_property
    def held(self) -> list[str]:
        """For each row, whether it is among those that decide."""
        cells = [holds(cell, self.steps) for cell in self.plan.cells]
        met = [" AND ".join(cells[cell] for cell in row) or "TRUE" for row in self.plan.rows]
        if not self.plan.collects:
            number = self.let("CASE " + " ".join(f"WHEN {one} THEN {n}" for n, one in enumerate(met)) + " ELSE -1 END")
            return [self.let(f"({number} = {n})") for n in range(len(met))]
        held, before = [], "FALSE"
        for row, one in zip(self.version.rows, met, strict=True):
            here = self.let(f"(({one}) AND NOT {before})")
            held.append(here)
            before = self.let(f"({before} OR {here})") if row.excludes else before
        return held

    @cached_property
    def given(self) -> list[tuple[int, bool, str, str]]:
        """Each grant of an amount: its row, whether it is owed, minor units, marks."""
        found = []
        for number, places in enumerate(self.plan.places):
            for _, grant in places:
                assert grant.term
                exact = self.amounts.amount(grant.term)
                found.append((number, grant.owed, self.amounts.rounded(exact), exact.marks))
        return found

    def outputs(self) -> dict[str, str]:
        failed = self._any(f"({self.held[row]} AND {minor} IS NULL)" for row, _, minor, _ in self.given)
        refused = self._refused(failed)
        kept = self._stacked()
        total = self._sum(kept, lambda owed: True)
        due = self.let(f"CAST({total} AS {self.steps.dialect.whole})")
        small, reason = self._minimum(due)
        row = self._row([(self.given[n][0], present) for n, (present, _) in enumerate(kept)])
        marks = [
            f"CASE WHEN {present} THEN {marks} ELSE 0 END"
            for (present, _), (*_, marks) in zip(kept, self.given, strict=True)
            if marks != "0"
        ]
        owed = self._sum(kept, lambda owed: owed)
        wrong = f"{refused} IS NOT NULL" if self.strict else "FALSE"
        named = self._by_row(row, [one.row_id for one in self.version.rows])
        return {
            "row_id": f"CASE WHEN {wrong} THEN NULL ELSE {named} END",
            "total_minor": f"CAST(CASE WHEN {wrong} OR {small} THEN 0 ELSE {due} END AS BIGINT)",
            "owed_minor": f"CAST(CASE WHEN {wrong} OR {small} THEN 0 ELSE {owed} END AS BIGINT)",
            "reason": self._reason(wrong, small, reason, due, row, " | ".join(marks) or "0"),
            "pay_by": self._pay_by(wrong, small, due, row),
            "person": self._person(wrong, failed),
            "refused": refused,
        }

    def _any(self, parts: Iterable[str]) -> str:
        joined = " OR ".join(parts)
        return self.let(f"({joined})") if joined else "FALSE"

    def _refused(self, failed: str) -> str:
        whens = []
        for one in self.table.inputs.values() if self.strict else ():
            wrong = out_of_range(one, self.steps)
            if wrong:
                whens.append(f"WHEN {wrong} THEN {text(one.name)}")
        return self.let(f"CASE {' '.join(whens)} WHEN {failed} THEN 'amount' END")

    def _stacked(self) -> list[tuple[str, str]]:
        """Each grant: whether it is kept, and how much of it."""
        kept = [(self.let(f"({self.held[row]} AND {minor} IS NOT NULL)"), minor) for row, _, minor, _ in self.given]
        goodwill = [n for n, (_, owed, *_) in enumerate(self.given) if not owed]
        if not self.plan.collects or self.version.stacking == "sum" or not goodwill:
            return kept
        owed_places = [n for n, (_, owed, *_) in enumerate(self.given) if owed]
        any_owed = self._any(kept[n][0] for n in owed_places)
        owed = self.let(self._sum([kept[n] for n in owed_places], lambda owed: True))
        best, place = "-1", "-1"
        for n in goodwill:
            better = self.let(f"({kept[n][0]} AND {kept[n][1]} > {best})")
            best = self.let(f"CASE WHEN {better} THEN {kept[n][1]} ELSE {best} END")
            place = self.let(f"CASE WHEN {better} THEN {n} ELSE {place} END")
        rest = self.let(f"CASE WHEN {any_owed} THEN {best} - {owed} ELSE {best} END")
        for n in goodwill:
            stays = f"({kept[n][0]} AND {place} = {n} AND (NOT {any_owed} OR {rest} > 0))"
            kept[n] = (self.let(stays), rest)
        return kept

    def _sum(self, kept: Sequence[tuple[str, str]], wanted: Callable[[bool], bool]) -> str:
        owed = [grant[1] for grant in self.given] if len(kept) == len(self.given) else [True] * len(kept)
        parts = [
            f"CASE WHEN {present} THEN {minor} ELSE 0 END"
            for (present, minor), is_owed in zip(kept, owed, strict=True)
            if wanted(is_owed)
        ]
        return "(" + (" + ".join(parts) or "0") + ")"

    def _row(self, present: Sequence[tuple[int, str]]) -> str:
        """The number of the row an answer names."""
        first = " ".join(f"WHEN {held} THEN {number}" for number, held in enumerate(self.held))
        if not (self.plan.collects and self.strict):
            return self.let(f"CASE {first} ELSE -1 END")
        owed = [n for n, (_, is_owed, *_) in enumerate(self.given) if is_owed]
        goodwill = [n for n, (_, is_owed, *_) in enumerate(self.given) if not is_owed]
        whens = [f"WHEN {present[n][1]} THEN {present[n][0]}" for n in (*owed, *goodwill)]
        words = [n for n, row in enumerate(self.version.rows) if any(grant.term is None for grant in row.grants)]
        whens += [f"WHEN {self.held[n]} THEN {n}" for n in words]
        return self.let(f"CASE {' '.join(whens)} {first} ELSE -1 END")

    def _by_row(self, row: str, said: Sequence[str]) -> str:
        whens = " ".join(f"WHEN {number} THEN {text(one)}" for number, one in enumerate(said))
        return f"CASE {row} {whens} END"

    def _minimum(self, due: str) -> tuple[str, str]:
        minimum = self.version.minimum
        if minimum is None or not self.strict:
            return "FALSE", ""
        digits = minor_digits(self.steps.currency)
        least = threshold(minimum.amount, digits, up=not minimum.above)
        return self.let(f"({due} > 0 AND {due} {'<=' if minimum.above else '<'} {least})"), minimum.reason

    def _reason(self, wrong: str, small: str, reason: str, due: str, row: str, marks: str) -> str:
        base = self.let(f"coalesce({self._by_row(row, [one.reason for one in self.version.rows])}, 'no_row')")
        whens = [f"WHEN {wrong} THEN 'no_row'", f"WHEN {small} THEN {text(reason)}", f"WHEN {base} <> 'ok' THEN {base}"]
        whens += [f"WHEN {due} = 0 THEN 'nothing_due'", f"WHEN (({marks}) & {CAPPED}) > 0 THEN 'capped'"]
        whens += [f"WHEN (({marks}) & {HALVED}) > 0 THEN 'ok_halved'"]
        return f"CASE {' '.join(whens)} ELSE 'ok' END"

    def _pay_by(self, wrong: str, small: str, due: str, row: str) -> str:
        whens = [
            f"WHEN {row} = {number} THEN {self._deadline(one.pay_by)}"
            for number, one in enumerate(self.version.rows)
            if one.pay_by is not None and one.pay_by.after
        ]
        if not whens or (self.plan.collects and not self.strict):
            return "CAST(NULL AS DATE)"
        return f"CASE WHEN {wrong} OR {small} OR {due} = 0 THEN CAST(NULL AS DATE) {' '.join(whens)} END"

    def _deadline(self, pay_by: PayBy) -> str:
        start = self.steps.day(pay_by.after)
        if not pay_by.working:
            return self.let(days_after(start, str(pay_by.days), self.steps))
        known = "holidays" in self.table.inputs and self.table.inputs["holidays"].kind is Kind.DAYS
        none = self.steps.dialect.days(())
        free = f"coalesce({self.steps.list_of('holidays')}, {none})" if known else none
        return self.let(working_days_after(start, str(pay_by.days), free, self.steps))

    def _person(self, wrong: str, failed: str) -> str:
        asked = [self.held[number] for number, row in enumerate(self.version.rows) if row.person]
        asked += [] if self.strict else [failed]
        return f"CASE WHEN {wrong} THEN FALSE ELSE {self._any(asked)} END"
