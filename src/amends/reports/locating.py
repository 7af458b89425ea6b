"""Where a report lies that came with an address alone: only where our own map knows exactly one such house."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings

from amends.reports import places
from amends.reports.addresses import Address
from amends.reports.geometry import NoPlace
from amends.reports.records import Intake
from amends.reports.rules import clean_line

FROM_ADDRESS = "Its place on the map was found by the address."


def placed(intake: Intake) -> tuple[Intake, str]:
    """A report with the place of the one house that its address means, and what is said of that; else as it came."""
    thing = intake.asset and places.in_use(settings.AMENDS.directory).asset(intake.asset)
    found = of_address(intake.address) if intake.lat is None and not thing else None
    if found is None:
        return intake, ""
    at, zipcode = found.position, intake.zipcode or found.postcode
    return replace(intake, lat=at.lat, long=at.long, zipcode=zipcode), FROM_ADDRESS


def of_address(text: str) -> Address | None:
    """The house that an address means; None where the map knows none or several, or where it lies outside."""
    known = places.in_use(settings.AMENDS.directory)
    found = known.only(clean_line(text, 400)) if text else None
    if found is None:
        return None
    try:
        places.place(str(found.position.lat), str(found.position.long), settings.AMENDS.map, known)
    except NoPlace:
        return None
    return found
