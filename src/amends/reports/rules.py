"""Which moves a report may make, and what each needs. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from amends.reports.records import NotAllowed, Refused, State

LONGEST = 4000  # characters of a description (GeoReport v2)
SEVERITIES = ("minor", "major", "severe")
CLOSING = frozenset((State.FIXED, State.NOT_FIXED, State.NOT_OURS, State.DUPLICATE))
NEEDS_WORDS = frozenset((State.NOT_FIXED, State.NOT_OURS, State.REOPENED, State.WAITING))
WORKING = frozenset((State.INVESTIGATING, State.SCHEDULED, State.IN_PROGRESS, State.WAITING))

# A report becomes a duplicate, and ceases to be one, by being put to another: that is no move by itself.
ENDS = CLOSING - {State.DUPLICATE}
MOVES: Mapping[State, frozenset[State]] = {
    State.PENDING: WORKING | ENDS | {State.RECEIVED},
    State.RECEIVED: WORKING | ENDS,
    State.INVESTIGATING: (WORKING | ENDS) - {State.INVESTIGATING},
    State.SCHEDULED: (WORKING | ENDS) - {State.SCHEDULED},
    State.IN_PROGRESS: (WORKING | ENDS) - {State.IN_PROGRESS},
    State.WAITING: (WORKING | ENDS | {State.RECEIVED}) - {State.WAITING},
    State.REOPENED: WORKING | ENDS,
    State.FIXED: frozenset((State.REOPENED,)),
    State.NOT_FIXED: frozenset((State.REOPENED,)),
    State.NOT_OURS: frozenset((State.REOPENED,)),
    State.DUPLICATE: frozenset(),
}

# What XML 1.0 forbids in a text: one of these would make a public list unreadable for everybody.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINES = re.compile(r"\r\n?|[\x85\u2028\u2029]")


def check_move(before: State, after: State, words: str) -> None:
    """NotAllowed where this state cannot follow that one, Refused where a reason is missing."""
    if after is State.DUPLICATE:
        raise NotAllowed("say of which report it is a duplicate: merge the two")
    if before is State.DUPLICATE:
        raise NotAllowed("it was put to another report; take it apart from that first, or move that one")
    if after not in MOVES[before]:
        possible = ", ".join(sorted(MOVES[before]))
        raise NotAllowed(f"a report that is {before} cannot become {after}; possible: {possible}")
    if after in NEEDS_WORDS and not words.strip():
        raise Refused(f"say in words why it is {after}; the people who reported it will read them")


def clean(text: str, longest: int = LONGEST) -> str:
    """A text without what XML forbids, with plain line breaks and no blank ends, no longer than given.

    >>> clean("dark\\x00 here\\r\\n ")
    'dark here'
    """
    return _LINES.sub("\n", _FORBIDDEN.sub("", text[: longest * 4])).strip()[:longest]


def clean_line(text: str, longest: int = 200) -> str:
    """The same for a text of one line."""
    return " ".join(clean(text, longest).split())


def too_long(text: str) -> bool:
    """Whether words of people are more than is kept: they are told so, and none is cut off in silence."""
    return len(clean(text, 2 * LONGEST)) > LONGEST


def web_address(url: str) -> bool:
    """Whether this can be shown to others as a link: no script, no file, nothing odd."""
    if len(url) > 1000 or not url.isprintable() or any(sign in url for sign in " <>\"'`\\"):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


__all__ = [
    *("CLOSING", "ENDS", "LONGEST", "MOVES", "NEEDS_WORDS", "SEVERITIES", "WORKING"),
    *("check_move", "clean", "clean_line", "too_long", "web_address"),
]
