"""The operator's pages: what needs a person first, then everything else. Reading changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse

import amends.closure.queries
import amends.customers.queries
import amends.failures.queries
import amends.ledger.queries
import amends.notices.queries
import amends.outbox.queries
import amends.recoveries.queries
import amends.remedies.queries
import amends.signals.queries
from amends.notices import tokens
from amends.recoveries.records import Recovery, RecoveryState
from amends.web import charts
from amends.web.desk import access
from amends.web.desk.access import operator

PAGE = 50
NAV = (
    ("today", "Today", "desk-today"),
    ("reports", "Reports", "desk-reports"),
    ("recoveries", "Recoveries", "desk-recoveries"),
    ("incidents", "Incidents", "desk-incidents"),
    ("failures", "Failures", "desk-failures"),
    ("acts", "Acts", "desk-acts"),
    ("sending", "Sending", "desk-sending"),
    ("budgets", "Budgets", "desk-budgets"),
    ("sessions", "Sessions", "desk-sessions"),
    ("quarantine", "Quarantine", "desk-quarantine"),
)


def page(request: HttpRequest, template: str, section: str, **context: Any) -> HttpResponse:
    """Render a page of the desk with its navigation."""
    context |= {
        "section": section,
        "desk_nav": [(name, label, reverse(url)) for name, label, url in NAV],
        "may_act": access.may_act(request.user),
    }
    response = render(request, f"desk/{template}.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response


class SignIn(LoginView):
    """Sign-in; after ten failures from one address it waits a quarter of an hour."""

    template_name = "desk/sign_in.html"
    next_page = "desk-today"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if access.too_many_failures(request):
            return render(request, "desk/sign_in.html", {"form": self.get_form(), "throttled": True}, status=429)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        access.note_failure(self.request)
        return super().form_invalid(form)


@operator
def today(request: HttpRequest) -> HttpResponse:
    since = datetime.now(UTC) - timedelta(days=1)
    recent = amends.recoveries.queries.recent(12)
    return page(
        request,
        "today",
        "today",
        recoveries=amends.recoveries.queries.counts(),
        acts=amends.outbox.queries.counts(),
        signals=amends.signals.queries.counts(),
        failures=amends.failures.queries.count(since),
        unclaimed=amends.signals.queries.unclaimed_count(),
        paid=sorted(amends.ledger.queries.paid(since).items()),
        waiting=_with_failures(amends.recoveries.queries.for_a_person(20)),
        doubtful=[act for act in amends.outbox.queries.for_a_person(20) if act.kind != "person.follow_up"],
        held=amends.notices.queries.held(10),
        recent=_with_failures(recent),
    )


def _with_failures(recoveries: list[Recovery]) -> list[tuple[Recovery, Any]]:
    failures = amends.failures.queries.by_id({recovery.failure_id for recovery in recoveries})
    return [(recovery, failures.get(recovery.failure_id)) for recovery in recoveries]


@operator
def recoveries(request: HttpRequest) -> HttpResponse:
    state, search = request.GET.get("state", ""), request.GET.get("q", "").strip()
    found = amends.recoveries.queries.recent(PAGE + 1, state, search, _before(request))
    more = found[PAGE - 1] if len(found) > PAGE else None
    states = [(name.value, amends.recoveries.queries.counts().get(name.value, 0)) for name in RecoveryState]
    context = {"rows": _with_failures(found[:PAGE]), "state": state, "search": search, "states": states}
    place = f"{more.changed_at.isoformat()}|{more.recovery_id}" if more else ""
    return page(request, "recoveries", "recoveries", more=place, **context)


def _before(request: HttpRequest) -> tuple[datetime, str] | None:
    at, _, recovery_id = request.GET.get("before", "").partition("|")
    try:
        return (datetime.fromisoformat(at), recovery_id) if at else None
    except ValueError:
        return None


@operator
def recovery(request: HttpRequest, recovery_id: str) -> HttpResponse:
    found = amends.recoveries.queries.one(recovery_id)
    if found is None:
        raise Http404("no such recovery")
    failure = amends.failures.queries.by_id([found.failure_id])[found.failure_id]
    viewing = amends.signals.queries.viewing(failure.subject)
    acts = amends.outbox.queries.acts_of([recovery_id]).get(recovery_id, [])
    return page(
        request,
        "recovery",
        "recoveries",
        recovery=found,
        failure=failure,
        customer=amends.customers.queries.by_id([found.customer_id]).get(found.customer_id),
        viewing=viewing,
        timeline=charts.timeline(viewing.spans, failed=charts.broke(viewing.facts)) if viewing else "",
        facts=_facts(failure.facts),
        acts=[(act, amends.outbox.queries.tries(act.key)) for act in acts],
        remedies=amends.remedies.queries.remedies_of([recovery_id]).get(recovery_id, []),
        notices=amends.notices.queries.of_recoveries([recovery_id]).get(recovery_id, []),
        answers=amends.closure.queries.answers_of([recovery_id]).get(recovery_id, []),
        history=amends.recoveries.queries.history(recovery_id),
        formers=amends.recoveries.queries.formers(recovery_id),
        approvals=amends.recoveries.queries.approvals(recovery_id),
        link=f"/yours/{tokens.make(recovery_id)}",
    )


UNITS = {"_s": "s", "_kbps_mean": "kbit/s", "_kbps_min": "kbit/s"}


def _facts(facts: Any) -> list[tuple[str, str, str]]:
    """Lived facts as name, value and unit; what is not known is left out."""
    rows = []
    for name, value in facts.items():
        if value in (None, "", False):
            continue
        unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
        shown = (
            f"{value:,.1f}".removesuffix(".0") if isinstance(value, float) else "yes" if value is True else str(value)
        )
        rows.append((name.removesuffix("_s").replace("_", " "), shown, unit))
    return rows


@operator
def failures(request: HttpRequest) -> HttpResponse:
    search, skip = request.GET.get("q", "").strip(), _skip(request)
    found = amends.failures.queries.recent(PAGE + 1, search, skip)
    decided = amends.recoveries.queries.of_failures([failure.failure_id for failure in found])
    rows = [(failure, decided.get(failure.failure_id)) for failure in found[:PAGE]]
    return page(request, "failures", "failures", rows=rows, search=search, **_pages(request, skip, len(found)))


def _skip(request: HttpRequest) -> int:
    number = request.GET.get("page", "1")
    return (min(int(number), 100_000) - 1) * PAGE if number.isdecimal() and int(number) else 0


def _pages(request: HttpRequest, skip: int, found: int) -> dict[str, str]:
    """Links to older and newer rows that keep what was asked for."""
    number, query = skip // PAGE + 1, request.GET.copy()
    links = {"older": number + 1 if found > PAGE else 0, "newer": number - 1}
    return {name: _with_page(query, to) if to else "" for name, to in links.items()}


def _with_page(query: QueryDict, number: int) -> str:
    query["page"] = str(number)
    return query.urlencode()


@operator
def acts(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    counts = sorted(amends.outbox.queries.counts().items())
    return page(request, "acts", "acts", rows=amends.outbox.queries.recent(PAGE, state), state=state, states=counts)


@operator
def act(request: HttpRequest, key: str) -> HttpResponse:
    found = amends.outbox.queries.act(key)
    if found is None:
        raise Http404("no such act")
    return page(request, "act", "acts", act=found, tries=amends.outbox.queries.tries(key))


@operator
def sessions(request: HttpRequest) -> HttpResponse:
    unclaimed = request.GET.get("unclaimed") == "1"
    search, skip = request.GET.get("q", "").strip(), _skip(request)
    found = amends.signals.queries.recent_viewings(PAGE + 1, unclaimed, search, skip)
    context = {"rows": found[:PAGE], "unclaimed": unclaimed, "search": search}
    return page(request, "sessions", "sessions", **context, **_pages(request, skip, len(found)))


@operator
def session(request: HttpRequest, session_id: str) -> HttpResponse:
    viewing = amends.signals.queries.viewing(session_id)
    if viewing is None:
        raise Http404("no such session")
    context = {
        "viewing": viewing,
        "timeline": charts.timeline(viewing.spans, failed=charts.broke(viewing.facts)),
        "facts": _facts(viewing.facts),
    }
    return page(request, "session", "sessions", **context)


@operator
def quarantine(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "waiting")
    after = request.GET.get("after", "0")
    rows = amends.signals.queries.quarantined(state, int(after) if after.isdigit() else 0, PAGE)
    states = ("waiting", "resent", "dismissed")
    return page(request, "quarantine", "quarantine", rows=rows, state=state, states=states, full=len(rows) == PAGE)


@operator
def quarantined(request: HttpRequest, number: int) -> HttpResponse:
    item = amends.signals.queries.quarantined_one(number)
    if item is None:
        raise Http404("nothing of that number")
    return page(request, "quarantined", "quarantine", item=item)


@operator
def mail_html(request: HttpRequest, notice_id: str) -> HttpResponse:
    """A mail's HTML as sent, in a page of its own that may do nothing."""
    notice = amends.notices.queries.one(notice_id)
    if notice is None:
        raise Http404("no such notice")
    response = HttpResponse(notice.html)
    response.headers["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


@operator
def pieces(request: HttpRequest) -> HttpResponse:
    """Design tokens and components on one page."""
    spans = [
        {"kind": "startup", "from_s": 0.0, "to_s": 3.1},
        {"kind": "play", "from_s": 3.1, "to_s": 410.0},
        {"kind": "stall", "from_s": 410.0, "to_s": 452.0},
        {"kind": "play", "from_s": 452.0, "to_s": 900.0},
        {"kind": "pause", "from_s": 900.0, "to_s": 980.0},
        {"kind": "seek", "from_s": 980.0, "to_s": 985.0},
        {"kind": "play", "from_s": 985.0, "to_s": 1500.0},
    ]
    swatches = ("ground", "surface", "sunk", "ink", "soft", "accent", "wait", "bad")
    return page(request, "pieces", "pieces", timeline=charts.timeline(spans), swatches=swatches)
