"""Open311 GeoReport v2 at /open311/: which address is what, in which format, by which method, for whom."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from amends.reports import album, queries
from amends.reports.records import Refused
from amends.web.headers import holds_nul
from amends.web.open311 import bulk, entering, listing, posting, services, updates
from amends.web.open311.refusing import Refusal, refuse

log = logging.getLogger("amends.open311")
PREFIX = "/open311/"
Answer = Callable[..., HttpResponseBase]
CODE = r"(?P<code>[^/]{1,200})"
FORM = r"\.(?P<form>xml|json)"
RESOURCES: tuple[tuple[str, Mapping[str, Answer]], ...] = (
    (rf"(?:v2/)?discovery{FORM}", {"GET": services.discovery}),
    (rf"v2/services{FORM}", {"GET": services.services}),
    (rf"v2/services/{CODE}{FORM}", {"GET": services.definition}),
    (rf"v2/requests{FORM}", {"GET": listing.many, "POST": posting.create}),
    (rf"v2/requests/{CODE}{FORM}", {"GET": listing.one}),
    (rf"v2/tokens/{CODE}{FORM}", {"GET": listing.token}),
    (rf"v2/servicerequestupdates{FORM}", {"GET": updates.listed, "POST": updates.create}),
    (rf"v2/(?P<name>services|requests|tokens)/+{FORM}", {"GET": listing.not_given}),
    (r"(?:v2/)?bulk(?:/(?:service_)?requests)?\.(?P<form>xml|json|csv)", {"GET": bulk.everything}),
)
KNOWN = tuple((re.compile(pattern), methods) for pattern, methods in RESOURCES)
PHOTO = re.compile(r"v2/media/(?P<name>[A-Za-z0-9_-]{1,40})\.jpg")
ANYBODY = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Link, Retry-After",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
ASKED_BEFORE = {
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key",
    "Access-Control-Max-Age": "86400",
}


def open311(request: HttpRequest) -> HttpResponseBase:
    """Answer whatever is asked under /open311/."""
    path = request.path_info.removeprefix(PREFIX)
    path = path.rstrip("/") or path
    form = "json" if path.endswith(".json") else "xml"
    try:
        response = _answer(request, path)
    except Refusal as refusal:
        response = refusal.response(form)
    except Exception:
        log.exception("a GeoReport request could not be answered")
        response = refuse(500, "something went wrong on our side; nothing was lost, try again later").response(form)
    for name, value in ANYBODY.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-cache")
    if isinstance(response, HttpResponse):
        response.headers.setdefault("Content-Length", str(len(response.content)))
        if request.method == "HEAD":
            response.content = b""
    response._has_been_logged = True  # type: ignore[attr-defined] # a refusal is an answer, not a mishap
    return response


def _answer(request: HttpRequest, path: str) -> HttpResponseBase:
    if holds_nul(request):
        raise refuse(400, "the address holds a NUL character (%00), which no text has")
    if photo := PHOTO.fullmatch(path):
        return _called(request, {"GET": _photo}, photo.groupdict())
    for pattern, methods in KNOWN:
        if match := pattern.fullmatch(path):
            return _called(request, methods, match.groupdict())
    raise refuse(
        404, "there is nothing here; every resource ends in .xml or .json, and discovery.xml tells where it is"
    )


def _called(request: HttpRequest, methods: Mapping[str, Answer], found: Mapping[str, Any]) -> HttpResponseBase:
    known = [*(("GET", "HEAD") if "GET" in methods else ()), *(each for each in methods if each != "GET"), "OPTIONS"]
    allowed = {"Allow": ", ".join(known)}
    if request.method == "OPTIONS":
        told = allowed | ASKED_BEFORE | {"Access-Control-Allow-Methods": ", ".join(known)}
        return HttpResponse(status=204, headers=told)
    method = "GET" if request.method == "HEAD" else request.method or ""
    if method not in methods:
        raise refuse(405, f"use {' or '.join(methods)} here", allowed)
    if method == "GET":
        entering.jurisdiction(request.GET.get("jurisdiction_id", ""))
    return methods[method](request, **found)


def _photo(request: HttpRequest, name: str) -> HttpResponseBase:
    """A photo of a public request, made anew by us when it came."""
    photo = queries.photo(name)
    report = queries.one(photo.report) if photo and photo.visible and photo.report else None
    try:
        if report is None or not report.visible:
            raise refuse(404, "there is no such photo")
        place = album.path(name)
        if request.method == "HEAD":
            return HttpResponse(content_type="image/jpeg", headers={"Content-Length": str(place.stat().st_size)})
        return FileResponse(place.open("rb"), content_type="image/jpeg")
    except (OSError, Refused) as error:
        raise refuse(404, "there is no such photo") from error
