"""What the form, the look before sending and their headers are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from amends.reports.catalogue import Attribute, Category, Datatype, in_language
from amends.reports.geometry import box
from amends.reports.places import Asset
from amends.reports.records import Privacy
from amends.web import headers
from amends.web.report import promising, where
from amends.web.report.checking import Checked, catalogue
from amends.web.report.drafts import ANSWER
from amends.web.report.speaking import called, lang, metres
from amends.web.report.where import things_near

FIRST_ZOOM = 15


def page_headers(response: HttpResponse) -> HttpResponse:
    """Fresh at every visit, but kept by the browser for going back; this page alone may ask where the phone is."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(self), microphone=()"
    return response


def with_policy(response: HttpResponse) -> HttpResponse:
    """The house's content policy, wider by a service worker, previews of photos, and the tile server that is set."""
    tiles = urlsplit(settings.AMENDS.map.tiles)
    host = f" {tiles.scheme}://{tiles.netloc.replace('{s}', '*')}" if tiles.netloc else ""
    policy = headers.POLICY.replace("img-src 'self' data:", f"img-src 'self' data: blob:{host}")
    response.headers["Content-Security-Policy"] = f"{policy}; worker-src 'self'; manifest-src 'self'"
    return response


def asked(found: Checked, request: HttpRequest) -> dict[str, Any]:
    """What the form shows: the draft, what can be reported, what is asked about it, and what is wrong."""
    problems = {problem.field: problem.says for problem in found.problems}
    return {
        "draft": found.draft,
        "category": found.category,
        "groups": groups(found.draft.category),
        "questions": questions(found.category, found.draft.answers, problems),
        "spot": found.spot,
        "things": things(found),
        "problems": found.problems,
        "wrong": problems,
        "privacies": list(Privacy),
        "map": map_data(),
        "most_photos": settings.AMENDS.map.photos,
    }


def things(found: Checked) -> list[tuple[Asset, str]]:
    """What can be picked around the place of a draft, and how far each is."""
    return [(one, metres(one.metres)) for one in things_near(found.category, found.spot.position)]


def groups(chosen: str) -> list[tuple[str, list[dict[str, Any]]]]:
    """Categories under the names of their groups, in the order of the file; those without one come last."""
    found: dict[str, list[dict[str, Any]]] = {}
    for category in catalogue().categories.values():
        found.setdefault(in_language(category.group, lang()), []).append(
            {
                "code": category.code,
                "name": called(category),
                "says": in_language(category.description, lang()),
                "words": " ".join(category.keywords),
                "chosen": category.code == chosen,
                "assets": category.assets,
                "asks": bool(category.attributes),
            }
        )
    alone = found.pop("", [])
    if not alone:
        return list(found.items())
    return [*found.items(), (_("Something else") if found else "", alone)]


def questions(
    category: Category | None, answers: Mapping[str, Sequence[str]], wrong: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The questions of a category as fields with what was answered so far."""
    return [
        _question(one, list(answers.get(one.code, ())), wrong.get(f"{ANSWER}{one.code}", ""))
        for one in (category.attributes if category else ())
    ]


def _question(one: Attribute, given: list[str], wrong: str) -> dict[str, Any]:
    return {
        "id": f"{ANSWER}{one.code}",
        "says": in_language(one.description, lang()) or one.code,
        "hint": in_language(one.hint, lang()),
        "kind": one.datatype.value if one.variable else "words",
        "required": one.required,
        "value": given[0] if given else "",
        "values": [(each.key, in_language(each.name, lang()) or each.key, each.key in given) for each in one.values],
        "many": len(one.values) > 7 and one.datatype is Datatype.SINGLE,
        "wrong": wrong,
    }


def summary(found: Checked) -> dict[str, Any]:
    """What is about to be sent, line by line, and what we would promise."""
    draft, category = found.draft, found.category
    answered = dict(found.intake.answers) if found.intake else {}
    lines = []
    for one in category.attributes if category else ():
        names = {value.key: in_language(value.name, lang()) or value.key for value in one.values}
        if values := answered.get(one.code):
            lines.append((in_language(one.description, lang()) or one.code, ", ".join(names.get(v, v) for v in values)))
    return {
        "draft": draft,
        "what": called(category, draft.category),
        "spot": found.spot,
        "description": found.intake.description if found.intake else draft.description,
        "lines": lines,
        "anonymous": draft.privacy is Privacy.ANONYMOUS,
        "named": draft.privacy is Privacy.NAMED,
        "due": promising.would_be_due(found),
    }


def map_data() -> dict[str, Any]:
    """What the script needs to draw the map."""
    given, known = settings.AMENDS.map, where.known()
    bounds = box(given.bounds) if given.bounds else known.bounds
    centre = (given.lat, given.long) if given.lat or given.long else None
    if centre is None and bounds is not None:
        centre = (bounds.middle.lat, bounds.middle.long)
    if centre is None and not given.tiles:
        return {}
    lat, long = centre or (0.0, 0.0)
    return {
        "lat": lat,
        "long": long,
        "zoom": given.zoom or FIRST_ZOOM,
        "bounds": [bounds.west, bounds.south, bounds.east, bounds.north] if bounds else None,
        "tiles": given.tiles,
        "attribution": " · ".join(filter(None, dict.fromkeys((known.attribution, given.attribution)))),
        "layers": reverse("report-map", args=[0, 0, 0]).replace("0/0/0", "{z}/{x}/{y}"),
        "things": reverse("report-things", args=["LAYER"]),
        "pins": reverse("reports-pins"),
        "card": f"{reverse('reports-cards')}?lang={lang()}",
    }
