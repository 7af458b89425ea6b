"""What a decision made anew says beyond what was begun already. Pure: nothing that was begun is ever taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from amends.ground.money import Money, less
from amends.recoveries.holding import minor_of
from amends.recoveries.policy.plainly import listed
from amends.recoveries.records import Decision, Goodwill, RecoveryState, Remedy, withheld

NOT_BEGUN = (RecoveryState.PROPOSED, RecoveryState.APPROVED, RecoveryState.DECLINED)
EARLIER = " (by what was told before)"
MOST_WORDS = 4  # inputs named in a history's line


@dataclass(frozen=True)
class Stand:
    """How far a recovery is: what was decided, and whose word it was."""

    decision: Decision
    state: RecoveryState
    goodwill: str
    more_open: bool  # what the last revision added is not started yet
    yes: bool  # a person approved it
    no: str  # a person's decline, in their words: it stands until a person says otherwise
    signers: int = 0  # how many operators it waits for

    @property
    def begun(self) -> bool:
        """Whether what was given stays as it is: it is on its way, or a person wants it to go."""
        return self.state not in NOT_BEGUN or (self.state is RecoveryState.APPROVED and self.yes)

    @property
    def given(self) -> tuple[Remedy, ...]:
        """The remedies that stay, whatever is decided anew."""
        if not self.begun:
            return ()
        return tuple(one for one in self.decision.remedies if one not in self.open)

    @property
    def open(self) -> tuple[Remedy, ...]:
        """The remedies that nothing was done for yet."""
        remedies = self.decision.remedies
        if not self.begun:
            return remedies
        waiting = withheld(remedies, self.goodwill)
        newest = max((one.revision for one in remedies), default=0)
        added = [one for one in remedies if self.more_open and newest and one.revision == newest]
        return tuple(one for one in remedies if one in waiting or one in added)


@dataclass(frozen=True)
class Revised:
    """A decision made anew: what stays given, what it adds, and all of it as it is kept."""

    stand: Stand
    decision: Decision
    given: tuple[Remedy, ...]
    more: tuple[Remedy, ...]

    @property
    def more_goodwill(self) -> int:
        return minor_of([one for one in self.more if not one.owed])

    @property
    def new_call(self) -> bool:
        return bool(self.decision.person) and not self.stand.decision.person


def revised(stand: Stand, wanted: Decision) -> Revised:
    """The new decision over what was begun; amounts are compared by kind, and what is owed apart from goodwill."""
    given, before = stand.given, stand.decision
    if _other_currency(given, wanted.remedies):
        why = f"{before.row} was paid in another currency than is due now; a person decides"
        wanted = replace(wanted, remedies=(), person=wanted.person or why)
    number = 1 + max(one.revision for one in given) if given else 0
    more = tuple(one for one in (_beyond(given, remedy, number) for remedy in wanted.remedies) if one is not None)
    more = _as_declined(stand, _set_off(more, owed_minor(given) - owed_minor(wanted.remedies)))
    person = wanted.person or (_earlier(before.person) if stand.begun else "")
    kept = replace(wanted, remedies=(*given, *more), person=person)
    return Revised(stand, kept, given, more)


def _earlier(why: str) -> str:
    """Why a person was asked, where that is no longer so: they stay asked, and are told that it was said before."""
    return f"{why.removesuffix(EARLIER)}{EARLIER}" if why else ""


def _set_off(more: Sequence[Remedy], excess: int) -> tuple[Remedy, ...]:
    """Goodwill that is new, less what was given as owed beyond what is owed by what is known now: a correction
    downwards gives nothing more."""
    rest = less((one.amount for one in more if one.amount and not one.owed), max(0, excess))
    cut = [replace(one, amount=next(rest)) if one.amount and not one.owed else one for one in more]
    return tuple(one for one in cut if one.amount is None or one.amount.minor)


def _as_declined(stand: Stand, more: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
    """Goodwill beside what was owed that a person said no to stays as they saw it, unless there is more of it now."""
    declined = withheld(stand.decision.remedies, stand.goodwill) if stand.begun else []
    if stand.goodwill != Goodwill.DECLINED or goodwill_minor(more) > minor_of(declined):
        return more
    return (*[one for one in more if one.owed or one.amount is None], *declined)


def _other_currency(given: Collection[Remedy], wanted: Collection[Remedy]) -> bool:
    currencies = {one.amount.currency for one in (*given, *wanted) if one.amount}
    return any(one.amount for one in given) and len(currencies) > 1


def _beyond(given: Sequence[Remedy], wanted: Remedy, number: int) -> Remedy | None:
    alike = [one for one in given if one.kind == wanted.kind and (one.owed == wanted.owed or not wanted.amount)]
    if wanted.amount is None:
        return None if alike else replace(wanted, revision=number)
    minor = wanted.amount.minor - minor_of(alike)
    return replace(wanted, amount=Money(minor, wanted.amount.currency), revision=number) if minor > 0 else None


def owed_minor(remedies: Collection[Remedy]) -> int:
    return minor_of([one for one in remedies if one.owed])


def goodwill_minor(remedies: Collection[Remedy]) -> int:
    return minor_of([one for one in remedies if not one.owed])


def same(found: Revised, signers: int) -> bool:
    """Whether it changes nothing: neither remedies nor amounts, neither row nor day to pay by, nor who must agree."""
    stand, new = found.stand, found.decision
    if stand.state is RecoveryState.DECLINED:
        return bool(stand.no) and not beyond_the_declined(found)
    names = ("row", "version", "person", "pay_by", "holdout")
    if any(getattr(stand.decision, name) != getattr(new, name) for name in names):
        return False
    if stand.decision.trace.get("amounts") != new.trace.get("amounts"):
        return False
    return alike(stand.open, found.more) and (stand.begun or signers <= stand.signers)


def alike(some: Sequence[Remedy], others: Sequence[Remedy]) -> bool:
    """Whether the same is given by both, of whatever revision."""
    return [replace(one, revision=0) for one in some] == [replace(one, revision=0) for one in others]


def beyond_the_declined(found: Revised) -> bool:
    """Whether there is more now than a person said no to."""
    before = found.stand.decision.remedies
    return any(one.amount and _beyond(before, one, 0) for one in found.decision.remedies)


def words(found: Revised) -> str:
    """Why a decision was made anew and what it changes, for the history."""
    new = ", ".join(_remedy(one) for one in found.more) or "nothing"
    if found.given:
        says = f"{new} more" if found.more else f"nothing more; {_all(found.given)} stays as it is"
    else:
        says = f"{_all(found.stand.decision.remedies)} becomes {new}"
    person = f"; a person is needed: {found.decision.person}" if found.new_call else ""
    return f"decided anew, row {found.decision.row or 'none'}{_changes(found)}: {says}{person}"


def _all(remedies: Sequence[Remedy]) -> str:
    return listed([_remedy(one) for one in remedies], "and") if remedies else "nothing"


def _remedy(one: Remedy) -> str:
    return f"{one.kind} of {one.amount}{' (owed)' if one.owed else ''}" if one.amount else one.kind


def _changes(found: Revised) -> str:
    before, after = found.stand.decision.inputs, found.decision.inputs
    changed = [name for name in after if before.get(name) != after[name]]
    said = [f"{name} {_value(before.get(name))} → {_value(after[name])}" for name in changed[:MOST_WORDS]]
    return f" ({', '.join(said)}{', …' if len(changed) > MOST_WORDS else ''})" if said else ""


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value.get('currency')} {value.get('amount')}"
    return "not known" if value is None else str(value)
