"""What would be promised if this were sent now: said before anybody sends it."""

from __future__ import annotations

from django.conf import settings

from amends.ground import clock
from amends.promises import calendars, files, repairs
from amends.web.report import where
from amends.web.report.checking import Checked
from amends.web.report.speaking import due


def would_be_due(found: Checked) -> str:
    """By when, in words; "" where there is honestly no target."""
    if found.category is None:
        return ""
    spot, directory = found.spot.position, settings.AMENDS.directory
    area = where.known().area_of(spot.lat, spot.long) or "" if spot else ""
    given, promises = calendars.in_use(directory), files.repairs_in_use(directory)
    kind = {"category": found.category.code, "area": area, "severity": ""}
    try:
        promised = repairs.promised_by(promises, **kind, received_at=clock.now(), calendars=given)
    except (repairs.UnknownCalendar, calendars.NeverOpen):
        return ""
    return due(promised.due_at) if promised else ""
