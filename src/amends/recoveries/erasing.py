"""Forgetting what the history of recoveries quotes of a customer; decisions, amounts and moves stay."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from amends.ground.personal import Words
from amends.recoveries.models import ApprovalRow, FormerRow, MoveRow, RecoveryRow

SAYS = "the customer says: "
QUOTE = " – "


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Take the customer's own words, and what names them, out of reasons and histories."""
    ids = ids_of(words.customer_id)
    return Counter({"reasons in recoveries": _reasons(words) + _moves(ids, words) + _approvals(ids, words)})


def ids_of(customer_id: str) -> list[str]:
    """The recoveries of a customer."""
    return list(RecoveryRow.objects.filter(customer_id=customer_id).values_list("pk", flat=True))


def _reasons(words: Words) -> int:
    changed = 0
    for row in RecoveryRow.objects.filter(customer_id=words.customer_id).iterator(1000):
        new = {name: words.masked(getattr(row, name)) for name in ("decision", "declined_reason", "person", "held")}
        if any(getattr(row, name) != value for name, value in new.items()):
            changed += RecoveryRow.objects.filter(pk=row.pk).update(**new)
    for former in FormerRow.objects.filter(recovery__customer_id=words.customer_id).iterator(1000):
        decision, why = words.masked(former.decision), words.masked(former.why)
        if (decision, why) != (former.decision, former.why):
            changed += FormerRow.objects.filter(pk=former.pk).update(decision=decision, why=why)
    return changed


def _moves(ids: list[str], words: Words) -> int:
    changed = 0
    for row in MoveRow.objects.filter(recovery_id__in=ids):
        why = words.masked(unquoted(row.why))
        if why != row.why:
            changed += MoveRow.objects.filter(pk=row.pk).update(why=why)
    return changed


def _approvals(ids: list[str], words: Words) -> int:
    changed = 0
    for row in ApprovalRow.objects.filter(subject__in=ids, what="recovery"):
        why = words.masked(row.why)
        if why != row.why:
            changed += ApprovalRow.objects.filter(pk=row.pk).update(why=why)
    return changed


def unquoted(why: str) -> str:
    """A reason without the words that the customer wrote; what they chose stays."""
    return why.partition(QUOTE)[0] if why.startswith(SAYS) else why
