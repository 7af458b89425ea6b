"""The own page of somebody behind a report: how it stands, what was promised, "mended for you?", opening it again."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

import amends.closure.reports
import amends.customers.queries
import amends.recoveries.queries
import amends.reports.queries
from amends.closure.reports import ANSWERS, MAY_BE_OPENED, TooLate
from amends.customers.records import Customer
from amends.failures.repairs import failure_id
from amends.ground import clock
from amends.notices import manner, phrases, report_words, reporting, tokens
from amends.notices.our_words import in_our_words
from amends.reports import adding, album, asking, moderation
from amends.reports.records import Move, Refused, Report, State
from amends.reports.rules import too_long
from amends.reports.steps import REPORTER
from amends.web.report.checking import catalogue
from amends.web.report.limits import shorter
from amends.web.report.nearby import card
from amends.web.report.senders import address, from_elsewhere
from amends.web.report.speaking import called, context, due, lang, speaking, state, when
from amends.web.yours import adding as yours_adding
from amends.web.yours.doing import done
from amends.web.yours.words import WORDS

PREFIX = "report:"


def page(request: HttpRequest, token: str, subject: str) -> HttpResponse | None:
    """The page behind a link that stands for a report; None where there is no such report or no such reader."""
    number, _colon, who = subject.removeprefix(PREFIX).partition(":")
    report = amends.reports.queries.one(int(number)) if number.isascii() and number.isdigit() else None
    reader = asking.behind(report.number, who) if report else None
    if report is None or reader is None:
        return None
    with translation.override(_language(request, report)):
        if request.method == "POST":
            return _answer(request, token, report, who)
        return _page(request, report, who)


def _language(request: HttpRequest, report: Report) -> str:
    """As wished, else as it was reported, else as the browser asks."""
    known = dict(settings.LANGUAGES)
    if (wished := request.GET.get("lang", "")) in known:
        return wished
    spoken = phrases.language(report.locale, settings.AMENDS.company.locale)
    return spoken if report.locale and spoken in known else translation.get_language_from_request(request)


def _page(request: HttpRequest, report: Report, who: str, problem: str = "", status: int = 200) -> HttpResponse:
    response = render(
        request, "yours/report.html", context(request) | _shown(request, report, who, problem), status=status
    )
    response.headers["Content-Language"] = lang()
    return response


def _shown(request: HttpRequest, report: Report, who: str, problem: str) -> dict[str, Any]:
    number, names, now = report.number, reporting.names_in(lang()), clock.now()
    photos = amends.reports.queries.photos_of([number], hidden_too=not report.visible).get(number, [])
    category = catalogue().categories.get(report.category)
    first = amends.reports.queries.one(report.duplicate_of) if report.duplicate_of else None
    return {
        "report": report,
        "what": called(category, report.category),
        "card": card(report, {number: photos}, catalogue(), now),
        "own": not who,
        "problem": problem,
        "photos": photos,
        "promise": _promise(names, report, now),
        "dates": _dates(report),
        "pauses": _pauses(number),
        "history": [told for move in adding.told(number, who) if (told := _entry(move, own=not who))],
        "open": report.is_open,
        "added": "added" in request.GET,
        "form": secrets.token_hex(12),
        "first": first,
        "first_promise": report_words.promise(names, first) if first and first.is_open else "",
        "requested": when(report.requested_at),
        "owed": _owed(report, asking.behind(number, who) or report.customer_id),
    } | _asked(request, report, who, now)


# Asked and answered


def _asked(request: HttpRequest, report: Report, who: str, now: datetime) -> dict[str, Any]:
    """What this reader may say: whether it is mended, why it is to be opened again, or the answer to a question."""
    closing = asking.closing_of(report.number) if report.state in MAY_BE_OPENED else None
    answer = asking.answer_of(report.number, who, closing.number) if closing else None
    labels = {"yes": _("Yes"), "partly": _("Partly"), "no": _("No")}
    chosen = request.GET.get("answer", answer.answer if answer else "")
    known = catalogue().categories.get(report.category)
    question = next((m for m in reversed(_moves(report.number)) if m.state is State.WAITING and m.words), None)
    return {
        "closing": closing,
        "mended": report.state is State.FIXED,
        "choices": [(name, labels[name], name == chosen) for name in ANSWERS],
        "chosen": chosen in ANSWERS and not answer,
        "answered": labels.get(answer.answer, "") if answer else "",
        "answer_words": answer.words if answer else "",
        "question": question.words if question and report.state is State.WAITING else "",
        "more" if request.POST.get("do") == "add" else "words": request.POST.get("words", ""),
        "photos_most": settings.AMENDS.map.photos,
        "looked_at_first": report.visible and bool(known and known.hide_by_default),
        "too_late": amends.closure.reports.is_too_late(report, now),
    }


def _answer(request: HttpRequest, token: str, report: Report, who: str) -> HttpResponse:
    """Take what was said; whatever it was, the page then shows how things stand."""
    if from_elsewhere(request):
        return _page(request, report, who, _("This form was sent from another site. Send it from here."), 403)
    try:
        tokens.read(token, to_answer=True)
        if too_long(request.POST.get("words", "")):
            return _page(request, report, who, shorter(), 422)
        if request.POST.get("do") == "add":
            return _add(request, report, who)
        _take(request, report.number, who, clock.now())
    except tokens.Expired:
        return _page(request, report, who, _("This page can no longer be answered. Write to us instead."), 410)
    except TooLate:
        return _page(request, report, who, _("It ended too long ago to be opened again. Report it anew."), 410)
    except Refused:
        return _page(request, report, who, _("Write in a few words what is not right."), 422)
    except ValueError:
        return _page(request, report, who, _("Choose one of the three answers."), 422)
    return redirect(request.path + context(request)["q"])


def _add(request: HttpRequest, report: Report, who: str) -> HttpResponse:
    problem, status = yours_adding.take(request, report, who, clock.now())
    if problem:
        return _page(request, report, who, problem, status)
    q = context(request)["q"]
    return redirect(f"{request.path}{q}{'&' if q else '?'}added=1#add")


def _take(request: HttpRequest, number: int, who: str, now: datetime) -> None:
    words, what = request.POST.get("words", ""), request.POST.get("do", "")
    if what == "reply":
        if not words.strip():
            raise Refused("an answer has words")
        amends.closure.reports.reply(number, words, who, now)
    elif what == "reopen":
        said_by = report_words.AFFECTED if who else REPORTER
        amends.closure.reports.reopen(number, words, said_by, now)
    else:
        round_ = request.POST.get("round", "")
        closing = int(round_) if round_.isascii() and round_.isdigit() and len(round_) < 19 else 0
        amends.closure.reports.answer(number, who, closing, request.POST.get("answer", ""), words, now)


# How it stands


def _promise(names: Any, report: Report, now: datetime) -> list[str]:
    """How the promise stands, in sentences."""
    if not report.is_open:
        if report.state is State.FIXED:
            return [report_words.standing(names, report)]
        if report.due_at and report.state in MAY_BE_OPENED:
            return [_("It was closed without repair, and does not count as kept.")] if report.kept is False else []
        return []
    said = [report_words.promise(names, report)]
    if report.paused_at:
        said.append(_("Its clock stands still at present; the day moves by as much."))
    elif report.new_due_at:
        said.append(_("We are sorry that you wait longer than we said."))
    elif report.due_at and report.due_at < now:
        said.append(_("That day has passed. We did not keep it, and we are sorry."))
    return said


def _dates(report: Report) -> list[tuple[str, str, str]]:
    """Every date that was given: by when, said when, and why."""
    made = [one for one in amends.reports.queries.promises_of(report.number) if one["due_at"]]
    return [(due(one["due_at"]), when(one["made_at"]), _why(one["why"])) for one in made]


def _why(text: str) -> str:
    """Why a date was given; that it was the first is no reason."""
    return "" if text == "as received" else in_our_words(text)


def _pauses(number: int) -> list[tuple[str, str, str]]:
    found = amends.reports.queries.pauses_of(number)
    return [(words, when(since), when(until) if until else "") for _why, words, since, until in found]


def _moves(number: int) -> list[Move]:
    return amends.reports.queries.history([number]).get(number, [])


def _entry(move: Move, *, own: bool) -> dict[str, str]:
    """A move in words; empty where it tells a resident nothing."""
    title = _title(move)
    if not title:
        return {}
    said = (move.state is State.REOPENED and move.kind == "state") or move.kind == adding.ADDED
    by = report_words.role(move.who, own=own) if said else ""
    words = in_our_words(move.words)
    return {"title": title, "by": by, "words": words, "at": when(move.at)}


def _title(move: Move) -> str:
    if move.kind in ("state", "merged", "apart"):
        return state(move.state) if "from" not in move.was else _("another report is about the same")
    if "new_date" in move.was:
        return _("new date: %(date)s") % {"date": due(datetime.fromisoformat(move.was["new_date"]))}
    if move.kind == "promise":
        return _("the clock stands still") if move.was.get("clock") == "ran" else _("the clock runs again")
    titles: dict[str, Callable[[], str]] = {
        "category": lambda: _("looked at again"),
        "place": lambda: _("the place was corrected"),
        "affected": lambda: _("somebody else is affected"),
        adding.ADDED: lambda: report_words.added(move),
    }
    if move.kind in titles:
        return titles[move.kind]()
    return _("news") if move.words else ""


def _owed(report: Report, customer_id: str) -> dict[str, Any]:
    """What was done because a promise was broken to this reader: each line, and where more of it stands."""
    promises = {str((one["due"] or {}).get("promise", "")) for one in amends.reports.queries.promises_of(report.number)}
    ids = [failure_id(name, customer_id, report.number) for name in promises if name and customer_id]
    recovery = next(iter(amends.recoveries.queries.of_failures(ids).values()), None) if ids else None
    if recovery is None:
        return {}
    customer = amends.customers.queries.by_id([customer_id]).get(customer_id, Customer(customer_id))
    words = WORDS[phrases.language(lang(), "en")]
    lines = done(recovery, lang(), words, by_phone=manner.by_phone(customer))
    return {"lines": lines, "receipt": words["receipt"], "link": f"/yours/{tokens.make(recovery.recovery_id)}"}


# Photos, and opening again by anybody


@require_safe
def photo(request: HttpRequest, token: str, name: str) -> HttpResponse:
    """A photo of the report that a link stands for, also while others do not see the report."""
    try:
        subject = tokens.read(token)
    except tokens.BadToken:
        raise Http404 from None
    number = subject.removeprefix(PREFIX).partition(":")[0]
    found = amends.reports.queries.photo(name)
    if not subject.startswith(PREFIX) or found is None or str(found.report) != number or not found.visible:
        raise Http404
    try:
        data = album.path(name).read_bytes()
    except (OSError, Refused):
        raise Http404 from None
    return HttpResponse(data, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@csrf_exempt  # no cookie speaks for anybody here
@require_http_methods(["GET", "HEAD", "POST"])
@speaking
def reopen(request: HttpRequest, number: int) -> HttpResponse:
    """Anybody may open a report again who says why; everybody can read it."""
    report = amends.reports.queries.one(number)
    if report is None or not report.visible:
        raise Http404
    problem, status = _reopened(request, report) if request.method == "POST" else ("", 200)
    if request.method == "POST" and not problem:
        return redirect(f"/reports/{number}{context(request)['q']}")
    now = clock.now()
    more = {
        "report": report,
        "card": card(report, {}, catalogue(), now),
        "may": report.state in MAY_BE_OPENED and not amends.closure.reports.is_too_late(report, now),
        "problem": problem,
        "words": request.POST.get("words", ""),
    }
    return render(request, "yours/reopen.html", context(request) | more, status=status)


def _reopened(request: HttpRequest, report: Report) -> tuple[str, int]:
    """What is wrong, in words, and the status it is answered with."""
    now, words = clock.now(), request.POST.get("words", "").strip()
    if from_elsewhere(request) or request.POST.get("leave_this_empty"):
        return _("This did not look as if a person had sent it. Nothing was taken in."), 422
    if not words:
        return _("Write in a few words what is not right."), 422
    if too_long(words):
        return shorter(), 422
    if moderation.refuse(address(request), now=now):
        return _("From here there were too many reports within an hour. Try again later."), 429
    try:
        amends.closure.reports.reopen(report.number, words, report_words.ANYBODY, now)
    except TooLate:
        return _("It ended too long ago to be opened again. Report it anew."), 410
    except Refused:
        return _("This report has changed in the meantime. Look at it again."), 409
    return "", 302
