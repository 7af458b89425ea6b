"""A crew's own page behind its secret link: what is to be done, most urgent first, and telling that it is done."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

import amends.reports.queries
from amends.ground import clock
from amends.reports import adding, album, categories, crews, queueing, steps
from amends.reports.catalogue import answered
from amends.reports.photos import NoPhoto
from amends.reports.queueing import Queue, Standing
from amends.reports.records import Filter, Order, Refused, Report, State
from amends.reports.rules import too_long
from amends.web.crew import words
from amends.web.crew.words import CREW, Wrong
from amends.web.following.speaking import context, speaking
from amends.web.report import senders
from amends.web.report.limits import shorter
from amends.web.report.nearby import card
from amends.web.report.public import told
from amends.web.report.speaking import due, lang

MOST = 200
DOES = {
    "take": State.IN_PROGRESS,
    "plan": State.SCHEDULED,
    "fixed": State.FIXED,
    "cannot": State.NOT_FIXED,
}


@require_http_methods(["GET", "HEAD"])
@speaking
def crew(request: HttpRequest, token: str) -> HttpResponse:
    """The crew's reports by due time."""
    name = _crew(token)
    if name is None:
        return _bad(request)
    now = clock.now()
    wanted = Queue(Filter(open=True, crews=[name], hidden_too=True))
    found = queueing.page(wanted, now, MOST, 0, Order.DUE)
    more = {"crew": _called(name), "rows": [_row(one, now) for one in found], "token": token}
    return _private(render(request, "crew/list.html", context(request) | more))


@csrf_exempt  # the link itself is the secret; no cookie speaks for anybody here
@require_http_methods(["GET", "HEAD", "POST"])
@speaking
def one(request: HttpRequest, token: str, number: int) -> HttpResponse:
    """One of the crew's reports; a POST takes it, says something, or tells that it is done or cannot be."""
    name = _crew(token)
    found = amends.reports.queries.one(number)
    if name is None or found is None or found.crew != name:
        return _bad(request)
    problem = ""
    if request.method == "POST":
        try:
            _do(request, name, found)
        except (Refused, NoPhoto, Wrong) as wrong:
            problem = words.says(wrong)
        else:
            return _private(redirect(reverse("crew-report", args=[token, number]) + context(request)["q"]))
    more = {"crew": _called(name), "token": token, "problem": problem, "form": secrets.token_hex(12)}
    more["words"] = request.POST.get("words", "") if problem else ""
    shown = context(request) | _shown(found, name) | more
    return _private(render(request, "crew/one.html", shown, status=422 if problem else 200))


def _called(crew: str) -> str:
    return categories.in_use(settings.AMENDS.directory).crew(crew, lang())


def _row(report: Report, now: datetime) -> dict[str, Any]:
    """A report as residents read it in lists, with what only a crew asks."""
    standing = queueing.standing(report, now)
    return card(report, {}, categories.in_use(settings.AMENDS.directory), now) | {
        "late": standing is Standing.LATE,
        "paused": standing is Standing.PAUSED,
        "severity": words.severity(report.severity),
        "kind": words.KIND.get(report.severity, ""),
    }


def _shown(report: Report, crew: str) -> dict[str, Any]:
    number = report.number
    moves = adding.told(number)  # notes stay at the desk: links get passed on
    known = categories.in_use(settings.AMENDS.directory).categories.get(report.category)
    return {
        "report": report,
        "one": _row(report, clock.now()),
        "answers": answered(known, report.answers, lang()),
        "promised": due(report.due_at),
        "new_date": due(report.new_due_at),
        "history": [said | {"who": words.who(move.who, crew)} for move in moves if (said := told(move))],
        "photos": amends.reports.queries.photos_of([number], hidden_too=True).get(number, []),
    }


def _do(request: HttpRequest, name: str, report: Report) -> None:
    who, now, said = f"{CREW}{name}", clock.now(), request.POST.get("words", "").strip()
    do = request.POST.get("do", "")
    if do not in (*DOES, "say"):
        raise Wrong(_("Choose what you did."))
    if do == "cannot" and not said:
        raise Wrong(_("Say because of what; the people who reported it will read it."))
    if too_long(said):
        raise Wrong(shorter())
    to = DOES.get(do, report.state)
    once = senders.marked(request, "crew", name, str(report.number))
    if once is not None and amends.reports.queries.told_outside(once) is not None:
        return
    names = album.keep_work(request.FILES.getlist("photo"), who=who, now=now)
    if do == "say" and not said and not names:
        raise Wrong(_("Write a few words or add a photo."))
    steps.move(report.number, to, who=who, now=now, words=said, photos=names, external_update=once)


@require_http_methods(["GET", "HEAD"])
def photo(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """A photo of one of the crew's reports."""
    crew_name, found = _crew(token), amends.reports.queries.photo(name)
    report = amends.reports.queries.one(found.report) if found and found.report else None
    if crew_name is None or report is None or report.crew != crew_name:
        return _bad(request)
    return picture(name)


def picture(name: str) -> HttpResponse:
    """The file of a photo; 404 where it is gone."""
    try:
        data = album.path(name).read_bytes()
    except (OSError, Refused):
        return HttpResponse(status=404)
    return HttpResponse(data, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})


def _crew(token: str) -> str | None:
    try:
        return crews.crew_of(token)
    except crews.BadLink:
        return None


@speaking
def _bad(request: HttpRequest) -> HttpResponse:
    return _private(render(request, "crew/bad.html", context(request), status=404))


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
