"""The service worker that keeps the form at hand without a network, and what a phone's home screen asks."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amends.web.report.speaking import context, speaking

STATIC = Path(__file__).resolve().parent.parent / "static"
MODULES = (  # what report.js imports, and those import: named on the page, they come all at once
    *("report/waiting.js", "report/keeping.js", "report/photos.js", "report/exif.js"),
    *("report/placing.js", "report/finding.js", "report/map.js", "report/drawing.js"),
)
SHELL = (
    *("amends.css", "theme.js", "icon.svg", "report/report.css", "report/report.js", "report/queue.js"),
    *MODULES,
)
MORE = ("vendor/leaflet/leaflet.js", "vendor/leaflet/leaflet.css")  # the form does without them


@require_http_methods(["GET", "HEAD"])
def worker(request: HttpRequest) -> HttpResponse:
    """The worker for /report, with the shell that it keeps; a changed file makes it a new one."""
    given = {
        "VERSION": _digest(),
        "SHELL": [static(name) for name in SHELL],
        "MORE": [static(name) for name in MORE],
        "QUEUE": static("report/queue.js"),
    }
    head = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
    body = head + (STATIC / "report" / "sw.js").read_text("utf-8")
    headers = {"Service-Worker-Allowed": "/report", "Cache-Control": "no-cache"}
    return HttpResponse(body, content_type="text/javascript; charset=utf-8", headers=headers)


@lru_cache(1)
def _digest() -> str:
    found = hashlib.blake2b(digest_size=8)
    for name in (*SHELL, *MORE, "report/sw.js"):
        found.update((STATIC / name).read_bytes() if (STATIC / name).exists() else b"")
    return found.hexdigest()


@require_http_methods(["GET", "HEAD"])
@speaking
def manifest(request: HttpRequest) -> HttpResponse:
    """So that the form can lie on a phone's home screen."""
    name = settings.AMENDS.company.name
    told = {
        "name": f"{_('Report what is broken')} · {name}",
        "short_name": name[:12],
        "lang": context(request)["lang"],
        "dir": context(request)["dir"],
        "start_url": reverse("report") + context(request)["q"],
        "scope": "/report",
        "display": "minimal-ui",
        "icons": [{"src": static("icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    return JsonResponse(told, content_type="application/manifest+json")
