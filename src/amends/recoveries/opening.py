"""From decisions to recoveries: goodwill held under its limits, reserved, or put before a person. A batch at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

import amends.recoveries.queries
from amends.failures.records import Behind, Failure
from amends.ground import bulk
from amends.ground.ids import derive_all
from amends.ground.kept import tell
from amends.ground.marked import Mistake
from amends.recoveries import budgets, holding, spending
from amends.recoveries.budgets import Limits
from amends.recoveries.holding import Wish
from amends.recoveries.models import MoveRow, RecoveryRow
from amends.recoveries.records import Decision, Goodwill, RecoveryState, Remedy, Start, name_of

WORKER = "amends"
BEGINNING = "remedies are on their way"
NOTHING_DUE = "nothing is due, so there is nothing to be done"
GOODWILL_DECLINED = "goodwill declined"  # how the history says that only the goodwill was
AFTER_INPUTS = ("inputs", "trace", "pay_by")
MOVE = ("recovery_id", "before", "after", "who", "why", "at")
STOPPED_BY_FILE = "budgets.yaml cannot be read, so no goodwill is given until it is mended (`amends check` says where)"


def limits() -> Limits:
    """What `budgets.yaml` says now; read again when it changes. Mistake while it cannot be read."""
    path = settings.AMENDS.directory / budgets.FILE
    try:
        return _limits(path.stat().st_mtime_ns if path.exists() else 0)
    except Mistake as mistake:
        _tell(mistake)
        raise


@cache
def _limits(stamp: int) -> Limits:
    return budgets.read(settings.AMENDS.directory)


@cache
def _tell(mistake: Mistake) -> None:
    """In the log, once: the desk and `amends doctor` go on saying it."""
    tell("budgets cannot be read: goodwill waits, and what is owed goes on", mistake)


def spending_day(now: datetime) -> date:
    """The company's day, on which a policy's daily budget is counted."""
    return now.astimezone(ZoneInfo(settings.AMENDS.company.time_zone)).date()


@dataclass(frozen=True)
class Terms:
    """A decision and what follows from it for everybody whose case is alike."""

    decision: Decision
    signers: int  # how many operators must let its goodwill go ahead
    why: str  # they must
    limits: Limits | None

    @cached_property
    def head(self) -> str:
        """The decision as it is kept, up to its inputs."""
        kept = amends.recoveries.queries.decision_to_json(self.decision)
        return json.dumps({n: value for n, value in kept.items() if n not in AFTER_INPUTS})[:-1] + ', "inputs": '

    @cached_property
    def tail(self) -> str:
        """And what stands behind them."""
        kept = amends.recoveries.queries.decision_to_json(self.decision)
        return ", " + json.dumps({n: kept[n] for n in AFTER_INPUTS[1:]})[1:]

    def text(self, inputs: str) -> str:
        """The decision as it is kept, with these inputs."""
        return f"{self.head}{inputs}{self.tail}"

    @cached_property
    def remedies(self) -> tuple[tuple[str, Remedy], ...]:
        """Each remedy with its name."""
        return tuple((name_of(remedy, self.decision.remedies), remedy) for remedy in self.decision.remedies)

    def placed(self, no_room: str) -> tuple[Any, ...]:
        """Of a recovery's row, from `state` on; `no_room` says which budget its goodwill did not fit into."""
        decision = self.decision
        state, goodwill, signers, held = placed(decision, self.signers, self.why, no_room)
        amounts = [remedy.amount for remedy in decision.remedies if remedy.amount]
        return (
            *(str(state), decision.policy, decision.version, decision.policy_hash, decision.row),
            decision.remedies[0].kind if decision.remedies else "",
            sum(amount.minor for amount in amounts),
            amounts[0].currency if amounts else "",
            *(decision.person, int(decision.holdout), signers, str(goodwill), int(goodwill is Goodwill.WAITING), held),
            decision.pay_by or None,
        )


PLACED = (
    *("state", "policy", "version", "policy_hash", "row", "remedy", "amount_minor", "currency", "person", "holdout"),
    *("signers", "goodwill", "goodwill_open", "held", "pay_by_on"),
)
COLUMNS = (
    *("recovery_id", "failure_id", "customer_id", *PLACED, "decision", "goodwill_minor", "budgets"),
    *("declined_reason", "decided_at", "changed_at"),
)
STATE, GOODWILL, HELD = PLACED.index("state"), PLACED.index("goodwill"), PLACED.index("held")
POLICY, AMOUNT = PLACED.index("policy"), PLACED.index("amount_minor")


class Opening(NamedTuple):
    """One recovery to be opened: what is the customer's own, and the terms."""

    failure_id: str
    customer_id: str
    incident: str
    inputs: str  # of the decision, as JSON
    terms: Terms
    behind: Behind | None = None  # what its remedies speak about, where they may be started at once


class Way(NamedTuple):
    """How recoveries on the same terms go: their columns, their history so far, and whether their remedies start."""

    placed: tuple[Any, ...]
    moves: tuple[tuple[str, str, str, str], ...]  # before, after, who, why
    begun: bool


Begun = tuple[Start, Behind]  # what is under way, and what its remedies speak about


def terms(decision: Decision, failure: Failure, bounds: Limits | None) -> Terms:
    """What follows from a decision: goodwill held under what the proof may bring, and who must agree to it.

    Without bounds (budgets.yaml cannot be read) goodwill waits rather than being given without a limit.
    """
    if bounds is None:
        return Terms(decision, 1, STOPPED_BY_FILE, None)
    decision = holding.bounded(decision, failure, bounds)
    return Terms(decision, *_why_a_person(decision, failure, bounds), bounds)


def write(openings: Sequence[Opening], now: datetime, stopped: Collection[str] | None = None) -> list[Begun]:
    """Write these recoveries, their goodwill reserved; in the caller's transaction, which starts what is handed out.

    Those that wait for nobody are under way at once, as `begin` would move them a moment later; `stopped` names the
    policies for which nothing is paid (empty: all). Without it they are approved, and nothing is begun.
    """
    ids = derive_all("rec", [opening.failure_id for opening in openings])
    fits, held = _reserve(ids, openings, now)
    at, rows, moves, begun = bulk.moment(connection, now), [], [], []
    ways = dict[tuple[int, str | None], Way]()
    for recovery_id, (failure_id, customer_id, _, inputs, terms, behind) in zip(ids, openings, strict=True):
        told = (id(terms), held.get(recovery_id))
        placed, history, begins = ways.get(told) or ways.setdefault(told, _way(terms, told[1] or "", stopped))
        goodwill = spending.reserved(fits, recovery_id) if recovery_id in fits else (0, "")
        decision = terms.text(inputs)
        rows.append((recovery_id, failure_id, customer_id, *placed, decision, *goodwill, "", at, at))
        moves += [(recovery_id, *move, at) for move in history]
        if begins and behind:
            who = (recovery_id, failure_id, customer_id, terms.decision.policy, terms.decision.person)
            begun.append((Start(*who, placed[GOODWILL], now, terms.remedies), behind))
    bulk.insert(connection, RecoveryRow, COLUMNS, rows)
    bulk.insert(connection, MoveRow, MOVE, moves)
    return begun


def _way(terms: Terms, no_room: str, stopped: Collection[str] | None) -> Way:
    placed = terms.placed(no_room)
    first = ("", placed[STATE], WORKER, placed[HELD] or terms.decision.reasons[0])
    waits = amends.recoveries.queries.paying_stopped_for(stopped or (), placed[POLICY], placed[AMOUNT])
    if stopped is None or waits or placed[STATE] != RecoveryState.APPROVED:
        return Way(placed, (first,), False)
    why = BEGINNING if terms.decision.remedies or terms.decision.person else NOTHING_DUE
    begun = (str(RecoveryState.APPROVED), str(RecoveryState.UNDER_WAY), WORKER, why)
    return Way((begun[1], *placed[STATE + 1 :]), (first, begun), True)


def _reserve(ids: Sequence[str], openings: Sequence[Opening], now: datetime) -> tuple[dict[str, Wish], dict[str, str]]:
    """(what fits, why the rest does not) by recovery, of those whose goodwill a budget bounds."""
    day = spending_day(now)
    wishes = [
        holding.wish(id_, one.terms.decision, one.customer_id, one.incident, one.terms.limits, day)
        for id_, one in zip(ids, openings, strict=True)
        if one.terms.limits and one.terms.limits.budgets
    ]
    asked = [wish for wish in wishes if wish is not None]
    return spending.reserve(asked, now) if asked else ({}, {})


def _why_a_person(decision: Decision, failure: Failure, bounds: Limits) -> tuple[int, str]:
    """(how many operators must agree to the goodwill, why); without a ladder, `limits.approve_up_to_minor` says."""
    signers, why = holding.why_a_person(decision, failure, bounds)
    most = settings.AMENDS.limits.approve_up_to_minor
    minor = sum(remedy.amount.minor for remedy in holding.goodwill_of(decision.remedies) if remedy.amount)
    if bounds.ladder is None and minor > most:
        reason = f"goodwill of {minor} minor units is more than limits.approve_up_to_minor ({most})"
        return max(1, signers), "; ".join(filter(None, (reason, why)))
    return signers, why


def placed(decision: Decision, signers: int, why: str, no_room: str) -> tuple[RecoveryState, Goodwill, int, str]:
    """(state, goodwill, operators needed, why it waits) of a new recovery.

    What is owed goes ahead while the goodwill beside it waits.
    """
    reasons = "; ".join(reason for reason in (no_room, why) if reason)
    waits = bool(signers or no_room) and bool(holding.goodwill_of(decision.remedies))
    if decision.needs_approval:
        return RecoveryState.PROPOSED, Goodwill.WITH_THE_REST, max(1, signers), reasons
    if waits and holding.owes(decision):
        return RecoveryState.APPROVED, Goodwill.WAITING, max(1, signers), reasons
    if waits:
        return RecoveryState.PROPOSED, Goodwill.WITH_THE_REST, max(1, signers), reasons
    return RecoveryState.APPROVED, Goodwill.WITH_THE_REST, 0, ""
