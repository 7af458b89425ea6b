"""Everything that is wrong with a draft, told at once and beside its fields; or the report that it makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from amends.reports import answers as rules
from amends.reports import categories
from amends.reports.catalogue import Attribute, Catalogue, Category, Datatype, in_language
from amends.reports.records import Intake, Privacy, Reporter
from amends.reports.rules import clean, clean_line, too_long
from amends.web.report import where
from amends.web.report.drafts import ANSWER, Draft
from amends.web.report.limits import shorter
from amends.web.report.speaking import called, lang, zone
from amends.web.report.where import Spot

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


@dataclass(frozen=True)
class Problem:
    """What is wrong, and the id of the field where it can be mended."""

    field: str
    says: str


@dataclass(frozen=True)
class Checked:
    draft: Draft
    category: Category | None
    spot: Spot
    problems: tuple[Problem, ...]
    intake: Intake | None

    def says(self, field: str) -> str:
        return next((problem.says for problem in self.problems if problem.field == field), "")


def catalogue() -> Catalogue:
    return categories.in_use(settings.AMENDS.directory)


def check(draft: Draft) -> Checked:
    """A draft as a report, or all that keeps it from being one."""
    category = catalogue().categories.get(draft.category)
    spot = where.locate(draft, category)
    answered, wrong = _answers(draft, category)
    problems = [*_what(draft, category), *_where(spot, category), *wrong, *_who(draft)]
    intake = None if problems or category is None else _intake(draft, category, spot, answered)
    return Checked(draft, category, spot, tuple(problems), intake)


def _what(draft: Draft, category: Category | None) -> Iterator[Problem]:
    if category is None:
        yield Problem("category", _("Choose what is broken."))
    if too_long(draft.description):
        yield Problem("description", shorter())
    elif not clean(draft.description) and not draft.photos and category and not category.attributes:
        yield Problem("description", _("Say in a few words what is wrong, or add a photo."))


def _where(spot: Spot, category: Category | None) -> Iterator[Problem]:
    if spot.problem:
        yield Problem(spot.field, spot.problem)
    elif category and category.areas and spot.position:
        areas = [found.area.code for found in where.known().areas().at(spot.position)]
        if not set(areas) & set(category.areas):
            yield Problem("where", _("%(what)s cannot be reported at this place.") % {"what": called(category)})


def _answers(draft: Draft, category: Category | None) -> tuple[rules.Answers, list[Problem]]:
    """Only what this category asks: answers to another category that was chosen before are left aside."""
    if category is None:
        return rules.Answers({}), []
    given = {
        one.code: [_worded(one, value) for value in draft.answers.get(one.code, ())]
        for one in category.attributes
        if one.variable
    }
    found = rules.check_answers(category, given, lang())
    if isinstance(found, rules.Answers):
        return found, []
    asked = {one.code: one for one in category.attributes}
    return rules.Answers({}), [Problem(f"{ANSWER}{p.code}", _wrong(p, asked[p.code])) for p in found]


def _worded(attribute: Attribute, value: str) -> str:
    """What a browser's field gives, as the catalogue wants it: a zone with a time, a point in a number."""
    text = value.strip()
    if attribute.datatype is Datatype.NUMBER and re.fullmatch(r"[+-]?\d+,\d+", text):
        return text.replace(",", ".")
    if attribute.datatype is Datatype.DATETIME and _LOCAL.fullmatch(text):
        try:
            return datetime.fromisoformat(text).replace(tzinfo=zone()).isoformat()
        except ValueError:
            return text
    return value


def _wrong(problem: rules.Problem, attribute: Attribute) -> str:
    asked = in_language(attribute.description, lang()) or attribute.code
    if problem.kind == "required":
        return _("Please answer: %(question)s") % {"question": asked}
    kinds = {
        Datatype.NUMBER: _("Please give a number, such as 3 or 2.5: %(question)s"),
        Datatype.DATETIME: _("Please give a day and a time: %(question)s"),
        Datatype.SINGLE: _("Please choose one of the answers: %(question)s"),
        Datatype.MULTI: _("Please choose from the answers: %(question)s"),
        Datatype.STRING: _("Please answer in one line: %(question)s"),
        Datatype.TEXT: _("This answer is too long: %(question)s"),
    }
    return kinds[attribute.datatype] % {"question": asked}


def _who(draft: Draft) -> Iterator[Problem]:
    if draft.privacy is Privacy.ANONYMOUS:
        return
    if draft.privacy is Privacy.NAMED and not clean_line(draft.name):
        yield Problem("name", _("Tell us your name, or choose that it is not shown."))
    if email := clean_line(draft.email, 254):
        try:
            validate_email(email)
        except ValidationError:
            yield Problem("email", _("This is not a complete mail address, such as name@example.org."))


def _intake(draft: Draft, category: Category, spot: Spot, answered: rules.Answers) -> Intake:
    who = Reporter()
    if draft.privacy is not Privacy.ANONYMOUS:
        who = Reporter(
            name=clean_line(draft.name),
            email=clean_line(draft.email, 254),
            phone=clean_line(draft.phone, 60),
            locale=lang(),
        )
    return Intake(
        form=f"web-{draft.form}",
        category=category.code,
        description=clean(draft.description),
        lat=spot.position.lat if spot.position else None,
        long=spot.position.long if spot.position else None,
        address=spot.address,
        asset=spot.asset.id if spot.asset else "",
        answers=[(code, values) for code, values in answered.values.items()],
        privacy=draft.privacy,
        reporter=who,
        photos=draft.photos,
        locale=lang(),
    )
