"""Why a customer is written to: the first word of a recovery, goodwill that came after it, money that was taken back.

Pure: what may be told is what has a receipt and no other notice has told of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from amends.ground.money import Money
from amends.notices import manner
from amends.notices.compose import Paid
from amends.notices.manner import Given
from amends.notices.records import Notice, TakenBack
from amends.outbox.records import Act, ActState, Receipt
from amends.recoveries.records import Recovery, RecoveryState, Remedy, withheld

ADDITION, OVERPAID, TAKEN_BACK = "addition", "overpaid", "taken-back"
ON_ITS_WAY = (ActState.DUE, ActState.TRYING, ActState.UNKNOWN)


@dataclass(frozen=True)
class Occasion:
    """What one notice is about. `keys` are the acts that it tells of; None stands for all with a receipt."""

    recovery: Recovery
    kind: str = ""  # of those after the first; the first is named by what was done
    keys: tuple[str, ...] | None = None
    taken: TakenBack | None = None
    told: frozenset[str] = frozenset()  # acts of which another notice tells

    @property
    def is_first(self) -> bool:
        return not self.kind

    @property
    def number(self) -> tuple[str, ...]:
        """What tells this notice from all others of its recovery and kind, whenever it is written."""
        return (self.taken.act_key,) if self.taken else tuple(sorted(self.keys)) if self.keys is not None else ("1",)


class Later(NamedTuple):
    """What is to be told now, if anything, and whether that was all."""

    occasion: Occasion | None
    over: bool


@dataclass(frozen=True)
class Told:
    """What a notice may say was paid or taken back, and how it is kept: `about`.

    `given` is that by its kinds. A first notice is about the first of them, and `paid` is of that one alone.
    """

    paid: Paid
    about: Mapping[str, Any]
    given: tuple[Given, ...] = ()
    reason: str = ""

    @property
    def first(self) -> str:
        """The kind of what was given first; empty where nothing was."""
        return self.given[0].kind if self.given else ""

    def words(self, occasion: Occasion, lang: str, locale: str) -> dict[str, str]:
        if occasion.kind == ADDITION:
            return manner.given(self.given, lang, locale)
        return {"also": manner.also(self.given[1:], lang, locale), "reason": self.reason}


def first(recovery: Recovery) -> Occasion:
    return Occasion(recovery)


def taken_back(recovery: Recovery, taken: TakenBack) -> Occasion:
    return Occasion(recovery, TAKEN_BACK if taken.reason else OVERPAID, taken=taken)


def again(recovery: Recovery, notice: Notice, others: Iterable[Notice]) -> Occasion:
    """The occasion of a notice that was held, without what others have told of meanwhile."""
    about = notice.about or {}
    if "taken_back" in about:
        return taken_back(recovery, _read(recovery, about["taken_back"]))
    told = frozenset(
        key for other in others if other.state == "enqueued" for key in (other.about or {}).get("tells", ())
    )
    keys = tuple(about["tells"]) if about.get("kind") == ADDITION else None
    return Occasion(recovery, about.get("kind", ""), keys, told=told)


def money_keys(recoveries: Iterable[Recovery]) -> list[str]:
    return [_key(r, remedy) for r in recoveries for remedy in r.decision.remedies if remedy.amount]


def awaited_keys(recovery: Recovery) -> list[str]:
    """Acts of money that may go ahead, whenever they were granted: all but what waits or was declined."""
    waits = withheld(recovery.decision.remedies, recovery.goodwill)
    return [_key(recovery, one) for one in recovery.decision.remedies if one.amount and one not in waits]


def is_early(occasion: Occasion, receipts: Collection[str]) -> bool:
    """Whether a first word would tell of nothing while money is on its way, decided anew after nothing was due."""
    keys = awaited_keys(occasion.recovery) if occasion.is_first else []
    return bool(keys) and not any(key in receipts for key in keys)


def later_keys(recovery: Recovery) -> list[str]:
    """Acts that may come after the rest: goodwill, but what waits or was declined, and what a revision added."""
    remedies = recovery.decision.remedies
    waits = withheld(remedies, recovery.goodwill)
    mine = [remedy for remedy in remedies if remedy.amount and (not remedy.owed or remedy.revision)]
    return [_key(recovery, remedy) for remedy in mine if remedy not in waits]


def _key(recovery: Recovery, remedy: Remedy) -> str:
    return f"{recovery.decision.name_of(remedy)}:{recovery.recovery_id}"


def later(recovery: Recovery, notices: Sequence[Notice], acts: Mapping[str, Act]) -> Later:
    """Goodwill that was given after the rest, or what a revision added, once none of it is on its way any more.

    Nothing while the first notice is held: when it goes, it is written anew and tells of everything. Where nothing was
    due at first, this is the first word.
    """
    if not notices and recovery.state is not RecoveryState.REOPENED:
        return _late_first(recovery, acts)
    firsts = [one for one in notices if not {"kind", "taken_back"} & set(one.about or {})]
    if not firsts or any(one.state == "held" for one in firsts):
        return Later(None, True)
    goodwill = [(key, acts.get(key)) for key in later_keys(recovery)]
    if any(act is None or act.state in ON_ITS_WAY for _, act in goodwill):
        return Later(None, False)
    told = {key for one in notices for key in _tells(one, acts)}
    keys = tuple(key for key, act in goodwill if act and act.state is ActState.DONE and key not in told)
    over = all(act and act.state in (ActState.DONE, ActState.CANCELLED) for _, act in goodwill)
    return Later(Occasion(recovery, ADDITION, keys) if keys else None, over)


def _late_first(recovery: Recovery, acts: Mapping[str, Act]) -> Later:
    found = [acts.get(key) for key in awaited_keys(recovery)]
    over = all(act and act.state in (ActState.DONE, ActState.CANCELLED) for act in found)
    return Later(first(recovery) if over and found else None, over)


def _tells(notice: Notice, acts: Mapping[str, Act]) -> Sequence[str]:
    """The acts that a notice tells of; one of before that was kept told of what was done when it was written."""
    if notice.about is not None:
        return tuple(notice.about.get("tells", ()))
    return [key for key, act in acts.items() if act.state is ActState.DONE and act.changed_at <= notice.composed_at]


def said(occasion: Occasion, receipts: Mapping[str, Receipt]) -> Told:
    """What was paid and its receipts: only what the record proves."""
    if occasion.taken is not None:
        taken = occasion.taken
        paid = Paid(goodwill=(taken.amount,), receipts=(taken.ref,), kept=taken.kept)
        return Told(paid, {"kind": occasion.kind, "taken_back": _written(taken)}, reason=taken.reason)
    recovery = occasion.recovery
    named = [(remedy, _key(recovery, remedy)) for remedy in recovery.decision.remedies if remedy.amount]
    wanted = [(remedy, key) for remedy, key in named if occasion.keys is None or key in occasion.keys]
    proven = [(remedy, key) for remedy, key in wanted if key in receipts and key not in occasion.told]
    given = _given(proven, receipts)
    mine = [(remedy, key) for remedy, key in proven if occasion.kind or remedy.kind == given[0].kind]
    owed = tuple(remedy.amount for remedy, _ in mine if remedy.owed and remedy.amount)
    goodwill = tuple(remedy.amount for remedy, _ in mine if not remedy.owed and remedy.amount)
    paid = Paid(owed, goodwill, tuple(receipts[key].ref for _, key in mine), recovery.pay_by_on)
    about = {"tells": [key for _, key in proven]} | ({"kind": occasion.kind} if occasion.kind else {})
    return Told(paid, about, given)


def _given(proven: Sequence[tuple[Remedy, str]], receipts: Mapping[str, Receipt]) -> tuple[Given, ...]:
    """What was given by its kinds, in the order of the decision."""
    found: dict[str, Given] = {}
    for remedy, key in proven:
        assert remedy.amount
        known, refs = found.get(remedy.kind), (receipts[key].ref,)
        amount = known.amount + remedy.amount if known else remedy.amount
        found[remedy.kind] = Given(remedy.kind, amount, (*known.receipts, *refs) if known else refs)
    return tuple(found.values())


def _written(taken: TakenBack) -> dict[str, Any]:
    return {
        "act_key": taken.act_key,
        "minor": taken.amount.minor,
        "currency": taken.amount.currency,
        "ref": taken.ref,
        "kept_minor": taken.kept.minor if taken.kept else None,
        "reason": taken.reason,
    }


def _read(recovery: Recovery, kept: Mapping[str, Any]) -> TakenBack:
    left = None if kept["kept_minor"] is None else Money(kept["kept_minor"], kept["currency"])
    amount = Money(kept["minor"], kept["currency"])
    return TakenBack(kept["act_key"], recovery.recovery_id, amount, kept["ref"], left, kept["reason"])
