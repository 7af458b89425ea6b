"""The desk's reports: one queue by promise at risk, each report with its story, and what needs a look. Reading only."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

import amends.customers.queries
import amends.reports.queries
from amends.ground import clock
from amends.promises import calendars
from amends.reports import album, crews, moderation, places, queueing, rehearsing, routing, routing_files
from amends.reports.catalogue import answered, in_language
from amends.reports.queueing import Queue, Standing
from amends.reports.records import Filter, Move, Order, Refused, Report, State
from amends.reports.rules import MOVES, NEEDS_WORDS, SEVERITIES
from amends.web.desk.access import operator
from amends.web.desk.names import Names, names
from amends.web.desk.pages import page
from amends.web.report.pages import map_data, with_policy

PAGE = 50
KEYS = ("q", "category", "area", "body", "crew", "state", "standing", "mine", "order")
FIELDS = (("category", "Category"), ("area", "Area"), ("body", "Body"), ("crew", "Crew"), ("state", "State"))

# What stands in a dot on the map, beside its colour.
MARKS = {
    Standing.LATE: "!",
    Standing.AT_RISK: "?",
    Standing.RUNNING: "",
    Standing.PAUSED: "=",
    Standing.WITHOUT: "–",
    Standing.OVER: "✓",
}


@dataclass(frozen=True)
class Shown:
    """A report as a row of the queue."""

    report: Report
    category: str
    standing: Standing
    area: str
    crew: str  # or the body, where no crew has it


@operator
def reports(request: HttpRequest) -> HttpResponse:
    """The queue: what is most at risk first; filters narrow it and stay in the address."""
    now, asked = clock.now(), asked_for(request)
    number = _page(request)
    found = queueing.page(asked, now, PAGE + 1, (number - 1) * PAGE, order(request))
    known = names()
    context = {
        "rows": [shown(report, known, now) for report in found[:PAGE]],
        "counts": queueing.counts(asked, now),
        "standings": [(one.value, one.name.lower()) for one in Standing if one is not Standing.RUNNING],
        "given": {key: request.GET.get(key, "") for key in KEYS},
        "choices": choices(known),
        "older": _link(request, page=number + 1) if len(found) > PAGE else "",
        "newer": _link(request, page=number - 1) if number > 1 else "",
        "query": _link(request),
        "map": _map(request),
        "marks": MARKS.items(),
        "moves": _all_moves(),
        "fields": FIELDS,
        "orders": [one.value for one in Order if one is not Order.RISK],
    }
    return with_policy(page(request, "reports", "reports", **context))


def _map(request: HttpRequest) -> dict[str, Any]:
    """What the map's script needs; empty where there is nothing to draw a map of."""
    known = map_data()
    more = {"pins": reverse("desk-reports-pins"), "query": _link(request), "marks": MARKS}
    return known | more if known else {}


def asked_for(request: HttpRequest) -> Queue:
    """What the filters of an address ask for; what is no choice of ours narrows nothing."""
    get = request.GET.get
    state, standing = get("state", ""), get("standing", "")
    states = [State(state)] if state in list(State) else None
    over = standing == Standing.OVER or (states is not None and not states[0].is_open)
    words = get("q", "").strip()[:200]
    wanted = Filter(
        numbers=[int(words[:18])] if words.isascii() and words.isdecimal() else None,
        categories=[get("category", "")] if get("category") else None,
        areas=[get("area", "")] if get("area") else None,
        bodies=[get("body", "")] if get("body") else None,
        crews=[get("crew", "")] if get("crew") else None,
        states=states,
        open=None if standing == Standing.HIDDEN else not over,
        words=words,
        hidden_too=True,
    )
    known = Standing(standing) if standing in list(Standing) else None
    return Queue(wanted, request.user.get_username() if get("mine") else "", known)


def order(request: HttpRequest) -> Order:
    """What an address asks to come first."""
    given = request.GET.get("order", "")
    return Order(given) if given in list(Order) else Order.RISK


def _page(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    return min(int(number), 100_000) if number.isascii() and number.isdecimal() and int(number[:9]) else 1


def _link(request: HttpRequest, **more: object) -> str:
    query = QueryDict(mutable=True)
    query.update({key: request.GET[key] for key in KEYS if request.GET.get(key)} | {k: str(v) for k, v in more.items()})
    return query.urlencode()


def shown(report: Report, known: Names, now: datetime) -> Shown:
    at_work = known.crew(report.crew) if report.crew else known.body(report.body)
    standing = queueing.standing(report, now)
    return Shown(report, known.category(report.category), standing, known.area(report.area), at_work)


def choices(known: Names) -> dict[str, Sequence[tuple[str, str]]]:
    """What can be chosen in forms: (code, name)."""
    values = queueing.values()
    bodies = known.catalogue.bodies
    return {
        "category": [(code, known.category(code)) for code in known.catalogue.categories],
        "body": [(code, known.body(code)) for code in bodies],
        "crew": [(crew, known.crew(crew)) for one in bodies.values() for crew in one.crews],
        "area": [(code, known.area(code)) for code in sorted({*values["area"], *known.areas})],
        "state": [(state.value, state.value) for state in State],
        "severity": [(one, one) for one in SEVERITIES],
        "assignee": [(one, one) for one in values["assignee"]],
    }


def _all_moves() -> list[str]:
    reachable = {after for before in State if before.is_open for after in MOVES[before]}
    return [state.value for state in State if state in reachable | {State.REOPENED}]


@operator
def report(request: HttpRequest, number: int) -> HttpResponse:
    """One report: what was said and done, what was promised, and what can be done next."""
    found = one_or_404(number)
    now, known = clock.now(), names()
    category = known.catalogue.categories.get(found.category)
    near = []
    if found.lat is not None and found.long is not None:
        near = [one for one in amends.reports.queries.nearby(found.lat, found.long, 250) if one.report.number != number]
    context = {
        "one": shown(found, known, now),
        "body": known.body(found.body),
        "crew": known.crew(found.crew),
        "report": found,
        "category": category,
        "answers": answered(category, found.answers, "en"),
        "customer": amends.customers.queries.by_id([found.customer_id]).get(found.customer_id),
        "history": _history(number, known),
        "promises": amends.reports.queries.promises_of(number),
        "pauses": amends.reports.queries.pauses_of(number),
        "photos": amends.reports.queries.photos_of([number], hidden_too=True).get(number, []),
        "redactions": moderation.redactions_of(number),
        "asked": amends.reports.queries.asked(number),
        "followers": amends.reports.queries.followers_of(number),
        "moves": moves_of(found),
        "templates": _templates(category, found.locale),
        "choices": choices(known),
        "near": [(one, known.category(one.report.category)) for one in near[:8]],
        "now": now,
        "mark": secrets.token_hex(12),
    }
    return page(request, "report", "reports", **context)


def _history(number: int, known: Names) -> list[tuple[Move, str, list[tuple[str, object]]]]:
    """Each move, who made it, and what was there before, in names."""
    moves = amends.reports.queries.history([number], public_only=False).get(number, [])
    return [
        (m, known.who(m.who), [(name, known.value(name, was)) for name, was in sorted(m.was.items())]) for m in moves
    ]


def one_or_404(number: int) -> Report:
    found = amends.reports.queries.one(number)
    if found is None:
        raise Http404("no such report")
    return found


def moves_of(report: Report) -> list[tuple[str, bool]]:
    """The moves that this report may make now, and whether each needs words."""
    return [(state.value, state in NEEDS_WORDS) for state in State if state in MOVES[report.state]]


def _templates(category: Any, locale: str) -> list[tuple[str, str, str]]:
    """Standard texts of the category: code, text in the resident's language, and as staff read it."""
    given = category.templates.items() if category else ()
    return [(code, in_language(words, locale or "en"), in_language(words, "en")) for code, words in given]


@operator
def photo(request: HttpRequest, name: str) -> HttpResponse:
    """A photo of a report, also where it is hidden."""
    found = amends.reports.queries.photo(name)
    try:
        data = album.path(name).read_bytes() if found else None
    except (OSError, Refused):
        data = None
    if data is None:
        raise Http404("no such photo")
    return HttpResponse(data, content_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@operator
def looking(request: HttpRequest) -> HttpResponse:
    """What waits for a look, bans, and what was moderated lately."""
    now, known = clock.now(), names()
    context = {
        "waiting": [shown(one, known, now) for one in moderation.waiting()],
        "bans": moderation.bans(now),
        "log": moderation.log(100),
    }
    return page(request, "report_moderation", "reports", **context)


@operator
def crew_links(request: HttpRequest) -> HttpResponse:
    """Every crew with its link."""
    known = names()
    bodies = known.catalogue.bodies.items()
    rows = [(known.body(at), crew, known.crew(crew), crews.link(crew)) for at, body in bodies for crew in body.crews]
    return page(request, "report_crews", "reports", rows=rows)


@operator
def rules(request: HttpRequest) -> HttpResponse:
    """The rules of routing, what is wrong with them, and what a draft would change over last year's reports."""
    directory, draft = settings.AMENDS.directory, request.POST.get("draft", "")
    in_force = routing.in_use(directory, settings.AMENDS.company.time_zone)
    known = names()
    mistakes: list[Any] = []
    rehearsal = None
    if request.method == "POST":
        new_rules, mistakes = routing_files.from_text(
            draft, known.catalogue, places.in_use(directory), calendars.in_use(directory).values()
        )
        if new_rules is not None:
            router = routing.bound(new_rules, directory, settings.AMENDS.company.time_zone)
            since = clock.now() - timedelta(days=365)
            rehearsal = rehearsing.rehearse(since, in_force, router, routing.bodies_of(known.catalogue))
    else:
        path = directory / routing_files.FILE
        draft = path.read_text("utf-8", "replace") if path.exists() else "rules:\n"
    context = {"draft": draft, "mistakes": mistakes, "rules": in_force.routing.rules, "rehearsal": rehearsal}
    if rehearsal:
        context["changes"] = [(one, known.way(*one.before), known.way(*one.after)) for one in rehearsal.changes]
        context["by_rule"] = [
            (rule, known.body(body), known.crew(crew), n) for rule, body, crew, n in rehearsal.by_rule
        ]
    return page(request, "report_rules", "reports", **context)
