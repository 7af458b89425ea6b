"""Failures that are alike in all that bears on a decision are one case, and a case is decided once.

An outage's thousands are a few dozen cases. What a policy lists as an input and no row looks at is kept with each
recovery, for whoever reads it later, and does not tell cases apart.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from amends.failures.records import Behind, Recurrence, Ripe
from amends.ground.ids import share_of
from amends.recoveries import lived, opening, rules
from amends.recoveries.budgets import Limits
from amends.recoveries.opening import Opening, Terms
from amends.recoveries.policy import packs
from amends.recoveries.policy.applying import plain
from amends.recoveries.policy.tree import REQUIRED, Input, Kind, Table

FIRST_TIME = Recurrence()
MOST = 20_000  # cases kept
ALWAYS = ("disputed", "abuse_score")


@dataclass(frozen=True)
class Ways:
    """The company's ways that decisions depend on beside the policy."""

    zone: str
    currency: str
    holdout: tuple[str, float]  # salt, share
    approve_up_to: int
    limits: Limits | None  # None while budgets.yaml cannot be read


class Recorded:
    """An input that is kept with a decision and cannot change it; its text is made once for each value."""

    def __init__(self, policy: Table, one: Input) -> None:
        self.policy, self.one = policy, one
        self.counts = one.kind in (Kind.NUMBER, Kind.COUNT, Kind.MONEY)
        self.texts: dict[Hashable, str] = {}
        self.untold = self._text({}, "")

    def text(self, facts: Mapping[str, Any], currency: str) -> str:
        told = lived.told_of(self.one, facts)
        kind = type(told)
        if kind is int and self.counts:
            return str(told)
        if kind is list or kind is dict:
            return self._text(facts, currency)
        known = self.texts.get((kind, told, currency))
        if known is None:
            if len(self.texts) > MOST:
                self.texts.clear()
            known = self.texts[(kind, told, currency)] = self._text(facts, currency)
        return known

    def _text(self, facts: Mapping[str, Any], currency: str) -> str:
        return json.dumps(plain(lived.fact(self.policy, self.one, facts, currency)))


class Looking:
    """Which facts may bear on a policy's decisions, or on who must agree, and which are kept only."""

    def __init__(self, policy: Table) -> None:
        facts = [one for name, one in policy.inputs.items() if name not in lived.KNOWN]
        bearing = [one for one in facts if one.name in policy.looked_at]
        statute = [one for rule in policy.statute for one in packs.rule(rule).inputs.values()]
        self.bearing = sorted({*ALWAYS, *(name for one in (*bearing, *statute) for name in one.names)})
        self.recorded = [Recorded(policy, one) for one in facts if one not in bearing]
        self.untold = [one.untold for one in self.recorded]
        self.wanted = [one.one for one in self.recorded if one.one.default is REQUIRED]
        self.places = {name: place for place, one in enumerate(self.recorded) for name in one.one.names}

    def texts(self, facts: Mapping[str, Any], currency: str) -> tuple[str, ...]:
        """Of each that is kept only, what these facts say; most facts speak of few of them."""
        found = self.untold.copy()
        for name in facts:
            if (place := self.places.get(name)) is not None:
                found[place] = self.recorded[place].text(facts, currency)
        return tuple(found)


@dataclass
class Cases:
    """What was decided for each case, as long as the company's ways stay the same."""

    ways: Ways
    known: dict[Hashable, tuple[Terms, str]] = field(default_factory=dict)  # with its inputs, %s for what is recorded
    looking: dict[str, Looking] = field(default_factory=dict)  # by a policy's digest

    def decide(
        self, failures: Iterable[Ripe], recurrences: Mapping[str, Recurrence], policy: Table
    ) -> Iterator[Opening]:
        """What to open for each of these failures, all under one policy."""
        if len(self.known) > MOST:
            self.known.clear()
        if policy.digest not in self.looking:
            self.looking[policy.digest] = Looking(policy)
        looking, (salt, share) = self.looking[policy.digest], self.ways.holdout
        for ripe in failures:
            facts = msgspec.json.decode(ripe.facts)
            past = recurrences.get(ripe.failure_id, FIRST_TIME)
            day = local_day(ripe.started_at, self.ways.zone)
            held_out = share_of(salt, ripe.customer_id) < share
            told = msgspec.json.encode([facts.get(name) for name in looking.bearing])  # 1, 1.0 and true are three
            paid_in = ripe.currency or self.ways.currency
            lacking = lived.lacking(policy, looking.wanted, facts, paid_in)
            case = (policy.digest, day, held_out, past.count, past.decayed, ripe.looked_at, told, lacking)
            if case not in self.known:
                self.known[case] = self._decide(ripe, facts, past, policy, day)
            terms, inputs = self.known[case]
            behind = Behind(ripe.promise, ripe.subject, ripe.payment_ref, ripe.incident, facts)
            kept = inputs % looking.texts(facts, paid_in)
            yield Opening(ripe.failure_id, ripe.customer_id, ripe.incident, kept, terms, behind)

    def _decide(
        self, ripe: Ripe, facts: Mapping[str, Any], recurrence: Recurrence, policy: Table, day: date
    ) -> tuple[Terms, str]:
        ways, failure = self.ways, ripe.failure(facts)
        how: dict[str, Any] = {"currency": ways.currency, "holdout": ways.holdout, "approve_up_to": ways.approve_up_to}
        decision = rules.decide(failure, recurrence, policy, day, **how)
        said = {name: json.dumps(value).replace("%", "%%") for name, value in decision.inputs.items()}
        said |= {one.one.name: "%s" for one in self.looking[policy.digest].recorded}
        inputs = ", ".join(f'"{name}": {text}' for name, text in said.items())
        return opening.terms(decision, failure, ways.limits), f"{{{inputs}}}"


@lru_cache(100_000)
def local_day(at: datetime, zone: str) -> date:
    """The company's day of a moment, by which a policy's version is chosen."""
    return at.astimezone(ZoneInfo(zone)).date()
