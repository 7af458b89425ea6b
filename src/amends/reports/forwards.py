"""Reports that go to another body's GeoReport server: what is told of them, and what its answers mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from amends.ground.ids import derive
from amends.ground.moments import format_moment
from amends.reports.catalogue import Category, Open311, in_language
from amends.reports.forward_words import say
from amends.reports.records import Report, State
from amends.reports.rules import ENDS, LONGEST, clean

KIND = "report.forward"
ON_ITS_WAY = "(on its way)"  # as the number over there, until there is one
TOKEN = "token:"  # noqa: S105 - a batch service's answer: its number comes later
UNNUMBERED = "(taken without a number)"  # a blackbox service never tells one
NUMBERLESS = (ON_ITS_WAY, UNNUMBERED)
LONGEST_NAME = 32  # of a body in a connector's name
OTHER = re.compile(r"[^A-Z]+")


def key(number: int, body: str) -> str:
    """The one key under which a report goes to a body, for ever."""
    return f"forward:{number}:{body}"


def connector(body: str) -> str:
    """The name of a body's connector: each has its own, so that one that is down keeps nobody else waiting."""
    plain = body == body.lower() and len(body) <= LONGEST_NAME
    return f"open311:{body if plain else derive('body', body)[5:]}"


# What is told


def payload(
    report: Report,
    category: Category | None,
    there: Open311,
    *,
    name: str,
    url: str,
    photo: str,
    locale: str,
    now: datetime,
) -> dict[str, Any]:
    """Everything that the other side may know of a report, fixed once. `name` is empty unless it is public anyway.

    Fields are pairs and not an object, so that forgetting a person takes their name out and leaves the place.
    """
    page = f"{url}/reports/{report.number}"
    first, _, last = name.rpartition(" ")
    fields = {
        "service_code": there.theirs(report.category),
        "lat": "" if report.lat is None else repr(report.lat),
        "long": "" if report.long is None else repr(report.long),
        "address_string": report.address,
        "first_name": first or last,
        "last_name": last if first else "",
        "media_url": photo or report.media_url,
    }
    return {
        "fields": [[field, value] for field, value in fields.items() if value],
        "said": report.description or (in_language(category.name, locale) if category else report.category),
        "answers": _answers(report, category, locale),
        "page": page,
        "at": format_moment(now),
        "mark": f"[{report.number}-{derive('mark', page, report.requested_at.isoformat())[5:15]}]",
    }


def _answers(report: Report, category: Category | None, locale: str) -> list[list[Any]]:
    """(code, question, values, values in words) of each answer."""
    found = []
    for code, values in report.answers:
        asked = category.attribute(code) if category else None
        names = {value.key: in_language(value.name, locale) for value in asked.values} if asked else {}
        question = in_language(asked.description, locale) if asked else code
        found.append([code, question, list(values), [names.get(value, value) for value in values]])
    return found


def description(told: Mapping[str, Any], asked: Collection[str]) -> str:
    """The words of a report, the answers that the other side does not ask for, and our mark at the very end."""
    rest = [f"{question} {', '.join(words)}" for code, question, _, words in told["answers"] if code not in asked]
    tail = f"\n\n{told['page']} {told['mark']}"
    text, room = "\n".join([str(told["said"]), *rest]), LONGEST - len(tail)
    return (text if len(text) <= room else text[: room - 2].rstrip() + " …") + tail


# What is answered


@dataclass(frozen=True)
class Told:
    """What a body says of one of its requests; `update_id` makes it the same thing when it is said again."""

    request: str
    update_id: str
    status: str
    at: datetime | None = None
    words: str = ""
    media_url: str = ""
    code: str = ""  # a finer status of their own
    news: bool = True  # False: only how it stands; it may end a report, and says nothing new


@dataclass(frozen=True)
class Meaning:
    """What that is for our report. Words are public, the note is for staff."""

    to: State
    words: str
    note: str = ""


WORKING = {
    "INVESTIGATING": State.INVESTIGATING,
    "FOR_TRIAGE": State.INVESTIGATING,
    "INTERNAL_REFERRAL": State.INVESTIGATING,
    "CONFIRMED": State.INVESTIGATING,
    "ACTION_SCHEDULED": State.SCHEDULED,
    "PLANNED": State.SCHEDULED,
    "IN_PROGRESS": State.IN_PROGRESS,
}
OPEN, FIXED = ("OPEN", "REOPEN", "REOPENED"), ("FIXED", "FIXED_COUNCIL", "FIXED_USER")
CLOSED = ("CLOSED", "NO_FURTHER_ACTION", "UNABLE_TO_FIX", "NOT_FIXED")
NOT_THEIRS = ("NOT_COUNCILS_RESPONSIBILITY", "NOT_RESPONSIBLE")
TOGETHER = ("DUPLICATE",)


def plain(status: str) -> str:
    """A status as it is written in the lists above: `Fixed - council` is `FIXED_COUNCIL`."""
    return OTHER.sub("_", status.upper()).strip("_")


def meaning(told: Told, there: Open311, name: str, now: State, *, stale: bool, locale: str = "en") -> Meaning:
    """What an update means to a report that stands so. Closed is not fixed: only where the other side says so it is.

    What is `stale` was said before something that we know already: its words are told, and move nothing.
    """
    status, words = plain(told.status), clean(told.words)
    if status in CLOSED and says_fixed(told, there.fixed):
        status = FIXED[0]
    to, extra, note = _towards(status, name, now, locale)
    if not told.news and (to not in ENDS or now in ENDS):
        return Meaning(now, "")
    if stale or now is State.DUPLICATE:
        to, extra = now, ""
    elif now in ENDS and to in ENDS and to is not now:
        said = f"{name} says that it is repaired; this report is {now} already, and stays so"
        to, extra, note = now, "", said if to is State.FIXED else ""
    elif to is now and status not in (*NOT_THEIRS, *TOGETHER):
        extra = ""
    return Meaning(to, "\n".join(filter(None, (words, extra))), note)


def _towards(status: str, name: str, now: State, locale: str) -> tuple[State, str, str]:
    """Where a status leads, what is said besides, and what staff should know."""
    if status in FIXED:
        return State.FIXED, "", ""
    if status in CLOSED:
        return State.NOT_FIXED, say("closed", locale, name=name), ""
    if status in NOT_THEIRS:
        says = say("not theirs", locale, name=name)
        return _again(State.INVESTIGATING, now), says, "route it anew: it goes nowhere by itself"
    if status in TOGETHER:
        return (
            now,
            say("together", locale, name=name),
            "nobody will tell when the other one is done: ask, or close it with a reason",
        )
    if status in WORKING:
        return _again(WORKING[status], now), _opened(name, now, locale), ""
    if status in OPEN:
        return (State.REOPENED if now in ENDS else now), _opened(name, now, locale), ""
    return now, "", f"{name} says {status[:60] or 'nothing'}, which is no status that we know"


def _again(to: State, now: State) -> State:
    """What is closed is opened again before it can be anything else."""
    return State.REOPENED if now in ENDS else to


def _opened(name: str, now: State, locale: str) -> str:
    return say("opened", locale, name=name) if now in ENDS else ""


def says_fixed(told: Told, known: Iterable[str]) -> bool:
    """Whether a closing begins with words, or has a code, that the configuration knows to mean repaired."""
    said = " ".join(told.words.casefold().split())
    for each in known:
        phrase = " ".join(each.casefold().split())
        if told.code.casefold() == phrase or (
            said.startswith(phrase) and not said[len(phrase) : len(phrase) + 1].isalnum()
        ):
            return True
    return False


def in_order(told: Iterable[Told]) -> Sequence[Told]:
    """As it happened; what has no time comes first, for nobody knows that it is newer than anything."""
    return sorted(told, key=lambda one: (one.at is not None, one.at.timestamp() if one.at else 0.0))
