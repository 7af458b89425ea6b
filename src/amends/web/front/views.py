"""The front door, and the pages for what goes wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from amends.web.report.limits import TOO_MUCH, too_much


def front(request: HttpRequest) -> HttpResponse:
    return render(request, "front/front.html")


def _error(request: HttpRequest, status: int, title: str, help_: str, lang: str = "en") -> HttpResponse:
    told = {"title": title, "help": help_, "status": status, "lang": lang}
    return render(request, "front/error.html", told, status=status)


def unreadable(request: HttpRequest, exception: Any) -> HttpResponse:
    """A form that is too much for us, or broken: said in words; `/report` has a page of its own for it."""
    if isinstance(exception, TOO_MUCH):
        status, says = 413, too_much()
    else:
        status, says = 400, _("It did not arrive whole. Send it once more.")
    return _error(request, status, _("This could not be taken in"), says, get_language() or "en")


def not_found(request: HttpRequest, exception: Any) -> HttpResponse:
    return _error(request, 404, "There is nothing at this address", "Check the address, or start from the front page.")


def forbidden(request: HttpRequest, exception: Any) -> HttpResponse:
    return _error(request, 403, "This is not open to you", str(exception) or "Sign in with another login.")


def no_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _error(
        request, 403, "The form was too old", "Nothing was changed. Open the page again and send it once more."
    )


def broken(request: HttpRequest) -> HttpResponse:
    return _error(
        request, 500, "Something of ours failed", "It is in the log. Nothing that was taken in is lost; try again."
    )
