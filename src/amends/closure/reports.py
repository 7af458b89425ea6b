"""Hearing out those behind a report: their answer ends it, or opens it again with their reason for all to read."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

import amends.reports.queries
import amends.reports.steps
from amends.notices.our_words import NOT_MENDED, PARTLY_MENDED
from amends.notices.report_words import AFFECTED, ANYBODY
from amends.reports import asking
from amends.reports.records import Refused, Report, State
from amends.reports.rules import LONGEST, clean
from amends.reports.steps import REPORTER

ANSWERS = asking.ANSWERS
MAY_BE_OPENED = frozenset((State.FIXED, State.NOT_FIXED, State.NOT_OURS))


class TooLate(Refused):
    """It ended too long ago to be opened again; a new report is the way."""


@transaction.atomic
def answer(number: int, who: str, round_: int, said: str, words: str, now: datetime) -> bool:
    """Take an answer to "Is it mended for you?"; any but yes opens the report again. False where it changes nothing.

    `who` is the mark of somebody affected, empty for who reported it. `round_` is the closing that was asked about: a
    form that was left open since an earlier one opens nothing.
    """
    if said not in ANSWERS:
        raise ValueError("choose yes, partly or no")
    report = _locked(number)
    closing = asking.closing_of(number)
    if closing is None or closing.number != round_ or report.state not in MAY_BE_OPENED:
        return False
    words = clean(words, LONGEST)
    asking.answer(number, who, round_, said, words, now)
    if said != "yes":
        reason = words or (PARTLY_MENDED if said == "partly" else NOT_MENDED)
        _open(number, reason, AFFECTED if who else REPORTER, now)
    return True


@transaction.atomic
def reopen(number: int, words: str, who: str, now: datetime) -> Report:
    """Open a report again, for whoever asks and says why; Refused where it cannot be, TooLate long after its end."""
    report = _locked(number)
    if report.state is State.REOPENED:
        return report  # somebody was faster, or the same form came twice
    if report.state not in MAY_BE_OPENED:
        raise Refused("this report is not closed")
    if is_too_late(report, now):
        raise TooLate("it ended too long ago")
    if not clean(words, LONGEST):
        raise Refused("say why it is to be opened again")
    return _open(number, clean(words, LONGEST), who, now)


def is_too_late(report: Report, now: datetime) -> bool:
    """Whether it ended so long ago that nobody outside may open it again."""
    days = timedelta(days=settings.AMENDS.closing.reopen_days)
    return report.closed_at is not None and now - report.closed_at > days


@transaction.atomic
def reply(number: int, words: str, who: str, now: datetime) -> bool:
    """Take the answer to a question of ours, and go on; False where nothing is asked any more."""
    report = _locked(number)
    if report.state is not State.WAITING or not clean(words, LONGEST):
        return False
    said = AFFECTED if who else REPORTER
    amends.reports.steps.move(number, State.INVESTIGATING, who=said, now=now, words=clean(words, LONGEST))
    return True


def _open(number: int, reason: str, who: str, now: datetime) -> Report:
    return amends.reports.steps.move(number, State.REOPENED, who=who, now=now, words=reason)


def _locked(number: int) -> Report:
    amends.reports.steps.locked(number)
    report = amends.reports.queries.one(number)
    assert report is not None
    return report


__all__ = [
    "ANSWERS",
    "ANYBODY",
    "MAY_BE_OPENED",
    "NOT_MENDED",
    "PARTLY_MENDED",
    "TooLate",
    "answer",
    "is_too_late",
    "reopen",
    "reply",
]
