"""Deciding what is fair: a failure, its history and a policy in; a decision with its reasons out. Replayable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from amends.failures.records import Failure, Recurrence, Severity
from amends.ground.ids import share_of
from amends.ground.money import Money, MoneyError, round_half_up
from amends.recoveries.records import Decision, Remedy
from amends.recoveries.tables import (
    Bounded,
    Cell,
    Chosen,
    Fixed,
    Grant,
    Percent,
    PerUnit,
    Policy,
    Row,
    TableVersion,
    Term,
)

FACTS = ("stall_s", "stall_count", "longest_stall_s", "startup_s", "watched_s", "played_s")


class NoAmount(Exception):
    """An amount that cannot be reckoned from what is known; a person decides."""


def inputs_of(failure: Failure, recurrence: Recurrence) -> dict[str, Any]:
    """What a policy may look at, and nothing else: no name, no address, no language."""
    numbers = {name: _number(failure.facts.get(name)) for name in FACTS}
    return numbers | {
        "severity": failure.severity.value,
        "recurrence": Decimal(recurrence.count),
        "recurrence_decayed": Decimal(str(recurrence.decayed)),
        "controllable": failure.controllable,
        "stable_cause": failure.stable_cause,
        "loss_kind": failure.loss_kind.value,
        "used_anyway": failure.used_anyway,
        "evidence": failure.evidence.value,
        "product": str(failure.facts.get("product") or "") or None,
        "disputed": bool(failure.facts.get("disputed")),
        "price": failure.price,
    }


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None


def holds(cell: Cell, inputs: Mapping[str, Any]) -> bool:
    """Whether one condition is met; what is not known meets none but `null`."""
    value = inputs.get(cell.name)
    if cell.op in ("null", "notnull"):
        return (value is None) == (cell.op == "null")
    if value is None:
        return False
    if cell.op == "in":
        return value in cell.value
    if cell.op == "between":
        return bool(_rank(cell, cell.value[0]) <= _rank(cell, value) <= _rank(cell, cell.value[1]))
    if isinstance(value, Money) and value.currency != cell.value.currency:
        return False
    left, right = _rank(cell, value), _rank(cell, cell.value)
    outcomes = {"=": left == right, "!=": left != right, "<": left < right, "<=": left <= right}
    return bool(outcomes.get(cell.op, left > right if cell.op == ">" else left >= right))


def _rank(cell: Cell, value: Any) -> Any:
    if cell.name == "severity":
        return Severity(value).rank
    return value.minor if isinstance(value, Money) else value


def reckon(term: Term, inputs: Mapping[str, Any], currency: str) -> Decimal:
    """An amount in the currency's major unit, exact and not yet rounded. NoAmount when it cannot be known."""
    if isinstance(term, Fixed):
        return _same_currency(term.money, currency)
    if isinstance(term, Percent):
        base = inputs.get(term.of)
        if base is None:
            raise NoAmount(f"{term.of} is not known")
        return _same_currency(base, currency) * term.percent / 100
    if isinstance(term, PerUnit):
        units = inputs.get(term.unit)
        if units is None:
            raise NoAmount(f"{term.unit} is not known")
        return _same_currency(term.money, currency) * Decimal(units)
    if isinstance(term, Chosen):
        amounts: list[Decimal] = [reckon(part, inputs, currency) for part in term.terms]
        return max(amounts) if term.largest else min(amounts)
    return _bounded(term, inputs, currency)


def _bounded(term: Bounded, inputs: Mapping[str, Any], currency: str) -> Decimal:
    amount = reckon(term.term, inputs, currency) / (2 if term.halve else 1)
    if term.floor is not None:
        amount = max(amount, reckon(term.floor, inputs, currency))
    if term.cap is not None:
        amount = min(amount, reckon(term.cap, inputs, currency))
    return amount


def _same_currency(money: Money, currency: str) -> Decimal:
    if money.currency != currency:
        raise NoAmount(f"the policy speaks of {money.currency}, the customer paid in {currency}")
    return money.decimal()


def decide(
    failure: Failure,
    recurrence: Recurrence,
    policy: Policy,
    day: date,
    *,
    currency: str,
    holdout: tuple[str, float],
    approve_up_to: int,
) -> Decision:
    """The decision for one failure by the policy's version of that day.

    `currency` is the company's, for amounts that do not come from a price; `holdout` is (salt, share): goodwill is
    withheld from that share of customers, what is owed never; above `approve_up_to` minor units a person approves.
    """
    inputs = inputs_of(failure, recurrence)
    version = policy.at(day)
    if version is None:
        return _undecided(policy, "", inputs, f"policy {policy.name} has no version for {day}")
    row, looked_at = _first_hit(version, inputs)
    if row is None:
        return _undecided(policy, str(version.since), inputs, f"no row of policy {policy.name} fits", looked_at)
    held_out = share_of(holdout[0], failure.customer_id) < holdout[1]
    return _from_row(policy, version, row, inputs, looked_at, held_out, currency, approve_up_to)


def _first_hit(version: TableVersion, inputs: Mapping[str, Any]) -> tuple[Row | None, list[dict[str, Any]]]:
    """The first row of which every condition holds, and what was found in each row up to it."""
    looked_at = []
    for row in version.rows:
        found = {cell.words(): holds(cell, inputs) for cell in row.cells}
        looked_at.append({"row": row.row_id, "conditions": found, "held": all(found.values())})
        if all(found.values()):
            return row, looked_at
    return None, looked_at


def _undecided(
    policy: Policy, version: str, inputs: Mapping[str, Any], why: str, looked_at: list[dict[str, Any]] | None = None
) -> Decision:
    trace = {"rows": looked_at or [], "amounts": []}
    return Decision(
        policy.name,
        version,
        policy.digest,
        "",
        (),
        why,
        True,
        False,
        (f"{why}: a person decides",),
        plain(inputs),
        trace,
    )


def _from_row(
    policy: Policy,
    version: TableVersion,
    row: Row,
    inputs: Mapping[str, Any],
    looked_at: list[dict[str, Any]],
    held_out: bool,
    currency: str,
    approve_up_to: int,
) -> Decision:
    reasons = [f"row {row.row_id} of policy {policy.name} ({version.since}): {_conditions(row)}"]
    remedies: list[Remedy] = []
    amounts, person, withheld = [], row.person, False
    price = inputs.get("price")
    in_currency = price.currency if price is not None else currency
    for grant in row.grants:
        if held_out and not grant.owed and grant.term is not None:
            withheld = True
            reasons.append(f"the {grant.kind} is goodwill and this customer is in the holdout: it is not given")
            continue
        try:
            remedy = _remedy(grant, inputs, in_currency)
        except (NoAmount, MoneyError) as error:
            person = person or f"the {grant.kind} cannot be reckoned: {error}"
            continue
        if remedy is None:
            continue
        remedies.append(remedy)
        if remedy.amount is not None:
            amounts.append({"remedy": grant.kind, "amount": str(remedy.amount), "term": _words(grant.term)})
            reasons.append(f"{grant.kind} of {remedy.amount}: {_words(grant.term)}{', owed' if grant.owed else ''}")
    total = sum(remedy.amount.minor for remedy in remedies if remedy.amount)
    if total > approve_up_to:
        reasons.append(f"{total} minor units is more than is paid without a person's approval ({approve_up_to})")
    if person:
        reasons.append(f"a person is needed: {person}")
    return Decision(
        policy=policy.name,
        version=str(version.since),
        policy_hash=policy.digest,
        row=row.row_id,
        remedies=tuple(remedies),
        person=person,
        needs_approval=total > approve_up_to or (bool(person) and not remedies),
        holdout=withheld,
        reasons=tuple(reasons),
        inputs=plain(inputs),
        trace={"rows": looked_at, "amounts": amounts},
    )


def _remedy(grant: Grant, inputs: Mapping[str, Any], currency: str) -> Remedy | None:
    if grant.term is None:
        return Remedy(grant.kind, None, grant.owed)
    amount = round_half_up(reckon(grant.term, inputs, currency), currency)
    return Remedy(grant.kind, amount, grant.owed) if amount.minor > 0 else None


def _conditions(row: Row) -> str:
    return " and ".join(cell.words() for cell in row.cells) or "for everything else"


def _words(term: Term | None) -> str:
    """An amount as a person says it."""
    if isinstance(term, Fixed):
        return str(term.money)
    if isinstance(term, Percent):
        return f"{term.percent} % of the {term.of}"
    if isinstance(term, PerUnit):
        return f"{term.money} for each {term.unit}"
    if isinstance(term, Chosen):
        return f"the {'larger' if term.largest else 'smaller'} of " + " and ".join(_words(part) for part in term.terms)
    if isinstance(term, Bounded):
        bounds = [f"at {side} {_words(of)}" for side, of in (("least", term.floor), ("most", term.cap)) if of]
        return ", ".join([f"half of {_words(term.term)}" if term.halve else _words(term.term), *bounds])
    return ""


def plain(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as JSON can keep them, exact."""
    return {name: _plain(value) for name, value in inputs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    return str(value) if isinstance(value, Decimal) else value


def policy_for(promise: str, policies: Mapping[str, Policy]) -> Policy | None:
    """The policy of a promise, else the one for any."""
    return policies.get(promise) or policies.get("any")
