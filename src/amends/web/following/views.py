"""Following by mail: asking, confirming, seeing what one follows, ending it. Opening a link changes nothing."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

import amends.reports.queries
from amends.ground import clock
from amends.notices.digest_words import Names, radius
from amends.reports import categories, following, places
from amends.reports.follows import ASKS_PER_DAY, FORGET_AFTER, RADII_M, Asked, Follow, What, Wish, for_one
from amends.web.following import asking, speaking
from amends.web.following.asking import Form

NEWS_MOST = 500


@speaking.speaking
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest) -> HttpResponse:
    """Ask to follow a place, a category or an area."""
    if request.method != "POST":
        return _form(request, Form.read(request.GET))
    form = Form.read(request.POST)
    wish = form.wish()
    return _asked(request, form, wish) if wish else _form(request, form, 422)


@speaking.speaking
@require_http_methods(["GET", "HEAD", "POST"])
def follow_report(request: HttpRequest, number: int) -> HttpResponse:
    """Ask to follow one report."""
    report = amends.reports.queries.one(number)
    if report is None or not report.visible:
        raise Http404
    form, names = Form.read(request.POST if request.method == "POST" else request.GET), names_of()
    more = {"number": number, "title": ", ".join(filter(None, (names.category(report.category), report.address)))}
    if request.method == "POST":
        form.check_email()
        if not form.wrong:
            return _asked(request, form, Wish(What.REPORT, report=number))
    return _page(request, "report.html", {"form": form, **more}, 422 if form.wrong else 200)


def _asked(request: HttpRequest, form: Form, wish: Wish) -> HttpResponse:
    now, mark = clock.now(), asking.network(request)
    if following.ask(wish, form.email, speaking.lang(), now, asked_from=mark) is Asked.TOO_MANY:
        response = _page(request, "too_many.html", {}, 429)
        response.headers["Retry-After"] = "3600"
        return response
    return redirect(f"/follow/asked{speaking.context(request)['q']}")


def _form(request: HttpRequest, form: Form, status: int = 200) -> HttpResponse:
    names = names_of()
    return _page(
        request,
        "ask.html",
        {
            "form": form,
            "categories": [(code, names.category(code)) for code in asking.catalogue().categories],
            "areas": [(area.code, area.name or area.code) for area in asking.areas()],
            "radii": [(str(metres), radius(metres)) for metres in RADII_M],
        },
        status,
    )


@speaking.speaking
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """What happens next; the same for everybody, so that nobody learns who follows what."""
    return _page(request, "asked.html", {"days": FORGET_AFTER.days, "most": ASKS_PER_DAY})


@csrf_exempt  # the link itself is the secret; no cookie speaks for anybody here
@speaking.speaking
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; only the button begins it."""
    kind, subject = _read(token)
    found = following.one(subject) if kind == following.ONE else None
    if found is None:
        return _page(request, "gone.html", {}, 410)
    if request.method == "POST":
        found = following.confirm(subject, clock.now()) or found
    if found.confirmed:
        return redirect(_own(found) + speaking.context(request)["q"])
    return _page(request, "confirm.html", {"what": names_of().wish(found.wish), "email": found.email})


@csrf_exempt
@speaking.speaking
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button; a POST ends it at once, also one of a mail program (RFC 8058)."""
    kind, subject = _read(token)
    follows = following.of_customer(subject) if kind == following.ALL else _one(subject)
    if request.method == "POST":
        following.end_all(subject) if kind == following.ALL else following.end([subject])
        return _page(request, "ended.html", {})
    what = [names_of().wish(found.wish) for found in follows]
    return _page(request, "end.html" if what else "ended.html", {"what": what, "all": kind == following.ALL})


def _one(follow_id: str) -> list[Follow]:
    found = following.one(follow_id)
    return [found] if found else []


@csrf_exempt
@speaking.speaking
@require_http_methods(["GET", "HEAD", "POST"])
def yours(request: HttpRequest, token: str) -> HttpResponse:
    """Everything that somebody follows; a POST ends one, or all of it."""
    customer_id = _customer(token)
    if request.method == "POST":
        ids = {found.follow_id for found in following.of_customer(customer_id)}
        following.end_all(customer_id) if "all" in request.POST else following.end(ids & {request.POST.get("one", "")})
        return _private(redirect(request.get_full_path()))
    names = names_of()
    rows = [(found.follow_id, names.wish(found.wish), _since(found)) for found in following.of_customer(customer_id)]
    hour = f"{settings.AMENDS.following.digest_hour}:00"
    return _page(request, "yours.html", {"rows": rows, "hour": hour, "email": _email(customer_id)})


def _since(found: Follow) -> str:
    return speaking.day_of(found.confirmed_at) if found.confirmed_at else ""


def _email(customer_id: str) -> str:
    return next((found.email for found in following.of_customer(customer_id)), "")


@speaking.speaking
@require_safe
def news(request: HttpRequest, token: str) -> HttpResponse:
    """All reports of one digest, also those that the mail only counted."""
    follows = following.of_customer(_customer(token))
    try:
        after, upto = int(request.GET.get("after", "")), int(request.GET.get("upto", ""))
    except ValueError as error:
        raise Http404 from error
    names = names_of()
    since = [Follow(**{**vars(found), "read_upto": after}) for found in follows]
    items = for_one(since, following.news(after, upto)) if 0 <= after < upto < 2**62 else []
    rows = [(item.number, names.title(item), names.happened(item)) for item in items[:NEWS_MOST]]
    return _page(request, "news.html", {"rows": rows, "more": len(items[NEWS_MOST:]), "token": token})


def names_of() -> Names:
    """What things are called, in the language of the page."""
    config = settings.AMENDS
    catalogue, known = categories.in_use(config.directory), places.in_use(config.directory)
    zone = ZoneInfo(config.company.time_zone)
    return Names(catalogue, known, speaking.lang(), zone, config.company.name, config.public_url)


def _read(token: str) -> tuple[str, str]:
    try:
        return following.read_token(token)
    except following.BadToken as error:
        raise Http404 from error


def _customer(token: str) -> str:
    kind, subject = _read(token)
    if kind != following.ALL:
        raise Http404
    return subject


def _own(found: Follow) -> str:
    return f"/follow/yours/{following.token(following.ALL, found.customer_id)}"


def _page(request: HttpRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return _private(render(request, f"following/{name}", speaking.context(request) | context, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
