from __future__ import annotations

from django.db import models


class AnswerRow(models.Model):
    """A customer's answer: appended, never changed. `form` is the page's one-time mark, so a replay is one answer."""

    recovery_id = models.CharField(max_length=60, db_index=True)
    form = models.CharField(max_length=64, unique=True)
    answer = models.CharField(max_length=8)
    words = models.TextField(default="")
    at = models.DateTimeField()
