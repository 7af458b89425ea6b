"""What the page's script asks while somebody fills in the form: addresses, what lies near a pin, and the map itself."""

from __future__ import annotations

import math
import os

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import quote_etag
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods

from amends.ground.ids import derive
from amends.reports.geometry import Box, NoPlace, box
from amends.web.report import nearby, where
from amends.web.report.checking import catalogue, check
from amends.web.report.drafts import read
from amends.web.report.pages import questions, things
from amends.web.report.speaking import context, speaking

LAYERS = ("land", "buildings", "streets")  # as they lie on each other
BUILDINGS_FROM = 14  # farther off they are not drawn
MOST = 4_000
MOST_THINGS = 600
LONGEST = 200


@require_http_methods(["GET", "HEAD"])
@speaking
def search(request: HttpRequest) -> HttpResponse:
    """Addresses for what has been typed so far."""
    found = where.known().search(request.GET.get("text", "")[:LONGEST], where.MOST)
    told = [
        {"text": one.address.text, "lat": one.address.position.lat, "long": one.address.position.long} for one in found
    ]
    return JsonResponse({"found": told})


@gzip_page
@require_http_methods(["GET", "HEAD"])
@speaking
def around(request: HttpRequest) -> HttpResponse:
    """What is known of a pin: its address, the things to pick there, and what is reported near it, as a page's part."""
    found = check(read(request.GET))
    more = {
        "spot": found.spot,
        "things": things(found),
        "draft": found.draft,
        "near": nearby.around(found),
    }
    return render(request, "report/_around.html", context(request) | more)


@require_http_methods(["GET", "HEAD"])
@speaking
def asked(request: HttpRequest, code: str) -> HttpResponse:
    """The questions of a category, as a page's part."""
    category = catalogue().categories.get(code)
    if category is None:
        raise Http404
    return render(request, "report/_questions.html", {"questions": questions(category, {}, {}), "category": category})


@gzip_page
@require_http_methods(["GET", "HEAD"])
def standing(request: HttpRequest, layer: str) -> HttpResponse:
    """The things with numbers in a box of the map, of a layer that some category lets people choose from."""
    if layer not in {category.assets for category in catalogue().categories.values() if category.assets}:
        raise Http404
    try:
        view = box(request.GET.get("bbox", ""))
    except NoPlace:
        return JsonResponse({"says": "bbox=west,south,east,north is needed"}, status=400)
    body = where.known().geojson(layer, view, MOST_THINGS)
    return HttpResponse(body, content_type="application/geo+json", headers={"Cache-Control": "public, max-age=300"})


@gzip_page
@require_http_methods(["GET", "HEAD"])
def piece(request: HttpRequest, z: int, x: int, y: int) -> HttpResponse:
    """A square of the map as GeoJSON, one collection a layer: kept by browsers until a layer's file changes."""
    known = where.known()
    etag = quote_etag(derive("map", *(_version(known.layers[name].file) for name in LAYERS if name in known.layers)))
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304)
    if not 10 <= z <= 20 or not (0 <= x < 2**z and 0 <= y < 2**z):
        raise Http404
    found = [
        b'"%s":%s' % (name.encode(), known.geojson(name, _box(z, x, y), MOST))
        for name in LAYERS
        if name != "buildings" or z >= BUILDINGS_FROM
    ]
    body = b"{%s}" % b",".join(found)
    headers = {"Cache-Control": "public, max-age=86400", "ETag": etag}
    return HttpResponse(body, content_type="application/geo+json", headers=headers)


def _version(file: str) -> str:
    try:
        seen = os.stat(file)
    except OSError:
        return file
    return f"{file} {seen.st_mtime_ns} {seen.st_size}"


def _box(z: int, x: int, y: int) -> Box:
    return Box(_long(z, x), _lat(z, y + 1), _long(z, x + 1), _lat(z, y))


def _long(z: int, x: int) -> float:
    return x / float(2**z) * 360 - 180


def _lat(z: int, y: int) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / float(2**z)))))
