"""Why a recovery was decided as it was, for the customer: from the policy's own text where it is on record, else from
what was kept beside the decision."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from amends.ground.money import Money
from amends.recoveries.policy import reckoning
from amends.recoveries.policy.explaining import Explanation, amount_sentences, asking, facts, why, why_not
from amends.recoveries.policy.given import WrongInput, read_given
from amends.recoveries.policy.plainly import REMEDIES, about, day_words, human, listed, reason_words, sentence
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

UNFOUNDED = ": by what we know now, the promise to you was kept"


class Fate(StrEnum):
    """What became of a remedy that did not simply go out and stay."""

    STOPPED = "stopped"  # cancelled for ever before it went out
    LOOKED_AFTER = "looked after"  # refused, parked or in doubt: a person decides
    ASKED_BACK = "asked back"
    TAKEN_BACK = "taken back"


Fates = Mapping[str, Fate]  # by the remedy's name


def recount(
    decision: Decision,
    table: Table | None,
    formers: Sequence[Former] = (),
    stands: Recovery | None = None,
    fates: Fates | None = None,
    *,
    unfounded: bool = False,
) -> Explanation:
    """A decision in sentences; `table` is the text it was made by, when that is known, `formers` what it was before.

    `stands` is its recovery as it is now: what waits for a person, or was declined, is not said to be given; nor is
    what has one of the `fates`. `unfounded`: it was declined by nobody, for what was told since.
    """
    known, fates = _looked_again(decision, table) if table else None, fates or {}
    parts = _from_table(decision, *known) if known else _from_trace(decision)
    anew = [_anew(former) for former in formers]
    return Explanation(
        about=" ".join(
            [sentence(f"This was decided by our policy {_title(decision, table)}{_since(decision)}"), *anew]
        ),
        answer=" ".join(map(sentence, _answers(decision, formers, stands, fates, unfounded=unfounded))),
        when=_when(decision, [one.row.claim for one in known[2] if one.held] if known else [], stands, fates),
        **parts,
    )


def _anew(former: Former) -> str:
    day, was = day_words(former.replaced_at.date()), former.decision.remedies
    return sentence(f"It was decided anew on {day}; before, it was: {_all(was) if was else 'nothing'}")


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


def is_declined(recovery: Recovery) -> bool:
    """Whether all of it was declined, by a person or because it proved unfounded, and nothing was decided since."""
    whole = recovery.state is RecoveryState.DECLINED or recovery.goodwill is Goodwill.WITH_THE_REST
    return whole and bool(recovery.declined_reason)


def _declined(stands: Recovery | None) -> bool:
    return stands is not None and is_declined(stands)


def _answers(
    decision: Decision, formers: Sequence[Former], stands: Recovery | None, fates: Fates, *, unfounded: bool
) -> list[str]:
    if _declined(stands):
        return ["Nothing is given" + (UNFOUNDED if unfounded else _no(stands))]
    not_yet = withheld(decision.remedies, stands.goodwill) if stands else []
    given = [one for one in decision.remedies if one not in not_yet]
    gets = [one for one in given if not fates.get(decision.name_of(one))]
    answer = [] if given and not gets else [_answer(decision, gets, stands)]
    before = _from_before(decision, gets) if formers else []
    return [*answer, *before, *_fated(decision, given, stands, fates), *_not_given(not_yet, stands)]


def _answer(decision: Decision, gets: Collection[Remedy], stands: Recovery | None) -> str:
    looks = "has looked" if _over(stands) else "looks"
    if decision.person and not gets:
        first = "" if _over(stands) else " before anything is given"
        return f"A person {looks} at it{first}: {decision.person}"
    if not gets:
        return "Nothing is given"
    also = f"; a person {looks} at it as well: {decision.person}" if decision.person else ""
    proposed = stands.state is RecoveryState.PROPOSED if stands else decision.needs_approval
    waits = ", once a person has approved it" if proposed else ""
    return f"You get {_all(gets)}{waits}{also}"


def _over(stands: Recovery | None) -> bool:
    return stands is not None and stands.state in (RecoveryState.MADE_RIGHT, RecoveryState.CLOSED)


def _from_before(decision: Decision, gets: Sequence[Remedy]) -> list[str]:
    """What stays of what was given before it was decided anew, though there would be less of it now, or none."""
    amounts = decision.trace.get("amounts", ())
    if any("remedy" not in one for one in amounts):  # not kept once
        return []
    now = _sums((one["remedy"], _money(one["amount"])) for one in amounts)
    said = []
    for (kind, currency), total in _sums((one.kind, one.amount) for one in gets if one.amount).items():
        less, name = now.get((kind, currency)), REMEDIES.get(kind, kind)
        if less is None:
            said.append(f"{total.words()} as {name} was given by the decision before, and stays")
        elif less.minor < total.minor:
            stays = f"what was given as {name} by the decision before stays"
            said.append(f"By what is known now it would be {less.words()}; {stays}")
    return said


def _sums(amounts: Iterable[tuple[str, Money]]) -> dict[tuple[str, str], Money]:
    """By kind and currency."""
    found: dict[tuple[str, str], Money] = {}
    for kind, amount in amounts:
        key = kind, amount.currency
        found[key] = found[key] + amount if key in found else amount
    return found


def _money(kept: str) -> Money:
    currency, plain = kept.split()
    return Money.parse(plain, currency)


def _fated(decision: Decision, given: Sequence[Remedy], stands: Recovery | None, fates: Fates) -> list[str]:
    """What did not simply go out and stay, by what became of it."""
    looks = "" if _over(stands) else ", and a person of ours is looking at it"
    says = {
        Fate.STOPPED: f"{{it}} was stopped before it went out to you{looks}",
        Fate.LOOKED_AFTER: "a person of ours is looking after {it}",
        Fate.ASKED_BACK: "{it} was given to you by mistake, and we have asked for it back",
        Fate.TAKEN_BACK: "{it} was given to you by mistake, and has been taken back",
    }
    found = []
    for fate in Fate:
        mine = [one for one in given if fates.get(decision.name_of(one)) is fate]
        found += [says[fate].format(it=_remedy(one)) for one in _together(mine)]
    return found


def _not_given(not_yet: Sequence[Remedy], stands: Recovery | None) -> list[str]:
    """Goodwill beside the rest that waits for a person, or that a person said no to."""
    if stands is None or not not_yet:
        return []
    said = f"{_all(not_yet)} {'is' if len(_together(not_yet)) == 1 else 'are'} not given"
    if stands.goodwill is Goodwill.WAITING:
        return [f"{said} yet: a person of ours has to agree first"]
    return [said + _no(stands)]


def _all(remedies: Collection[Remedy]) -> str:
    return listed([_remedy(one) for one in _together(remedies)], "and")


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
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return about(Decimal(text)) if re.fullmatch(r"-?\d+\.\d+", text) else human(text, keep=True)


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
    """That goodwill was kept back to measure: all of it, or what stands beside the rest."""
    if not decision.holdout:
        return ()
    rest = [one for one in decision.remedies if one.amount]
    if not rest:
        says = "It is goodwill, and was not given, because we are measuring whether it helps; nothing is owed to you."
        return (says,)
    owed = "; what is owed is" if any(one.owed for one in rest) else ""
    return (f"A part that is goodwill was not given, because we are measuring whether it helps{owed}.",)


def _when(decision: Decision, claims: list[str], stands: Recovery | None, fates: Fates) -> tuple[str, ...]:
    if _declined(stands):
        return ()
    amounts = [(one.owed, fates.get(decision.name_of(one))) for one in decision.remedies if one.amount]
    if not amounts:
        return ("There is nothing you need to do.",) if not decision.person else ()
    if all(fate is not None and not owed for owed, fate in amounts):
        return ("There is nothing you need to do.",)
    by = [f"It must reach you by {day_words(date.fromisoformat(decision.pay_by))}."] if decision.pay_by else []
    return (*by, asking(next(filter(None, claims), "")))
