"""What a decision's goodwill asks of budgets and people. Pure: what is owed never comes in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from amends.failures.records import Evidence, Failure
from amends.ground.counts import counted
from amends.ground.money import Money
from amends.recoveries.budgets import Budget, Limits
from amends.recoveries.records import Decision, Remedy


@dataclass(frozen=True)
class Slot:
    """One counter that goodwill must fit into: of an incident, of a policy's day, or of a customer's window."""

    key: str
    budget: Budget
    who: str  # whose it is, in words: "incident fire-7"


@dataclass(frozen=True)
class Wish:
    """One recovery's goodwill, and all it must fit into; `refused` when it cannot whatever the counters say."""

    recovery_id: str
    customer_id: str
    goodwill: Money
    slots: tuple[Slot, ...] = ()
    refused: str = ""


def goodwill_of(remedies: Sequence[Remedy]) -> list[Remedy]:
    """Remedies with an amount that nobody is owed."""
    return [remedy for remedy in remedies if remedy.amount is not None and not remedy.owed]


def minor_of(remedies: Sequence[Remedy]) -> int:
    """What they come to in minor units."""
    return sum(remedy.amount.minor for remedy in remedies if remedy.amount)


def owes(decision: Decision) -> bool:
    """Whether something with an amount is owed by law or contract."""
    return any(remedy.amount is not None and remedy.owed for remedy in decision.remedies)


def gives_nothing(decision: Decision) -> bool:
    """Whether nothing was due: no remedy, not even an apology, nobody to be in touch, nothing kept back to measure."""
    return not (decision.remedies or decision.person or decision.holdout)


def bounded(decision: Decision, failure: Failure, limits: Limits) -> Decision:
    """The decision with its goodwill held under what this grade of proof may bring; the reason is written down.

    What was cut stands in the trace as `bounded`, in minor units, for who has to explain it.
    """
    cap = limits.evidence.get(failure.evidence)
    if cap is None or not goodwill_of(decision.remedies):
        return decision
    kept, reasons, cut, left = [], list(decision.reasons), [], cap.minor
    for remedy in decision.remedies:
        amount = remedy.amount
        if amount is None or remedy.owed or amount.currency != cap.currency or amount.minor <= left:
            left -= amount.minor if amount and not remedy.owed and amount.currency == cap.currency else 0
            kept.append(remedy)
            continue
        reasons.append(f"{remedy.kind} of {amount}: {failure.evidence.value} brings at most {cap} of goodwill")
        cut.append(_cut(remedy, amount, left, cap, failure.evidence))
        if left:
            kept.append(replace(remedy, amount=Money(left, cap.currency)))
        left = 0
    trace = {**decision.trace, "bounded": cut} if cut else decision.trace
    return replace(decision, remedies=tuple(kept), reasons=tuple(reasons), trace=trace)


def _cut(remedy: Remedy, amount: Money, left: int, cap: Money, evidence: Evidence) -> dict[str, Any]:
    minor = {"minor": amount.minor, "kept_minor": left, "cap_minor": cap.minor}
    return {"remedy": remedy.kind, "evidence": evidence.value, "currency": cap.currency, **minor}


def why_a_person(decision: Decision, failure: Failure, limits: Limits) -> tuple[int, str]:
    """(how many operators must agree to the goodwill, why): by the ladder, the proof's currency and an abuse score."""
    goodwill = goodwill_of(decision.remedies)
    if not goodwill:
        return 0, ""
    total = Money(sum(remedy.amount.minor for remedy in goodwill if remedy.amount), _currency(goodwill))
    signers = limits.ladder.signers(total) if limits.ladder else 0
    reasons = [f"goodwill of {total} needs {'one operator' if signers == 1 else 'two operators'}"] if signers else []
    cap = limits.evidence.get(failure.evidence)
    if cap is not None and cap.currency != total.currency:
        reasons.append(f"{failure.evidence.value} brings at most {cap}, and this is {total}")
    score = _abuse_score(failure)
    if limits.person_from is not None and score is not None and score >= limits.person_from:
        reasons.append(f"the abuse score is {score}: look before goodwill is given; it alone denies nothing")
    return max(signers, bool(reasons)), "; ".join(reasons)


def _abuse_score(failure: Failure) -> float | None:
    score = failure.facts.get("abuse_score")
    return float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None


def _currency(goodwill: Sequence[Remedy]) -> str:
    return next(remedy.amount.currency for remedy in goodwill if remedy.amount)


def wish(
    recovery_id: str, decision: Decision, customer_id: str, incident: str, limits: Limits, day: date
) -> Wish | None:
    """What this decision's goodwill must fit into; None when there is none or no budget."""
    goodwill = goodwill_of(decision.remedies)
    if not goodwill or not limits.budgets:
        return None
    currency = _currency(goodwill)
    total = Money(sum(remedy.amount.minor for remedy in goodwill if remedy.amount), currency)
    mine = [budget for budget in limits.budgets if budget.policy in ("", decision.policy)]
    slots = [_slot(budget, decision, customer_id, incident, day) for budget in mine if budget.cap.currency == currency]
    return Wish(
        recovery_id,
        customer_id,
        total,
        tuple(slot for slot in slots if slot is not None),
        _refused(mine, total),
    )


def _refused(budgets: Sequence[Budget], total: Money) -> str:
    for budget in budgets:
        if budget.per == "decision" and budget.cap.currency == total.currency and total.minor > budget.cap.minor:
            return f"{total} is more than the budget {budget.name} allows for one decision ({budget.cap})"
    if all(budget.cap.currency != total.currency for budget in budgets) and budgets:
        return f"no budget speaks of {total.currency}, so {total} waits"
    return ""


def _slot(budget: Budget, decision: Decision, customer_id: str, incident: str, day: date) -> Slot | None:
    if budget.per == "customer":
        return Slot(f"{budget.name}\x1f{customer_id}", budget, f"this customer in {counted(budget.days, 'day')}")
    if budget.per == "incident" and incident:
        return Slot(_line(f"{budget.name}|{incident}"), budget, f"incident {incident}")
    if budget.per == "policy day":
        return Slot(_line(f"{budget.name}|{decision.policy}|{day}"), budget, f"policy {decision.policy} on {day}")
    return None


def _line(key: str) -> str:
    return key.replace("\n", " ")  # a recovery keeps its budgets one a line


def fitting(wishes: Sequence[Wish], left: Mapping[str, int]) -> tuple[list[Wish], dict[str, str]]:
    """As many wishes as fit into what is `left` of each slot, in their order; and why the others do not.

    A slot that `left` does not name is not looked at.
    """
    remaining, fits, held = dict(left), [], {}
    for one in wishes:
        why = one.refused or _no_room(one, remaining)
        if why:
            held[one.recovery_id] = why
            continue
        fits.append(one)
        for slot in one.slots:
            if slot.key in remaining:
                remaining[slot.key] -= one.goodwill.minor
    return fits, held


def _no_room(wish: Wish, remaining: Mapping[str, int]) -> str:
    for slot in wish.slots:
        left = remaining.get(slot.key)
        if left is not None and left < wish.goodwill.minor:
            budget, rest = slot.budget, Money(max(0, left), slot.budget.cap.currency)
            says = f"the budget {budget.name} of {budget.cap} for {slot.who} is too small"
            return f"{says}: {rest} left, {wish.goodwill} needed"
    return ""
