"""Coupons know the pseudonym only; what was written when one was revoked may say more."""

from __future__ import annotations

from collections import Counter

from django.db import transaction

from amends.connectors.coupons.models import CouponRow
from amends.ground.personal import Words, strike_out


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Strike out what names the customer; coupons stay good, and their worth stays in the books."""
    mine = CouponRow.objects.filter(customer_id=words.customer_id)
    return Counter({"coupons": strike_out(mine, ("revoked_why", "order_id"), words.masked)})
