"""What there is to report, and where: discovery, the list of services and their definitions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from amends.reports import categories, places
from amends.reports.catalogue import Attribute, Catalogue, Category, in_language
from amends.reports.geometry import NoPlace, Position, position
from amends.web.open311.refusing import refuse
from amends.web.open311.writing import answer

GEOREPORT = "http://wiki.open311.org/GeoReport_v2"
BULK = "http://wiki.open311.org/GeoReport_Bulk_v1"
BASE = "/open311/v2"


def catalogue() -> Catalogue:
    return categories.in_use(settings.AMENDS.directory)


def locale(request: HttpRequest) -> str:
    """The language asked for as `locale=de`, else the company's."""
    return request.GET.get("locale", "").strip()[:20] or settings.AMENDS.company.locale


def discovery(request: HttpRequest, form: str) -> HttpResponse:
    """Where the endpoints are; a newer changeset tells clients to fetch services and definitions again."""
    since, base = _changed(), f"{settings.AMENDS.public_url}{BASE}"
    both, company = ["text/xml", "application/json"], settings.AMENDS.company
    kind = settings.AMENDS.open311.kind
    ends = [(GEOREPORT, base, both), (BULK, f"{base}/bulk", [*both, "text/csv"])]
    endpoints = [
        {"specification": spec, "url": url, "changeset": since, "type": kind, "formats": formats}
        for spec, url, formats in ends
    ]
    contact = ", ".join(filter(None, (company.name, company.contact_email, company.contact_phone)))
    found = {
        "changeset": since,
        "contact": contact,
        "key_service": f"Write to {company.contact_email or company.name} for an api_key.",
        "endpoints": endpoints,
    }
    return answer("discovery", found, form)


def _changed() -> str:
    """When what can be reported changed last: the file's own time."""
    file = Path(catalogue().file or settings.AMENDS.directory / "amends.toml")
    try:
        at = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
    except OSError:
        at = datetime(2026, 1, 1, tzinfo=UTC)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def services(request: HttpRequest, form: str) -> HttpResponse:
    """What can be reported, everywhere or at a place."""
    spoken, known = locale(request), catalogue().categories.values()
    here = _here(request)
    return answer("services", [_service(each, spoken) for each in known if here is None or offered(each, here)], form)


def _here(request: HttpRequest) -> Position | None:
    lat, long = request.GET.get("lat", "").strip(), request.GET.get("long", "").strip()
    if not lat and not long:
        return None
    try:
        return position(lat, long)
    except NoPlace as error:
        raise refuse(400, error.says) from error


def offered(category: Category, here: Position) -> bool:
    """Whether this can be reported at a place: everywhere, or within the areas that the catalogue names."""
    found = places.in_use(settings.AMENDS.directory).areas().at(here) if category.areas else []
    return not category.areas or any(each.area.code in category.areas for each in found)


def _service(category: Category, spoken: str) -> dict[str, Any]:
    return {
        "service_code": category.code,
        "service_name": in_language(category.name, spoken),
        "description": in_language(category.description, spoken) or None,
        "metadata": bool(category.attributes),
        "type": category.type.value,
        "keywords": ", ".join(category.keywords) or None,
        "group": in_language(category.group, spoken) or None,
    }


def definition(request: HttpRequest, form: str, code: str) -> HttpResponse:
    """The questions of a service; a service without questions has an empty list of them."""
    category = catalogue().categories.get(code)
    if category is None:
        raise refuse(404, "service_code is not known here; services lists what is")
    spoken = locale(request)
    asked = [_attribute(each, order, spoken) for order, each in enumerate(category.attributes, 1)]
    return answer("service_definition", {"service_code": category.code, "attributes": asked}, form)


def _attribute(attribute: Attribute, order: int, spoken: str) -> dict[str, Any]:
    found = {
        "variable": attribute.variable,
        "code": attribute.code,
        "datatype": attribute.datatype.value,
        "required": attribute.required and attribute.variable,
        "datatype_description": in_language(attribute.hint, spoken) or None,
        "order": order,
        "description": in_language(attribute.description, spoken) or None,
    }
    if attribute.values:
        found["values"] = [{"key": each.key, "name": in_language(each.name, spoken)} for each in attribute.values]
    return found
