"""Why a recovery was decided as it was, for the customer: from the policy's own text where it is on record, else from
what was kept beside the decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from amends.ground.money import Money
from amends.recoveries.policy import reckoning
from amends.recoveries.policy.explaining import Explanation, amount_sentences, asking, facts, why, why_not
from amends.recoveries.policy.given import WrongInput, read_given
from amends.recoveries.policy.plainly import REMEDIES, day_words, human, listed, reason_words, sentence
from amends.recoveries.policy.reckoning import Looked
from amends.recoveries.policy.tree import Table, TableVersion
from amends.recoveries.records import Decision, Former, Goodwill, Recovery, RecoveryState, Remedy, withheld

# What amends knows of every failure and has no words for that a customer would understand.
UNSPOKEN = frozenset(
    ("recurrence", "recurrence_decayed", "stable_cause", "loss_kind", "controllable", "evidence", "disputed")
)

# What speaks for a failure, by its grade of proof, as it is said to the customer.
PROOF = {
    "observed": "what we saw ourselves",
    "corroborated": "a fault that we know of, but did not see at yours",
    "claimed with proof": "what you told us and have shown proof of",
    "claimed": "what you told us, and nothing else shows",
}


def recount(
    decision: Decision, table: Table | None, formers: Sequence[Former] = (), stands: Recovery | None = None
) -> Explanation:
    """A decision in sentences; `table` is the text it was made by, when that is known, `formers` what it was before.

    `stands` is its recovery as it is now: what waits for a person, or was declined, is not said to be given.
    """
    known = _looked_again(decision, table) if table else None
    parts = _from_table(decision, *known) if known else _from_trace(decision)
    anew = [_anew(former) for former in formers]
    return Explanation(
        about=" ".join(
            [sentence(f"This was decided by our policy {_title(decision, table)}{_since(decision)}"), *anew]
        ),
        answer=" ".join([sentence(_answer(decision, stands)), *_not_given(decision, stands)]),
        when=_when(decision, [one.row.claim for one in known[2] if one.held] if known else [], stands),
        **parts,
    )


def _anew(former: Former) -> str:
    gets = [_remedy(one) for one in _together(former.decision.remedies)]
    day = day_words(former.replaced_at.date())
    return sentence(f"It was decided anew on {day}; before, it was: {listed(gets, 'and') if gets else 'nothing'}")


def _together(remedies: Collection[Remedy]) -> list[Remedy]:
    """One remedy a kind, and what is owed apart from goodwill, whatever revision brought it."""
    found: dict[tuple[str, bool], Remedy] = {}
    for one in remedies:
        known = found.get((one.kind, one.owed))
        amount = known.amount + one.amount if known and known.amount and one.amount else one.amount
        found[one.kind, one.owed] = Remedy(one.kind, amount, one.owed)
    return list(found.values())


def _title(decision: Decision, table: Table | None) -> str:
    words = table.words.get("en") if table else ""
    name = f"“{human(decision.policy.replace('-', ' '), keep=True)}”"
    return f"{name}: {words.rstrip('.')}" if words else name


def _since(decision: Decision) -> str:
    return f", as in force from {day_words(date.fromisoformat(decision.version))}" if decision.version else ""


def _answer(decision: Decision, stands: Recovery | None) -> str:
    if _declined(stands):
        return "Nothing is given" + _no(stands)
    not_yet = withheld(decision.remedies, stands.goodwill) if stands else []
    gets = [_remedy(one) for one in _together([one for one in decision.remedies if one not in not_yet])]
    if decision.person and not gets:
        return f"A person looks at it before anything is given: {decision.person}"
    if not gets:
        return "Nothing is given"
    also = f"; a person looks at it as well: {decision.person}" if decision.person else ""
    proposed = stands.state is RecoveryState.PROPOSED if stands else decision.needs_approval
    waits = ", once a person has approved it" if proposed else ""
    return f"You get {listed(gets, 'and')}{waits}{also}"


def _not_given(decision: Decision, stands: Recovery | None) -> list[str]:
    """Goodwill beside the rest that waits for a person, or that a person said no to."""
    if stands is None or _declined(stands) or not (found := withheld(decision.remedies, stands.goodwill)):
        return []
    said = f"{listed([_remedy(one) for one in _together(found)], 'and')} {'is' if len(found) == 1 else 'are'} not given"
    if stands.goodwill is Goodwill.WAITING:
        return [sentence(f"{said} yet: a person of ours has to agree first")]
    return [sentence(said + _no(stands))]


def _declined(stands: Recovery | None) -> bool:
    return stands is not None and stands.state is RecoveryState.DECLINED


def _no(stands: Recovery | None) -> str:
    """A person's no in their words; they were written so that the customer could read them."""
    words = stands.declined_reason.strip().rstrip(".") if stands else ""
    return f": a person of ours looked at it and decided against it, for this reason: {words}" if words else ""


def _remedy(one: Remedy) -> str:
    name = REMEDIES.get(one.kind, one.kind)
    if one.amount is None:
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    article = "" if name == "money back" else "a "
    return f"{one.amount.words()} as {article}{name}" + (" (owed to you)" if one.owed else "")


def _looked_again(decision: Decision, table: Table) -> tuple[Table, TableVersion, list[Looked], dict[str, Any]] | None:
    """The rows as they were looked at, told again from the inputs that were kept; None when they cannot be."""
    version = next((one for one in table.versions if str(one.since) == decision.version), None)
    if version is None or table.digest != decision.policy_hash:
        return None
    price = decision.inputs.get("price")
    currency = (
        price["currency"]
        if isinstance(price, Mapping)
        else next((one.amount.currency for one in decision.remedies if one.amount), table.currency or "EUR")
    )
    table = replace(table, currency=currency)
    given = {n: v["amount"] if isinstance(v, Mapping) else v for n, v in decision.inputs.items()}
    try:
        inputs = read_given(table, {name: value for name, value in given.items() if name in table.inputs})
    except WrongInput:
        return None
    found = reckoning.values_of(table, version, inputs, version.since)
    return table, version, reckoning.look(table, version, found, currency), found


def _from_table(
    decision: Decision, table: Table, version: TableVersion, looked: list[Looked], found: dict[str, Any]
) -> dict[str, tuple[str, ...]]:
    assumed: list[str] | None = decision.trace.get("assumed")  # not kept once
    needed = {cell.name for one in looked for cell in one.row.cells} - {*(assumed or ())}
    told = {name for name, value in decision.inputs.items() if value is not None and name in needed | {"price"}}
    terms = [grant.term for one in looked if one.held for grant in one.row.grants if grant.term is not None]
    amounts = [line for term in terms for line in amount_sentences(table, version, term, found)]
    if not decision.row:  # no row was looked at: a person decides
        own = {name for name, value in decision.inputs.items() if value is not None and table.inputs[name].words}
        said = facts(table, version, (), found, own | {"price"} if found.get("price") is not None else own)
        return {"looked_at": said, "why": (), "why_not": (), "amount": ()}
    return {
        "looked_at": facts(table, version, looked, found, told, assumed),
        "why": why(table, version, looked, found) + _statute(decision),
        "why_not": why_not(table, version, looked, found),
        "amount": tuple(amounts) + _bounded(decision) + _withheld(decision),
    }


def _from_trace(decision: Decision) -> dict[str, tuple[str, ...]]:
    """What was kept beside the decision says as much, in fewer words."""
    rows = decision.trace.get("rows", ())
    held = [row for row in rows if row["held"]]
    said = [_spoken(row["conditions"], True) for row in held]
    missed = [_spoken({k: v for k, v in row["conditions"].items() if not v}, False) for row in rows if not row["held"]]
    kept = {name: value for name, value in decision.inputs.items() if value is not None and name not in UNSPOKEN}
    return {
        "looked_at": tuple(sentence(f"{human(name)}: {_kept(value)}") for name, value in kept.items()),
        "why": tuple(said) + _statute(decision),
        "why_not": tuple(dict.fromkeys(missed)),
        "amount": tuple(
            sentence(f"{human(one['term'], keep=True)} comes to {one['amount']}")
            for one in decision.trace.get("amounts", ())
        )
        + _bounded(decision)
        + _withheld(decision),
    }


def _spoken(conditions: Mapping[str, bool], held: bool) -> str:
    words = listed([human(one, keep=True) for one in conditions], "and") if conditions else "everything else"
    return sentence(f"The line for “{words}” was used" if held else f"A line was not used: “{words}” was not so")


def _kept(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['currency']} {value['amount']}"
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else human(str(value), keep=True)
    )


def _statute(decision: Decision) -> tuple[str, ...]:
    found = decision.trace.get("statute", ())
    return tuple(
        sentence(
            f"The published rule {human(one['rule'])} was looked at too: {reason_words(one['reason'])}, {one['amount']}"
        )
        for one in found
    )


def _bounded(decision: Decision) -> tuple[str, ...]:
    """Goodwill that was cut to what its proof may bring."""
    return tuple(_cut(one) for one in decision.trace.get("bounded", ()))


def _cut(one: Mapping[str, Any]) -> str:
    was, kept, cap = (Money(one[name], one["currency"]).words() for name in ("minor", "kept_minor", "cap_minor"))
    most = f"at most {cap} of goodwill in all" if one["cap_minor"] else "no goodwill"
    name, given = REMEDIES.get(one["remedy"], one["remedy"]), kept if one["kept_minor"] else "nothing"
    proof = PROOF.get(one["evidence"], human(one["evidence"]))
    return sentence(f"Of the {was} as {name}, which is goodwill, {given} is given: for {proof}, we give {most}")


def _withheld(decision: Decision) -> tuple[str, ...]:
    if not decision.holdout:
        return ()
    return ("A part that is goodwill was not given, because we are measuring whether it helps; what is owed is.",)


def _when(decision: Decision, claims: list[str], stands: Recovery | None) -> tuple[str, ...]:
    if _declined(stands):
        return ()
    if not any(one.amount for one in decision.remedies):
        return ("There is nothing you need to do.",) if not decision.person else ()
    by = [f"It must reach you by {day_words(date.fromisoformat(decision.pay_by))}."] if decision.pay_by else []
    return (*by, asking(next(filter(None, claims), "")))
