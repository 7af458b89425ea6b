"""The coupons' rows. Only this folder touches them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class CouponRow(models.Model):
    """One coupon by its code; one act, one coupon; one redemption, one coupon."""

    code = models.CharField(primary_key=True, max_length=20)
    act_key = models.CharField(max_length=120, unique=True)
    recovery_id = models.CharField(max_length=60, db_index=True)
    customer_id = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="")
    percent = models.SmallIntegerField(null=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True)
    redemption_id = models.CharField(max_length=200, null=True, unique=True)
    order_id = models.CharField(max_length=200, default="")
    revoked_at = models.DateTimeField(null=True)
    revoked_why = models.CharField(max_length=400, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, percent=None) | Q(amount_minor=None, percent__gte=1, percent__lte=100),
                name="coupon_is_worth_something",
            ),
            models.CheckConstraint(
                condition=Q(redeemed_at=None, redemption_id=None) | Q(redeemed_at__isnull=False, revoked_at=None),
                name="coupon_redeemed_or_revoked",
            ),
        ]
