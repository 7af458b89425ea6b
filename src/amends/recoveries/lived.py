"""What a failure's facts tell a policy: each input's value, its default, or why a person has to look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from amends.failures.records import Failure, Recurrence
from amends.recoveries.policy.given import WrongInput, amount, date_of, money_text, read_value
from amends.recoveries.policy.plainly import Plainly
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Table

KNOWN = (
    *("severity", "recurrence", "recurrence_decayed", "controllable", "stable_cause", "loss_kind", "used_anyway"),
    *("evidence", "disputed", "price"),
)


class OtherCurrency(WrongInput):
    """An amount that may well be right, in a currency that is not the customer's."""


def inputs_of(failure: Failure, recurrence: Recurrence, policy: Table, currency: str) -> dict[str, Any]:
    """What a policy may look at, and nothing else: no name, no address, no language."""
    known = {
        "severity": failure.severity.value,
        "recurrence": Decimal(recurrence.count),
        "recurrence_decayed": Decimal(str(recurrence.decayed)),
        "controllable": failure.controllable,
        "stable_cause": failure.stable_cause,
        "loss_kind": failure.loss_kind.value,
        "used_anyway": failure.used_anyway,
        "evidence": failure.evidence.value,
        "disputed": bool(failure.facts.get("disputed")),
        "price": failure.price.decimal() if failure.price is not None else None,
    }
    return {
        name: known[name] if name in KNOWN else fact(policy, one, failure.facts, currency)
        for name, one in policy.inputs.items()
    }


def fact(policy: Table, one: Input, facts: Mapping[str, Any], currency: str) -> Any:
    """A lived fact as an input of its kind; one that cannot be that, or money in another currency, is not known."""
    told = told_of(one, facts)
    if told is None:
        return None if one.default is REQUIRED else one.default
    try:
        return _read(policy, one, told, currency)
    except WrongInput:
        return None


def told_of(one: Input, facts: Mapping[str, Any]) -> Any:
    return next((facts[name] for name in one.names if facts.get(name) is not None), None)


def _read(policy: Table, one: Input, told: Any, currency: str) -> Any:
    """As whoever asks a table is read, but that a day may come as a moment, and an amount with its currency."""
    if one.kind is Kind.MONEY:
        said = money_text(told)
        if said and said[1] != currency:
            raise OtherCurrency(one.name, f"is in {said[1]}, the customer pays in {currency}")
        return amount(one, said[0] if said else told, currency)
    return read_value(policy, one, date_of(told) if one.kind is Kind.DAY else told)


def days(policy: Table, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with the date of each moment where a policy wants a day."""
    names = {name for one in policy.inputs.values() if one.kind is Kind.DAY for name in one.names}
    return {name: date_of(told) if name in names else told for name, told in facts.items()}


def assumed(policy: Table, facts: Mapping[str, Any]) -> list[str]:
    """What a policy looks at and took to be so by default, because nobody told it."""
    defaults = [one for one in policy.inputs.values() if one.name in policy.looked_at and one.name not in KNOWN]
    defaults = [one for one in defaults if one.default is not None and one.default is not REQUIRED]
    return [one.name for one in defaults if told_of(one, facts) is None]


def asked(policy: Table) -> list[Input]:
    """The inputs that may keep a policy from looking at any row: without a default, or looked at."""
    inputs = [one for one in policy.inputs.values() if one.name not in KNOWN]
    return [one for one in inputs if one.default is REQUIRED or one.name in policy.looked_at]


def lacking(policy: Table, inputs: Iterable[Input], facts: Mapping[str, Any], currency: str) -> str:
    """Why no row can be looked at: an input without a default is not known, or what was told cannot be."""
    return "; ".join(why for one in inputs if (why := _lacks(policy, one, facts, currency)))


def _lacks(policy: Table, one: Input, facts: Mapping[str, Any], currency: str) -> str:
    told = told_of(one, facts)
    if told is None:
        return f"{_words(policy, one)} is not known" if one.default is REQUIRED else ""
    try:
        _read(policy, one, told, currency)
    except WrongInput as error:
        said = error.reason if isinstance(error, OtherCurrency) else f"cannot be right: {error.reason}"
        return f"{_words(policy, one)} {said}"
    return ""


def _words(policy: Table, one: Input) -> str:
    name = Plainly(policy, policy.versions[-1]).name(one.name)
    return f"whether {name}" if one.kind is Kind.FLAG else name
