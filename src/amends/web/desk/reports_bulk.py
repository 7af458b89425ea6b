"""Many reports at once: first what will happen to each, then doing it; what fails is named, the rest goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

import amends.reports.queries
from amends.ground import clock
from amends.reports import categories, steps
from amends.reports.catalogue import in_language
from amends.reports.records import Refused, Report, State
from amends.reports.rules import check_move
from amends.web.desk.access import actor
from amends.web.desk.names import names
from amends.web.desk.pages import page
from amends.web.desk.reports_acting import known, state

MOST = 200
UNDO_S = 60
SALT = "amends.desk.undo"


@dataclass(frozen=True)
class Wish:
    """What is to be done to all of them."""

    do: str  # move, say, assign, route
    to: State | None = None
    words: str = ""
    news: tuple[tuple[str, str], ...] = ()
    template: str = ""

    @property
    def says(self) -> str:
        given = ", ".join(f"{name}: {value or 'nobody'}" for name, value in self.news)
        return {"move": f"becomes {self.to}", "say": "is told the words"}.get(self.do, f"gets {given}")


@actor
def bulk(request: HttpRequest) -> HttpResponse:
    """The summary of what will happen; once it is confirmed, it happens."""
    try:
        wish, numbers = _wish(request), _numbers(request)
    except Refused as wrong:
        messages.error(request, f"Not done: {wrong}.")
        return redirect(_back(request))
    found = amends.reports.queries.by_numbers(numbers)
    plan = [(number, found.get(number), _hindrance(found.get(number), wish)) for number in numbers]
    if request.POST.get("sure") != "yes":
        context = {"plan": plan, "wish": wish, "post": request.POST, "back": _back(request)}
        known = names()
        context["news"] = [(name, known.value(name, value)) for name, value in wish.news]
        context["ready"] = sum(not why for _, _, why in plan)
        return page(request, "report_bulk", "reports", **context)
    return _do(request, wish, [(number, found.get(number)) for number in numbers])


def _do(request: HttpRequest, wish: Wish, wanted: Sequence[tuple[int, Report | None]]) -> HttpResponse:
    who, now = str(request.user.get_username()), clock.now()
    undo: list[dict[str, Any]] = []
    done, failed = 0, []
    for number, before in wanted:
        try:
            _one(number, before, wish, who, now)
        except Refused as wrong:
            failed.append(f"{number}: {wrong}")
            continue
        done += 1
        if before is not None and (way := _way_back(before, wish)):
            undo.append(way)
    if failed:
        messages.error(request, "Not done for " + "; ".join(failed) + ".")
    messages.success(request, f"Done for {done} report{'' if done == 1 else 's'}.")
    if undo:
        request.session["reports-undo"] = signing.dumps(undo, salt=SALT)
    return redirect(_back(request))


def _one(number: int, before: Report | None, wish: Wish, who: str, now: datetime) -> None:
    if before is None:
        raise Refused("there is no such report")
    if wish.do in ("move", "say"):
        words = _words(before, wish)
        steps.move(number, wish.to or before.state, who=who, now=now, words=words)
    else:
        steps.change(number, who=who, now=now, public=False, **dict(wish.news))


def _words(report: Report, wish: Wish) -> str:
    """The words, or the standard text of this report's category in the language of who reported it."""
    if not wish.template:
        return wish.words
    category = categories.in_use(settings.AMENDS.directory).categories.get(report.category)
    if category is None or wish.template not in category.templates:
        raise Refused(f"its category has no standard text {wish.template!r}")
    return in_language(category.templates[wish.template], report.locale or "en")


def _hindrance(report: Report | None, wish: Wish) -> str:
    """Why it cannot be done to this one; empty where it can, as things stand."""
    if report is None:
        return "there is no such report"
    try:
        words = _words(report, wish) if wish.do in ("move", "say") else ""
        if wish.to is not None and wish.to is not report.state:
            check_move(report.state, wish.to, words)
    except Refused as wrong:
        return str(wrong)
    return ""


def _way_back(before: Report, wish: Wish) -> dict[str, Any] | None:
    """How to take it back: an assignment as it was, a closed report opened again; nothing else can be unsaid."""
    if wish.do in ("assign", "route"):
        return {"number": before.number, "news": {name: getattr(before, name) for name, _ in wish.news}}
    if wish.to is not None and not wish.to.is_open and before.is_open:
        return {"number": before.number, "reopen": True}
    return None


@actor
def undo(request: HttpRequest) -> HttpResponse:
    """Take the last bulk action back, within a minute."""
    who, now = str(request.user.get_username()), clock.now()
    try:
        ways = signing.loads(request.session.pop("reports-undo", ""), salt=SALT, max_age=UNDO_S)
    except signing.BadSignature:
        messages.error(request, "Not undone: it can be taken back within a minute only.")
        return redirect(_back(request))
    failed = []
    for way in ways:
        try:
            if way.get("reopen"):
                words = "Closed by mistake; opened again at once."
                steps.move(way["number"], State.REOPENED, who=who, now=now, words=words)
            else:
                steps.change(way["number"], who=who, now=now, public=False, note="taken back", **way["news"])
        except Refused as wrong:
            failed.append(f"{way['number']}: {wrong}")
    if failed:
        messages.error(request, "Not undone for " + "; ".join(failed) + ".")
    messages.success(request, f"Taken back for {len(ways) - len(failed)}; the history shows both.")
    return redirect(_back(request))


def _wish(request: HttpRequest) -> Wish:
    post = request.POST
    do, words, template = post.get("do", ""), post.get("words", "").strip(), post.get("template", "").strip()
    match do:
        case "move":
            return Wish(do, state(post.get("to", "")), words, template=template)
        case "say":
            if not words and not template:
                raise Refused("there are no words")
            return Wish(do, None, words, template=template)
        case "assign":
            return Wish(do, news=(("assignee", post.get("assignee", "").strip()),))
        case "route":
            given = {name: post[name].strip() for name in ("body", "crew") if post.get(name, "").strip()}
            if not given:
                raise Refused("choose a body or a crew")
            return Wish(do, news=tuple(known(given).items()))
    raise Refused("choose what to do")


def _numbers(request: HttpRequest) -> list[int]:
    given = [text for text in request.POST.getlist("number") if text.isascii() and text.isdecimal() and len(text) < 19]
    numbers = list(dict.fromkeys(int(text) for text in given))
    if not numbers:
        raise Refused("mark the reports first")
    if len(numbers) > MOST:
        raise Refused(f"at most {MOST} at once")
    return numbers


def _back(request: HttpRequest) -> str:
    """Back to the queue as it was filtered: our own page only."""
    query = request.POST.get("query", "")
    return "/desk/reports" + (f"?{query}" if query and "\n" not in query and "\r" not in query else "")
