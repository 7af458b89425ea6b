from __future__ import annotations

from django.db import models
from django.db.models import Q


class ReportRow(models.Model):
    """A report as it stands; how it came there is in MoveRow, what was promised in DueRow: both only grow."""

    number = models.BigAutoField(primary_key=True)
    form = models.CharField(max_length=80, unique=True)  # one-time mark of who sent it: a repeat is the same report
    category = models.CharField(max_length=100)
    state = models.CharField(max_length=24)
    open = models.BooleanField(default=True)
    severity = models.CharField(max_length=10, default="")
    description = models.TextField(default="")
    answers = models.JSONField(default=list)
    lat = models.FloatField(null=True)
    long = models.FloatField(null=True)
    address = models.CharField(max_length=400, default="")
    address_id = models.CharField(max_length=200, default="")
    zipcode = models.CharField(max_length=20, default="")
    area = models.CharField(max_length=100, default="")
    asset = models.CharField(max_length=100, default="")
    body = models.CharField(max_length=100, default="")
    crew = models.CharField(max_length=100, default="")
    assignee = models.CharField(max_length=150, default="")
    customer_id = models.CharField(max_length=200, default="")
    privacy = models.CharField(max_length=10, default="private")
    source = models.CharField(max_length=60, default="web")
    locale = models.CharField(max_length=20, default="")
    media_url = models.CharField(max_length=1000, default="")
    requested_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)  # with pauses; the promise itself is in DueRow
    due = models.JSONField(null=True)
    risk = models.FloatField(null=True)
    predicted_at = models.DateTimeField(null=True)
    kept = models.BooleanField(null=True)
    reopened = models.IntegerField(default=0)
    duplicate_of = models.BigIntegerField(null=True, db_index=True)
    split_from = models.BigIntegerField(null=True)
    affected = models.IntegerField(default=1)
    incident = models.CharField(max_length=200, default="")
    visible = models.BooleanField(default=True)
    notice = models.TextField(default="")
    status_notes = models.TextField(default="")
    token = models.CharField(max_length=64, null=True, unique=True)  # of a batch service, until it has a number outside
    external_id = models.CharField(max_length=200, default="")
    cleared_at = models.DateTimeField(null=True)  # its personal parts were taken out
    paused_at = models.DateTimeField(null=True)  # since when its clock stands still; due_at waits with it
    new_due_at = models.DateTimeField(null=True)  # told openly where due_at slips; due_at stays what is judged by
    hidden_why = models.CharField(max_length=400, null=True)  # why it is not public, for staff

    class Meta:
        indexes = [
            models.Index(fields=["-requested_at", "-number"], name="report_by_requested"),
            models.Index(fields=["-updated_at", "-number"], name="report_by_updated"),
            models.Index(fields=["category", "-requested_at", "-number"], name="report_by_category"),
            models.Index(fields=["open", "-requested_at", "-number"], name="report_by_open"),
            models.Index(fields=["customer_id"], condition=~Q(customer_id=""), name="report_by_customer"),
            models.Index(fields=["due_at"], condition=Q(open=True), name="report_by_due"),
            models.Index(fields=["-risk", "due_at"], condition=Q(open=True), name="report_by_risk"),
            models.Index(fields=["body", "external_id"], condition=~Q(external_id=""), name="report_by_external"),
            models.Index(fields=["asset"], condition=~Q(asset="") & Q(open=True), name="report_by_asset"),
            models.Index(fields=["number"], condition=Q(state="pending"), name="report_by_pending"),
            models.Index(
                fields=["paused_at"], condition=Q(open=True, paused_at__isnull=False), name="report_by_paused"
            ),
            models.Index(  # all that the queue of the desk sorts, counts and filters by, so that it reads few rows
                fields=[
                    *("open", "due_at", "risk", "paused_at", "visible", "state", "category", "area"),
                    *("body", "crew", "assignee", "number"),
                ],
                condition=Q(open=True),
                name="report_queue",
            ),
        ]


class MoveRow(models.Model):
    """One step in a report's history: appended, never changed."""

    report = models.BigIntegerField()
    at = models.DateTimeField(db_index=True)
    who = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=24)
    words = models.TextField(default="")
    note = models.TextField(default="")
    public = models.BooleanField(default=True)
    media_url = models.CharField(max_length=1000, default="")
    external_code = models.CharField(max_length=100, default="")
    external_update = models.CharField(max_length=200, null=True, unique=True)  # of another body's server: told once
    was = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["report", "id"], name="move_by_report")]


class DueRow(models.Model):
    """A promise as it was made: appended, never changed. The newest of a report is the one in force."""

    report = models.BigIntegerField(db_index=True)
    due_at = models.DateTimeField(null=True)
    due = models.JSONField(null=True)
    why = models.CharField(max_length=200)
    made_at = models.DateTimeField()


class PauseRow(models.Model):
    """A time in which a report's clock stood still, and why."""

    report = models.BigIntegerField(db_index=True)
    why = models.CharField(max_length=20)  # resident, weather, other
    words = models.TextField(default="")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True)


class PhotoRow(models.Model):
    """A photo under `var/photos`: re-encoded, nothing in it but the picture. `report` is null until it is sent in."""

    name = models.CharField(primary_key=True, max_length=40)
    report = models.BigIntegerField(null=True, db_index=True)
    kind = models.CharField(max_length=10, default="before")
    width = models.IntegerField()
    height = models.IntegerField()
    at = models.DateTimeField()
    who = models.CharField(max_length=200, default="")
    visible = models.BooleanField(default=True)


class AffectedRow(models.Model):
    """Somebody who said "me too". One person counts once for a report."""

    report = models.BigIntegerField()
    who = models.CharField(max_length=200)  # a customer id, else the form's mark
    customer_id = models.CharField(max_length=200, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "who"], name="affected_once")]


class FollowRow(models.Model):
    """Somebody who wants to hear of a report, a place with a radius, or a category: after they have confirmed it."""

    follow_id = models.CharField(primary_key=True, max_length=60)
    what = models.CharField(max_length=10)  # report, place, category, area
    report = models.BigIntegerField(null=True)
    lat = models.FloatField(null=True)
    long = models.FloatField(null=True)
    radius_m = models.FloatField(null=True)
    category = models.CharField(max_length=100, default="")
    area = models.CharField(max_length=100, default="")
    customer_id = models.CharField(max_length=200, default="", db_index=True)
    email = models.CharField(max_length=400, default="")
    locale = models.CharField(max_length=20, default="")
    place = models.CharField(max_length=200, default="", db_default="")  # a place in words
    state = models.CharField(max_length=10, default="asked")  # asked, confirmed; what ended is deleted
    asked_at = models.DateTimeField()
    asked_from = models.CharField(max_length=64, default="", db_default="")  # mark of the network, until confirmed
    confirmed_at = models.DateTimeField(null=True)
    read_upto = models.BigIntegerField(default=0)  # the last move that a digest told of
    told_at = models.DateTimeField(null=True)  # when it was last written to, or found to have no news

    class Meta:
        indexes = [
            models.Index(fields=["report"], condition=~Q(report=None), name="follow_by_report"),
            models.Index(fields=["state", "what"], name="follow_by_state"),
            models.Index(fields=["asked_from"], condition=~Q(asked_from=""), name="follow_by_network"),
        ]


class AskedRow(models.Model):
    """What a person was asked or told about a report, once each: fixed-for-you, at-risk, slipped …"""

    report = models.BigIntegerField()
    what = models.CharField(max_length=30)
    round = models.IntegerField(default=0)
    at = models.DateTimeField()
    answer = models.CharField(max_length=10, default="")
    words = models.TextField(default="")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "what", "round"], name="asked_once")]


class BanRow(models.Model):
    """From whom no report is taken for a while; `mark` is a keyed digest of a mail or network address."""

    mark = models.CharField(primary_key=True, max_length=64)
    until_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=400)
    who = models.CharField(max_length=150)
    at = models.DateTimeField()


class RedactionRow(models.Model):
    """Parts of a photo that were blackened for good: who did it and why, not what was there."""

    photo = models.CharField(max_length=40)  # the name it had before
    became = models.CharField(max_length=40)
    report = models.BigIntegerField(null=True, db_index=True)
    boxes = models.JSONField(default=list)  # x, y, width, height in shares of the picture
    why = models.CharField(max_length=400)
    who = models.CharField(max_length=150)
    at = models.DateTimeField()


class CrewLinkRow(models.Model):
    """The secret link of a crew: a renewed one makes all earlier ones worthless."""

    crew = models.CharField(primary_key=True, max_length=100)
    generation = models.IntegerField(default=1)
    revoked_at = models.DateTimeField(null=True)
    who = models.CharField(max_length=150)
    at = models.DateTimeField()


class Tally(models.Model):
    """Counts of reports by when they came in, category and area."""

    day = models.DateField()
    category = models.CharField(max_length=100)
    area = models.CharField(max_length=100, default="")
    made = models.IntegerField(default=0)  # promises made
    without = models.IntegerField(default=0)  # reports that were promised nothing
    kept = models.IntegerField(default=0)
    late = models.IntegerField(default=0)  # mended after the time
    unrepaired = models.IntegerField(default=0)  # closed without repair, never kept
    reopened = models.IntegerField(default=0)  # not kept, because the repair did not last
    late_open = models.IntegerField(default=0)  # not mended, and the time is over
    late_s = models.BigIntegerField(default=0)  # of those that were late, together
    late_bins = models.JSONField(default=dict, db_default={})  # how many were late by so many steps (promises.scoring)
    reckoned_at = models.DateTimeField()

    class Meta:
        abstract = True


class TallyRow(Tally):
    """The public scoreboard, kept up to date: one row per day of receipt, category and area."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "category", "area"], name="tally_once")]


class MonthRow(Tally):
    """The days of a month together; `day` is its first."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "category", "area"], name="month_once")]


class CellRow(models.Model):
    """How many visible reports of a category stand in one cell of a map's grid (`clusters`)."""

    level = models.SmallIntegerField()
    x = models.IntegerField()
    y = models.IntegerField()
    category = models.CharField(max_length=100)
    open = models.BooleanField()
    count = models.IntegerField()
    lat_sum = models.FloatField()
    long_sum = models.FloatField()
    number = models.BigIntegerField()  # of one of them: where it is alone, of that one

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "x", "y", "category", "open"], name="cell_once")]


class ReadRow(models.Model):
    """How far something has read the moves of this room."""

    what = models.CharField(primary_key=True, max_length=60)
    upto = models.BigIntegerField(default=0)
