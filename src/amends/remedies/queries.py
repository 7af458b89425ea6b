"""What other rooms and pages may ask about remedies."""

from __future__ import annotations

from collections.abc import Collection

from amends.ground.money import Money
from amends.recoveries.policy.recounting import Fate
from amends.remedies.models import DifferenceRow, RemedyRow, ReversalRow
from amends.remedies.records import OpenDifference, RemedyDone


def remedies_of(recovery_ids: Collection[str]) -> dict[str, list[RemedyDone]]:
    """Remedies by recovery, in the order in which they were promised."""
    found: dict[str, list[RemedyDone]] = {}
    back = ReversalRow.objects.filter(recovery_id__in=recovery_ids, kind="mistake").values_list("of_key", "state")
    taken = dict(back)
    for row in RemedyRow.objects.filter(recovery_id__in=recovery_ids).order_by("promised_at", "remedy_id"):
        found.setdefault(row.recovery_id, []).append(_remedy(row, taken.get(row.act_key, "")))
    return found


def _remedy(row: RemedyRow, taken_back: str) -> RemedyDone:
    amount = Money(row.amount_minor, row.currency) if row.amount_minor is not None else None
    ids = (row.remedy_id, row.recovery_id, row.customer_id, row.kind)
    return RemedyDone(*ids, amount, row.state, row.act_key, row.ref, row.settled_at, row.owed, taken_back)


def fates(recovery_id: str) -> dict[str, Fate]:
    """By the remedy's name: what became of those that did not simply go out and stay."""
    found = remedies_of([recovery_id]).get(recovery_id, [])
    told = {one.act_key.removesuffix(f":{recovery_id}"): _fate(one) for one in found if one.act_key}
    return {name: fate for name, fate in told.items() if fate}


def _fate(remedy: RemedyDone) -> Fate | None:
    if remedy.state == "cancelled":
        return Fate.STOPPED
    if remedy.amount is not None and remedy.state in ("refused", "with a person"):
        return Fate.LOOKED_AFTER
    if remedy.state != "done" or remedy.taken_back in ("", "cancelled"):
        return None
    return Fate.TAKEN_BACK if remedy.taken_back == "done" else Fate.ASKED_BACK


def differences(limit: int) -> list[OpenDifference]:
    """Where a provider's list and our books differ and nobody has said why, oldest first."""
    rows = DifferenceRow.objects.filter(settled_at=None).order_by("found_at", "pk")[:limit]
    fields = ("difference_id", "connector", "kind", "act_key", "says", "theirs", "found_at")
    return [OpenDifference(**row) for row in rows.values(*fields)]


def differences_count() -> int:
    return DifferenceRow.objects.filter(settled_at=None).count()
