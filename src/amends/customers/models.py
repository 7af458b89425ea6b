from __future__ import annotations

from django.db import models


class CustomerRow(models.Model):
    """A customer as last told to us; `told_at` keeps a late, older telling from overwriting a newer one."""

    customer_id = models.CharField(primary_key=True, max_length=200)
    name = models.CharField(max_length=400, default="")
    email = models.CharField(max_length=400, default="")
    phone = models.CharField(max_length=60, default="")
    locale = models.CharField(max_length=20, default="")
    time_zone = models.CharField(max_length=60, default="")
    segment = models.CharField(max_length=100, default="")
    since = models.DateField(null=True)
    contact = models.JSONField(default=dict)
    told_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)  # nothing personal is taken for them until they are readmitted


class ErasureRow(models.Model):
    """A wish that a customer be forgotten, and what was erased. `told` is what to look for, until it is done."""

    customer_id = models.CharField(max_length=200, db_index=True)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    told = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(finished_at=None), name="erasure_under_way")]
