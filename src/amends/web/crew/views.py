"""A crew's own page behind its secret link: what is to be done, most urgent first, and telling that it is done."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

import amends.reports.queries
from amends.ground import clock
from amends.ground.ids import derive
from amends.reports import album, categories, crews, queueing, steps
from amends.reports.catalogue import Category, answered, in_language
from amends.reports.photos import NoPhoto
from amends.reports.queueing import Queue
from amends.reports.records import Filter, Order, Refused, Report, State
from amends.reports.rules import LONGEST, too_long
from amends.web.report.where import painted

MOST = 200
DOES = {
    "take": State.IN_PROGRESS,
    "plan": State.SCHEDULED,
    "fixed": State.FIXED,
    "cannot": State.NOT_FIXED,
}


@require_http_methods(["GET", "HEAD"])
def crew(request: HttpRequest, token: str) -> HttpResponse:
    """The crew's reports by due time."""
    name = _crew(token)
    if name is None:
        return _bad(request)
    now = clock.now()
    wanted = Queue(Filter(open=True, crews=[name], hidden_too=True))
    found = queueing.page(wanted, now, MOST, 0, Order.DUE)
    rows = [(one, _category(one), queueing.standing(one, now)) for one in found]
    return _private(render(request, "crew/list.html", {"crew": name, "rows": rows, "token": token}))


@csrf_exempt  # the link itself is the secret; no cookie speaks for anybody here
@require_http_methods(["GET", "HEAD", "POST"])
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
        except (Refused, NoPhoto) as wrong:
            problem = str(wrong)
        else:
            return _private(redirect("crew-report", token, number))
    told = amends.reports.queries.history([number]).get(number, [])  # notes stay at the desk: links get passed on
    context: dict[str, Any] = {
        "crew": name,
        "token": token,
        "report": found,
        "category": _category(found),
        "painted": painted(found.asset),
        "answers": answered(_known(found), found.answers, "en"),
        "standing": queueing.standing(found, clock.now()),
        "history": [move for move in told if move.kind == "state" or move.words],
        "photos": amends.reports.queries.photos_of([number], hidden_too=True).get(number, []),
        "problem": problem,
        "words": request.POST.get("words", "") if problem else "",
        "form": secrets.token_hex(12),
    }
    return _private(render(request, "crew/one.html", context, status=422 if problem else 200))


def _do(request: HttpRequest, name: str, report: Report) -> None:
    who, now, words = f"crew {name}", clock.now(), request.POST.get("words", "").strip()
    do = request.POST.get("do", "")
    if do not in (*DOES, "say"):
        raise Refused("choose what you did")
    if do == "cannot" and not words:
        raise Refused("say because of what; the people who reported it will read it")
    if too_long(words):
        raise Refused(f"write at most {LONGEST:,} characters")
    to, once = DOES.get(do, report.state), _once(request, name, report)
    if once is not None and amends.reports.queries.told_outside(once) is not None:
        return
    names = album.keep_work(request.FILES.getlist("photo"), who=who, now=now)
    if do == "say" and not words and not names:
        raise Refused("write a few words or add a photo")
    steps.move(report.number, to, who=who, now=now, words=words, photos=names, external_update=once)


def _once(request: HttpRequest, name: str, report: Report) -> str | None:
    """What makes an impatient phone's second try the same as its first: the page's mark and all that was filled in."""
    mark = request.POST.get("form", "")
    if not mark:
        return None
    files = [(file.name, file.size) for file in request.FILES.getlist("photo")]
    said = (name, str(report.number), mark, request.POST.get("do", ""), request.POST.get("words", ""), repr(files))
    return f"crew:{derive('told', *said)}"


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


def _known(report: Report) -> Category | None:
    return categories.in_use(settings.AMENDS.directory).categories.get(report.category)


def _category(report: Report) -> str:
    known = _known(report)
    return in_language(known.name, "en") if known else report.category


def _bad(request: HttpRequest) -> HttpResponse:
    return _private(render(request, "crew/bad.html", status=404))


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
