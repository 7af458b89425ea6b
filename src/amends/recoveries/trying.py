"""A company's own policy asked about made-up cases: `amends policy decide --policy`. Nothing is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from amends.ground.money import Money
from amends.recoveries import lived, rules
from amends.recoveries.policy import packs, sampling
from amends.recoveries.policy.answering import Answer, Decide, answer_from, guarded
from amends.recoveries.policy.given import WrongInput, as_said, day, paid_in, read_given
from amends.recoveries.policy.tree import Row, Table
from amends.recoveries.records import Decision


class TwoOfOneName(ValueError):
    """Two tables under one name: nobody could tell which of them a line means."""


def deciders(tables: Sequence[Table], currency: str, today: date) -> dict[str, Decide]:
    """How lines are decided that name one of these tables; `currency` and `today` hold where a line says nothing."""
    found: dict[str, Table] = {}
    for table in tables:
        other = (
            "a published rule" if table.name in packs.names() else found[table.name].file if table.name in found else ""
        )
        if other:
            raise TwoOfOneName(f"{table.file}: {table.name} is the name of {other} too; give it a name of its own")
        found[table.name] = table
    return {name: _decider(table, currency, today) for name, table in found.items()}


def _decider(table: Table, currency: str, today: date) -> Decide:
    def decide(case: Mapping[str, Any], trace: bool) -> Answer:
        if not table.promise:
            more = {"currency": case.get("currency"), "on": case.get("on")}
            return answer_from(table, case.get("id"), case.get("inputs", {}), trace=trace, **more)
        return guarded(case.get("id"), case.get("inputs", {}), lambda given: _answered(table, case, given, trace))

    def _answered(policy: Table, case: Mapping[str, Any], given: Mapping[str, Any], trace: bool) -> Answer:
        on = today if case.get("on") is None else day("on", case["on"])
        paid = currency_of(policy, given, str(case.get("currency") or ""), currency)
        return answered(replace(policy, currency=paid), given, on, trace=trace)

    return decide


def currency_of(policy: Table, given: Mapping[str, Any], told: str = "", otherwise: str = "") -> str:
    """The currency of a case; WrongInput where nobody says it and the policy speaks of none."""
    found = paid_in(policy, given, told) or otherwise or policy.currency or sampling.spoken(policy)
    if not found:
        how = 'write "currency": "EUR" beside the inputs, an amount such as "4.99 EUR", or --currency EUR'
        raise WrongInput("currency", f"missing; {policy.name} pays in what the customer paid: {how}")
    return found


def answered(policy: Table, given: Mapping[str, Any], on: date, *, trace: bool = True) -> Answer:
    """What a policy gives on a day, the statute underneath it included, as `amends policy decide` writes it."""
    inputs = read_given(policy, as_said(policy, lived.days(policy, _told(policy, given))))
    decision = rules.decide_on(inputs, _facts(policy, given), policy, on, policy.currency)
    if not decision.version:
        raise WrongInput("on", f"{policy.name} has no version for {on}; known: from {policy.versions[0].since} on")
    total = Money(sum(one.amount.minor for one in decision.remedies if one.amount), policy.currency)
    row = _row(policy, decision, on)
    made: Answer = {
        "eligible": total.minor > 0,
        "amount": total.plain(),
        "currency": total.currency,
        "reason": _reason(decision, row, total.minor),
        "row": decision.row,
        "claim": (row.claim if row and total.minor else "") or None,
        "pay_by": decision.pay_by or None,
        "remedies": [
            {"kind": one.kind, "amount": one.amount.plain() if one.amount else None, "owed": one.owed}
            for one in decision.remedies
        ],
        "person": decision.person or None,
    }
    looked = {"rule": policy.name, "digest": policy.digest, "version": decision.version, "values": decision.inputs}
    return made | {"trace": {**looked, **decision.trace}} if trace else made


def _told(policy: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the policy; what belongs to the statute underneath it alone is not its own."""
    statute = {name for rule in policy.statute for name in packs.rule(rule).names}
    return {name: value for name, value in given.items() if name in policy.names or name not in statute}


def _facts(policy: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was told besides what every failure has, as the statute reads it."""
    given = {name: value for name, value in given.items() if name not in lived.KNOWN}
    found = dict(given)
    for rule in map(packs.rule, policy.statute):
        found |= as_said(rule, {name: value for name, value in given.items() if name in rule.names})
    return found


def _row(policy: Table, decision: Decision, on: date) -> Row | None:
    version = policy.at(on)
    return next((row for row in version.rows if row.row_id == decision.row), None) if version else None


def _reason(decision: Decision, row: Row | None, total: int) -> str:
    """`ok`, or why it is less or nothing, in the words of `amends policy decide`."""
    reason = row.reason if row else "no_row"
    if reason != "ok":
        return reason
    if not total:
        return "escalate_to_person" if decision.person else "nothing_due"
    marks = {mark for one in decision.trace["amounts"] for mark in one["marks"]}
    return "capped" if "capped" in marks else "ok_halved" if "halved" in marks else "ok"
