"""A report for somebody who calls or stands at the counter: asked and checked as on the report page, all at once."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import translation

from amends.ground import clock
from amends.reports import steps
from amends.reports.records import Intake, Privacy, Refused
from amends.reports.rules import SEVERITIES, clean, clean_line
from amends.web.desk import reports
from amends.web.desk.access import may_act, operator
from amends.web.desk.names import names
from amends.web.desk.pages import page
from amends.web.desk.reports_acting import day
from amends.web.report import drafts
from amends.web.report.checking import Checked, Problem, check
from amends.web.report.drafts import Draft
from amends.web.report.pages import questions

SOURCES = ("phone", "desk", "mail")
LOCALES = ("en", "de")


@operator
def take_in(request: HttpRequest) -> HttpResponse:
    """The form; a POST shows the questions of a category, tells all that is wrong, or takes the report in."""
    with translation.override("en"):  # the desk's language, whatever the browser speaks
        if request.method != "POST":
            return _form(request, check(read(request.GET)))
        if not may_act(request.user):
            raise PermissionDenied("this needs the group care")
        found = check(read(request.POST))
        if request.POST.get("go") == "questions":
            return _form(request, replace(found, problems=()))
        found = _looked_over(found, request.POST)
        return _form(request, found, 422) if found.problems or found.intake is None else _take(request, found)


def _take(request: HttpRequest, found: Checked) -> HttpResponse:
    assert found.intake is not None
    try:
        made = steps.receive(_told(found.intake, request.POST), clock.now())
    except Refused as wrong:
        return _form(request, replace(found, problems=(Problem("category", f"Not taken in: {wrong}."),)), 422)
    said = f"promised by {day(made.due_at)}" if made.due_at else "without a target"
    messages.success(request, f"Report {made.number} is taken in, {said}.")
    return redirect("desk-report", made.number)


def read(given: QueryDict) -> Draft:
    """What was filled in so far; nobody who is named or can be reached is anonymous."""
    draft = drafts.read(given)
    known = any(text.strip() for text in (draft.name, draft.email, draft.phone))
    return replace(draft, privacy=Privacy.PRIVATE if known else Privacy.ANONYMOUS)


def _looked_over(found: Checked, given: QueryDict) -> Checked:
    """The same, with what only the desk asks; an address that no map knows is taken as it was said."""
    if found.spot.kind == "unknown" and found.spot.field == "where":
        found = check(replace(found.draft, as_written=True))
    more = []
    if not clean(found.draft.description):
        more.append(Problem("description", "Write down what was said."))
    if given.get("severity", "") not in ("", *SEVERITIES):
        more.append(Problem("severity", f"Choose how bad it is: {', '.join(SEVERITIES)}."))
    fields = {problem.field for problem in more}
    return replace(found, problems=(*(one for one in found.problems if one.field not in fields), *more))


def _told(intake: Intake, given: QueryDict) -> Intake:
    """What was checked, with how it came, in whose language, and the mark of the desk's form."""
    source, locale = given.get("source", ""), given.get("locale", "")
    spoken = locale if locale in LOCALES else ""
    return replace(
        intake,
        form=clean_line(given.get("form", ""), 1000) or intake.form,
        asset=intake.asset or clean_line(given.get("asset_number", ""), 100),
        severity=given.get("severity", ""),
        source=source if source in SOURCES else "phone",
        locale=spoken,
        reporter=replace(intake.reporter, locale=spoken),
    )


def _form(request: HttpRequest, found: Checked, status: int = 200) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    wrong = {problem.field: problem.says for problem in found.problems} if status == 422 else {}
    context: dict[str, Any] = {
        "choices": reports.choices(names()),
        "given": given,
        "draft": found.draft,
        "spot": found.spot,
        "questions": questions(found.category, found.draft.answers, wrong),
        "problems": found.problems if status == 422 else (),
        "form_mark": given.get("form") or f"desk-{secrets.token_hex(12)}",
    }
    response = page(request, "report_new", "reports", **context)
    response.status_code = status
    return response
