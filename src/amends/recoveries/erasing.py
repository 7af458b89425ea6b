"""Forgetting what the history of recoveries quotes of a customer; decisions, amounts and moves stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from django.db import transaction

from amends.ground.personal import Words, strike_out, unquoted
from amends.recoveries.models import ApprovalRow, FormerRow, MoveRow, RecoveryRow


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Take the customer's own words, and what names them, out of reasons and histories."""
    ids, mine = ids_of(words.customer_id), RecoveryRow.objects.filter(customer_id=words.customer_id)
    formers = FormerRow.objects.filter(recovery__customer_id=words.customer_id)
    approvals = ApprovalRow.objects.filter(subject__in=ids, what="recovery")
    changed = strike_out(mine, ("decision", "declined_reason", "person", "held"), words.masked)
    changed += strike_out(formers, ("decision", "why"), words.masked)
    changed += strike_out(
        MoveRow.objects.filter(recovery_id__in=ids), ("why",), lambda why: words.masked(unquoted(why))
    )
    changed += strike_out(approvals, ("why",), words.masked)
    return Counter({"reasons in recoveries": changed})


def known_among(customer_ids: Collection[str]) -> set[str]:
    """Those of these customers to whom something is or was owed."""
    rows = RecoveryRow.objects.filter(customer_id__in=list(customer_ids))
    return set(rows.values_list("customer_id", flat=True))


def ids_of(customer_id: str) -> list[str]:
    """The recoveries of a customer."""
    return list(RecoveryRow.objects.filter(customer_id=customer_id).values_list("pk", flat=True))
