"""Forgetting what receipts and differences quote of a customer; amounts, keys and states stay."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from amends.ground.personal import GONE, Words
from amends.remedies.models import DifferenceRow, RemedyRow


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Blank the notes of calls, and strike out what names the customer elsewhere."""
    mine = RemedyRow.objects.filter(customer_id=words.customer_id)
    counts = Counter({"notes of calls": mine.filter(kind="call").exclude(ref__in=("", GONE)).update(ref=GONE)})
    for row in mine.exclude(kind="call"):
        if words.masked(row.ref) != row.ref:
            counts["receipts"] += mine.filter(pk=row.pk).update(ref=words.masked(row.ref))
    keys = list(mine.exclude(act_key="").values_list("act_key", flat=True))
    for found in DifferenceRow.objects.filter(act_key__in=keys):
        new = {name: words.masked(getattr(found, name)) for name in ("says", "theirs", "note")}
        if any(getattr(found, name) != value for name, value in new.items()):
            counts["differences"] += DifferenceRow.objects.filter(pk=found.pk).update(**new)
    return counts
