"""What reached us, and how far it has been read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class ApiKeyRow(models.Model):
    """An API key: only its hash is kept; `prefix` lets a person recognise it."""

    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16, unique=True)
    hashed = models.BinaryField(max_length=32)
    scopes = models.JSONField(default=list)  # signals:write, quarantine:write, read
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)


class SeenRow(models.Model):
    """A matter's (source, id), hashed: what makes the count of duplicates exact."""

    key = models.BinaryField(primary_key=True, max_length=16)
    at = models.DateTimeField()


class LandedRow(models.Model):
    """How far a landing segment has been read; moves in the same transaction as what was read from it."""

    segment = models.CharField(primary_key=True, max_length=200)
    read_to = models.BigIntegerField(default=0)
    finished = models.BooleanField(default=False)
    changed_at = models.DateTimeField()


class SignalRow(models.Model):
    """A matter as received: one row per CloudEvents (source, id)."""

    source = models.CharField(max_length=400)
    event_id = models.CharField(max_length=400)
    type = models.CharField(max_length=100)
    time = models.DateTimeField(null=True)
    data = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "event_id"], name="signal_once")]
        indexes = [models.Index(fields=["type", "id"], name="signal_by_type")]


class QuarantineRow(models.Model):
    """What could not be read, kept as it came until a person mends, resends or dismisses it."""

    fingerprint = models.CharField(max_length=64, unique=True)  # the same bad thing twice is one row
    door = models.CharField(max_length=40)  # signals, cmcd, ingest
    position = models.CharField(max_length=400, default="")  # index in the batch, or file and line
    field = models.CharField(max_length=200, default="")
    reason = models.TextField()
    raw = models.TextField()
    state = models.CharField(max_length=12, default="waiting")  # waiting, resent, dismissed
    times = models.IntegerField(default=1)
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=200, default="")

    class Meta:
        indexes = [models.Index(fields=["state", "id"], name="quarantine_by_state")]


class PlaybackRow(models.Model):
    """Who watched what in a session, and what they paid for it (`com.amends.playback.started`)."""

    session_id = models.CharField(primary_key=True, max_length=200)
    customer_id = models.CharField(max_length=200, db_index=True)
    title = models.CharField(max_length=400, default="")
    product = models.CharField(max_length=20, default="")
    order_id = models.CharField(max_length=200, default="")
    price_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="")
    payment_ref = models.CharField(max_length=200, default="")
    started_at = models.DateTimeField(null=True)
    disputed_by = models.CharField(max_length=200, default="")  # a second customer who claimed the same session
    changed_at = models.DateTimeField(db_index=True)


class ViewingRow(models.Model):
    """One play session as the kernel sees it; assessed again when late reports come."""

    session_id = models.CharField(primary_key=True, max_length=200)
    customer_id = models.CharField(max_length=200, default="")  # from a custom CMCD key; the playback's own wins
    order_id = models.CharField(max_length=200, default="")
    content_id = models.CharField(max_length=400, default="")
    started_at = models.DateTimeField(db_index=True)
    last_seen_at = models.DateTimeField()
    closed = models.BooleanField(default=False)
    closed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)  # from when the verdict may be acted on (a gap waits for late reports)
    gaps = models.IntegerField(default=0)
    facts = models.JSONField(default=dict)  # the SESSIONS columns that are numbers and flags
    spans = models.JSONField(default=list)
    hashed = models.BigIntegerField()  # session id as the telemetry knows it: hash_session, as a signed number
    first_report_at = models.DateTimeField()  # server time of the first report taken in: older files hold none of it
    stale = models.BooleanField(default=True)  # reports came in that have not been looked at
    fresh = models.BooleanField(default=True, db_default=True)  # closed or changed, and not looked at since
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["session_id"], condition=Q(fresh=True), name="viewing_fresh"),
            models.Index(fields=["changed_at", "session_id"], name="viewing_by_change"),
            models.Index(fields=["stale", "closed", "last_seen_at"], name="viewing_to_see"),
        ]
