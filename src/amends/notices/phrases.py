"""What one customer lived through, in words: only what the record knows, with the right plural forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_time

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "dear": "Dear {name},",
        "hello": "Hello,",
        "your_page": "your own page",
        "failed_start": "It never started for you.",
        "left": "It did not start, and after {span} you gave up waiting.",
        "playback_failed": "It stopped with an error after {span} and did not come back.",
        "stalled": "It stopped {times} and kept you waiting for {span} in all.",
        "startup": "It took {span} to start.",
        "off": "The outage lasted {span}.",
        "tried": "We saw you try {times} while it lasted.",
        "unseen": "We cannot see whether you were using it at the time.",
        "other": "It did not work as we promised.",
        "once": "once",
        "twice": "twice",
        "times": "{n} times",
        "second": "1 second",
        "seconds": "{n} seconds",
        "minute": "1 minute",
        "minutes": "{n} minutes",
        "hour": "1 hour",
        "hours": "{n} hours",
        "and": "{a} and {b}",
    },
    "de": {
        "dear": "Guten Tag {name},",
        "hello": "Guten Tag,",
        "your_page": "Ihre eigene Seite",
        "failed_start": "Er hat bei Ihnen gar nicht begonnen.",
        "left": "Er begann nicht, und nach {span} Warten haben Sie aufgegeben.",
        "playback_failed": "Er brach nach {span} mit einem Fehler ab und lief nicht weiter.",
        "stalled": "Er blieb {times} stehen und ließ Sie insgesamt {span} warten.",
        "startup": "Er brauchte {span}, bis er begann.",
        "off": "Der Ausfall dauerte {span}.",
        "tried": "Wir haben gesehen, dass Sie es in dieser Zeit {times} versucht haben.",
        "unseen": "Ob Sie in dieser Zeit davon Gebrauch gemacht hätten, können wir nicht sehen.",
        "other": "Es ging nicht so, wie wir es versprochen haben.",
        "once": "einmal",
        "twice": "zweimal",
        "times": "{n}-mal",
        "second": "1 Sekunde",
        "seconds": "{n} Sekunden",
        "minute": "1 Minute",
        "minutes": "{n} Minuten",
        "hour": "1 Stunde",
        "hours": "{n} Stunden",
        "and": "{a} und {b}",
    },
}

LONGEST_S = 10_000_000.0
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_ADDRESS = re.compile(r"://|www\.|@|\b[\w-]+\.(?:com|net|org|info|ru|cn|io|xyz|top)\b", re.IGNORECASE)


def language(locale: str, fallback: str) -> str:
    """The language we have words in that is nearest to a customer's: de-AT speaks de."""
    for wanted in (locale, fallback, "en"):
        base = wanted.replace("_", "-").split("-")[0].lower()
        if base in WORDS:
            return base
    return "en"


def babel_locale(locale: str, lang: str) -> str:
    """How dates and amounts are written: as the customer's country does where we speak its language, else as `lang`."""
    try:
        parsed = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return lang
    return str(parsed) if parsed.language == lang else lang


def span(seconds: float, lang: str) -> str:
    """A length of time in its two largest units, rounded.

    >>> span(84, "en")
    '1 minute and 24 seconds'
    """
    words, whole = WORDS[lang], max(1, round(seconds))
    parts = [("hour", whole // 3600), ("minute", whole % 3600 // 60), ("second", whole % 60)]
    said = [words[name].format(n=n) if n == 1 else words[f"{name}s"].format(n=n) for name, n in parts if n][:2]
    return said[0] if len(said) == 1 else words["and"].format(a=said[0], b=said[1])


def what_happened(facts: Mapping[str, Any], lang: str) -> str:
    """The sentence for this customer, from the facts of their failure; what is no number counts as unknown."""
    words = WORDS[lang]
    if off := _number(facts, "off_s"):
        return " ".join([words["off"].format(span=span(off, lang)), *_seen(facts, lang)])
    if facts.get("failed_start") is True:
        return words["failed_start"]
    if facts.get("exited_before_start") is True and (watched := _number(facts, "watched_s")):
        return words["left"].format(span=span(watched, lang))
    if facts.get("playback_failed") is True and (played := _number(facts, "played_s")):
        return words["playback_failed"].format(span=span(played, lang))
    stalled, count = _number(facts, "stall_s"), int(_number(facts, "stall_count"))
    if stalled and count:
        return words["stalled"].format(times=times(count, lang), span=span(stalled, lang))
    if waited := _number(facts, "startup_s"):
        return words["startup"].format(span=span(waited, lang))
    return words["other"]


def _seen(facts: Mapping[str, Any], lang: str) -> list[str]:
    """What we saw of this customer in an outage; that we looked and saw nothing is said as well."""
    if tries := int(_number(facts, "tries")):
        return [WORDS[lang]["tried"].format(times=times(tries, lang))]
    return [WORDS[lang]["unseen"]] if facts.get("tries") == 0 else []


def times(count: int, lang: str) -> str:
    """How often, in words: once, twice, 3 times."""
    return WORDS[lang][{1: "once", 2: "twice"}.get(count, "times")].format(n=count)


def _number(facts: Mapping[str, Any], name: str) -> float:
    """A fact as a number; 0 where it is missing or is none (other systems tell us facts, too)."""
    value = facts.get(name)
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < LONGEST_S
    return float(value) if known and value is not None else 0.0


def one_line(text: str, most: int = 200) -> str:
    """Text of somebody else's on one line: no control characters, nothing that turns the direction of what follows."""
    shown = "".join(" " if unicodedata.category(mark) in ("Cc", "Zl", "Zp") else mark for mark in text)
    clean = " ".join("".join(mark for mark in shown if mark not in TURNING).split())
    return clean if len(clean) <= most else clean[: most - 1].rstrip() + "…"


def greeting(name: str, lang: str) -> str:
    """How a letter begins; a name that carries an address is left out: we would send somebody else's link."""
    clean = "" if _ADDRESS.search(name) else one_line(name, 80)
    return WORDS[lang]["dear"].format(name=clean) if clean else WORDS[lang]["hello"]


def listed(words: Sequence[str], lang: str) -> str:
    """Several words in a row: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return WORDS[lang]["and"].format(a=", ".join(words[:-1]), b=words[-1])


@lru_cache(2000)
def day(on: date, locale: str, *, weekday: bool = False) -> str:
    """A day in full, with its year: a date by which something is due may lie in the next.

    The day comes before the month, in English too, where nobody takes one for the other.
    """
    pattern = "d MMMM y" if not locale.startswith("de") else "d. MMMM y"
    return format_date(on, f"EEEE, {pattern}" if weekday else pattern, locale=locale)


@lru_cache(20_000)
def moment(at: datetime, time_zone: str, fallback_zone: str, locale: str) -> tuple[str, str]:
    """Day and time of day as the customer's clock showed them."""
    try:
        zone = ZoneInfo(time_zone or fallback_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: "Europe" is a folder of zones
        zone = ZoneInfo(fallback_zone)
    local = at.astimezone(zone)
    day = format_date(local, "EEEE, d MMMM" if not locale.startswith("de") else "EEEE, d. MMMM", locale=locale)
    return day, format_time(local.timetz(), "short", tzinfo=zone, locale=locale)
