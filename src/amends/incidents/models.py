from __future__ import annotations

from django.db import models


class IncidentRow(models.Model):
    """A shared cause of failures. `settle_at` is from when everyone it touched can be told."""

    incident_id = models.CharField(primary_key=True, max_length=60)
    component = models.CharField(max_length=200)
    area = models.CharField(max_length=400, default="")
    promise = models.CharField(max_length=100)
    cause = models.TextField(default="")
    weather = models.CharField(max_length=400, default="")
    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12)
    touched = models.BigIntegerField(default=0)
    observed = models.BigIntegerField(default=0)
    corroborated = models.BigIntegerField(default=0)
    undisturbed = models.BigIntegerField(default=0)
    told = models.IntegerField(default=0)
    doubt = models.TextField(default="")
    merged_into = models.CharField(max_length=60, default="")
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    settle_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["component", "area"], name="incident_by_place"),
            models.Index(fields=["state", "settle_at"], name="incident_to_settle"),
        ]


class TellingRow(models.Model):
    """One outage signal, kept whole: periods are put together from all of them, in whatever order they came."""

    sequence = models.BigIntegerField(primary_key=True)
    component = models.CharField(max_length=200)
    area = models.CharField(max_length=400, default="")
    began = models.BooleanField()
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    cause = models.TextField(default="")
    weather = models.CharField(max_length=400, default="")
    promise = models.CharField(max_length=100, default="")
    customers = models.JSONField(default=list)
    incident = models.CharField(max_length=60, default="", db_index=True)  # empty: an end that fits no outage yet

    class Meta:
        indexes = [models.Index(fields=["component", "area"], name="telling_by_place")]


class ServedRow(models.Model):
    """Which component serves a customer, as told last."""

    customer_id = models.CharField(max_length=200)
    component = models.CharField(max_length=200)
    area = models.CharField(max_length=400, default="")
    customer_class = models.CharField(max_length=20, default="")
    price_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="")
    payment_ref = models.CharField(max_length=200, default="")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["component", "area", "customer_id"], name="served_once")]


class ReadRow(models.Model):
    """How far this room has read what earlier rooms recorded, by name of what is read."""

    what = models.CharField(primary_key=True, max_length=60)
    upto = models.BigIntegerField(default=0)
