from __future__ import annotations

from django.db import models


class FailureRow(models.Model):
    """One customer's bad experience. `settled_at` is when it may be acted on; a withdrawn one proved unfounded."""

    failure_id = models.CharField(primary_key=True, max_length=60)
    promise = models.CharField(max_length=100)
    customer_id = models.CharField(max_length=200)
    subject = models.CharField(max_length=400)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    severity = models.CharField(max_length=10)
    severity_parts = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    controllable = models.BooleanField(default=True)
    stable_cause = models.BooleanField(default=False)
    loss_kind = models.CharField(max_length=12, default="outcome")
    used_anyway = models.BooleanField(default=False)
    evidence = models.CharField(max_length=20, default="observed")
    incident = models.CharField(max_length=200, default="")
    price_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="")
    payment_ref = models.CharField(max_length=200, default="")
    recorded_at = models.DateTimeField()
    revised_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    undecided = models.BooleanField(default=True, db_default=True)  # recorded or revised, and not looked at since
    told_at = models.DateTimeField(null=True)  # by the clock of the system that told of it
    counted_at = models.DateTimeField(null=True)  # its beginning as the recurrence of later ones has counted it

    class Meta:
        indexes = [
            models.Index(fields=["customer_id", "promise", "started_at"], name="failure_by_customer"),
            models.Index(fields=["incident", "customer_id"], name="failure_by_incident"),
            models.Index(fields=["revised_at"], condition=models.Q(undecided=True), name="failure_undecided"),
        ]


class ReadRow(models.Model):
    """How far this room has read what earlier rooms recorded, by name of what is read."""

    what = models.CharField(primary_key=True, max_length=60)
    upto = models.CharField(max_length=100, default="")
