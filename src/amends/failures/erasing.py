"""Forgetting what failures say of a customer in words; what happened, when and to which pseudonym stays."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from amends.failures.models import FailureRow
from amends.ground.personal import Words, strike_out


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Take personal fields out of the facts; numbers, and texts by which a policy may decide, stay."""
    mine = FailureRow.objects.filter(customer_id=words.customer_id).only("facts")
    return Counter({"facts of failures": strike_out(mine, ("facts",), words.cleaned)})
