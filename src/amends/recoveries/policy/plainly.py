"""Names, values, conditions and amounts of a table in plain words, as one reads them to a customer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from amends.ground.money import Money, MoneyError
from amends.recoveries.policy.applying import plain
from amends.recoveries.policy.tree import (
    Bounded,
    Cell,
    Chosen,
    Fixed,
    Kind,
    Left,
    Parameter,
    Percent,
    PerUnit,
    Share,
    Steps,
    Summed,
    Table,
    TableVersion,
    Term,
)

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
UNITS = {"_h": "hours", "_min": "minutes", "_s": "seconds", "_days": "days", "_pct": "percent", "_km": "kilometres"}
HOUSE = {  # what every policy may look at, in words; flags as sentences
    "used_anyway": "the service was used all the same",
    "controllable": "the cause was ours",
    "stable_cause": "it is likely to happen again",
    "disputed": "two customers claim the same",
    "recurrence": "the number of earlier failures of the same kind",
    "recurrence_decayed": "the weight of earlier failures of the same kind",
    "price": "the price",
    "severity": "the failure",
    "loss_kind": "what was lost",
    "evidence": "what we know of it",
    "product": "the product",
    "stall_s": "the time spent waiting",
    "stall_count": "the number of stops",
    "longest_stall_s": "the longest stop",
    "startup_s": "the wait before it began",
    "watched_s": "the time watched",
    "played_s": "the time played",
}
REMEDIES = {
    "refund": "money back",
    "credit": "credit",
    "cash": "payment",
    "coupon": "coupon",
    "apology": "apology",
    "call": "call by a person",
    "label": "return label",
    "upgrade": "upgrade",
    "repair": "repair",
}
REASONS = {
    "ok": "it is due",
    "ok_halved": "half of it is due",
    "capped": "the most that the rule allows is due",
    "nothing_due": "the amount comes to nothing",
    "within_deadline": "it was put right within the time that the rule allows",
    "on_time": "it was on time",
    "below_threshold": "it did not last long enough, or was not bad enough",
    "enough_notice": "the notice came early enough",
    "sla_met": "what was promised was kept",
    "below_minimum_payout": "the amount is too small to be paid out",
    "below_minimum_credit": "the amount is too small to be credited",
    "rerouted_in_time": "another way was offered in time",
    "accepted_alternative": "something else was accepted instead",
    "not_requested": "nobody asked for it, and the rule wants that",
    "escalate_to_person": "a person looks at it",
    "no_row": "the table has no row for this",
}


class Plainly:
    """One version of a table, in words."""

    def __init__(self, table: Table, version: TableVersion) -> None:
        self.table, self.version = table, version
        self._derived = {one.name: one for one in table.derived}

    # ------------------------------------------------------------ names and values

    def name(self, name: str) -> str:
        """`the price of the ticket`; for a flag the sentence that it states."""
        given = self.table.inputs.get(name)
        if given and given.words:
            return given.words
        derived = self._derived.get(name)
        words = HOUSE.get(name) if given else derived.words if derived else ""
        return words or f"the {human(name)}"

    def kind(self, name: str) -> Kind:
        if name in self._derived:
            return self._derived[name].kind
        return self.table.inputs[name].kind if name in self.table.inputs else Kind.NUMBER

    def unit(self, name: str) -> str:
        given = self.table.inputs.get(name)
        if given and given.unit:
            return given.unit
        derived = self._derived.get(name)
        if derived and (derived.unit or derived.op == "days"):
            return derived.unit or "days"
        return next((words for end, words in UNITS.items() if name.endswith(end)), "")

    def value(self, name: str, value: Any, *, exact: bool = False) -> str:
        """`75 minutes`, `€80.00`, `3 June 2024`; a number with many digits is rounded, unless it bounds something."""
        if isinstance(value, Parameter):
            known = self.version.parameters.get(value.name)
            return self.value(name, known, exact=True) if known is not None else self.name(value.name)
        if value is None:
            return "not known"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Money):
            return value.words()
        if isinstance(value, date):
            return day_words(value)
        if isinstance(value, list | tuple):
            return listed([self.value(name, item, exact=exact) for item in value], "and") if value else "none"
        if isinstance(value, Decimal | int):
            return self._number(name, Decimal(value), exact=exact)
        return human(str(value), keep=True)

    def _number(self, name: str, value: Decimal, *, exact: bool) -> str:
        if self.kind(name) is Kind.MONEY and self.table.currency:
            return self.money(value)
        unit = "" if self.name(name).startswith("the number of") else self.unit(name)
        said = str(plain(value)) if exact else about(value)
        if unit == "percent":
            return f"{said} %"
        return f"{said} {one_of(unit) if value == 1 else unit}".strip()

    def money(self, value: Decimal, currency: str = "") -> str:
        currency = currency or self.table.currency
        try:
            return Money.parse(format(value, "f"), currency).words()
        except MoneyError:
            return f"{currency} {plain(value)}"

    # ------------------------------------------------------------ conditions

    def needs(self, cell: Cell) -> str:
        """What a condition asks for: `the delay on arrival is at least 60 minutes`."""
        name = self.name(cell.name)
        if cell.op in ("null", "notnull"):
            if self.kind(cell.name) is Kind.FLAG:
                return f"it is {'not ' if cell.op == 'null' else ''}known whether {name}"
            return f"{name} is {'not ' if cell.op == 'null' else ''}known"
        if isinstance(cell.value, bool):
            return name if cell.value == (cell.op == "=") else negated(name)
        return f"{name} {'are' if plural(name) else 'is'} {self._bound(cell)}"

    def _bound(self, cell: Cell) -> str:
        if cell.op == "in":
            return listed([self.value(cell.name, item, exact=True) for item in cell.value], "or")
        if cell.op == "between":
            low, high = (self.value(cell.name, item, exact=True) for item in cell.value)
            return f"between {low} and {high}"
        said = {"=": "", "!=": "not ", "<": "less than ", "<=": "at most ", ">": "more than ", ">=": "at least "}
        return f"{said[cell.op]}{self.value(cell.name, cell.value, exact=True)}"

    def was(self, name: str, value: Any) -> str:
        """A fact: `the delay on arrival was 75 minutes`."""
        words = self.name(name)
        if value is None:
            return f"it is not known whether {words}" if self.kind(name) is Kind.FLAG else f"{words} is not known"
        if isinstance(value, bool):
            return words if value else negated(words)
        return f"{words} {'were' if plural(words) else 'was'} {self.value(name, value)}"

    # ------------------------------------------------------------ amounts

    def amount(self, term: Term | None) -> str:
        """`25 % of the price of the ticket, but at most €20.00`."""
        if isinstance(term, Bounded):
            base = f"half of {self.amount(term.term)}" if term.halve else self.amount(term.term)
            bounds = [
                f"but at {side} {self.amount(of)}" for side, of in (("least", term.floor), ("most", term.cap)) if of
            ]
            return ", ".join((base, *bounds))
        if isinstance(term, Chosen):
            return f"{listed([self.amount(part) for part in term.terms], 'or')}, whichever is {_side(term)}"
        if isinstance(term, Summed):
            return " plus ".join(self.amount(part) for part in term.terms)
        if isinstance(term, Steps):
            steps = [
                f"{self.amount(part)} from {self.value(term.by, least, exact=True)} on" for least, part in term.steps
            ]
            return f"{listed(steps, 'and')} ({self.name(term.by)})"
        return self._simple(term) if term is not None else ""

    def _simple(self, term: Fixed | Percent | PerUnit | Share | Left | Any) -> str:
        if isinstance(term, Fixed):
            if isinstance(term.amount, Money):
                return term.amount.words()
            return self._named_amount(term.amount, term.currency)
        if isinstance(term, Percent):
            percent = self._operand(term.percent)
            return f"{'all' if percent == '100' else f'{percent} %'} of {self.name(term.of)}"
        if isinstance(term, PerUnit):
            inner, each = self.amount(term.term), f"for {self._each(term.unit)}"
            if " in force on " in inner:  # the rate of one day, for each of many
                return f"{each} {inner}"
            return f"({inner}) {each}" if isinstance(term.term, Chosen) else f"{inner} {each}"
        if isinstance(term, Share):
            part = f"{self.name(term.of)} divided by {self._operand(term.parts)}"
            return part if term.units == 1 else f"{part}, for {self._each(str(term.units))}"
        return f"{self.amount(term.limit)}, less {self.name(term.used)}"

    def _named_amount(self, name: str, currency: str) -> str:
        known = self.version.parameters.get(name)
        if known is not None:
            return self.money(known, currency)
        derived = self._derived.get(name)
        return (
            f"{self.name(name)} in force on {self._event()}" if derived and derived.op == "by_date" else self.name(name)
        )

    def _event(self) -> str:
        """The one day whose rate is taken, however many days are paid."""
        return self.name(self.table.event) if self.table.event else "the day of the failure"

    def _operand(self, value: Any) -> str:
        if isinstance(value, Decimal):
            return str(plain(value))
        known = self.version.parameters.get(value)
        return str(plain(known)) if known is not None else self.name(value)

    def _each(self, name: str) -> str:
        unit = self.unit(name)
        words = unit or human(name)
        if words.endswith("s") and not any(c.isdigit() for c in words):
            return f"each {one_of(words)}"
        return f"each of the {words}"


def _side(term: Chosen) -> str:
    return "more" if term.largest else "less"


def human(name: str, *, keep: bool = False) -> str:
    """A name without underscores and without its unit."""
    ends = () if keep else ("_h", "_min", "_s", "_pct", "_km", "_on")
    for end in ends:
        name = name.removesuffix(end)
    return re.sub(r"\b(category)(\d)", r"\1 \2", name.replace("_", " "))


def negated(words: str) -> str:
    """The sentence of a flag that is not so: `the flight was not cancelled`."""
    verb = re.match(r"((?:\S+ ){1,3}?(?:is|was|were|had)) ", words)
    if verb is None or words.startswith("both"):
        return f"it is not so that {words}"
    return f"{verb[1]} not{words[verb.end() - 1 :]}"


def plural(words: str) -> bool:
    """Whether a name speaks of several: `the hours lost on each day`."""
    head = re.split(r",| of | that | who | on | in | lost ", words)[0].split()
    return head[0] == "the" and head[-1].endswith("s") and not head[-1].endswith("ss")


def one_of(unit: str) -> str:
    """One of a unit: `minutes` is `minute`."""
    return unit[:-1] if unit.endswith("s") else unit


def listed(items: Sequence[str], word: str) -> str:
    """`a, b or c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def about(value: Decimal) -> str:
    """A number as one says it: three decimals as they are, more of them rounded.

    >>> about(Decimal("2.666667")), about(Decimal("0.125")), about(Decimal("0.000512"))
    ('about 2.67', '0.125', 'about 0.00051')
    """
    if value == round(value, 3):
        return str(plain(value))
    rounded = round(value, max(2, 1 - value.adjusted()))
    return str(plain(rounded)) if rounded == value else f"about {plain(rounded)}"


def day_words(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def sentence(text: str) -> str:
    """With a capital and one full stop."""
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def reason_words(reason: str) -> str:
    return REASONS.get(reason, human(reason, keep=True))
