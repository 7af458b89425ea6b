"""The front door, and the pages for what goes wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def front(request: HttpRequest) -> HttpResponse:
    return render(request, "front/front.html")


def _error(request: HttpRequest, status: int, title: str, help_: str) -> HttpResponse:
    return render(request, "front/error.html", {"title": title, "help": help_, "status": status}, status=status)


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
