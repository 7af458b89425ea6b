"""Forgetting what receipts and differences quote of a customer; amounts, keys and states stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from amends.ground.personal import GONE, Words
from amends.remedies.models import DifferenceRow, RemedyRow, ReversalRow


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Blank the notes of calls, and strike out what names the customer elsewhere."""
    mine = RemedyRow.objects.filter(customer_id=words.customer_id)
    counts = Counter({"notes of calls": mine.filter(kind="call").exclude(ref__in=("", GONE)).update(ref=GONE)})
    counts["receipts"] = _mask(mine.exclude(kind="call"), ("ref",), words)
    counts["money taken back"] = _mask(
        ReversalRow.objects.filter(customer_id=words.customer_id), ("reason", "ref"), words
    )
    keys = list(mine.exclude(act_key="").values_list("act_key", flat=True))
    counts["differences"] = _mask(DifferenceRow.objects.filter(act_key__in=keys), ("says", "theirs", "note"), words)
    return counts


def _mask(rows: QuerySet[Any], columns: Sequence[str], words: Words) -> int:
    """Strike out what names the customer in these columns; how many rows did."""
    changed = 0
    for row in rows:
        new = {name: words.masked(getattr(row, name)) for name in columns}
        if any(getattr(row, name) != value for name, value in new.items()):
            changed += rows.filter(pk=row.pk).update(**new)
    return changed
