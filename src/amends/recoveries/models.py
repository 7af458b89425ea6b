from __future__ import annotations

from django.db import models


class RecoveryRow(models.Model):
    """One failure, one recovery. Main amounts stand beside the full decision so that sets can be reckoned in SQL."""

    recovery_id = models.CharField(primary_key=True, max_length=60)
    failure_id = models.CharField(max_length=60, unique=True)
    customer_id = models.CharField(max_length=200, db_index=True)
    state = models.CharField(max_length=12)
    policy = models.CharField(max_length=100)
    version = models.CharField(max_length=20)
    policy_hash = models.CharField(max_length=64)
    row = models.CharField(max_length=100)
    remedy = models.CharField(max_length=20)  # the first remedy's kind
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, default="")
    person = models.TextField(default="")
    holdout = models.BooleanField(default=False)
    decision = models.JSONField()
    declined_reason = models.TextField(default="")
    decided_at = models.DateTimeField()
    changed_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["state", "changed_at"], name="recovery_by_state")]


class MoveRow(models.Model):
    """A recovery's history: appended, never changed."""

    recovery = models.ForeignKey(RecoveryRow, on_delete=models.PROTECT, related_name="moves")
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    who = models.CharField(max_length=200)
    why = models.TextField(default="")
    at = models.DateTimeField()


class BookmarkRow(models.Model):
    """How far this room has read what earlier rooms recorded."""

    what = models.CharField(primary_key=True, max_length=60)
    upto = models.CharField(max_length=120, default="")
