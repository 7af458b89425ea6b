"""Retention: once a day the worker takes out of old reports what is kept no longer, a part a turn, and counts it."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

import amends.customers.steps
import amends.outbox.erasing
import amends.recoveries.erasing
from amends.notices import digests
from amends.reports import forwards, reading, retention

log = logging.getLogger("amends.retention")
READER = "retention"
MAILS_KEPT = timedelta(days=7)  # of those who follow: long enough to see in the outbox why one did not arrive
PASSED_ON_KEPT = timedelta(days=30)  # what was told to another body; its number there stays
MAILS = 2000
MAIL_KIND = "mails to who follows"
PASSED_ON_KIND = "words passed on to other bodies"
PEOPLE_KIND = "people with no report left"
_after: dict[int, int] = {}  # by day: the report up to which its work has come; begins anew in another process


def go_on(now: datetime) -> int:
    """The next part of the day's work; how much was taken out, 0 once the day's work is done."""
    day = now.toordinal()
    if reading.upto(READER) >= day:
        return 0
    counts, after = part(now, _after.get(day, 0))
    if after is None:
        reading.read(READER, day)
        _after.clear()
    else:
        _after[day] = after
    if counts:
        log.info("taken out of old reports", extra={"counts": dict(counts)})
    return counts.total() + (after is not None)


def tidy(now: datetime) -> Counter[str]:
    """All of it at once, for the command line."""
    counts, after = part(now, 0)
    while after is not None:
        more, after = part(now, after)
        counts += more
    return counts


def preview(now: datetime) -> dict[str, int]:
    """How many reports each kind would change; nothing is changed."""
    return retention.preview(settings.AMENDS.retention, now)


def part(now: datetime, after: int) -> tuple[Counter[str], int | None]:
    """One part, in one transaction; the files of photos go once their rows are gone for sure."""
    with transaction.atomic():
        done = retention.tidy(settings.AMENDS.retention, now, after)
        gone = retention.strangers(done.people)
        gone -= amends.recoveries.erasing.known_among(gone)  # their recoveries still say to whom
        amends.customers.steps.let_go(gone)
        amends.outbox.erasing.forget_people(gone)
        forgotten = amends.outbox.erasing.forget_mails(digests.KINDS, now - MAILS_KEPT, MAILS)
        passed_on = amends.outbox.erasing.forget_mails((forwards.KIND,), now - PASSED_ON_KEPT, MAILS)
    retention.unlink(done.photos, settings.AMENDS.var / "photos")
    counts = done.counts + Counter({PEOPLE_KIND: len(gone), MAIL_KIND: forgotten, PASSED_ON_KIND: passed_on})
    return +counts, done.after if max(forgotten, passed_on) < MAILS else done.after or after
