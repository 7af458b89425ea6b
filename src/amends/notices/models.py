from __future__ import annotations

from django.db import models
from django.db.models import Q


class NoticeRow(models.Model):
    """A message as composed; kept as sent. `held` ones carry a finding or lack an address and wait for a person."""

    notice_id = models.CharField(primary_key=True, max_length=60)
    recovery_id = models.CharField(max_length=60, db_index=True)
    customer_id = models.CharField(max_length=200)
    template = models.CharField(max_length=100)
    channel = models.CharField(max_length=20, default="mail")
    locale = models.CharField(max_length=20)
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField()
    slots = models.JSONField()
    findings = models.JSONField(default=list)
    state = models.CharField(max_length=12)
    act_key = models.CharField(max_length=120, default="")
    about = models.JSONField(null=True)  # the acts that it tells of; null in notices of before they were kept
    composed_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["customer_id"], condition=Q(state="held"), name="notice_held")]


class AwaitedRow(models.Model):
    """A recovery whose goodwill was given after the rest: to be told of when its receipts are there."""

    recovery_id = models.CharField(primary_key=True, max_length=60)


class BookmarkRow(models.Model):
    """How far this room has read what earlier rooms recorded."""

    what = models.CharField(primary_key=True, max_length=60)
    upto = models.CharField(max_length=120, default="")
