"""`/report`: one form, one look at it before it goes, then its number, a date and a secret link. No script needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods

import amends.reports.queries
from amends.ground import clock
from amends.notices import tokens
from amends.reports import moderation, steps
from amends.reports.catalogue import in_language
from amends.reports.records import Privacy, Report
from amends.web.report import drafts, nearby, offline, pictures
from amends.web.report.checking import Checked, Problem, catalogue, check
from amends.web.report.drafts import Draft
from amends.web.report.limits import too_much
from amends.web.report.pages import asked, page_headers, summary, with_policy
from amends.web.report.senders import address, from_elsewhere
from amends.web.report.speaking import called, context, due, lang, speaking
from amends.web.report.where import painted


@gzip_page  # nothing secret stands on this page, so its size tells nothing
@csrf_exempt  # no cookie speaks for anybody here, and the browser says where a form comes from
@require_http_methods(["GET", "HEAD", "POST"])
@speaking
def report(request: HttpRequest) -> HttpResponse:
    """The form; a POST looks for a place, shows the questions, checks it all or sends it, as its button says."""
    if not catalogue().categories:
        raise Http404
    if request.method != "POST":
        return _form(request, check(drafts.read(request.GET)), quiet=True)
    if from_elsewhere(request):
        return _refused(request, 403, _("This form was sent from another site. Open this page and send it from here."))
    try:
        draft = drafts.read(request.POST)
        kept, at, wrong = pictures.take(request, len(draft.photos))
    except pictures.UNREADABLE:
        return _refused(request, 413, too_much())
    draft = draft.with_photos(kept, f"{at.lat:.6f},{at.long:.6f}" if at else "")
    return _go(request, draft, [Problem("photo", says) for says in wrong])


def _go(request: HttpRequest, draft: Draft, wrong: list[Problem]) -> HttpResponse:
    go = request.POST.get("go", "check")
    if go in ("find", "questions", "change", "photos") and not _wants_json(request):
        draft = replace(draft, place="") if go == "find" else draft
        found = check(draft)
        found = replace(found, problems=(*wrong, *(_place(found) if go == "find" else ())))
        return _form(request, found, at=go, status=422 if wrong else 200)
    found = check(draft)
    if wrong or found.problems:
        found = replace(found, problems=(*found.problems, *wrong))
        return _problems(request, found)
    if go == "send":
        return _send(request, found)
    return _check_page(request, found)


def _place(found: Checked) -> list[Problem]:
    """What is wrong with the place alone; that it may be several is no mistake but a question."""
    wrong = found.spot.problem and found.spot.kind != "several"
    return [Problem(found.spot.field, found.spot.problem)] if wrong else []


def _form(
    request: HttpRequest, found: Checked, *, at: str = "", status: int = 200, quiet: bool = False
) -> HttpResponse:
    shown = replace(found, problems=()) if quiet else found
    fresh = quiet and not set(request.GET) - {"lang"}  # an empty form: a kept draft may fill it
    more = {
        "at": at,
        "fresh": fresh,
        "modules": offline.MODULES,
        "near": [] if quiet else nearby.around(found),
    } | asked(shown, request)
    page = render(request, "report/form.html", context(request) | {"here": "report"} | more, status=status)
    return with_policy(page_headers(page))


def _problems(request: HttpRequest, found: Checked) -> HttpResponse:
    if _wants_json(request):
        told = [{"field": problem.field, "says": problem.says} for problem in found.problems]
        return JsonResponse({"problems": told, "form": found.draft.form}, status=422)
    return _form(request, found, at="problems", status=422)


def _check_page(request: HttpRequest, found: Checked, problem: str = "", status: int = 200) -> HttpResponse:
    more = {"problem": problem, "near": nearby.around(found)} | summary(found)
    return with_policy(page_headers(render(request, "report/check.html", context(request) | more, status=status)))


def _send(request: HttpRequest, found: Checked) -> HttpResponse:
    """Take it in; the same form again, from an impatient phone or a queue, is answered with the same number."""
    intake, now = found.intake, clock.now()
    if intake is None or request.POST.get("leave_this_empty"):
        return _refused(request, 422, _("This did not look as if a person had sent it. Nothing was taken in."))
    taken = amends.reports.queries.by_form(intake.form)
    if taken is None:
        email = "" if intake.privacy is Privacy.ANONYMOUS else intake.reporter.email
        if why := moderation.refuse(address(request), email, now=now):
            return _too_many(request, found, why)
        waited = drafts.written_at(request.POST, now)
        taken = steps.receive(replace(intake, requested_at=waited) if waited else intake, now)
    token = tokens.make(f"report:{taken.number}")
    if _wants_json(request):
        return JsonResponse(_told(taken, token, request), status=201)
    return redirect(reverse("report-sent", args=[token]) + context(request)["q"], permanent=False)


def _told(taken: Report, token: str, request: HttpRequest) -> dict[str, Any]:
    q = context(request)["q"]
    return {
        "number": taken.number,
        "promise": due(taken.due_at),
        "url": reverse("report-sent", args=[token]) + q,
    }


def _too_many(request: HttpRequest, found: Checked, why: str) -> HttpResponse:
    says = _("From here there were too many reports within an hour, so this one was not taken in. Try again later.")
    if why.startswith("No reports"):
        says = _("No reports are taken from this address. If that is a mistake, write or call us.")
    status = 403 if why.startswith("No reports") else 429
    if _wants_json(request):
        response: HttpResponse = JsonResponse({"says": says}, status=status)
    else:
        response = _check_page(request, found, says, status)
    if status == 429:
        response.headers["Retry-After"] = str(int(moderation.WITHIN / timedelta(seconds=1)))
    return response


def _refused(request: HttpRequest, status: int, says: str) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"says": says}, status=status)
    more = {"title": _("This could not be taken in"), "says": says}
    return page_headers(render(request, "report/refused.html", context(request) | more, status=status))


@require_http_methods(["GET", "HEAD"])
@speaking
def sent(request: HttpRequest, token: str) -> HttpResponse:
    """Its number, by when we promise to be done, what happens next, and the secret link."""
    try:
        kind, _colon, number = tokens.read(token).partition(":")
    except tokens.BadToken:
        raise Http404 from None
    found = amends.reports.queries.one(int(number)) if kind == "report" and number.isdigit() else None
    if found is None:
        raise Http404
    category = catalogue().categories.get(found.category)
    more = {
        "report": found,
        "what": called(category, found.category),
        "asset": painted(found.asset),
        "due": due(found.due_at),
        "due_words": in_language((found.due or {}).get("words") or {}, lang()),
        "service_notice": in_language(category.notice, lang()) if category else "",
        "link": f"{settings.AMENDS.public_url}{reverse('yours', args=[token])}",
        "own": reverse("yours", args=[token]),
        "mailed": bool(found.customer_id) and found.privacy is not Privacy.ANONYMOUS,
    }
    response = render(request, "report/sent.html", context(request) | more)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")
