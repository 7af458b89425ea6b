"""Photos of residents, taken in with the form or ahead of it, and shown: never the file that came."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

import amends.reports.queries
from amends.ground import clock
from amends.reports import album, moderation, photos, places
from amends.reports.geometry import NoPlace, Position
from amends.reports.records import PhotoOf, Refused
from amends.web.report import where
from amends.web.report.limits import TOO_MUCH, too_much
from amends.web.report.senders import address, from_elsewhere
from amends.web.report.speaking import speaking

WHO = "who reported it"
MANY = 60  # photos from one network address within an hour
UNREADABLE = (*TOO_MUCH, MultiPartParserError)
OURS = re.compile(r"[A-Za-z0-9_-]{16,60}")


class TooMany(Exception):
    """More photos from one address than a person takes."""


def take(request: HttpRequest, have: int) -> tuple[tuple[str, ...], Position | None, list[str]]:
    """Keep every good photo of a form; their names, where one of them was taken, and what is wrong with the others."""
    kept: list[str] = []
    wrong: list[str] = []
    at: Position | None = None
    for file in _given(request.FILES.getlist("photo")):
        if have + len(kept) >= settings.AMENDS.map.photos:
            wrong.append(_("At most %(n)s photos belong to a report.") % {"n": settings.AMENDS.map.photos})
            break
        try:
            name, place = _keep(request, file)
        except (photos.NoPhoto, TooMany) as error:
            wrong.append(f"{file.name[:60]}: {says(error)}" if isinstance(error, photos.NoPhoto) else says(error))
        else:
            kept.append(name)
            at = at or place
    return tuple(kept), at, wrong


def _given(files: Iterable[Any]) -> list[Any]:
    return [file for file in files if file.size]


def _keep(request: HttpRequest, file: Any) -> tuple[str, Position | None]:
    now = clock.now()
    if moderation.check(moderation.mark(f"photos {address(request)}"), now, many=MANY) is not None:
        raise TooMany
    if file.size > settings.AMENDS.map.photo_mb * 1_000_000:
        raise photos.NoPhoto("too large")
    made = album.made(file.read())
    return album.put(made, kind="before", who=WHO, now=now), made.position


def says(error: Exception) -> str:
    """Why a photo was not taken, in the resident's language."""
    if isinstance(error, TooMany):
        return _("From here came too many photos within an hour. Send the report without more of them.")
    text = str(error)
    if "large" in text or "MB" in text or "pixels" in text:
        most = settings.AMENDS.map.photo_mb
        return _("this photo is too large; at most %(n)s MB") % {"n": most}
    if "damaged" in text:
        return _("this photo is damaged and cannot be read")
    return _("this is no photo that we can show; please send JPEG, PNG or WebP")


@csrf_exempt  # no cookie speaks for anybody here
@require_http_methods(["POST"])
@speaking
def upload(request: HttpRequest) -> HttpResponse:
    """One photo ahead of its form: its name, and where it was taken if its file says so."""
    if from_elsewhere(request):
        return JsonResponse({"says": _("This form was sent from another site.")}, status=403)
    try:
        file = next(iter(_given(request.FILES.getlist("photo"))), None)
    except UNREADABLE:
        return JsonResponse({"says": too_much()}, status=413)
    if file is None:
        return JsonResponse({"says": _("Choose a photo first.")}, status=422)
    try:
        name, at = _keep(request, file)
    except TooMany as error:
        return JsonResponse({"says": says(error)}, status=429, headers={"Retry-After": "3600"})
    except photos.NoPhoto as error:
        return JsonResponse({"says": says(error)}, status=422)
    return JsonResponse({"name": name} | ({"at": offered(at)} if at else {}), status=201)


def offered(at: Position | None) -> dict[str, Any] | None:
    """A photo's place as it is offered: only where it is one of ours, with the address that lies there."""
    if at is None:
        return None
    try:
        here = places.place(str(at.lat), str(at.long), settings.AMENDS.map, where.known())
    except NoPlace:
        return None
    return {"lat": here.lat, "long": here.long, "address": where.address_at(here)}


@require_http_methods(["GET", "HEAD"])
def photo(request: HttpRequest, name: str, small: bool = False) -> HttpResponse:
    """A photo of a report that everybody may see; one that belongs to no report yet is for whoever knows its name."""
    found = amends.reports.queries.photo(name) if OURS.fullmatch(name) else None
    if found is None or not _shown(found):
        raise Http404
    try:
        data = _small(name) if small else album.path(name).read_bytes()
    except (OSError, Refused):
        raise Http404 from None
    whose = "public, max-age=31536000, immutable" if found.report else "private, max-age=3600"
    headers = {"Cache-Control": whose, "Content-Disposition": "inline", "Cross-Origin-Resource-Policy": "cross-origin"}
    return HttpResponse(data, content_type="image/jpeg", headers=headers)


def _shown(found: PhotoOf) -> bool:
    report = amends.reports.queries.one(found.report) if found.report is not None else None
    return found.visible and (found.report is None or (report is not None and report.visible))


def _small(name: str) -> bytes:
    """The thumbnail, made when it is first asked for."""
    place = album.path(name).with_name(f"{name}.small.jpg")
    if place.exists():
        return place.read_bytes()
    data = photos.thumbnail(album.path(name).read_bytes())
    draft = place.with_suffix(f".{datetime.now(UTC).timestamp():.6f}")
    draft.write_bytes(data)
    draft.replace(place)
    return data
