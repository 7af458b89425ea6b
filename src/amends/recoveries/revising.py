"""Deciding anew: what was decided comes by again because it was told of anew, or an earlier failure became known.

By the same text of the policy. What was not begun is replaced; what was begun stays, and what is more is added to it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.models import Q

import amends.failures.queries
import amends.recoveries.queries
from amends.failures.records import Ripe
from amends.ground import bulk
from amends.recoveries import beyond, holding, opening, spending, texts
from amends.recoveries.beyond import Revised, Stand
from amends.recoveries.cases import Cases
from amends.recoveries.holding import Slot, Wish
from amends.recoveries.models import ApprovalRow, FormerRow, MoveRow, RecoveryRow
from amends.recoveries.opening import PLACED, Opening, Terms
from amends.recoveries.policy.tree import Table
from amends.recoveries.records import Goodwill, RecoveryState

WORKER = "amends"
UNFOUNDED = "it proved unfounded: what was told of it since says that the promise was kept"
STAYS = f"{UNFOUNDED}; what was begun stays"
READ = (
    *("recovery_id", "failure_id", "state", "goodwill", "more_open", "signers", "goodwill_minor", "budgets"),
    *("declined_reason", "policy_hash", "held", "decided_at"),
)
WRITTEN = (*PLACED, "decision", "goodwill_minor", "budgets", "declined_reason", "more_open", "changed_at")
FORMER = ("recovery_id", "decision", "replaced_at", "why")
STATE, GOODWILL, OPEN, HELD, SIGNERS = (
    PLACED.index(name) for name in ("state", "goodwill", "goodwill_open", "held", "signers")
)


class Kept(NamedTuple):
    """A recovery as it stands, its decision as text."""

    recovery_id: str
    failure_id: str
    state: str
    goodwill: str
    more_open: bool
    signers: int
    goodwill_minor: int
    budgets: str
    declined_reason: str
    policy_hash: str
    held: str
    decided_at: datetime
    decision: str


@dataclass(frozen=True)
class Change:
    """One recovery that is decided anew: as it stands, what was decided, and what follows."""

    kept: Kept
    opening: Opening
    found: Revised
    terms: Terms
    why: str
    back: int = 0  # of its goodwill's reservation, given back before it is reserved anew
    wish: Wish | None = None


def revise(cases: Cases, failures: Sequence[Ripe], now: datetime) -> set[str]:
    """Decide failures anew that have their recovery, in the caller's transaction; which later ones to look at again."""
    kept = _kept([failure.failure_id for failure in failures])
    words = _words([one.recovery_id for one in kept.values()])
    later, changes = set[str](), list[Change]()
    for digest in sorted({one.policy_hash for one in kept.values()}):
        table = _table(digest)
        if table is None:
            continue  # nobody can say how it would be decided by that text
        group = [failure for failure in failures if kept[failure.failure_id].policy_hash == digest]
        memory = table.versions[-1]
        around = amends.failures.queries.around(group, memory.memory_days, memory.half_life_days)
        later |= around.later
        for opened in cases.decide(group, around.recurrences, table):
            one = kept[opened.failure_id]
            changes += _change(one, opened, _stand(one, words.get(one.recovery_id, (False, ""))))
    keys = {key for change in changes for key in change.kept.budgets.split("\n") if key}
    counted = spending.slots_of(keys) if keys else {}
    _write([_priced(change, counted) for change in changes], now)
    return later


def _kept(failure_ids: Collection[str]) -> dict[str, Kept]:
    """The recoveries of these failures by failure; nobody else moves them meanwhile."""
    sql = f"""SELECT {", ".join(READ)}, {bulk.as_text(connection, "decision")} FROM recoveries_recoveryrow
        WHERE {bulk.among(connection, "failure_id")} ORDER BY recovery_id{bulk.locked(connection)}"""  # noqa: S608 - our own names
    rows = bulk.fetch(connection, sql, [bulk.texts(connection, failure_ids)])
    found = [Kept._make((*row[:11], bulk.read_moment(row[11]), row[12])) for row in rows]
    return {one.failure_id: one for one in found}


def _words(recovery_ids: Collection[str]) -> dict[str, tuple[bool, str]]:
    """By recovery: whether a person's yes stands, and the no of one, in their words, where that stands."""
    no = Q(after=RecoveryState.DECLINED) | Q(why__startswith=opening.GOODWILL_DECLINED)
    moves = MoveRow.objects.filter(no, recovery_id__in=recovery_ids).exclude(who=WORKER).order_by("pk")
    declined = {row.recovery_id: row for row in moves}
    signed = ApprovalRow.objects.filter(what="recovery", subject__in=recovery_ids).order_by("pk")
    found = {id_: (False, f"declined by {row.who}: {row.why}") for id_, row in declined.items()}
    for row in signed:
        if row.subject not in declined or row.at > declined[row.subject].at:
            found[row.subject] = (True, "")
    return found


_tables: dict[str, Table] = {}


def _table(digest: str) -> Table | None:
    """A policy's text never changes under its digest: it is read once."""
    if digest not in _tables and (table := texts.table(digest)) is not None:
        _tables[digest] = table
    return _tables.get(digest)


def _stand(kept: Kept, words: tuple[bool, str]) -> Stand:
    decision = amends.recoveries.queries.decision_from_json(msgspec.json.decode(kept.decision))
    yes, no = words
    return Stand(decision, RecoveryState(kept.state), kept.goodwill, bool(kept.more_open), yes, no, kept.signers)


def _change(kept: Kept, opened: Opening, stand: Stand) -> Iterator[Change]:
    wanted = replace(opened.terms.decision, inputs=json.loads(opened.inputs))
    found = beyond.revised(stand, wanted)
    signers, why = opened.terms.signers, opened.terms.why
    if beyond.same(found, signers):
        return
    if stand.no:
        signers, why = max(1, signers), "; ".join(filter(None, (stand.no, why)))
    terms = Terms(found.decision, signers, why, opened.terms.limits)
    yield Change(kept, opened, found, terms, beyond.words(found))


def _priced(change: Change, counted: Mapping[str, Slot]) -> Change:
    """What of its goodwill's reservation goes back, and what is asked for instead; goodwill as before keeps its own."""
    kept, found, bounds = change.kept, change.found, change.terms.limits
    if found.stand.begun and _as_before(found):
        return change
    given = beyond.goodwill_minor(found.given)
    back = max(0, kept.goodwill_minor - given)
    if bounds is None or not found.more_goodwill:
        return replace(change, back=back)
    day, whose = opening.spending_day(kept.decided_at), (change.opening.customer_id, change.opening.incident)
    wish = holding.wish(kept.recovery_id, found.decision, *whose, bounds, day)
    slots = [counted[key] for key in kept.budgets.split("\n") if key in counted] if given else []
    return replace(change, back=back, wish=spending.part(wish, found.more_goodwill, slots))


def _as_before(found: Revised) -> bool:
    """Whether the goodwill that is not given yet is what it was."""
    return beyond.goodwill_minor(found.stand.open) == found.more_goodwill


def _write(changes: Sequence[Change], now: datetime) -> None:
    """Budgets are given back and reserved anew; then the rows, what they were before, and their history."""
    if not changes:
        return
    spending.give_back({one.kept.recovery_id: one.back for one in changes if one.back})
    wishes = [one.wish for one in changes if one.wish is not None]
    fits, no_room = spending.reserve(wishes, now) if wishes else ({}, {})
    at = bulk.moment(connection, now)
    rows, formers, moves = [], [], []
    for one in changes:
        id_ = one.kept.recovery_id
        placed = _placed(one, no_room.get(id_, ""))
        reserved, budgets = spending.reserved(fits, id_)
        minor = one.kept.goodwill_minor - one.back + reserved
        declined = one.kept.declined_reason if placed[GOODWILL] == Goodwill.DECLINED else ""
        keys = budgets or (one.kept.budgets if minor else "")
        decision = one.terms.text(one.opening.inputs)
        rows.append((id_, *placed, decision, minor, keys, declined, _more_open(one, placed), at))
        formers.append((id_, one.kept.decision, at, one.why))
        moves.append((id_, one.kept.state, placed[STATE], WORKER, one.why, at))
    bulk.rewrite(connection, RecoveryRow, "recovery_id", WRITTEN, rows)
    bulk.insert(connection, FormerRow, FORMER, formers)
    bulk.insert(connection, MoveRow, opening.MOVE, moves)


def _placed(change: Change, no_room: str) -> list[Any]:
    """The columns of a recovery's row from `state` on: anew where nothing was begun, else its state stays."""
    stand, placed = change.found.stand, list(change.terms.placed(no_room))
    if not stand.begun:
        if stand.no and stand.state is not RecoveryState.APPROVED and holding.owes(stand.decision):
            # What a person declined was owed: what is owed now is before a person, and not paid over their word.
            placed[STATE], placed[GOODWILL], placed[OPEN] = str(RecoveryState.PROPOSED), "", False
            placed[SIGNERS], placed[HELD] = max(1, change.terms.signers), change.terms.why
        return placed
    placed[STATE] = change.kept.state
    placed[GOODWILL], placed[HELD] = _goodwill(change, no_room)
    placed[OPEN] = placed[GOODWILL] in (Goodwill.WAITING, Goodwill.GRANTED)
    placed[SIGNERS] = max(1, change.kept.signers, change.terms.signers) if placed[GOODWILL] == Goodwill.WAITING else 0
    return placed


def _goodwill(change: Change, no_room: str) -> tuple[str, str]:
    """(how goodwill stands, why it waits) where something was begun: what is added waits as it would have at first."""
    found, was = change.found, change.kept.goodwill
    waits = "; ".join(filter(None, (no_room, change.terms.why)))
    if was in (Goodwill.WAITING, Goodwill.DECLINED) and _as_before(found):
        return was, change.kept.held
    if found.more_goodwill and (no_room or change.terms.signers):
        return Goodwill.WAITING.value, waits
    return (was, "") if was in (Goodwill.GRANTED, Goodwill.GIVEN) else ("", "")


def _more_open(change: Change, placed: Sequence[Any]) -> bool:
    """Whether there is something to start that nobody must agree to, beside what goes with an approval."""
    found, stand = change.found, change.found.stand
    if stand.state in beyond.NOT_BEGUN:
        return False
    waits = placed[GOODWILL] in (Goodwill.WAITING, Goodwill.DECLINED)
    starts = [one for one in found.more if one.owed or one.amount is None or not waits]
    return bool(starts or found.new_call or stand.more_open) or stand.goodwill == Goodwill.GRANTED


def withdraw(failure_ids: Collection[str], now: datetime) -> None:
    """These failures proved unfounded: what was not begun is declined or left out, what was begun stays; in the
    caller's transaction."""
    kept = _kept(failure_ids).values()
    words = _words([one.recovery_id for one in kept])
    stands = [(one, _stand(one, words.get(one.recovery_id, (False, "")))) for one in kept]
    off = [one for one, stand in stands if not stand.begun and stand.state is not RecoveryState.DECLINED]
    at, stay = bulk.moment(connection, now), [(one, stand) for one, stand in stands if stand.begun]
    spending.release([one.recovery_id for one in off])
    columns = ("state", "goodwill", "goodwill_open", "held", "declined_reason", "changed_at")
    declined = [(one.recovery_id, str(RecoveryState.DECLINED), "", False, "", UNFOUNDED, at) for one in off]
    bulk.rewrite(connection, RecoveryRow, "recovery_id", columns, declined)
    moves = [(one.recovery_id, one.state, str(RecoveryState.DECLINED), WORKER, UNFOUNDED, at) for one in off]
    moves += [(one.recovery_id, one.state, one.state, WORKER, STAYS, at) for one, stand in stay if not stand.open]
    bulk.insert(connection, MoveRow, opening.MOVE, moves)
    _write([_priced(_left_out(one, stand), {}) for one, stand in stay if stand.open], now)


def _left_out(kept: Kept, stand: Stand) -> Change:
    """What was begun, without what nothing was done for yet."""
    decision = replace(stand.decision, remedies=stand.given)
    opened = Opening(kept.failure_id, "", "", json.dumps(dict(decision.inputs)), Terms(decision, 0, "", None))
    return Change(kept, opened, Revised(stand, decision, stand.given, ()), opened.terms, STAYS)


@transaction.atomic
def start_more(recovery_ids: Collection[str]) -> list[str]:
    """Take up what revisions added to these recoveries: those for which it is to be started now."""
    rows = RecoveryRow.objects.select_for_update().filter(pk__in=recovery_ids, more_open=True)
    mine = list(rows.values_list("pk", flat=True))
    RecoveryRow.objects.filter(pk__in=mine).update(more_open=False, untold=True)
    return mine


@transaction.atomic
def call_again(recovery_ids: Collection[str], now: datetime) -> None:
    """A person has to be in touch with customers whose recovery was made right or closed: it is open again."""
    over = (RecoveryState.MADE_RIGHT, RecoveryState.CLOSED)
    rows = RecoveryRow.objects.select_for_update().filter(pk__in=recovery_ids, state__in=over)
    before = list(rows.values_list("pk", "state"))
    RecoveryRow.objects.filter(pk__in=[pk for pk, _ in before]).update(state=RecoveryState.CALL_OPEN, changed_at=now)
    why, at = "what is known since wants a person to be in touch", bulk.moment(connection, now)
    moves = [(pk, state, str(RecoveryState.CALL_OPEN), WORKER, why, at) for pk, state in before]
    bulk.insert(connection, MoveRow, opening.MOVE, moves)
