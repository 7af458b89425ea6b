from __future__ import annotations

from django.db import models
from django.db.models import Q


class RemedyRow(models.Model):
    """One remedy, one act."""

    remedy_id = models.CharField(primary_key=True, max_length=60)
    recovery_id = models.CharField(max_length=60, db_index=True)
    customer_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="")
    owed = models.BooleanField(default=False)
    state = models.CharField(max_length=20, default="under way")  # under way, done, refused, with a person
    act_key = models.CharField(max_length=120, default="")
    ref = models.CharField(max_length=400, default="")
    promised_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "remedy_id"], condition=~Q(state="done"), name="remedy_open")]


class ReversalRow(models.Model):
    """Money ordered back: what a provider paid beyond what was granted, or a remedy that was given by mistake."""

    act_key = models.CharField(primary_key=True, max_length=120)
    of_key = models.CharField(max_length=120)  # the act whose effect it takes back
    kind = models.CharField(max_length=10)  # excess, mistake
    connector = models.CharField(max_length=40)
    recovery_id = models.CharField(max_length=60, db_index=True)
    customer_id = models.CharField(max_length=200)
    amount_minor = models.BigIntegerField()
    kept_minor = models.BigIntegerField()  # what stays with the customer of all that the recovery gave them
    currency = models.CharField(max_length=3)
    reason = models.TextField(default="")  # in words for the customer
    who = models.CharField(max_length=200)
    state = models.CharField(max_length=20, default="under way")  # as a remedy's
    ref = models.CharField(max_length=400, default="")
    ordered_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "act_key"], name="reversal_by_state"),
            models.Index(fields=["of_key"], name="reversal_of"),
        ]


class DifferenceRow(models.Model):
    """Where a provider's own list and our books differ: open until it is so no more, or a person has settled it."""

    difference_id = models.CharField(primary_key=True, max_length=60)
    connector = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)  # missing, doubled, different, unknown, unreadable
    act_key = models.CharField(max_length=400)  # as the provider says it, for an act that is unknown to us
    says = models.TextField()
    theirs = models.JSONField(default=list)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=200, default="")
    note = models.TextField(default="")

    class Meta:
        indexes = [models.Index(fields=["settled_at", "found_at"], name="difference_open")]
