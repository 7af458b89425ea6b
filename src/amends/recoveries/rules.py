"""Deciding what is fair: a failure, its history and a policy in; a decision with its reasons out. Replayable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from amends.failures.records import Failure, Recurrence
from amends.ground.ids import share_of
from amends.ground.money import MAX_MINOR, MoneyError
from amends.recoveries.lived import asked, assumed, days, inputs_of, lacking
from amends.recoveries.policy import applying, packs, reckoning
from amends.recoveries.policy.applying import Given, plain
from amends.recoveries.policy.given import WrongInput, as_said
from amends.recoveries.policy.reckoning import Looked, NoAmount
from amends.recoveries.policy.tree import Grant, Row, Table, TableVersion
from amends.recoveries.policy.wording import amount_words, conditions_words
from amends.recoveries.records import Decision, Remedy


@dataclass
class _Found:
    """What one decision has gathered so far."""

    inputs: Mapping[str, Any]
    currency: str
    looked: Sequence[Looked] = ()
    given: list[Given] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    person: str = ""
    pay_by: str = ""
    assumed: Sequence[str] = ()
    statute: list[Mapping[str, Any]] = field(default_factory=list)

    def ask_a_person(self, why: str) -> None:
        self.person = self.person or why


def decide(
    failure: Failure,
    recurrence: Recurrence,
    policy: Table,
    day: date,
    *,
    currency: str,
    holdout: tuple[str, float],
    approve_up_to: int,
) -> Decision:
    """The decision for one failure by the policy's version of that day.

    `currency` is the company's, for failures that were told without one; `holdout` is (salt, share): goodwill is
    withheld from that share of customers, what is owed never; goodwill above `approve_up_to` minor units waits for a
    person, what is owed does not.
    """
    paid_in = failure.price.currency if failure.price is not None else failure.currency or currency
    held_out = share_of(holdout[0], failure.customer_id) < holdout[1]
    inputs = inputs_of(failure, recurrence, policy, paid_in)
    version, why = policy.at(day), lacking(policy, asked(policy), failure.facts, paid_in)
    if version is not None and why:
        return _undecided(policy, str(version.since), _Found(inputs, paid_in), why)
    return decide_on(inputs, failure.facts, policy, day, paid_in, held_out=held_out, approve_up_to=approve_up_to)


def decide_on(
    inputs: Mapping[str, Any],
    facts: Mapping[str, Any],
    policy: Table,
    day: date,
    currency: str,
    *,
    held_out: bool = False,
    approve_up_to: int = MAX_MINOR,
) -> Decision:
    """The decision on a policy's inputs, and for the statute underneath it on the facts that were told."""
    found = _Found(inputs, currency, assumed=assumed(policy, facts))
    version = policy.at(day)
    if version is None:
        return _undecided(policy, "", found, f"policy {policy.name} has no version for {day}")
    values = reckoning.values_of(policy, version, found.inputs, day)
    found.looked = reckoning.look(policy, version, values, found.currency)
    rows = [one.row for one in found.looked if one.held]
    if not rows:
        return _undecided(policy, str(version.since), found, f"no row of policy {policy.name} fits")
    for row in rows:
        _take(found, policy, version, row, values, day)
    for rule in policy.statute:
        _take_statute(found, rule, facts, day)
    return _decision(policy, version, rows, found, held_out, approve_up_to)


def _take(found: _Found, policy: Table, version: TableVersion, row: Row, values: Mapping[str, Any], day: date) -> None:
    """What one row gives; an amount that cannot be reckoned brings a person in."""
    found.reasons.append(f"row {row.row_id} of policy {policy.name} ({version.since}): {conditions_words(row)}")
    if row.person:
        found.ask_a_person(row.person)
    for grant in row.grants:
        if grant.term is None:
            found.given.append(Given(row, grant))
            continue
        try:
            exact = reckoning.reckon(grant.term, values, found.currency)
            found.given.append(Given(row, grant, exact, reckoning.rounded(exact, found.currency)))
        except (NoAmount, MoneyError) as error:
            found.ask_a_person(f"the {grant.kind} cannot be reckoned: {error}")
    until = applying.deadline(row, values, day)
    found.pay_by = found.pay_by or (until.isoformat() if until else "")


def _take_statute(found: _Found, name: str, facts: Mapping[str, Any], day: date) -> None:
    """What a published rule owes underneath the policy; what it needs and nobody knows brings a person in."""
    rule = packs.rule(name)
    given = {fact: value for fact, value in facts.items() if fact in rule.names and value is not None}
    try:
        said = as_said(rule, days(rule, given))
        outcome = applying.apply(rule, said, None if applying.says_when(rule, said) else day)
    except (WrongInput, NoAmount, MoneyError) as error:
        found.ask_a_person(f"{rule.about.get('title', name)} cannot be applied: {error}")
        return
    found.statute.append({"rule": name, "reason": outcome.reason, "amount": str(outcome.amount), **outcome.trace})
    found.reasons.append(f"{rule.about.get('title', name)}: {outcome.reason.replace('_', ' ')}, {outcome.amount}")
    if outcome.person:
        found.ask_a_person(f"{rule.about.get('title', name)}: {outcome.person}")
    if not outcome.eligible:
        return
    if outcome.amount.currency != found.currency:
        found.ask_a_person(f"{name} is owed in {outcome.amount.currency}, the customer pays in {found.currency}")
        return
    kind = next(grant.kind for version in rule.versions for row in version.rows for grant in row.grants)
    row = Row(f"{name}:{outcome.row}", (), (), claim=outcome.claim)
    exact = reckoning.Exact(Fraction(outcome.amount.decimal()))
    found.given.append(Given(row, Grant("credit" if kind == "cash" else kind, None, True), exact, outcome.amount))
    found.pay_by = outcome.pay_by.isoformat() if outcome.pay_by else found.pay_by


def _undecided(policy: Table, version: str, found: _Found, why: str) -> Decision:
    trace = {"rows": _rows(found), "amounts": []}
    reasons = (f"{why}: a person decides",)
    return Decision(policy.name, version, policy.digest, "", (), why, True, False, reasons, _plain(found), trace)


def _rows(found: _Found) -> list[dict[str, Any]]:
    return [{"row": o.row.row_id, "conditions": dict(o.conditions), "held": o.held} for o in found.looked]


def _decision(
    policy: Table, version: TableVersion, rows: Sequence[Row], found: _Found, held_out: bool, approve_up_to: int
) -> Decision:
    kept = found.given
    if version.hit == "collect":
        kept = applying.stacked(kept, version.stacking)
    elif policy.statute and version.stacking != "sum":
        kept = applying.set_off(kept)  # the row's goodwill is one: only one row was looked for
    remedies, amounts, withheld = [], [], False
    for one in kept:
        if held_out and not one.grant.owed and one.amount is not None:
            withheld = True
            found.reasons.append(
                f"the {one.grant.kind} is goodwill and this customer is in the holdout: it is not given"
            )
        elif one.amount is None:
            remedies.append(Remedy(one.grant.kind, None, one.grant.owed))
        elif one.amount.minor > 0:
            remedies.append(Remedy(one.grant.kind, one.amount, one.grant.owed))
            amounts.append(_amount(one))
            words = amount_words(one.grant.term) or f"by {one.row.row_id}"
            found.reasons.append(f"{one.grant.kind} of {one.amount}: {words}{', owed' if one.grant.owed else ''}")
    goodwill = sum(remedy.amount.minor for remedy in remedies if remedy.amount and not remedy.owed)
    owes = any(remedy.amount and remedy.owed for remedy in remedies)
    if goodwill > approve_up_to:
        found.reasons.append(
            f"goodwill of {goodwill} minor units is more than is given without a person's approval ({approve_up_to})"
        )
    if found.person:
        found.reasons.append(f"a person is needed: {found.person}")
    return Decision(
        policy=policy.name,
        version=str(version.since),
        policy_hash=policy.digest,
        row=rows[0].row_id,
        remedies=tuple(_merged(remedies)),
        person=found.person,
        needs_approval=(goodwill > approve_up_to and not owes) or (bool(found.person) and not remedies),
        holdout=withheld,
        reasons=tuple(found.reasons),
        inputs=_plain(found),
        trace={"rows": _rows(found), "amounts": amounts, "statute": found.statute, "assumed": found.assumed},
        pay_by=found.pay_by if amounts else "",
    )


def _merged(remedies: Sequence[Remedy]) -> list[Remedy]:
    """One remedy a kind, and what is owed apart from goodwill: each is one act."""
    found: dict[tuple[str, bool], Remedy] = {}
    for remedy in remedies:
        known = found.get((remedy.kind, remedy.owed))
        if known is not None and known.amount and remedy.amount:
            remedy = Remedy(remedy.kind, known.amount + remedy.amount, remedy.owed)
        found[(remedy.kind, remedy.owed)] = remedy
    return list(found.values())


def _amount(one: Given) -> dict[str, Any]:
    assert one.exact
    before = applying.exact_text(one.exact)
    words = amount_words(one.grant.term) or one.row.row_id
    return {
        "remedy": one.grant.kind,
        "amount": str(one.amount),
        "before": before,
        "marks": sorted(one.exact.marks),
        "term": words,
    }


def _plain(found: _Found) -> dict[str, Any]:
    """Inputs as they are kept beside the decision: exact, and readable without our types."""
    kept = {name: plain(value) for name, value in found.inputs.items()}
    if found.inputs.get("price") is not None:
        kept["price"] = {"amount": format(found.inputs["price"], "f"), "currency": found.currency}
    return kept


def policy_for(promise: str, policies: Mapping[str, Table]) -> Table | None:
    """The policy of a promise, else the one for any."""
    return policies.get(promise) or policies.get("any")
