"""Operators' yes and no: as many different people as the amount needs, each once, all on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

import amends.failures.queries
import amends.recoveries.queries
from amends.recoveries import holding, opening, spending, steps
from amends.recoveries.models import ApprovalRow, MoveRow, RecoveryRow
from amends.recoveries.records import Decision, Goodwill, Recovery, RecoveryState, withheld
from amends.recoveries.revising import UNFOUNDED

RECOVERY = "recovery"
GOODWILL_DECLINED = opening.GOODWILL_DECLINED


@dataclass(frozen=True)
class Signed:
    """Whether a yes was taken, whether the recovery goes ahead now, and what to tell the operator."""

    taken: bool
    goes_ahead: bool
    says: str


@transaction.atomic
def approve(recovery_id: str, who: str, why: str, now: datetime) -> Signed:
    """A person lets a proposed (or declined) recovery, or goodwill that waits, go ahead: with others, where needed."""
    row = RecoveryRow.objects.select_for_update().filter(pk=recovery_id).first()
    if row is None or not _waits(row):
        return Signed(False, False, "This recovery cannot be approved as it stands.")
    signed = _signed(row)
    if who in signed:
        return Signed(False, False, "You have approved it already: somebody else must be the second.")
    missing = max(1, row.signers) - len(signed) - 1
    if missing <= 0 and (no_room := _no_room(row, now)):
        return Signed(False, False, f"Not approved: {no_room}. Raise the budget in budgets.yaml, or decline.")
    ApprovalRow.objects.create(what=RECOVERY, subject=recovery_id, who=who, why=why, at=now)
    if missing > 0:
        return Signed(True, False, f"Approved by you; {missing} more must approve: somebody else.")
    _go_ahead(row, who, why, now)
    return Signed(True, True, "Approved; it is on its way.")


def _waits(row: RecoveryRow) -> bool:
    proposed = row.state in (RecoveryState.PROPOSED, RecoveryState.DECLINED)
    return proposed or row.goodwill in (Goodwill.WAITING, Goodwill.DECLINED)


def _signed(row: RecoveryRow) -> set[str]:
    """Who has said yes since it was last declined."""
    no = Q(after=RecoveryState.DECLINED) | Q(why__startswith=GOODWILL_DECLINED)
    declined = MoveRow.objects.filter(no, recovery=row).order_by("-at").first()
    rows = ApprovalRow.objects.filter(what=RECOVERY, subject=row.recovery_id)
    return set((rows.filter(at__gt=declined.at) if declined else rows).values_list("who", flat=True))


def _no_room(row: RecoveryRow, now: datetime) -> str:
    """Reserve what is not reserved yet; why it does not fit, or empty."""
    decision = amends.recoveries.queries.decision_from_json(row.decision)
    given = _given(row, decision)
    missing = holding.minor_of(holding.goodwill_of(decision.remedies)) - max(given, row.goodwill_minor)
    if missing <= 0:
        return ""
    failure = amends.failures.queries.by_id([row.failure_id])[row.failure_id]
    whose = (failure.customer_id, failure.incident)
    wish = holding.wish(row.recovery_id, decision, *whose, opening.limits(), opening.spending_day(now))
    counted = list(spending.slots_of(row.budgets.split("\n")).values()) if given else []
    wish = spending.part(wish, missing, counted)
    if wish is None:
        return ""
    fits, held = spending.reserve([wish], now)
    if fits:
        reserved, row.budgets = spending.reserved(fits, row.recovery_id)
        row.goodwill_minor += reserved
        row.save(update_fields=["goodwill_minor", "budgets"])
    return held.get(row.recovery_id, "")


def _given(row: RecoveryRow, decision: Decision) -> int:
    """Minor units of its goodwill that are given, whatever is said to the rest."""
    if row.goodwill not in (Goodwill.WAITING, Goodwill.DECLINED):
        return 0
    waits = withheld(decision.remedies, row.goodwill)
    return holding.minor_of([one for one in holding.goodwill_of(decision.remedies) if one not in waits])


def _go_ahead(row: RecoveryRow, who: str, why: str, now: datetime) -> None:
    if row.goodwill != Goodwill.WITH_THE_REST:
        _note(row, who, f"goodwill approved: {why}" if why else "goodwill approved", now)
        RecoveryRow.objects.filter(pk=row.pk).update(goodwill=Goodwill.GRANTED, goodwill_open=True, held="")
        return
    RecoveryRow.objects.filter(pk=row.pk).update(held="", declined_reason="")
    steps.move([row.recovery_id], RecoveryState.APPROVED, who=who, why=why, now=now)


def _note(row: RecoveryRow, who: str, why: str, now: datetime) -> None:
    MoveRow.objects.create(recovery=row, before=row.state, after=row.state, who=who, why=why, at=now)


@transaction.atomic
def decline(recovery_id: str, who: str, why: str, now: datetime) -> bool:
    """A person declines, with a reason the customer could read (ValueError without one); its budgets get it back.

    Where only the goodwill waits, only that is declined: what is owed goes on.
    """
    if not why.strip():
        raise ValueError("a reason is needed: it is what the customer could be told")
    row = RecoveryRow.objects.select_for_update().filter(pk=recovery_id).first()
    if row is None:
        return False
    given = _given(row, amends.recoveries.queries.decision_from_json(row.decision))
    if row.goodwill == Goodwill.WAITING:
        _note(row, who, f"{GOODWILL_DECLINED}: {why}", now)
        no = {"goodwill": Goodwill.DECLINED, "goodwill_open": False, "held": "", "declined_reason": why}
        RecoveryRow.objects.filter(pk=recovery_id).update(**no)
    elif steps.move([recovery_id], RecoveryState.DECLINED, who=who, why=why, now=now):
        RecoveryRow.objects.filter(pk=recovery_id).update(declined_reason=why)
    else:
        return False
    spending.give_back({recovery_id: max(0, row.goodwill_minor - given)})
    return True


def is_unfounded(recovery: Recovery) -> bool:
    """Whether the reason of its decline is no person's: what was told since says that the promise was kept."""
    return recovery.declined_reason == UNFOUNDED
