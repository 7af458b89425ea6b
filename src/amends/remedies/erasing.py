"""Forgetting what receipts and differences quote of a customer; amounts, keys and states stay."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from amends.ground.personal import GONE, Words, strike_out
from amends.remedies.models import DifferenceRow, RemedyRow, ReversalRow


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Blank the notes of calls, and strike out what names the customer elsewhere."""
    mine = RemedyRow.objects.filter(customer_id=words.customer_id)
    counts = Counter({"notes of calls": mine.filter(kind="call").exclude(ref__in=("", GONE)).update(ref=GONE)})
    counts["receipts"] = strike_out(mine.exclude(kind="call"), ("ref",), words.masked)
    counts["money taken back"] = strike_out(
        ReversalRow.objects.filter(customer_id=words.customer_id), ("reason", "ref"), words.masked
    )
    keys = list(mine.exclude(act_key="").values_list("act_key", flat=True))
    counts["differences"] = strike_out(
        DifferenceRow.objects.filter(act_key__in=keys), ("says", "theirs", "note"), words.masked
    )
    return counts
