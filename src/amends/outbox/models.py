"""The acts' rows. Only this room touches them."""

from __future__ import annotations

from django.db import models


class ActRow(models.Model):
    """One act by its key, from the deciding transaction to its receipt."""

    key = models.CharField(primary_key=True, max_length=120)
    kind = models.CharField(max_length=40)
    connector = models.CharField(max_length=40)
    recovery_id = models.CharField(max_length=60, db_index=True)
    customer_id = models.CharField(max_length=200)
    payload = models.JSONField()
    urgency = models.SmallIntegerField(default=5)
    state = models.CharField(max_length=12, default="due")
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    lease_by = models.CharField(max_length=80, default="")
    lease_until = models.DateTimeField(null=True)
    trying_since = models.DateTimeField(null=True)  # set before the wire is touched, cleared by an answer
    ref = models.CharField(max_length=400, default="")
    last_answer = models.TextField(default="")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["state", "urgency", "due_at"], name="act_by_state_due")]


class TryRow(models.Model):
    """Every try and what came back: appended, never changed."""

    act = models.ForeignKey(ActRow, on_delete=models.PROTECT, related_name="tries")
    at = models.DateTimeField()
    what = models.CharField(max_length=12)  # act or find
    answer = models.CharField(max_length=12)
    detail = models.TextField(default="")
