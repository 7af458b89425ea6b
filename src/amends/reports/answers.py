"""What people answer to a category's questions, checked: every problem is told at once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from amends.ground.moments import parse_moment
from amends.reports.catalogue import Attribute, Category, Datatype, in_language

LONGEST_STRING: Final = 1_000
LONGEST_TEXT: Final = 4_000
MOST_ANSWERS: Final = 100  # of one list
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(Z|z|[+\- ]\d\d:?\d\d)", re.ASCII)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 cannot carry them
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")  # all that str.splitlines takes for one


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered, each value checked and in one form; only the questions that were answered."""

    values: Mapping[str, tuple[str, ...]]

    def first(self, code: str) -> str:
        return next(iter(self.values.get(code, ())), "")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one answer cannot be taken: for the person's eyes, and by kind for programs."""

    code: str  # of the attribute
    kind: str  # required, unknown, invalid
    says: str


class _Wrong(ValueError):
    pass


def check_answers(
    category: Category, given: Mapping[str, Sequence[str]], locale: str = "en"
) -> Answers | list[Problem]:
    """Answers to a category's questions, or everything that is wrong with them. What is given empty is not given."""
    found: dict[str, tuple[str, ...]] = {}
    problems = list(_unknown(category, given))
    for attribute in category.attributes:
        values = _cleaned(given.get(attribute.code, ()))
        try:
            if values:
                found[attribute.code] = _read(attribute, values)
            elif attribute.required and attribute.variable:
                asked = in_language(attribute.description, locale) or attribute.code
                problems.append(Problem(attribute.code, "required", f"{attribute.code} required: {asked}"))
        except _Wrong as wrong:
            problems.append(Problem(attribute.code, "invalid", f"{attribute.code}: {wrong}"))
    return problems or Answers(found)


def _cleaned(values: Sequence[str]) -> list[str]:
    return [clean for value in values if (clean := _FORBIDDEN.sub("", value).strip())]


def _unknown(category: Category, given: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    known = {attribute.code for attribute in category.attributes}
    for code, values in given.items():
        if code not in known and _cleaned(values):
            short = _FORBIDDEN.sub("", code)[:60]
            yield Problem(short, "unknown", f"{short}: {category.code} asks no such thing")


def _read(attribute: Attribute, values: list[str]) -> tuple[str, ...]:
    if not attribute.variable:
        raise _Wrong("these are words to read; no answer belongs to them")
    if attribute.datatype in (Datatype.SINGLE, Datatype.MULTI):
        return _chosen(attribute, values)
    if len(values) > 1:
        raise _Wrong("one answer only")
    return (_READERS[attribute.datatype](values[0]),)


def _chosen(attribute: Attribute, values: list[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(values[: MOST_ANSWERS + 1]))
    if len(chosen) > MOST_ANSWERS:
        raise _Wrong(f"more than {MOST_ANSWERS} answers")
    if attribute.datatype is Datatype.SINGLE and len(chosen) > 1:
        raise _Wrong("choose one only")
    strange = [value for value in chosen if value not in attribute.keys]
    if strange:
        known = ", ".join(attribute.keys[:20])
        raise _Wrong(f"{strange[0][:60]!r} is not to choose from; known: {known}")
    return chosen


def _string(value: str) -> str:
    if _BREAKS.search(value):
        raise _Wrong("one line only")
    return _short(value, LONGEST_STRING)


def _text(value: str) -> str:
    return _short(_BREAKS.sub("\n", value), LONGEST_TEXT)


def _short(value: str, most: int) -> str:
    if len(value) > most:
        raise _Wrong(f"longer than {most} characters")
    return value


def _number(value: str) -> str:
    if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
        hint = " with a point, not a comma" if "," in value else ", such as 3 or 2.5"
        raise _Wrong(f"must be a number{hint}")
    return value.removeprefix("+")


def _datetime(value: str) -> str:
    return moment(value).isoformat()


def moment(value: str) -> datetime:
    """An ISO 8601 moment with its zone. Seconds may be left out; a `+` that a form made a space is one again."""
    match = _MOMENT.fullmatch(value.strip())
    if not match:
        raise _Wrong("must be a moment with its zone, such as 2026-11-25T08:30:00+01:00")
    zone = match[3].replace(" ", "+")
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    try:
        return parse_moment(f"{match[1]}{match[2] or ':00'}{zone}")
    except ValueError as error:
        raise _Wrong("there is no such moment") from error


_READERS = {
    Datatype.STRING: _string,
    Datatype.TEXT: _text,
    Datatype.NUMBER: _number,
    Datatype.DATETIME: _datetime,
}
