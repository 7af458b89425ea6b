"""The public scoreboard: what was promised, what became of it, and what was promised nothing."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from amends.ground import clock
from amends.ground.cells import harmless
from amends.ground.moments import format_moment
from amends.notices.digest_words import Names
from amends.reports import scoreboard
from amends.reports.scoreboard import Period, Score
from amends.web.following import asking, speaking
from amends.web.following.views import names_of
from amends.web.scoreboard import chart

DEFAULT_DAYS = 365
MOST_MONTHS = 36
OUTSIDE = "-"  # of every area, in an address
FIELDS = ("made", "kept", "late", "late_open", "reopened", "unrepaired", "open", "without")


class NoPeriod(ValueError):
    """What was asked for is no period; the message says which field."""


@speaking.speaking
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Everything on one page, for the period, category and area that were chosen."""
    wrong = ""
    try:
        period = _period(request.GET)
    except NoPeriod as error:
        period, wrong = _period(QueryDict()), str(error)
    names, total = names_of(), scoreboard.scores(period)[0]
    by_time = _by_time(period)
    context = {
        "wrong": wrong,
        "period": period,
        "query": urlencode(_query(period)),
        "total": total,
        "share": _percent(total.kept_share),
        "median": span(total.median_s),
        "mean": span(total.mean_s),
        "rows": [_row(one, chart.when(one, names.lang)) for one in reversed(by_time)],
        "bars": chart.bars(by_time, names.lang),
        "by_category": _ranked(scoreboard.scores(period, "category"), "category", names),
        "by_area": _ranked(scoreboard.scores(period, "area"), "area", names),
        "categories": [(code, names.category(code)) for code in asking.catalogue().categories],
        "areas": [(area.code, area.name or area.code) for area in asking.areas()],
        "ranges": _ranges(),
        "empty": scoreboard.span() is None,
    }
    shown = speaking.context(request) | context
    response = render(request, "scoreboard/page.html", shown, status=422 if wrong else 200)
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


@require_safe
def as_csv(request: HttpRequest) -> HttpResponseBase:
    """One line for each day of receipt, category and area; no text in it is run by a spreadsheet."""
    try:
        period = _period(request.GET)
    except NoPeriod as error:
        return HttpResponse(f"{error}\n", content_type="text/plain; charset=utf-8", status=400)
    made = StreamingHttpResponse(_lines(period), content_type="text/csv; charset=utf-8")
    made.headers["Content-Disposition"] = f'attachment; filename="promises-{period.since}-{period.until}.csv"'
    return _open(made)


@require_safe
def as_json(request: HttpRequest) -> HttpResponseBase:
    """The numbers of the page, for machines."""
    try:
        period = _period(request.GET)
    except NoPeriod as error:
        return JsonResponse({"error": str(error)}, status=400)
    counted_at = scoreboard.reckoned_at()
    said: dict[str, Any] = {
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "counted_at": format_moment(counted_at) if counted_at else None,
        "total": _plain(scoreboard.scores(period)[0]),
    }
    for by in (("month",), ("category",), ("area",), ("category", "area")):
        said[f"by_{'_and_'.join(by)}"] = [_plain(one) for one in scoreboard.scores(period, *by)]
    return _open(JsonResponse(said))


def _open(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


def _period(given: QueryDict) -> Period:
    today = clock.now().astimezone(speaking.zone()).date()
    until = _read(given, "until", today)
    since = _read(given, "since", until - timedelta(days=DEFAULT_DAYS - 1))
    if since > until:
        raise NoPeriod(_("The first day lies after the last one."))
    area = given.get("area", "")
    return Period(
        since, until, given.get("category", "")[:100], None if not area else "" if area == "-" else area[:100]
    )


def _read(given: QueryDict, name: str, default: date) -> date:
    text = given.get(name, "").strip()
    if not text:
        return default
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise NoPeriod(_("Write days as 2026-11-25.")) from error
    if not 1970 <= found.year < 3000:
        raise NoPeriod(_("Write days as 2026-11-25."))
    return found


def _query(period: Period) -> dict[str, str]:
    area = OUTSIDE if period.area == "" else period.area
    chosen = {"since": str(period.since), "until": str(period.until), "category": period.category, "area": area or ""}
    return {name: value for name, value in chosen.items() if value}


def _ranges() -> list[tuple[str, str]]:
    """Periods to choose with one click."""
    today = _period(QueryDict()).until
    found = [(_("30 days"), 30), (_("90 days"), 90), (_("a year"), 365)]
    made = [(words, urlencode({"since": str(today - timedelta(days=days - 1))})) for words, days in found]
    if span_ := scoreboard.span():
        made.append((_("everything"), urlencode({"since": str(span_[0])})))
    return made


def _by_time(period: Period) -> list[Score]:
    """By month, or by year where there are too many of those."""
    months = scoreboard.scores(period, "month")
    return months if len(months) <= MOST_MONTHS else scoreboard.scores(period, "year")


def _ranked(scores: Iterable[Score], by: str, names: Names) -> list[dict[str, Any]]:
    """Most reports first; what is without an area is called so."""
    called = (
        names.category if by == "category" else (lambda code: names.area(code) if code else _("outside of every area"))
    )
    return [_row(one, called(one.names[by])) for one in sorted(scores, key=lambda one: (-one.reports, one.names[by]))]


def _row(score: Score, name: str) -> dict[str, Any]:
    return {"name": name, "score": score, "share": _percent(score.kept_share), "median": span(score.median_s)}


def _percent(share: float | None) -> str:
    """A share as a whole percentage that never claims all or nothing where it is not.

    >>> _percent(0.999)
    '99 %'
    """
    if share is None:
        return "–"
    rounded = math.floor(share * 100) if share > 0.5 else math.ceil(share * 100)
    return f"{rounded} %"


def span(seconds: float | None) -> str:
    """A lateness in words, in the unit that says enough."""
    if seconds is None:
        return "–"
    for unit, said in ((86_400, _days), (3600, _hours)):
        if seconds >= 1.5 * unit:
            return said(round(seconds / unit))
    return _minutes(max(1, round(seconds / 60)))


def _days(n: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}


def _hours(n: int) -> str:
    return ngettext("%(n)s hour", "%(n)s hours", n) % {"n": n}


def _minutes(n: int) -> str:
    return ngettext("%(n)s minute", "%(n)s minutes", n) % {"n": n}


def _plain(score: Score) -> dict[str, Any]:
    names = {name: value.isoformat()[:7] if isinstance(value, date) else value for name, value in score.names.items()}
    counts = {name: getattr(score, name) for name in FIELDS}
    late = {"late_mean_s": score.mean_s, "late_median_s": score.median_s}
    return names | counts | {"reports": score.reports, "kept_share": score.kept_share} | late


def _lines(period: Period) -> Iterator[str]:
    yield _line(["day", "category", "area", *FIELDS, "late_total_s"])
    for score in scoreboard.daily(period):
        counts = [getattr(score, name) for name in FIELDS]
        yield _line(
            [score.names["day"].isoformat(), score.names["category"], score.names["area"], *counts, score.late_s]
        )


def _line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([harmless(cell) for cell in cells])
    return text.getvalue()
