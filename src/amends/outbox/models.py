"""The rows of acts, batches and endpoints. Only this room touches them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class ActRow(models.Model):
    """One act by its key, from the deciding transaction to its receipt."""

    key = models.CharField(primary_key=True, max_length=120)
    kind = models.CharField(max_length=40)
    connector = models.CharField(max_length=40)
    batch = models.CharField(max_length=120, default="", db_default="")
    canary = models.BooleanField(default=False, db_default=False)  # one of the first of its batch
    recovery_id = models.CharField(max_length=60)
    customer_id = models.CharField(max_length=200)
    payload = models.JSONField()
    urgency = models.SmallIntegerField(default=5)
    state = models.CharField(max_length=12, default="due")
    attempts = models.IntegerField(default=0)
    unclear = models.SmallIntegerField(default=0, db_default=0)  # tries since the last clear answer
    first_at = models.DateTimeField(null=True)  # of the first try: the other side's key window runs from here
    due_at = models.DateTimeField()
    lease_by = models.CharField(max_length=80, default="")
    lease_until = models.DateTimeField(null=True)
    trying_since = models.DateTimeField(null=True)  # set before the wire is touched, cleared by an answer
    ref = models.CharField(max_length=400, default="")
    last_answer = models.TextField(default="")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        # No db_index on text columns: Django would add a second, LIKE index to each, written at every change of state.
        indexes = [
            models.Index(
                fields=["connector", "kind", "batch", "canary", "urgency", "due_at"],
                name="act_waiting",
                condition=Q(state__in=["due", "unknown"]),
            ),
            models.Index(fields=["lease_until"], name="act_trying", condition=Q(state="trying")),
            models.Index(fields=["state", "changed_at"], name="act_by_state"),
            models.Index(fields=["recovery_id"], name="act_by_recovery"),
            models.Index(fields=["batch", "connector", "state"], name="act_by_batch", condition=~Q(batch="")),
        ]


class TryRow(models.Model):
    """What came back, appended and never changed. A first try that says done is told by the act's own row alone."""

    act = models.ForeignKey(ActRow, on_delete=models.PROTECT, related_name="tries")
    at = models.DateTimeField()
    what = models.CharField(max_length=12)  # act, find, lost, retry or person
    answer = models.CharField(max_length=12)
    detail = models.TextField(default="")


class BatchRow(models.Model):
    """Acts of one batch to one connector: sent, tried on a few first, paused or aborted together."""

    batch = models.CharField(max_length=120)
    connector = models.CharField(max_length=40)
    state = models.CharField(max_length=12, default="canary")  # canary, open, paused, aborting, aborted
    resume_to = models.CharField(max_length=12, default="open")
    canaries = models.IntegerField(default=0)
    says = models.TextField(default="")
    total = models.IntegerField(default=0)
    waiting = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    lost = models.IntegerField(default=0)  # refused, in doubt or parked
    speed = models.FloatField(default=0.0)  # acts brought to an end a second, lately
    counted_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "connector"], name="batch_once")]


class BatchMoveRow(models.Model):
    """Who paused, resumed or aborted a batch, and why: appended, never changed."""

    batch = models.CharField(max_length=120)
    connector = models.CharField(max_length=40)
    at = models.DateTimeField()
    who = models.CharField(max_length=150)
    state = models.CharField(max_length=12)
    why = models.TextField(default="")

    class Meta:
        indexes = [models.Index(fields=["batch", "at"], name="batch_moves")]


class EndpointRow(models.Model):
    """What all workers share about one outside address: how fast it may be asked, and whether it is left in peace."""

    name = models.CharField(primary_key=True, max_length=90)  # connector, or connector/kind for a narrower limit
    tokens = models.FloatField(default=0.0)
    filled_at = models.DateTimeField()
    broken = models.IntegerField(default=0)  # times in a row that it was found broken
    peace_until = models.DateTimeField(null=True)
    says = models.TextField(default="")
