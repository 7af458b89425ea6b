"""Our books held against a provider's own list: what is missing, doubled, different or unknown. Pure.

A list is rows of key, ref, amount_minor, currency and perhaps at, one for each effect; whatever else a row has is not
looked at. docs/how-to/billing-webhook.md says so to those who write the other side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amends.ground.money import Money, MoneyError
from amends.outbox.records import ActState

SAFE = (ActState.DUE, ActState.UNKNOWN, ActState.IN_DOUBT, ActState.PARKED, ActState.REFUSED)


@dataclass(frozen=True)
class Listed:
    """One effect as the provider lists it."""

    key: str
    ref: str
    amount: Money
    at: str


@dataclass(frozen=True)
class Ours:
    """One act of ours that should be, or may be, on the list."""

    key: str
    state: ActState
    ref: str
    amount: Money
    since_ours: bool  # its receipt is of the time that was asked for
    back_minor: int = 0  # ordered back of what was paid beyond the amount
    came_back_minor: int = 0  # of that, what has come back


@dataclass(frozen=True)
class Excess:
    """What one effect paid beyond what we ordered."""

    ref: str
    amount: Money


@dataclass(frozen=True)
class Difference:
    """missing: done by our books, not on the list. doubled: two effects for one act. different: another amount,
    receipt or state. unknown: an act that we never ordered. unreadable: a line that says nothing."""

    kind: str
    key: str
    says: str
    theirs: tuple[Any, ...] = ()


def read(rows: Any) -> tuple[list[Listed], list[Difference]]:
    """The list as the provider sent it, and its lines that cannot be read. ValueError when it is no list at all."""
    if not isinstance(rows, list):
        raise ValueError(f"the provider's answer is no list but {type(rows).__name__}")
    listed, wrong = [], []
    for row in rows:
        try:
            listed.append(_line(row))
        except (ValueError, KeyError, TypeError) as error:
            key = str(row.get("key", ""))[:400] if isinstance(row, dict) else ""
            wrong.append(Difference("unreadable", key, f"a line cannot be read: {error!r}", (row,)))
    return listed, wrong


def _line(row: Any) -> Listed:
    key, ref, minor, currency = row["key"], row["ref"], row["amount_minor"], row["currency"]
    if not (isinstance(key, str) and key and isinstance(ref, str) and ref):
        raise ValueError("key and ref must be texts")
    if isinstance(minor, bool) or not isinstance(minor, int) or not isinstance(currency, str):
        raise MoneyError("amount_minor must be a whole number and currency a code")
    return Listed(key, ref, Money(minor, currency), str(row.get("at", "")))


def compare(ours: Mapping[str, Ours], listed: Sequence[Listed]) -> Iterator[Difference]:
    """Everything in which the two differ. An act that we hold as open and they list alike is no difference: `found`."""
    by_key: dict[str, dict[str, Listed]] = {}
    by_ref: dict[str, set[str]] = {}
    for line in listed:
        by_key.setdefault(line.key, {})[line.ref] = line
        by_ref.setdefault(line.ref, set()).add(line.key)
    for key, effects in by_key.items():
        yield from _listed(ours.get(key), key, list(effects.values()))
    for ref, keys in by_ref.items():
        if len(keys) > 1:
            yield Difference("doubled", min(keys), f"one receipt {ref} for {len(keys)} acts: {', '.join(sorted(keys))}")
    for key, act in ours.items():
        if act.since_ours and act.state is ActState.DONE and key not in by_key:
            yield Difference("missing", key, f"done by our books as {act.ref}, {act.amount}, and not on their list")


def _listed(act: Ours | None, key: str, effects: Sequence[Listed]) -> Iterator[Difference]:
    theirs = tuple({"ref": one.ref, "amount": str(one.amount), "at": one.at} for one in effects)
    if act is None:
        yield Difference(
            "unknown", key, f"they list {effects[0].amount} as {effects[0].ref}; we ordered no such act", theirs
        )
        return
    if act.back_minor and _taken_back(act, effects):
        return
    if len(effects) > 1:
        refs = ", ".join(sorted(one.ref for one in effects))
        yield Difference("doubled", key, f"{len(effects)} effects for one act: {refs}; take one back", theirs)
        return
    (one,) = effects
    if one.amount != act.amount:
        yield Difference("different", key, f"we ordered {act.amount}, they list {one.amount}", theirs)
    elif act.state is ActState.DONE and act.ref != one.ref:
        yield Difference("different", key, f"our receipt is {act.ref}, theirs {one.ref}", theirs)
    elif act.state is ActState.CANCELLED:
        yield Difference("different", key, "we stopped it, they did it all the same", theirs)


def _taken_back(act: Ours, effects: Sequence[Listed]) -> bool:
    """Whether what was ordered back makes the two agree, listed beside the effects or taken off them."""
    if any(one.amount.currency != act.amount.currency for one in effects):
        return False
    beyond = sum(one.amount.minor for one in effects) - act.amount.minor
    return beyond == act.back_minor or (beyond == 0 and act.back_minor == act.came_back_minor)


def excess(act: Ours, effects: Sequence[Listed]) -> tuple[str, list[Excess]]:
    """The receipt of the effect that stays, and what was paid beyond it; ValueError where no rule can tell.

    The effect of our own receipt stays, else the first; of an act that we had stopped, nothing does.
    """
    if len({one.amount.currency for one in effects} | {act.amount.currency}) > 1:
        raise ValueError("the currencies differ")
    if any(one.amount.minor <= 0 for one in effects):
        raise ValueError("they list an amount that is not above zero")
    if act.state is ActState.CANCELLED:
        return "", [Excess(one.ref, one.amount) for one in effects]
    stays, *others = sorted(effects, key=lambda one: (one.ref != act.ref, one.at, one.ref))
    if stays.amount < act.amount:
        raise ValueError(f"we ordered {act.amount}, they list {stays.amount} as {stays.ref}: too little was paid")
    over = stays.amount - act.amount
    beyond = [Excess(one.ref, one.amount) for one in others]
    return stays.ref, [*([Excess(stays.ref, over)] if over else []), *beyond]


def found(ours: Mapping[str, Ours], listed: Sequence[Listed]) -> dict[str, str]:
    """Acts that we hold as open and they list once, with the amount that we ordered: their receipt by key."""
    refs: dict[str, set[str]] = {}
    users: dict[str, set[str]] = {}
    for line in listed:
        refs.setdefault(line.key, set()).add(line.ref)
        users.setdefault(line.ref, set()).add(line.key)
    return {
        line.key: line.ref
        for line in listed
        if len(refs[line.key]) == len(users[line.ref]) == 1
        and (act := ours.get(line.key)) is not None
        and act.state in SAFE
        and act.amount == line.amount
    }
