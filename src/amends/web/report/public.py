"""What everybody may see: the list of reports, one report with its promise and history, and "me too"."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods

import amends.closure.reports
import amends.customers.queries
import amends.reports.queries
from amends.closure.reports import TooLate
from amends.ground import clock
from amends.notices import report_words
from amends.notices.our_words import in_our_words
from amends.notices.report_words import AFFECTED
from amends.reports import adding, moderation, steps
from amends.reports.catalogue import answered
from amends.reports.clusters import clusters
from amends.reports.geometry import NoPlace, box, point_feature, position
from amends.reports.records import Filter, Move, Order, Privacy, Refused, Report, Reporter, State
from amends.reports.rules import too_long
from amends.web.report import where
from amends.web.report.checking import catalogue
from amends.web.report.drafts import MARK
from amends.web.report.limits import shorter
from amends.web.report.nearby import card
from amends.web.report.pages import map_data, page_headers, with_policy
from amends.web.report.senders import address, from_elsewhere
from amends.web.report.speaking import called, context, due, lang, speaking, state, when

PAGE = 25
LAST_PAGE = 400
TOGETHER_M, MOST_CARDS = 120.0, 6


@gzip_page
@require_http_methods(["GET", "HEAD"])
@speaking
def reports(request: HttpRequest) -> HttpResponse:
    """The newest first; narrowed by category, state, area and words."""
    wanted, page = filtered(request), _page(request)
    found = amends.reports.queries.search(wanted, order=Order.NEWEST, limit=PAGE + 1, offset=PAGE * page)
    ours, now = catalogue(), clock.now()
    photos = amends.reports.queries.photos_of([one.number for one in found])
    given = [(key, value) for key, value in request.GET.items() if value and key != "page"]
    more = {
        "here": "reports",
        "rows": [card(one, photos, ours, now) for one in found[:PAGE]],
        "categories": [(code, called(one)) for code, one in ours.categories.items()],
        "areas": [(area.code, area.name) for area in where.known().areas().areas],
        "given": request.GET,
        "narrowed": bool({key for key, _value in given} - {"lang"}),
        "map": map_data() | {"query": urlencode(given)} if map_data() else {},
        "earlier": f"?{urlencode([*given, ('page', page + 1)])}" if len(found) > PAGE and page < LAST_PAGE else "",
        "later": f"?{urlencode([*given, ('page', page - 1)])}" if page else "",
    }
    return with_policy(render(request, "report/list.html", context(request) | more))


def filtered(request: HttpRequest) -> Filter:
    """The filter of an address; what is not known in it narrows nothing."""
    said = request.GET
    category, area, standing = said.get("category", ""), said.get("area", ""), said.get("state", "")
    return Filter(
        categories=[category] if category in catalogue().categories else None,
        areas=[area] if area else None,
        open={"open": True, "ended": False}.get(standing),
        states=[State.FIXED] if standing == "mended" else None,
        words=said.get("words", "").replace("\0", "")[:200],
    )


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return min(int(text), LAST_PAGE) if text.isascii() and text.isdigit() and len(text) < 6 else 0


@gzip_page
@require_http_methods(["GET", "HEAD"])
def pins(request: HttpRequest) -> HttpResponse:
    """Reports in a box as GeoJSON points, those that stand close together as one."""
    try:
        view = box(request.GET.get("bbox", ""))
        zoom = int(request.GET.get("zoom", ""))
    except (NoPlace, ValueError):
        return JsonResponse({"says": "bbox=west,south,east,north and zoom are needed"}, status=400)
    found = clusters((view.west, view.south, view.east, view.north), max(0, min(zoom, 22)), filtered(request))
    features = [
        point_feature(round(one.lat, 6), round(one.long, 6), count=one.count, open=one.open, number=one.number)
        for one in found[:2000]
    ]
    body = msgspec.json.encode({"type": "FeatureCollection", "features": features})
    return HttpResponse(body, content_type="application/geo+json", headers={"Cache-Control": "public, max-age=30"})


@require_http_methods(["GET", "HEAD"])
@speaking
def cards(request: HttpRequest) -> HttpResponse:
    """What a dot on the map says: one report, or the nearest of those that stand together, with their promises."""
    said, now = request.GET, clock.now()
    if (number := said.get("number", "")).isascii() and number.isdigit() and len(number) < 12:
        found = [visible(int(number))]
    else:
        lat, _comma, long = said.get("around", "").partition(",")
        try:
            at = position(lat, long)
        except NoPlace:
            return JsonResponse({"says": "number=, or around=lat,long is needed"}, status=400)
        near = amends.reports.queries.nearby(at.lat, at.long, TOGETHER_M, open=None, limit=MOST_CARDS)
        found = [one.report for one in near if one.report.visible]
    photos = amends.reports.queries.photos_of([one.number for one in found])
    rows = [card(one, photos, catalogue(), now) for one in found]
    return render(request, "report/_cards.html", context(request) | {"rows": rows})


@require_http_methods(["GET", "HEAD"])
@speaking
def one(request: HttpRequest, number: int) -> HttpResponse:
    """One report as everybody sees it."""
    found = visible(number)
    now, ours = clock.now(), catalogue()
    photos = amends.reports.queries.photos_of([number])
    moves = amends.reports.queries.history([number]).get(number, [])
    more: dict[str, Any] = {
        "report": found,
        "card": card(found, photos, ours, now),
        "photos": photos.get(number, []),
        "history": [entry for move in moves if (entry := told(move))],
        "promises": _promises(found),
        "pauses": _pauses(number),
        "answers": answered(catalogue().categories.get(found.category), found.answers, lang()),
        "by": _name(found),
        "requested": when(found.requested_at),
        "area": next((area.name for area in where.known().areas().areas if area.code == found.area), found.area),
        "map": map_data() | {"at": [found.lat, found.long], "zoom": 17} if map_data() and found.lat is not None else {},
    }
    return with_policy(render(request, "report/one.html", context(request) | more))


def visible(number: int) -> Report:
    found = amends.reports.queries.one(number)
    if found is None or not found.visible:
        raise Http404
    return found


def told(move: Move) -> dict[str, Any]:
    """A move as the public reads it; empty where it says nothing to them."""
    says, by = in_our_words(move.words), ""
    if move.kind == "state":
        title = state(move.state)
    elif move.kind == "promise" and move.was.get("new_date"):
        title = _("new date: %(date)s") % {"date": due(datetime.fromisoformat(move.was["new_date"]))}
    elif move.kind == "promise":
        title = _("the clock stands still") if move.was.get("clock") == "ran" else _("the clock runs again")
    elif move.kind == "affected":
        title = _("somebody else is affected")
    elif move.kind == adding.ADDED:
        title = report_words.added(move)
        by = report_words.role(move.who, own=False)
    elif says:
        title = _("news")
    else:
        return {}
    return {"title": title, "says": says, "at": when(move.at), "by": by, "media": move.media_url}


def _promises(found: Report) -> list[dict[str, Any]]:
    """Every date that was told, oldest first, and how the promise ended."""
    made = amends.reports.queries.promises_of(found.number)
    return [{"due": due(each["due_at"]), "made": when(each["made_at"])} for each in made if each["due_at"]]


def _pauses(number: int) -> list[tuple[str, str, str]]:
    """Each time its clock stood still: why, since when, until when."""
    found = amends.reports.queries.pauses_of(number)
    return [(words or why, when(since), when(until) if until else "") for why, words, since, until in found]


def _name(found: Report) -> str:
    if found.privacy is not Privacy.NAMED or not found.customer_id:
        return ""
    customer = amends.customers.queries.by_id([found.customer_id]).get(found.customer_id)
    return customer.name if customer else ""


@csrf_exempt  # no cookie speaks for anybody here
@require_http_methods(["GET", "HEAD", "POST"])
@speaking
def me_too(request: HttpRequest, number: int) -> HttpResponse:
    """Count somebody else who is affected, or open again what was mended; asks for nothing that is needed."""
    found = visible(number)
    problem = _joined(request, found) if request.method == "POST" else ""
    if request.method == "POST" and not problem:
        return redirect(reverse("reports-me-too", args=[number]) + _query(request, "done=1"))
    mark = request.POST.get("form", "")
    more = {
        "report": found,
        "card": card(found, amends.reports.queries.photos_of([number]), catalogue(), clock.now()),
        "form": mark if MARK.fullmatch(mark) else secrets.token_hex(16),
        "problem": problem,
        "done": request.GET.get("done") == "1" and request.method != "POST",
        "email": request.POST.get("email", ""),
        "words": request.POST.get("words", ""),
    }
    return page_headers(render(request, "report/me_too.html", context(request) | more, status=422 if problem else 200))


def _query(request: HttpRequest, more: str) -> str:
    before = context(request)["q"]
    return f"{before}&{more}" if before else f"?{more}"


def _joined(request: HttpRequest, found: Report) -> str:
    """Count them; what is wrong, in words, where that cannot be."""
    now, form, email = clock.now(), request.POST.get("form", ""), request.POST.get("email", "").strip()[:254]
    if from_elsewhere(request) or request.POST.get("leave_this_empty") or not MARK.fullmatch(form):
        return _("This did not look as if a person had sent it. Nothing was taken in.")
    if email:
        try:
            validate_email(email)
        except ValidationError:
            return _("This is not a complete mail address, such as name@example.org.")
    words = request.POST.get("words", "").strip()
    if too_long(words):
        return shorter()
    if moderation.refuse(address(request), now=now):
        return _("From here there were too many reports within an hour, so this one was not taken in. Try again later.")
    try:
        if found.state is State.FIXED:
            if not words:
                return _("Say in a few words what is broken again.")
            amends.closure.reports.reopen(found.number, words, AFFECTED, now)
        steps.me_too(found.number, f"too-{form}", Reporter(email=email, locale=lang()), now)
    except TooLate:
        return _("It ended too long ago to be opened again. Report it anew.")
    except Refused:
        return _("This report has changed in the meantime. Look at it again.")
    return ""
