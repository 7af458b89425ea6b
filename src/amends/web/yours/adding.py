"""Words and photos that somebody behind a report adds to it on their own page."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

import amends.reports.queries
from amends.notices import report_words
from amends.reports import adding, moderation
from amends.reports.adding import Enough
from amends.reports.records import Refused, Report
from amends.reports.rules import clean
from amends.reports.steps import REPORTER
from amends.web.report import pictures, senders


def take(request: HttpRequest, report: Report, who: str, now: datetime) -> tuple[str, int]:
    """What is wrong, in words, with the status that it is answered with; "" where it was taken, now or before."""
    words = request.POST.get("words", "")
    once = senders.once(request, "added", str(report.number), who)
    if amends.reports.queries.told_outside(once) is not None:
        return "", 302
    given = sum(bool(file.size) for file in request.FILES.getlist("photo"))
    if not (clean(words) or given):
        return _("Write a few words, or choose a photo."), 422
    try:
        adding.check(report, given, now)
        if moderation.refuse(senders.address(request), now=now):
            return _("From here there were too many reports within an hour. Try again later."), 429
        kept, _at, wrong = pictures.take(request, 0)
        if wrong:
            return " ".join((_("Nothing was added yet."), *wrong)), 422
        said_by = report_words.AFFECTED if who else REPORTER
        adding.add(report.number, words, kept, said_by, now, once=once, mark=who)
    except Enough:
        return _("That is as much as can be added to a report in one day. Write to us or call."), 429
    except Refused:
        return _("This report has changed in the meantime. Look at it again."), 409
    return "", 302
