"""How dates, distances, states and promises are said to a resident."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from babel.dates import format_time
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from amends.ground import clock
from amends.notices import phrases
from amends.notices.digest_words import STATES
from amends.reports.catalogue import Category, in_language
from amends.reports.records import State
from amends.web.following import speaking as following
from amends.web.following.speaking import lang, speaking, zone

__all__ = ["ago", "called", "context", "day_of", "due", "lang", "metres", "speaking", "state", "when", "zone"]


def context(request: HttpRequest) -> dict[str, Any]:
    """What every page for residents says of itself."""
    return following.context(request) | {"emergency": settings.AMENDS.company.emergency_phone}


def called(category: Category | None, code: str = "") -> str:
    """What a category is called; its code where it is no longer in the file."""
    return (in_language(category.name, lang()) if category else "") or code


def day_of(moment: datetime) -> str:
    """A moment's day in words: Friday, 27 November 2026."""
    return phrases.day(moment.astimezone(zone()).date(), lang(), weekday=True)


def when(moment: datetime) -> str:
    """A moment in words, on the clocks of the place."""
    here = moment.astimezone(zone())
    said = {"day": phrases.day(here.date(), lang()), "time": format_time(here, "short", locale=lang())}
    return _("%(day)s, %(time)s") % said


def due(moment: datetime | None) -> str:
    """By when, in words; the end of a day is said as that day."""
    if moment is None:
        return ""
    here = moment.astimezone(zone())
    ends = here - timedelta(microseconds=1)
    if ends.date() != here.date() or (here.hour, here.minute) == (23, 59):
        return _("by the end of %(day)s") % {"day": phrases.day(ends.date(), lang(), weekday=True)}
    said = {"day": phrases.day(here.date(), lang(), weekday=True), "time": format_time(here, "short", locale=lang())}
    return _("by %(day)s, %(time)s") % said


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, in the largest unit that says enough."""
    days = ((now or clock.now()).astimezone(zone()).date() - moment.astimezone(zone()).date()).days
    if days < 1:
        return _("today")
    if days == 1:
        return _("yesterday")
    if days < 60:
        return translation.ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days}
    return translation.ngettext("%(n)s month ago", "%(n)s months ago", days // 30) % {"n": days // 30}


def metres(distance: float) -> str:
    """A distance as one would say it.

    >>> metres(47.3)
    '50 m'
    """
    rounded = round(distance, -1) if distance >= 20 else round(distance)
    return f"{rounded / 1000:.1f} km" if rounded >= 1000 else f"{rounded:.0f} m"


def state(of: State) -> str:
    """A state in a resident's words."""
    return STATES[of]()
