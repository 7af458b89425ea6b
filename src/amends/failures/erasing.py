"""Forgetting what failures say of a customer in words; what happened, when and to which pseudonym stays."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from amends.failures.models import FailureRow
from amends.ground.personal import Words


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Take personal fields out of the facts; numbers, and texts by which a policy may decide, stay."""
    counts: Counter[str] = Counter()
    for row in FailureRow.objects.filter(customer_id=words.customer_id).only("facts").iterator(1000):
        facts = words.cleaned(row.facts)
        if facts != row.facts:
            counts["facts of failures"] += FailureRow.objects.filter(pk=row.pk).update(facts=facts)
    return counts
