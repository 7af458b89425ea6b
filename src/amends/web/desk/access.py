"""Who may see the desk, and who may move money on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

View = Callable[..., HttpResponseBase]
CARE = "care"  # the group whose members approve, decline and retry
MOST_FAILURES = 10
FORGET_S = 900


def operator(view: View) -> View:
    """Only for signed-in staff; others are sent to sign in."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("desk-sign-in"))
        if not request.user.is_staff:
            raise PermissionDenied("this login has no place at the desk")
        return view(request, *args, **kwargs)

    return guard


def may_act(user: User | AnonymousUser) -> bool:
    """Whether this operator may do what moves money or states."""
    return bool(user.is_superuser or user.groups.filter(name=CARE).exists())


def actor(view: View) -> View:
    """Only for operators who may act, and only by POST."""

    @operator
    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        if not may_act(request.user):
            raise PermissionDenied(f"this needs the group {CARE}")
        if holding := [name for name, values in request.POST.lists() if "\x00" in "".join(values)]:
            says = f"{', '.join(holding)}: a NUL character, which no text has. Nothing was done; take it out."
            return HttpResponse(says, status=400, content_type="text/plain; charset=utf-8")
        return view(request, *args, **kwargs)

    return guard


def too_many_failures(request: HttpRequest) -> bool:
    return int(cache.get(_throttle_key(request), 0)) >= MOST_FAILURES


def note_failure(request: HttpRequest) -> None:
    key = _throttle_key(request)
    cache.set(key, int(cache.get(key, 0)) + 1, FORGET_S)


def _throttle_key(request: HttpRequest) -> str:
    return f"sign-in:{request.META.get('REMOTE_ADDR', '')}"
