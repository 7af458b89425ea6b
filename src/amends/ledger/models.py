"""The books' rows: appended, never changed (triggers see to it)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class PostingRow(models.Model):
    """One movement: `minor` debited to one account and credited to another, chained by `hash` to the one before it."""

    seq = models.BigIntegerField(primary_key=True)  # 1, 2, 3 … without a gap
    kind = models.CharField(max_length=20)
    act_key = models.CharField(max_length=120)
    recovery_id = models.CharField(max_length=60)
    customer_id = models.CharField(max_length=200)
    debit = models.CharField(max_length=220)
    credit = models.CharField(max_length=220)
    currency = models.CharField(max_length=3)
    minor = models.BigIntegerField()
    statutory = models.BooleanField(default=False)
    at_us = models.BigIntegerField(db_index=True)  # microseconds since 1970: hashed alike everywhere
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["act_key", "kind"], name="posting_once"),
            models.CheckConstraint(condition=Q(minor__gt=0), name="posting_moves_something"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="posting_has_two_sides"),
        ]


class HeadRow(models.Model):
    """The last posting. Who books locks this row, so that the chain cannot fork."""

    name = models.CharField(primary_key=True, max_length=20)
    seq = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32)
