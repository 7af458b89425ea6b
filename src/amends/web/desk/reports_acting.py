"""What an operator does to one report: each is a POST, written into the history under their name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

import amends.ground.clock
import amends.reports.queries
from amends.reports import album, categories, crews, merging, moderation, places, steps
from amends.reports.geometry import NoPlace
from amends.reports.merging import Part
from amends.reports.photos import NoPhoto
from amends.reports.records import Refused, Report, State
from amends.reports.rules import LONGEST, too_long
from amends.web.desk import reports
from amends.web.desk.access import View, actor
from amends.web.desk.names import names
from amends.web.report import senders

Act = Callable[[HttpRequest, int, str, datetime], str]


def _act(act: Act) -> View:
    """A POST upon one report: does it, says what was done or why not, and shows the report again."""

    @actor
    @wraps(act)
    def view(request: HttpRequest, number: int) -> HttpResponse:
        try:
            messages.success(request, act(request, number, str(request.user.get_username()), amends.ground.clock.now()))
        except (Refused, NoPlace, NoPhoto) as wrong:
            messages.error(request, f"Not done: {wrong}.")
        return redirect("desk-report", number)

    return view


def _said(request: HttpRequest, name: str = "words") -> str:
    """A field of the form; Refused where it is longer than is kept, so that no word is lost in silence."""
    return _whole(request.POST.get(name, ""), name)


def _whole(text: str, name: str) -> str:
    if too_long(text):
        raise Refused(f"{name} has more than {LONGEST:,} characters")
    return text.strip()


@_act
def move(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    """What it becomes, in words, with photos of the work where there are some."""
    to, words, note = state(_said(request, "to")), _said(request), _said(request, "note")
    once = senders.marked(request, "desk", str(number))
    if once is None or amends.reports.queries.told_outside(once) is None:
        names = album.keep_work(request.FILES.getlist("photo"), who=who, now=now)
        steps.move(number, to, who=who, now=now, words=words, note=note, photos=names, external_update=once)
    return f"It is {to} now."


def state(text: str) -> State:
    if text not in list(State):
        raise Refused("choose what it becomes")
    return State(text)


@_act
def write(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    """Words for everybody, or a note for staff."""
    found = reports.one_or_404(number)
    public, words = request.POST.get("for") == "all", _said(request)
    if not words:
        raise Refused("there are no words")
    once = senders.marked(request, "desk", str(number))
    said: dict[str, Any] = {"words": words} if public else {"note": words}
    steps.move(number, found.state, who=who, now=now, public=public, external_update=once, **said)
    return "Said to everybody." if public else "Noted, for staff only."


@_act
def change(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    """Category, severity, place or text; the promise stays unless the new one is better."""
    before = reports.one_or_404(number)
    fields = [name for name in ("category", "severity", "asset", "address") if name in request.POST]
    news: dict[str, Any] = {name: _said(request, name) for name in fields}
    if _said(request, "lat") or _said(request, "long"):
        here = places.place(
            _said(request, "lat"), _said(request, "long"), settings.AMENDS.map, places.in_use(settings.AMENDS.directory)
        )
        if (here.lat, here.long) != (before.lat, before.long):
            news |= {"lat": here.lat, "long": here.long}
    if news.get("address") == before.address:
        news.pop("address")
    if _said(request, "description"):
        news["description"] = _said(request, "description")
    after = steps.change(number, who=who, now=now, words=_said(request), **news)
    return _promise_says(before, after)


def _promise_says(before: Report, after: Report) -> str:
    if before.updated_at == after.updated_at:
        return "Nothing was different."
    same = before.due_at == after.due_at
    return "Changed; the promise stays." if same else "Changed; the new promise is better and holds from now on."


@_act
def assign(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    """To an operator, a crew or a body."""
    news = {name: _said(request, name) for name in ("assignee", "crew", "body") if name in request.POST}
    if request.POST.get("me"):
        news = {"assignee": who}
    steps.change(number, who=who, now=now, note=_said(request, "note"), public=False, **known(news))
    return "Assigned."


def known(news: dict[str, str]) -> dict[str, str]:
    """The same where bodies and crews are ones of ours; a crew brings its body."""
    bodies = categories.in_use(settings.AMENDS.directory).bodies
    if news.get("body") and news["body"] not in bodies:
        raise Refused(f"there is no body {news['body']!r}")
    if crew := news.get("crew"):
        owners = [body.code for body in bodies.values() if crew in body.crews]
        if not owners:
            raise Refused(f"there is no crew {crew!r}")
        if news.get("body") not in owners:
            news["body"] = owners[0]
    return news


@_act
def clock(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    """Pause, resume, or a new date where the promise slips."""
    match request.POST.get("do", ""):
        case "pause":
            steps.pause(number, _said(request, "why"), _said(request), who=who, now=now)
            return "Its clock stands still; everybody can read why."
        case "resume":
            after = steps.resume(number, who=who, now=now, words=_said(request))
            return f"Its clock runs again; due {day(after.due_at)}." if after.due_at else "Its clock runs again."
        case "anew":
            steps.promise_anew(number, _date(_said(request, "due_on")), _said(request), who=who, now=now)
            return "The new date is told; the promised one stays what is judged by."
    raise Refused("choose pause, resume or a new date")


def _date(text: str) -> datetime:
    """The end of a day on the company's clock."""
    try:
        ends = datetime.fromisoformat(text).replace(tzinfo=None, hour=23, minute=59, second=59)
        return ends.replace(tzinfo=ZoneInfo(settings.AMENDS.company.time_zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused("give the new date as 2026-12-01") from error


def day(at: datetime) -> str:
    return at.astimezone(ZoneInfo(settings.AMENDS.company.time_zone)).strftime("%-d %b %Y, %H:%M")


@_act
def merge(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    into = _number(_said(request, "into"))
    first = merging.merge(number, into, who=who, now=now, words=_said(request))
    return f"Put to report {first.number}, which takes over the earlier promise; {first.affected} affected."


def _number(text: str) -> int:
    text = text.lstrip("#")
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Refused("give the number of a report")
    return int(text)


@_act
def unmerge(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    merging.unmerge(number, who=who, now=now, words=_said(request))
    return "Taken apart; it goes on where it stood."


@_act
def split(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    post = request.POST
    given = zip(post.getlist("category"), post.getlist("description"), strict=False)
    parts = [Part(category, _whole(said, "description")) for category, said in given if said.strip()]
    made = merging.split(number, parts, who=who, now=now)
    numbers = ", ".join(str(one.number) for one in made)
    return f"Split: {numbers} have the promise of this report." if made else "These parts have numbers already."


@_act
def show(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    """Publish or hide a report, its reporter's name, or one of its photos."""
    match request.POST.get("do", ""):
        case "publish":
            moderation.publish(number, who=who, now=now)
            return "It is public."
        case "hide":
            moderation.hide(number, _said(request), who=who, now=now)
            return "Hidden; it is worked on as before."
        case "hide-name":
            moderation.hide_name(number, who=who, now=now)
            return "The name is for staff only."
        case "photo-show" | "photo-hide" as what:
            visible = what == "photo-show"
            moderation.show_photo(_said(request, "photo"), visible, _said(request), who=who, now=now)
            return "The photo is public." if visible else "The photo is hidden."
    raise Refused("choose what to do")


@_act
def blacken(request: HttpRequest, number: int, who: str, now: datetime) -> str:
    """Make parts of a photo black for good."""
    photo = amends.reports.queries.photo(_said(request, "photo"))
    if photo is None or photo.report != number:
        raise Refused("there is no such photo")
    album.blacken(photo.name, _boxes(_said(request, "boxes")), _said(request), who=who, now=now)
    return "Blackened; what was there is gone."


def _boxes(text: str) -> list[list[float]]:
    """Lines of left, top, width and height in percent, as shares."""
    try:
        found = [[float(part) / 100 for part in line.replace(",", " ").split()] for line in text.splitlines()]
    except ValueError as error:
        raise Refused("write left, top, width and height in percent, one part a line") from error
    return [box for box in found if box]


@actor
def ban(request: HttpRequest) -> HttpResponse:
    now = amends.ground.clock.now()
    try:
        if lifted := _said(request, "lift"):
            moderation.lift(lifted)
            messages.success(request, "Lifted.")
        else:
            days = _said(request, "days")
            until = now + timedelta(days=min(int(days), 3650)) if days.isascii() and days.isdecimal() else None
            moderation.ban(_said(request, "address"), _said(request), until=until, who=_name(request), now=now)
            messages.success(request, "Nothing more is taken from this address.")
    except Refused as wrong:
        messages.error(request, f"Not done: {wrong}.")
    return redirect("desk-reports-moderation")


@actor
def crew_link(request: HttpRequest) -> HttpResponse:
    """Renew or take back the link of a crew."""
    crew, now = request.POST.get("crew", "").strip()[:200], amends.ground.clock.now()
    called, bodies = names().crew(crew), categories.in_use(settings.AMENDS.directory).bodies
    if crew not in {one for body in bodies.values() for one in body.crews}:
        messages.error(request, f"There is no crew {crew}.")
    elif request.POST.get("do") == "revoke":
        crews.revoke(crew, who=_name(request), now=now)
        messages.success(request, f"The link of {called} is worthless now.")
    else:
        token = crews.renew(crew, who=_name(request), now=now)
        where = settings.AMENDS.public_url.rstrip("/") + reverse("crew", args=[token])
        messages.success(request, f"The new link of {called}: {where}")
    return redirect("desk-reports-crews")


def _name(request: HttpRequest) -> str:
    return str(request.user.get_username())
