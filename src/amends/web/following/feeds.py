"""Atom (RFC 4287) and RSS 2.0 of public reports: all of them, one, a category, an area, around a place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed, SyndicationFeed
from django.utils.html import escape
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

import amends.reports.queries
from amends.ground.moments import EPOCH
from amends.notices.digest_words import Names
from amends.reports import following
from amends.reports.follows import RADII_M, Item, What, Wish
from amends.reports.geometry import NoPlace, position
from amends.reports.records import Move
from amends.reports.rules import clean
from amends.web.following import asking, speaking
from amends.web.following.views import names_of

ENTRIES_MOST = 50
REPORTS_LOOKED_AT = 100  # the newest entries belong to the reports that changed last


class _Steady(SyndicationFeed):
    """The moment of a feed is that of its newest entry, never that of the reading: until then its mark is the same."""

    def latest_post_date(self) -> datetime:
        return max((item["updateddate"] for item in self.items), default=EPOCH.replace(tzinfo=UTC))


class _Atom(_Steady, Atom1Feed):
    pass


class _Rss(_Steady, Rss201rev2Feed):
    pass


FORMS = {"atom": (_Atom, "application/atom+xml"), "rss": (_Rss, "application/rss+xml")}


@speaking.speaking
@require_safe
def everything(request: HttpRequest, form: str) -> HttpResponse:
    return _feed(request, form, None, _("All reports"), "/reports")


@speaking.speaking
@require_safe
def report(request: HttpRequest, number: int, form: str) -> HttpResponse:
    found = amends.reports.queries.one(number)
    if found is None or not found.visible:
        raise Http404
    return _feed(request, form, Wish(What.REPORT, report=number), "", f"/reports/{number}")


@speaking.speaking
@require_safe
def category(request: HttpRequest, code: str, form: str) -> HttpResponse:
    if code not in asking.catalogue().categories:
        raise Http404
    return _feed(request, form, Wish(What.CATEGORY, category=code), "", f"/reports?{urlencode({'category': code})}")


@speaking.speaking
@require_safe
def area(request: HttpRequest, code: str, form: str) -> HttpResponse:
    if code not in {one.code for one in asking.areas()}:
        raise Http404
    return _feed(request, form, Wish(What.AREA, area=code), "", f"/reports?{urlencode({'area': code})}")


@speaking.speaking
@require_safe
def place(request: HttpRequest, place: str, form: str) -> HttpResponse:
    """Around `lat,long,metres`."""
    parts = place.split(",")
    try:
        here = position(parts[0], parts[1])
        metres = int(parts[2])
    except (NoPlace, ValueError, IndexError, TypeError):
        metres = 0
    if len(parts) != 3 or not 0 < metres <= max(RADII_M):
        says = f"a place is lat,long,metres such as 48.41,15.6,500; at most {max(RADII_M)} metres\n"
        return HttpResponseBadRequest(says, content_type="text/plain; charset=utf-8")
    return _feed(request, form, Wish(What.PLACE, lat=here.lat, long=here.long, radius_m=metres), "", "/reports")


def _feed(request: HttpRequest, form: str, wish: Wish | None, title: str, page: str) -> HttpResponse:
    if form not in FORMS:
        raise Http404
    names, (kind, mime) = names_of(), FORMS[form]
    entries = _entries(following.latest(wish, REPORTS_LOOKED_AT))
    title = title or names.wish(wish) if wish else title
    made = kind(
        title=_text(f"{names.company}: {title}"),
        link=f"{names.url}{page}",
        description=_text(title),
        language=names.lang,
        author_name=_text(names.company),
        feed_url=f"{names.url}{request.get_full_path()}",
        feed_guid=_tag(request.path.rpartition(".")[0].strip("/")),
        ttl=30,
    )
    for item, move in entries:
        made.add_item(**_entry(names, item, move))
    return _answer(request, made.writeString("utf-8").encode(), mime, made.latest_post_date())


def _entries(items: Sequence[Item]) -> list[tuple[Item, Move]]:
    """The newest moves, each with its report as it stood then."""
    every = [
        (Item(**{**vars(item), "moves": (move,), "state": move.state}), move) for item in items for move in item.moves
    ]
    return sorted(every, key=lambda one: -one[1].number)[:ENTRIES_MOST]


def _then(item: Item, move: Move) -> Item:
    return Item(**{**vars(item), "moves": (move,), "state": move.state})


def _entry(names: Names, item: Item, move: Move) -> dict[str, Any]:
    said = names.happened(item)
    parts = [said, move.words]
    return {
        "title": _text(f"{names.title(item)} ({item.number}): {said}"),
        "link": names.link(item),
        "description": "<br>".join(escape(_text(part)).replace("\n", "<br>") for part in parts if part),
        "unique_id": _tag(f"reports/{item.number}/{move.number}"),
        "unique_id_is_permalink": False,
        "pubdate": move.at.astimezone(UTC),
        "updateddate": move.at.astimezone(UTC),
        "author_name": None,
        "categories": (_text(names.category(item.category)),),
    }


def _tag(what: str) -> str:
    """An id that stays the same for ever (RFC 4151), as long as `web.public_url` keeps its host."""
    return f"tag:{urlsplit(settings.AMENDS.public_url).hostname or 'localhost'},2026:{quote(what, safe='/,')}"


def _text(text: str) -> str:
    return clean(text, 4000)


def _answer(request: HttpRequest, body: bytes, mime: str, latest: datetime) -> HttpResponse:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type=f"{mime}; charset=utf-8")
    told = {"ETag": etag, "Last-Modified": http_date(latest.timestamp()), "Cache-Control": "public, max-age=300"}
    for name, value in (told | {"Access-Control-Allow-Origin": "*"}).items():
        response.headers[name] = value
    answer = get_conditional_response(request, etag, int(latest.timestamp()), response)
    return answer if isinstance(answer, HttpResponse) else response
