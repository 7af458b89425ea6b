"""What a report's history says of other bodies, in the languages it speaks. Pure."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_date

SAID = {
    "en": {
        "passed on": "Passed on to {name}.",
        "number": "Their number is {number}.",
        "closed": "{name} has closed this without saying that it is repaired.",
        "not theirs": "{name} says that this is not theirs. We look for who is responsible.",
        "together": "{name} deals with this together with another report of the same.",
        "opened": "{name} has opened this again.",
        "expects": "{name} expects to be done by {day}.",
        "ours": "What we promised stays as it is.",
    },
    "de": {
        "passed on": "Weitergegeben an: {name}.",
        "number": "Die Nummer dort ist {number}.",
        "closed": "{name} hat die Meldung geschlossen, ohne zu sagen, dass der Schaden behoben ist.",
        "not theirs": "{name} ist nach eigener Auskunft nicht zuständig. Wir suchen, wer es ist.",
        "together": "{name} bearbeitet dies zusammen mit einer anderen Meldung desselben Schadens.",
        "opened": "{name} hat die Meldung wieder geöffnet.",
        "expects": "{name} rechnet damit, bis zum {day} fertig zu sein.",
        "ours": "Was wir zugesagt haben, bleibt, wie es ist.",
    },
}


def say(what: str, locale: str, **values: str) -> str:
    """A sentence in this language, else in English."""
    return SAID.get(_language(locale), SAID["en"])[what].format(**values)


def day(at: datetime, locale: str) -> str:
    """A day as this language writes it out."""
    language = _language(locale)
    return str(format_date(at.date(), "long", locale=language if language in SAID and language != "en" else "en_GB"))


def _language(locale: str) -> str:
    return locale.replace("_", "-").split("-")[0].lower()
