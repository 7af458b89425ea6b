"""Coupons know the pseudonym only; what was written when one was revoked may say more."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from amends.connectors.coupons.models import CouponRow
from amends.ground.personal import Words


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Strike out what names the customer; coupons stay good, and their worth stays in the books."""
    counts: Counter[str] = Counter()
    for row in CouponRow.objects.filter(customer_id=words.customer_id):
        new = {name: words.masked(getattr(row, name)) for name in ("revoked_why", "order_id")}
        if any(getattr(row, name) != value for name, value in new.items()):
            counts["coupons"] += CouponRow.objects.filter(pk=row.pk).update(**new)
    return counts
