"""Addresses that can be looked up, security headers on every page, and the few words every template needs."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest

from amends.reports.album import MOST_OF_WORK

POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "font-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

BESIDE_PHOTOS = 2_000_000  # bytes of a form beside its photos


class SecurityHeaders:
    """A strict content security policy: nothing inline, nothing from elsewhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


def holds_nul(request: HttpRequest) -> bool:
    """Whether an address holds the one character that no text in a database may have (PostgreSQL refuses it)."""
    return "\x00" in request.path_info or "%00" in request.META.get("QUERY_STRING", "")


class NoNul:
    """Such an address is told so, whatever page it is for; GeoReport says it in its own form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if holds_nul(request) and not request.path_info.startswith("/open311/"):
            says = "This address holds a NUL character (%00), which no text has. Take it out and try again.\n"
            return HttpResponseBadRequest(says, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


class Bounded:
    """A body larger than all photos that may come at once is not read: it would fill the disk before it is refused.

    Intake doors have limits of their own, and are answered before.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given, limits = request.META.get("CONTENT_LENGTH") or "", settings.AMENDS.map
        most = max(limits.photos, MOST_OF_WORK) * limits.photo_mb * 1_000_000 + BESIDE_PHOTOS
        if given.isdecimal() and int(given[:18]) > most:
            says = f"This is larger than {most // 1_000_000} MB. Nothing was taken in; send fewer and smaller photos.\n"
            return HttpResponse(says, status=413, content_type="text/plain; charset=utf-8")
        return self.get_response(request)


def company(request: HttpRequest) -> dict[str, object]:
    """Template context: who is speaking."""
    return {"company": settings.AMENDS.company, "public_url": settings.AMENDS.public_url}
