"""What is more than we take: forms that are not even read, and words; each is told in the language of the page."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.utils.translation import gettext as _

from amends.reports.rules import LONGEST

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def too_much() -> str:
    """Why a form was not even read."""
    return _("That is more than we can take at once. Shorten the description, or add fewer and smaller photos.")


def shorter() -> str:
    """Why words were not taken: more than are kept."""
    return _("Describe it in at most %(n)s characters.") % {"n": LONGEST}
