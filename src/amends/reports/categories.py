"""`categories.yaml`: what can be reported, what is asked about it, and who mends it. Mistakes come with their line."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

from amends.ground.kept import Kept
from amends.ground.marked import Marked, MarkedList, Mistake, load
from amends.reports.answers import Answers, Problem, check_answers, moment
from amends.reports.catalogue import (
    Attribute,
    Body,
    Catalogue,
    Category,
    Datatype,
    Kind,
    Open311,
    Value,
    Words,
    address_variable,
    in_language,
)

__all__ = [
    "Answers",
    "Attribute",
    "Body",
    "Catalogue",
    "Category",
    "Datatype",
    "Kind",
    "Open311",
    "Problem",
    "Value",
    "Words",
    "check_answers",
    "in_language",
    "in_use",
    "moment",
    "read",
    "read_all",
]
FILE = "categories.yaml"
TOP = ("categories", "bodies")
CATEGORY = (
    *("name", "description", "group", "keywords", "type", "body", "assets", "areas"),
    *("hide_by_default", "notice", "attributes", "templates"),
)
ATTRIBUTE = ("code", "datatype", "required", "variable", "description", "hint", "values")
BODY = ("name", "mail", "crews", "open311")
OPEN311 = (
    *("url", "jurisdiction", "key_env", "service_code", "services", "format", "since", "listed_within_s"),
    *("idempotent", "every_s", "fixed"),
)
FORMATS = ("json", "xml")
NEVER = "never"
ASKED_S = 300
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
MAIL = re.compile(r"[^@\s<>,]+@[^@\s<>,]+\.[^@\s<>,.]+|[^@\s<>,]+@localhost")
SEE = "see docs/reference/categories.md"
E_ = TypeVar("E_", bound=StrEnum)


def in_use(directory: Path) -> Catalogue:
    """The catalogue to go by: the last good version of the file, or an empty one."""
    return next(iter(_kept.all(directory)), Catalogue())


def read_all(directory: Path) -> tuple[Catalogue, list[Mistake]]:
    """The catalogue as the file says it now, and what is wrong where it cannot be used."""
    path = directory / FILE
    try:
        return (read(path) if path.exists() else Catalogue()), []
    except Mistake as mistake:
        return Catalogue(), [mistake]


def read(path: Path) -> Catalogue:
    """The whole file; Mistake for the first thing wrong in it."""
    return _Reader(path).catalogue(load(path))


_kept: Kept[Catalogue] = Kept("", read, FILE)


class _Reader:
    """One reading of one file, so that every mistake names it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def catalogue(self, top: Marked) -> Catalogue:
        self.only(top, TOP)
        bodies = {code: self.body(code, item) for code, item in self.coded(top, "bodies")}
        categories = {code: self.category(code, item, bodies) for code, item in self.coded(top, "categories")}
        return Catalogue(categories, bodies, str(self.path))

    def coded(self, top: Marked, key: str) -> list[tuple[str, Marked]]:
        found = self.fields(top, key, f"write the code of each of the {key} and its fields below it")
        for code, item in found.items():
            if not CODE.fullmatch(code):
                self.wrong(found.line_of(code), f"code {code!r} cannot be", "letters, digits, - _ . only; at most 63")
            if not isinstance(item, Marked):
                self.wrong(found.line_of(code), f"{code}: expected fields such as name:", SEE)
        return list(found.items())

    def category(self, code: str, item: Marked, bodies: Collection[str]) -> Category:
        self.only(item, CATEGORY)
        body = self.text(item, "body")
        if body and body not in bodies:
            hint = f"known: {', '.join(bodies)}" if bodies else "write it under bodies:"
            self.wrong(item.line_of("body"), f"body {body!r} is not one of the bodies", hint)
        return Category(
            code,
            name=self.words(item, "name", required=True),
            description=self.words(item, "description"),
            group=self.words(item, "group"),
            keywords=self.keywords(item),
            type=self.one_of(item, "type", Kind, Kind.REALTIME),
            body=body,
            assets=self.text(item, "assets"),
            areas=self.texts(item, "areas"),
            hide_by_default=self.flag(item, "hide_by_default", default=False),
            notice=self.words(item, "notice"),
            attributes=self.attributes(item),
            templates=self.templates(item),
        )

    def attributes(self, item: Marked) -> tuple[Attribute, ...]:
        found: dict[str, Attribute] = {}
        for each in self.items(item, "attributes", "write - code: … for each question"):
            attribute = self.attribute(each)
            if attribute.code in found:
                self.wrong(each.line_of("code"), f"attribute {attribute.code!r} stands twice", "keep one of them")
            found[attribute.code] = attribute
        return tuple(found.values())

    def attribute(self, item: Marked) -> Attribute:
        self.only(item, ATTRIBUTE)
        code = self.text(item, "code")
        if not CODE.fullmatch(code):
            self.wrong(item.line_of("code"), f"code {code!r} cannot be", "letters, digits, - _ . only; at most 63")
        datatype = self.one_of(item, "datatype", Datatype, None)
        variable = self.flag(item, "variable", default=True)
        required = self.flag(item, "required", default=False)
        if required and not variable:
            self.wrong(item.line_of("required"), f"{code}: words to read cannot be required", "leave required: out")
        values = self.values(item, code)
        listed = datatype in (Datatype.SINGLE, Datatype.MULTI)
        if listed and variable and not values:
            self.wrong(item.line_of("datatype"), f"{code}: nothing to choose from", "give values: [{key:, name:}]")
        if values and not listed:
            self.wrong(item.line_of("values"), f"{code}: a {datatype} has no values", f"use {Datatype.SINGLE}")
        description = self.words(item, "description", required=True)
        return Attribute(code, datatype, required, variable, description, self.words(item, "hint"), values)

    def values(self, item: Marked, code: str) -> tuple[Value, ...]:
        found: list[Value] = []
        for each in self.items(item, "values", "write - {key: …, name: {en: …}} for each"):
            self.only(each, ("key", "name"))
            key = self.text(each, "key")
            if not key or key != key.strip() or len(key) > 200 or not key.isprintable():
                self.wrong(each.line_of("key"), f"{code}: key {key!r} cannot be", "short text, no line break")
            if key in [value.key for value in found]:
                self.wrong(each.line_of("key"), f"{code}: key {key!r} stands twice", "keep one of them")
            found.append(Value(key, self.words(each, "name", required=True)))
        return tuple(found)

    def templates(self, item: Marked) -> dict[str, Words]:
        found = self.fields(item, "templates", "write its code: {en: …} for each text")
        return {code: self.words(found, code, required=True) for code in found}

    def keywords(self, item: Marked) -> tuple[str, ...]:
        found = self.texts(item, "keywords")
        for word in found:
            if "," in word:
                self.wrong(item.line_of("keywords"), f"keyword {word!r} has a comma", "make two keywords of it")
        return found

    def body(self, code: str, item: Marked) -> Body:
        self.only(item, BODY)
        mail = self.text(item, "mail")
        if mail and not MAIL.fullmatch(mail):
            self.wrong(item.line_of("mail"), f"{mail!r} is no mail address", "write works@example.org")
        named = self.crew_names(item)
        crews = tuple(named) or self.texts(item, "crews")
        return Body(code, self.words(item, "name", required=True), mail, crews, self.open311(item, code), named)

    def crew_names(self, item: Marked) -> dict[str, Words]:
        """Names of crews by their codes, where they are more than a list of codes."""
        if not isinstance(found := item.get("crews"), Marked):
            return {}
        return {code: self.words(found, code, required=True) for code in found}

    def open311(self, body: Marked, code: str) -> Open311 | None:
        if body.get("open311") is None:
            return None
        item = self.fields(body, "open311", "write url: and key_env: below it")
        self.only(item, OPEN311)
        url = os.environ.get(address_variable(code)) or self.text(item, "url")
        key_env = self.text(item, "key_env")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            self.wrong(item.line_of("url"), f"url {url!r} is no address", "write https://example.org/open311/v2")
        if key_env and not re.fullmatch(r"[A-Z][A-Z0-9_]*", key_env):
            self.wrong(
                item.line_of("key_env"), "key_env: expected the name of an environment variable", "never the key"
            )
        services = self.fields(item, "services", "write our code: theirs")
        form = self.text(item, "format") or FORMATS[0]
        if form not in FORMATS:
            self.wrong(item.line_of("format"), f"format: {form!r} is unknown", f"known: {', '.join(FORMATS)}")
        never = item.get("listed_within_s") == NEVER
        return Open311(
            url.rstrip("/"),
            self.text(item, "jurisdiction"),
            key_env,
            self.text(item, "service_code"),
            {ours: self.text(services, ours) for ours in services},
            form,
            self.day(item, "since"),
            None if never else self.whole(item, "listed_within_s", ASKED_S),
            self.flag(item, "idempotent", default=False),
            max(1, self.whole(item, "every_s", ASKED_S)),
            self.texts(item, "fixed"),
        )

    # What a field may hold

    def words(self, item: Marked, key: str, *, required: bool = False) -> dict[str, str]:
        value, line = item.get(key), item.line_of(key)
        if value is None or value == "":
            if required:
                self.wrong(line, f"{key}: is missing", "write {en: …, de: …}")
            return {}
        if isinstance(value, str):
            return {"en": value.strip()}
        if not isinstance(value, Marked):
            self.wrong(line, f"{key}: expected one text a language", "write {en: …, de: …}")
        for language, text in value.items():
            if not LANGUAGE.fullmatch(language):
                self.wrong(value.line_of(language), f"{key}: {language!r} is no language", "write en, de, pt-BR")
            if not isinstance(text, str) or not text.strip():
                self.wrong(value.line_of(language), f"{key}: {language} has no text", "write it, in quotes if need be")
        return {language: text.strip() for language, text in value.items()}

    def text(self, item: Marked, key: str) -> str:
        value = item.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(
                item.line_of(key), f"{key}: {value!r} is no text", 'put it in "quotes", so that it stays as written'
            )
        return str(value)

    def texts(self, item: Marked, key: str) -> tuple[str, ...]:
        value = item.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
            self.wrong(item.line_of(key), f"{key}: expected a list of texts", "write [first, second]")
        return tuple(dict.fromkeys(each.strip() for each in value))

    def flag(self, item: Marked, key: str, *, default: bool) -> bool:
        value = item.get(key, default)
        if not isinstance(value, bool):
            self.wrong(item.line_of(key), f"{key}: {value!r} is neither true nor false", "write true or false")
        return bool(value)

    def whole(self, item: Marked, key: str, default: int) -> int:
        value = item.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**6:
            self.wrong(
                item.line_of(key), f"{key}: {value!r} is no number of seconds", "write a whole number such as 60"
            )
        return int(value)

    def day(self, item: Marked, key: str) -> date | None:
        value = item.get(key)
        if value is not None and (isinstance(value, datetime) or not isinstance(value, date)):
            self.wrong(item.line_of(key), f"{key}: {value!r} is no day", "write 2026-11-01")
        return value

    def one_of(self, item: Marked, key: str, kind: type[E_], default: E_ | None) -> E_:
        value = item.get(key, default)
        if value not in list(kind):
            says = f"{key}: {value!r} is unknown" if key in item else f"{key}: is missing"
            self.wrong(item.line_of(key), says, f"known: {', '.join(kind)}")
        return kind(value)

    def fields(self, item: Marked, key: str, hint: str) -> Marked:
        value = item.get(key)
        if value is None:
            return Marked()
        if not isinstance(value, Marked):
            self.wrong(item.line_of(key), f"{key}: expected fields", hint)
        return value

    def items(self, item: Marked, key: str, hint: str) -> list[Marked]:
        value = item.get(key)
        if value is None:
            return []
        if not isinstance(value, MarkedList):
            self.wrong(item.line_of(key), f"{key}: expected a list", hint)
        for line, each in zip(value.lines, value, strict=True):
            if not isinstance(each, Marked):
                self.wrong(line, f"{key}: expected fields", hint)
        return list(value)

    def only(self, found: Marked, known: tuple[str, ...]) -> None:
        for key in found:
            if key not in known:
                self.wrong(found.line_of(key), f"{key!r} is not known here", f"known: {', '.join(known)}")

    def wrong(self, line: int, says: str, hint: str = "") -> NoReturn:
        raise Mistake(str(self.path), line, says, hint)
