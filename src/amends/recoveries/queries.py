"""What other rooms and pages may ask about recoveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum, TextField
from django.db.models.functions import Cast

from amends.ground import bulk
from amends.ground.moments import format_moment
from amends.ground.money import Money
from amends.recoveries.models import ApprovalRow, BudgetRow, FormerRow, MoveRow, PolicyRow, RecoveryRow, StopRow
from amends.recoveries.records import (
    Approval,
    Budgeted,
    Decision,
    Former,
    Goodwill,
    Granted,
    Move,
    PolicyText,
    Recovery,
    RecoveryState,
    Remedy,
    Start,
    Stop,
    name_of,
    withheld,
)

Place = tuple[datetime, str]
DONE_BY_MACHINE = (RecoveryState.MADE_RIGHT, RecoveryState.CALL_OPEN)
WAITING_YES = "approved; another operator must agree as well"


def with_recovery(failure_ids: Collection[str]) -> set[str]:
    """Those of these failures that have their recovery."""
    among = bulk.among(connection, "failure_id")
    sql = f"SELECT failure_id FROM recoveries_recoveryrow WHERE {among}"  # noqa: S608 - our own names
    return {row[0] for row in bulk.fetch(connection, sql, [bulk.texts(connection, failure_ids)])}


def in_state(state: RecoveryState, limit: int, after: str = "") -> list[Recovery]:
    """Recoveries in a state, by id, behind the given one."""
    rows = RecoveryRow.objects.filter(state=state, recovery_id__gt=after).order_by("recovery_id")
    return _read(rows[:limit])


def goodwill_granted(limit: int, stopped: Collection[str]) -> list[Start]:
    """Recoveries under way or further whose goodwill a person has let go ahead since, the oldest first."""
    early = [str(state) for state in (RecoveryState.PROPOSED, RecoveryState.APPROVED, RecoveryState.DECLINED)]
    where = "goodwill_open AND goodwill = %s AND state NOT IN (%s, %s, %s)"
    more, params = unless_stopped(stopped)
    sql = f"""SELECT {start_columns()} FROM recoveries_recoveryrow WHERE {where}{more}
        ORDER BY changed_at LIMIT %s"""  # noqa: S608 - our own names
    return starts(bulk.fetch(connection, sql, [str(Goodwill.GRANTED), *early, *params, limit]))


def more_to_start(limit: int, stopped: Collection[str]) -> list[Start]:
    """Recoveries under way or further to which a revision added something that is to be started now."""
    more, params = unless_stopped(stopped)
    sql = f"""SELECT {start_columns()} FROM recoveries_recoveryrow WHERE more_open{more}
        ORDER BY changed_at LIMIT %s"""  # noqa: S608 - our own names
    return starts(bulk.fetch(connection, sql, [*params, limit]))


def unless_stopped(stopped: Collection[str]) -> tuple[str, list[Any]]:
    """(an SQL condition, its parameters): of stopped policies (empty: of all) only where no money is in it."""
    if "" in stopped:
        return " AND amount_minor = 0", []
    paying = f" AND (amount_minor = 0 OR NOT ({bulk.among(connection, 'policy')}))"
    return (paying, [bulk.texts(connection, stopped)]) if stopped else ("", [])


def paying_stopped_for(stopped: Collection[str], policy: str, amount_minor: int) -> bool:
    """What `unless_stopped` says, of one recovery."""
    return amount_minor != 0 and ("" in stopped or policy in stopped)


def start_columns() -> str:
    return ", ".join([*Start._fields[:-1], bulk.part(connection, "decision", "remedies")])


def starts(found: Sequence[tuple[Any, ...]]) -> list[Start]:
    """Rows of `start_columns` as records."""
    return [Start._make((*row[:6], bulk.read_moment(row[6]), _named(row[7]))) for row in found]


@lru_cache(2000)
def _named(text: str) -> tuple[tuple[str, Remedy], ...]:
    remedies = _remedies_from_json(msgspec.json.decode(text))
    return tuple((name_of(remedy, remedies), remedy) for remedy in remedies)


def stopped_policies() -> set[str]:
    """Policies for which nothing is paid now; an empty name stands for all."""
    sql = "SELECT policy FROM recoveries_stoprow WHERE resumed_at IS NULL"  # asked with every group of deliveries
    return {policy for (policy,) in bulk.fetch(connection, sql, [])}


def paying_stopped(policy: str) -> str:
    """Why nothing is paid for this policy now; empty when it is."""
    row = StopRow.objects.filter(policy__in=("", policy), resumed_at=None).order_by("policy").first()
    return f"paying is stopped by {row.who}: {row.why}" if row else ""


def stops(limit: int) -> list[Stop]:
    """Stops, open ones first, then the newest."""
    rows = StopRow.objects.order_by(F("resumed_at").desc(nulls_first=True), "-pk")[:limit]
    return [Stop(r.pk, r.policy, r.why, r.who, r.stopped_at, r.resumed_at, r.resumed_by) for r in rows]


def waiting_for_resume(limit: int) -> list[Recovery]:
    """Approved recoveries with money in them, what must be paid soonest first: these wait while paying is stopped."""
    rows = RecoveryRow.objects.filter(state=RecoveryState.APPROVED, amount_minor__gt=0)
    return _read(rows.order_by(F("pay_by_on").asc(nulls_last=True), "decided_at")[:limit])


def budgets(limit: int) -> list[Budgeted]:
    """Budgets that something was reserved in, the fullest first."""
    rows = BudgetRow.objects.exclude(budget_key__endswith="|customers")
    rows = rows.order_by((F("cap_minor") - F("spent_minor")), "-opened_at", "pk")[:limit]
    return [
        Budgeted(r.budget_key, r.name, Money(r.cap_minor, r.currency), Money(r.spent_minor, r.currency)) for r in rows
    ]


def budget_flaws() -> list[str]:
    """Budgets whose counter is not what their recoveries have reserved; empty when all are right."""
    reserved: Counter[str] = Counter()
    rows = RecoveryRow.objects.filter(goodwill_minor__gt=0).exclude(budgets="").values_list("budgets")
    for keys, minor in rows.annotate(Sum("goodwill_minor")).order_by():
        reserved.update(dict.fromkeys(keys.split("\n"), minor))
    spent = dict(BudgetRow.objects.values_list("pk", "spent_minor"))
    return [
        f"budget {key}: the counter says {spent.get(key, 0)} minor units, its recoveries have reserved {reserved[key]}"
        for key in sorted(spent.keys() | reserved.keys())
        if spent.get(key, 0) != reserved[key]
    ]


def approvals(subject: str) -> list[Approval]:
    """Every yes to a recovery or a policy's text, oldest first."""
    return [Approval(row.who, row.why, row.at) for row in ApprovalRow.objects.filter(subject=subject).order_by("pk")]


def policy_texts(limit: int, *, waiting: bool = False) -> list[PolicyText]:
    """Policies' texts, newest first; or only those that wait for approval."""
    rows = PolicyRow.objects.order_by("-seen_at", "name")
    fields = ("digest", "name", "file", "text", "seen_at", "seen_by", "in_force_at")
    return [PolicyText(**row) for row in (rows.filter(in_force_at=None) if waiting else rows).values(*fields)[:limit]]


def untold(limit: int) -> list[Recovery]:
    """Recoveries for which a machine has done all it can and of which nobody was told (`steps.told` says it was done).

    A person's call may still be open; once it is made, such a recovery comes by again.
    """
    sql = """SELECT recovery_id FROM recoveries_recoveryrow
        WHERE untold AND NOT (state = 'approved') AND NOT (state = 'under way') AND state || '' IN (%s, %s)
        ORDER BY recovery_id LIMIT %s"""  # said as the index recovery_to_tell says it, and `|| ''` keeps off the others
    ids = [row[0] for row in bulk.fetch(connection, sql, [*map(str, DONE_BY_MACHINE), limit])]
    return _read(RecoveryRow.objects.filter(pk__in=ids).order_by("pk"))


def made_right_before(moment: datetime, limit: int) -> list[str]:
    """Ids of recoveries that have been made right since before a moment and heard nothing."""
    rows = RecoveryRow.objects.filter(state=RecoveryState.MADE_RIGHT, changed_at__lt=moment)
    return list(rows.order_by("changed_at").values_list("pk", flat=True)[:limit])


def by_id(ids: Collection[str]) -> dict[str, Recovery]:
    return {recovery.recovery_id: recovery for recovery in _read(RecoveryRow.objects.filter(pk__in=ids))}


def one(recovery_id: str) -> Recovery | None:
    return by_id([recovery_id]).get(recovery_id)


def recent(limit: int, state: str = "", search: str = "", before: Place | None = None) -> list[Recovery]:
    """Newest changes first; `search` finds a recovery, customer or failure by its id."""
    rows = RecoveryRow.objects.order_by("-changed_at", "-recovery_id")
    if state:
        rows = rows.filter(state=state)
    if search:
        rows = rows.filter(Q(recovery_id=search) | Q(customer_id=search) | Q(failure_id=search))
    if before is not None:
        at, recovery_id = before
        rows = rows.filter(Q(changed_at__lt=at) | Q(changed_at=at, recovery_id__lt=recovery_id))
    return _read(rows[:limit])


def of_failures(failure_ids: Collection[str]) -> dict[str, Recovery]:
    rows = RecoveryRow.objects.filter(failure_id__in=failure_ids)
    return {recovery.failure_id: recovery for recovery in _read(rows)}


def for_a_person(limit: int) -> list[Recovery]:
    """Proposed and reopened recoveries, and those whose goodwill waits, oldest first."""
    whole = Q(state__in=(RecoveryState.PROPOSED, RecoveryState.REOPENED))
    goodwill = Q(goodwill_open=True, goodwill=Goodwill.WAITING)
    found = {
        one.recovery_id: one for q in (whole, goodwill) for one in _read(_oldest(RecoveryRow.objects.filter(q), limit))
    }
    return sorted(found.values(), key=lambda recovery: recovery.changed_at)[:limit]


def _oldest(rows: QuerySet[RecoveryRow], limit: int) -> QuerySet[RecoveryRow]:
    return rows.order_by("changed_at")[:limit]


def totals(failure_ids: Collection[str]) -> list[tuple[str, str, int, int, int]]:
    """Of the recoveries of these failures, by state and currency: how many, minor units in all, of them goodwill."""
    rows = RecoveryRow.objects.filter(failure_id__in=failure_ids).values_list("state", "currency").order_by()
    return list(rows.annotate(Count("pk"), Sum("amount_minor"), Sum("goodwill_minor")))


def ids_of(failure_ids: Collection[str]) -> list[str]:
    """Ids of the recoveries of these failures."""
    return list(RecoveryRow.objects.filter(failure_id__in=failure_ids).values_list("pk", flat=True))


def history(recovery_id: str) -> list[Move]:
    """Every move, and each yes that moved nothing because another operator had to agree as well, in order."""
    rows = MoveRow.objects.filter(recovery_id=recovery_id).order_by("pk")
    moves = [Move(row.recovery_id, row.before, row.after, row.who, row.why, row.at) for row in rows]
    return _with_waiting_yes(moves, approvals(recovery_id))


def _with_waiting_yes(moves: Sequence[Move], yes: Sequence[Approval]) -> list[Move]:
    went = {(move.who, move.at) for move in moves}
    told, waited = list(moves), [one for one in yes if (one.who, one.at) not in went]
    for one in waited:
        place = next((number for number, move in enumerate(told) if move.at > one.at), len(told))
        state, words = told[place - 1].after if place else "", f"{WAITING_YES}: {one.why}" if one.why else WAITING_YES
        told.insert(place, Move(moves[0].recovery_id, state, state, one.who, words, one.at))
    return told


def formers(recovery_id: str) -> list[Former]:
    """What a recovery's decision was before it was decided anew, oldest first."""
    rows = FormerRow.objects.filter(recovery_id=recovery_id).order_by("pk")
    return [Former(decision_from_json(row.decision), row.replaced_at, row.why) for row in rows]


def counts() -> dict[str, int]:
    return dict(RecoveryRow.objects.values_list("state").annotate(Count("pk")).order_by("state"))


def decision_to_json(decision: Decision) -> dict[str, Any]:
    """A decision as it is kept: nothing rounded, nothing left out."""
    kept = dict(vars(decision))
    kept["remedies"] = [_remedy_to_json(remedy) for remedy in decision.remedies]
    kept["reasons"] = list(decision.reasons)
    return kept


def _remedy_to_json(remedy: Remedy) -> dict[str, Any]:
    amount = {"minor": remedy.amount.minor, "currency": remedy.amount.currency} if remedy.amount else None
    number = {"revision": remedy.revision} if remedy.revision else {}
    return {"kind": remedy.kind, "amount": amount, "owed": remedy.owed} | number


def decision_from_json(kept: dict[str, Any]) -> Decision:
    remedies = _remedies_from_json(kept["remedies"])
    return Decision(**{**kept, "remedies": remedies, "reasons": tuple(kept["reasons"])})


def _remedies_from_json(kept: Sequence[dict[str, Any]]) -> tuple[Remedy, ...]:
    amounts = [Money(**item["amount"]) if item["amount"] else None for item in kept]
    told = zip(kept, amounts, strict=True)
    return tuple(Remedy(item["kind"], amount, item["owed"], item.get("revision", 0)) for item, amount in told)


def _read(rows: QuerySet[RecoveryRow]) -> list[Recovery]:
    """Rows as records. The text of a decision is read once for all who share it."""
    return [_recovery(row) for row in rows.annotate(text=Cast("decision", TextField())).values_list(*READ)]


READ = (
    *("recovery_id", "failure_id", "customer_id", "state", "text", "decided_at", "changed_at", "declined_reason"),
    *("signers", "goodwill", "held", "pay_by_on"),
)
_STATES = {str(state): state for state in RecoveryState}
_GOODWILL = {str(goodwill): goodwill for goodwill in Goodwill}


def _recovery(row: tuple[Any, ...]) -> Recovery:
    recovery_id, failure_id, customer_id, state, text, decided_at, changed_at, *waits = row
    declined, signers, goodwill, held, pay_by_on = waits
    return Recovery(
        *(recovery_id, failure_id, customer_id, _STATES[state], _decision(text), decided_at, changed_at),
        *(declined, signers, _GOODWILL[goodwill], held, pay_by_on),
    )


@lru_cache(2000)
def _decision(text: str) -> Decision:
    return decision_from_json(msgspec.json.decode(text))


def export_rows() -> Iterator[dict[str, Any]]:
    """Every recovery as a row; `formers` is what its decision was before it was decided anew, oldest first."""
    after = ""
    while part := list(RecoveryRow.objects.filter(pk__gt=after).order_by("pk").values()[:5000]):
        after = part[-1]["recovery_id"]
        formers: dict[str, list[Any]] = {}
        for row in FormerRow.objects.filter(recovery_id__gte=part[0]["recovery_id"], recovery_id__lte=after):
            formers.setdefault(row.recovery_id, []).append(
                {"replaced_at": format_moment(row.replaced_at), "why": row.why, "decision": row.decision}
            )
        yield from (row | {"formers": formers.get(row["recovery_id"], [])} for row in part)


def granted(since: datetime | None, until: datetime | None) -> Iterator[Granted]:
    """What became of the recoveries decided in [since, until)."""
    rows = RecoveryRow.objects.all()
    if since is not None:
        rows = rows.filter(decided_at__gte=since)
    if until is not None:
        rows = rows.filter(decided_at__lt=until)
    kept_back = _withheld_minor(rows)
    right = MoveRow.objects.filter(recovery=OuterRef("pk"), after=RecoveryState.MADE_RIGHT).order_by("pk").values("at")
    told = rows.annotate(right_at=Subquery(right[:1]))
    names = ("pk", "failure_id", "amount_minor", "state", "decided_at", "right_at")
    for pk, failure_id, amount, state, decided_at, right_at in told.values_list(*names).iterator(5000):
        minor, waiting = amount - kept_back.get(pk, 0), state == RecoveryState.PROPOSED
        given = minor > 0 and not waiting and state != RecoveryState.DECLINED
        hours = (right_at - decided_at).total_seconds() / 3600 if given and right_at else None
        yield Granted(failure_id, minor, given, waiting, hours)


def _withheld_minor(rows: QuerySet[RecoveryRow]) -> dict[str, int]:
    """By recovery, minor units of goodwill that waits beside what is owed, or was declined."""
    found = {}
    some = rows.filter(goodwill__in=(Goodwill.WAITING, Goodwill.DECLINED))
    for pk, goodwill, decision in some.values_list("pk", "goodwill", "decision").iterator(5000):
        back = withheld(decision_from_json(decision).remedies, goodwill)
        found[pk] = sum(remedy.amount.minor for remedy in back if remedy.amount is not None)
    return found
