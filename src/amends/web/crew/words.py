"""What a crew's page says in the crew's language: who did something, how bad it is, and why something was not taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from amends.notices import report_words
from amends.reports import categories
from amends.reports.album import MOST_OF_WORK, TooLarge, TooMany
from amends.reports.photos import NoPhoto
from amends.reports.records import NotAllowed
from amends.reports.steps import REPORTER
from amends.web.report import pictures

CREW = "crew "  # a crew signs histories with this and its name
SEVERITY: Mapping[str, Callable[[], str]] = {
    "minor": lambda: pgettext("how bad it is", "minor"),
    "major": lambda: pgettext("how bad it is", "major"),
    "severe": lambda: pgettext("how bad it is", "severe"),
}
KIND = {"severe": " bad", "major": " wait"}


class Wrong(ValueError):
    """What keeps a form from being taken, in the language of the page."""


def severity(code: str) -> str:
    """How bad it is, in a word."""
    return SEVERITY[code]() if code in SEVERITY else code


def who(signed: str, crew: str) -> str:
    """Who did something, as a crew reads it: colleagues by their name, residents without one."""
    if signed == f"{CREW}{crew}":
        return _("by your crew")
    if signed == REPORTER or signed in report_words.OTHERS:
        return report_words.role(signed, own=False)
    if not signed.startswith(CREW):
        return signed
    other = signed.removeprefix(CREW)
    called = categories.in_use(settings.AMENDS.directory).crew(other, translation.get_language() or "en")
    return _("crew %(name)s") % {"name": other} if called == other else called


def says(error: ValueError) -> str:
    """Why something was not taken, in a sentence."""
    if isinstance(error, Wrong):
        return str(error)
    if isinstance(error, NoPhoto):
        return _sentence(pictures.says(error))
    if isinstance(error, NotAllowed):
        return _("This report has changed in the meantime. Look at it again.")
    if isinstance(error, TooMany):
        return _("At most %(n)s photos at once.") % {"n": MOST_OF_WORK}
    if isinstance(error, TooLarge):
        return _sentence(_("this photo is too large; at most %(n)s MB") % {"n": settings.AMENDS.map.photo_mb})
    return _sentence(str(error))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
