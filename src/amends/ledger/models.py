"""The books' rows: appended, never changed (triggers see to it)."""

from __future__ import annotations

from django.db import models


class PostingRow(models.Model):
    posting_id = models.CharField(primary_key=True, max_length=120)
    kind = models.CharField(max_length=20)
    recovery_id = models.CharField(max_length=60, db_index=True)
    customer_id = models.CharField(max_length=200)
    act_key = models.CharField(max_length=120, default="")
    statutory = models.BooleanField(default=False)
    at = models.DateTimeField()


class EntryRow(models.Model):
    posting = models.ForeignKey(PostingRow, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(max_length=200, db_index=True)
    currency = models.CharField(max_length=3)
    minor = models.BigIntegerField()
