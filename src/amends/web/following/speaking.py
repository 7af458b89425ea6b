"""In which language a public page speaks, without a cookie: `?lang=`, else the browser's, else the installation's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from amends.notices import phrases

View = Callable[..., HttpResponse]


def speaking(view: View) -> View:
    """A view that speaks one language from its beginning to its end."""

    @wraps(view)
    def around(request: HttpRequest, *given: Any, **more: Any) -> HttpResponse:
        with translation.override(_language(request)):
            response = view(request, *given, **more)
            response.headers["Content-Language"] = lang()
        patch_vary_headers(response, ["Accept-Language"])
        return response

    return around


def _language(request: HttpRequest) -> str:
    known = dict(settings.LANGUAGES)
    if (wished := request.GET.get("lang", "")) in known:
        return wished
    if request.headers.get("Accept-Language", "").strip() in ("", "*"):
        ours = settings.AMENDS.company.locale.replace("_", "-").split("-")[0]
        return ours if ours in known else str(settings.LANGUAGE_CODE)
    return translation.get_language_from_request(request)


def lang() -> str:
    return translation.get_language() or "en"


def context(request: HttpRequest) -> dict[str, Any]:
    """The page's language, the others, and how links keep a choice."""
    others = [(code, name) for code, name in settings.LANGUAGES if code != lang()]
    chosen = request.GET.get("lang", "") in dict(settings.LANGUAGES)
    way = "rtl" if translation.get_language_bidi() else "ltr"
    return {"lang": lang(), "dir": way, "languages": others, "q": f"?lang={lang()}" if chosen else ""}


def zone() -> ZoneInfo:
    """The clocks that dates are told by: those of the place."""
    return ZoneInfo(settings.AMENDS.company.time_zone)


def day_of(moment: datetime) -> str:
    """A moment's day in words, by the clocks of the place: 27 November 2026."""
    return phrases.day(moment.astimezone(zone()).date(), lang())
