"""What can be reported, in records: categories with their questions, and the bodies that mend."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

Words = Mapping[str, str]
"""One text a language; `in_language` picks."""


def in_language(words: Words, locale: str) -> str:
    """The text in this language, else in English, else in whatever language there is; "" where there is none.

    >>> in_language({"en": "Street light", "de": "Straßenlampe"}, "de-AT")
    'Straßenlampe'
    """
    language = locale.replace("_", "-")
    for wanted in (language, language.split("-")[0], "en"):
        if wanted in words:
            return words[wanted]
    return next(iter(words.values()), "")


class Kind(StrEnum):
    """How a GeoReport server answers a new report: with its number, with a token for it, or with neither."""

    REALTIME = "realtime"
    BATCH = "batch"
    BLACKBOX = "blackbox"


class Datatype(StrEnum):
    STRING = "string"  # one line
    NUMBER = "number"
    DATETIME = "datetime"  # ISO 8601 with a zone
    TEXT = "text"  # line breaks allowed
    SINGLE = "singlevaluelist"
    MULTI = "multivaluelist"


@dataclass(frozen=True, slots=True)
class Value:
    """One entry of a list to choose from."""

    key: str
    name: Words


@dataclass(frozen=True, slots=True)
class Attribute:
    """A question of a category; with `variable` off it is words to read, and never answered."""

    code: str
    datatype: Datatype
    required: bool = False
    variable: bool = True
    description: Words = field(default_factory=dict)
    hint: Words = field(default_factory=dict)  # how to answer; GeoReport's datatype_description
    values: tuple[Value, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(value.key for value in self.values)


@dataclass(frozen=True, slots=True)
class Category:
    """One thing that can be reported."""

    code: str
    name: Words
    description: Words = field(default_factory=dict)
    group: Words = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    type: Kind = Kind.REALTIME
    body: str = ""  # code of who mends it; "" where routing alone decides
    assets: str = ""  # the layer of places/ to pick from, such as lamps
    areas: tuple[str, ...] = ()  # codes of the areas where it can be reported; none: everywhere
    hide_by_default: bool = False  # published only after a person looked at it
    notice: Words = field(default_factory=dict)  # said to whoever has reported it
    attributes: tuple[Attribute, ...] = ()
    templates: Mapping[str, Words] = field(default_factory=dict)  # standard texts for staff, by their code

    def attribute(self, code: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.code == code), None)


@dataclass(frozen=True, slots=True)
class Open311:
    """The GeoReport server of a body that runs its own."""

    url: str
    jurisdiction: str = ""
    key_env: str = ""  # the environment variable that holds its key
    service_code: str = ""  # where all of our categories are one of theirs
    services: Mapping[str, str] = field(default_factory=dict)  # their code by ours
    form: str = "json"  # or xml
    since: date | None = None  # what was reported before this day is not passed on
    listed_within_s: int | None = 300  # a new request is listed so soon; None: it may be kept back
    idempotent: bool = False  # an Idempotency-Key that is sent again is the same report, as it is with amends
    every_s: int = 300  # so often updates are asked for
    fixed: tuple[str, ...] = ()  # their words and codes for repaired, where they say no more than closed

    def theirs(self, category: str) -> str:
        """What the body calls this category."""
        return self.services.get(category) or self.service_code or category


def address_variable(body: str) -> str:
    """The environment variable that says where a body's server is instead of the file."""
    return f"AMENDS_OPEN311_{re.sub('[^A-Z0-9]', '_', body.upper())}_URL"


@dataclass(frozen=True, slots=True)
class Body:
    """Who mends: an office, a company, another authority."""

    code: str
    name: Words
    mail: str = ""
    crews: tuple[str, ...] = ()
    open311: Open311 | None = None
    crew_names: Mapping[str, Words] = field(default_factory=dict)  # of those that have one


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it, by code and in the order of the file; empty where there is no file."""

    categories: Mapping[str, Category] = field(default_factory=dict)
    bodies: Mapping[str, Body] = field(default_factory=dict)
    file: str = ""

    def body_of(self, category: Category) -> Body | None:
        return self.bodies.get(category.body)

    def crew(self, code: str, locale: str) -> str:
        """What a crew is called; its code where it has no name."""
        found = (body.crew_names[code] for body in self.bodies.values() if code in body.crew_names)
        return in_language(next(found, {}), locale) or code


def answered(
    category: Category | None, answers: Sequence[tuple[str, Sequence[str]]], locale: str
) -> list[tuple[str, str]]:
    """Questions and their answers in a language; as they were sent where the category asks such a thing no more."""
    found = []
    for code, values in answers:
        attribute = category.attribute(code) if category else None
        names = (
            {value.key: in_language(value.name, locale) or value.key for value in attribute.values} if attribute else {}
        )
        question = in_language(attribute.description, locale) if attribute else code
        found.append((question or code, ", ".join(names.get(value, value) for value in values)))
    return found
