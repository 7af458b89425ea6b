"""The queue on a map: each report by how its promise stands, or, where there are many, how many stand together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.gzip import gzip_page

from amends.ground import clock
from amends.reports import queueing
from amends.reports.geometry import NoPlace, box, point_feature
from amends.reports.queueing import Queue
from amends.web.desk.access import operator
from amends.web.desk.names import names
from amends.web.desk.reports import Shown, asked_for, shown

SINGLY = 300  # so many at most are drawn one by one
CELL_PX = 72
DEEPEST = 22


@operator
@gzip_page
def pins(request: HttpRequest) -> JsonResponse:
    """What the same filters leave of a box, as GeoJSON: reports, or counts of those that stand close together."""
    try:
        view = box(request.GET.get("bbox", ""))
        zoom = max(0, min(int(request.GET.get("zoom", "")), DEEPEST))
    except (NoPlace, ValueError):
        return JsonResponse({"says": "bbox=west,south,east,north and zoom are needed"}, status=400)
    seen = queueing.within(asked_for(request), (view.west, view.south, view.east, view.north))
    return JsonResponse({"type": "FeatureCollection", "features": list(_features(seen, zoom))})


def _features(seen: Queue, zoom: int) -> Iterator[dict[str, Any]]:
    now, known = clock.now(), names()
    if queueing.total(seen, now) <= SINGLY:
        for one in queueing.page(seen, now, SINGLY):
            yield _one(shown(one, known, now))
    else:
        for spot in queueing.spots(seen, now, 360.0 * CELL_PX / (256 * 2**zoom)):
            yield point_feature(spot.lat, spot.long, count=spot.count, standing=spot.worst)


def _one(one: Shown) -> dict[str, Any]:
    report = one.report
    told = {"number": report.number, "category": one.category, "state": report.state, "standing": one.standing}
    return point_feature(report.lat, report.long, **told, address=report.address or report.asset)
