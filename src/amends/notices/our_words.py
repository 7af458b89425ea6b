"""Words that amends itself writes into a report's history, said in the reader's language.

Histories keep them in English, as they were written; they are told apart here. Others' words stay as they are.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

from amends.reports.locating import FROM_ADDRESS
from amends.reports.risking import LIKELY, PASSED
from amends.reports.steps import BETTER_AFTER, NO_ANSWER

# Said for those who choose an answer and write no reason.
NOT_MENDED, PARTLY_MENDED = "It is not mended.", "It is mended in part only."
OPENED_AGAIN = "opened again"
BY_US = (LIKELY, PASSED, NOT_MENDED, PARTLY_MENDED, OPENED_AGAIN, FROM_ADDRESS, NO_ANSWER)
# What merging and splitting say, with numbers of reports in it.
WITH_NUMBERS = (
    "It is about the same as report %(n)s.",
    "Report %(n)s is about the same.",
    "Report %(n)s is another matter after all.",
    "It is not the same as report %(n)s after all.",
    "Has its own number now: %(n)s",
    "This was part of report %(n)s.",
    "as part of report %(n)s",
    "the earlier promise of report %(n)s, which is about the same",
)
# Why a promise is better than before, by the first of these that has changed.
BETTER = {
    "category": "An earlier day, for it is another kind of report than we thought.",
    "severity": "An earlier day, for it is more urgent than we thought.",
    "area": "An earlier day, for it lies elsewhere than we thought.",
}
_NUMBERS = r"(\d[\d, ]*)"
_SHAPES = tuple((re.compile(re.escape(ours).replace(re.escape("%(n)s"), _NUMBERS)), ours) for ours in WITH_NUMBERS)


def in_our_words(text: str) -> str:
    """Words from a history, our own ones in the reader's language."""
    return _ours(text) or text


def is_ours(text: str) -> bool:
    """Whether amends wrote this itself, so that it is nobody's word."""
    return bool(_ours(text))


def _ours(text: str) -> str:
    if text in BY_US:
        return _(text)
    if text.startswith(BETTER_AFTER):
        changed = text.removeprefix(BETTER_AFTER).split(", ")
        return next((_(ours) for what, ours in BETTER.items() if what in changed), "")
    for shape, ours in _SHAPES:
        if found := shape.fullmatch(text):
            return _(ours) % {"n": found[1]}
    return ""
