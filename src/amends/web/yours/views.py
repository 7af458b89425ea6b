"""The customer's own page. Opening it changes nothing; answering is a POST."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

import amends.closure.queries
import amends.closure.steps
import amends.customers.queries
import amends.failures.queries
import amends.recoveries.queries
import amends.signals.queries
from amends.customers.records import Customer
from amends.ground import clock
from amends.notices import manner, phrases, tokens
from amends.recoveries import approval
from amends.recoveries.records import Recovery, RecoveryState
from amends.web import charts
from amends.web.yours import reports
from amends.web.yours.doing import OVER, done
from amends.web.yours.words import WORDS


@csrf_exempt  # the link itself is the secret; no cookie speaks for anybody here, and no referrer leaves the page
@require_http_methods(["GET", "HEAD", "POST"])
def yours(request: HttpRequest, token: str) -> HttpResponse:
    """What happened to one customer and what was done about it, behind the secret in their link."""
    try:
        subject = tokens.read(token)
    except tokens.BadToken:
        subject = ""
    if subject.startswith(reports.PREFIX) and (found := reports.page(request, token, subject)):
        return _private(found)
    recovery = amends.recoveries.queries.one(subject)
    if recovery is None:
        words = WORDS[phrases.language(request.headers.get("Accept-Language", "")[:2], settings.AMENDS.company.locale)]
        return _private(render(request, "yours/bad.html", {"words": words}, status=404))
    if request.method == "POST":
        return _answer(request, token, recovery)
    return _private(render(request, "yours/page.html", _context(token, recovery)))


def _answer(request: HttpRequest, token: str, recovery: Recovery) -> HttpResponse:
    context = _context(token, recovery)
    try:
        tokens.read(token, to_answer=True)
        form = request.POST.get("form", "")
        said, words = request.POST.get("answer", ""), request.POST.get("words", "")
        amends.closure.steps.answer(recovery.recovery_id, form or secrets.token_hex(16), said, words, clock.now())
    except tokens.Expired:
        return _private(
            render(request, "yours/page.html", context | {"problem": context["words"]["expired"]}, status=410)
        )
    except ValueError:
        return _private(
            render(request, "yours/page.html", context | {"problem": context["words"]["choose"]}, status=422)
        )
    return _private(redirect(request.path))


def _context(token: str, recovery: Recovery) -> dict[str, Any]:
    failure = amends.failures.queries.by_id([recovery.failure_id])[recovery.failure_id]
    found = amends.customers.queries.by_id([recovery.customer_id])
    customer = found.get(recovery.customer_id, Customer(recovery.customer_id))
    company = settings.AMENDS.company
    lang = phrases.language(customer.locale, company.locale)
    locale = phrases.babel_locale(customer.locale or lang, lang)
    day, time = phrases.moment(failure.started_at, customer.time_zone, company.time_zone, locale)
    viewing = amends.signals.queries.viewing(failure.subject)
    answers = amends.closure.queries.answers_of([recovery.recovery_id]).get(recovery.recovery_id, [])
    words = WORDS[lang]
    return {
        "words": words,
        "lang": lang,
        "title": failure.facts.get("title") or "",
        "greeting": phrases.greeting(customer.name, lang),
        "when": words["when"].format(day=day, time=time),
        "happened": "" if approval.is_unfounded(recovery) else phrases.what_happened(failure.facts, lang),
        "timeline": charts.timeline(viewing.spans, lang, failed=charts.broke(viewing.facts)) if viewing else "",
        "spans": [_span(span, lang) for span in viewing.spans] if viewing else [],
        "done": done(recovery, locale, words, by_phone=manner.by_phone(customer)),
        "answer": answers[-1] if answers else None,
        "answered": words[answers[-1].answer] if answers else "",
        "thanks": words[_thanks(answers[-1].answer, recovery.state)] if answers else "",
        "form": secrets.token_hex(16),
        "choices": [(name, words[name]) for name in amends.closure.steps.ANSWERS],
    }


def _thanks(answer: str, state: RecoveryState) -> str:
    """How an answer is thanked for: what it did is said while that is so."""
    if answer == "yes":
        return "thanks_yes" if state is RecoveryState.CLOSED else "thanks"
    return "thanks" if state in OVER else "thanks_no"


def _span(span: Any, lang: str) -> tuple[str, str, str]:
    return charts.WORDS[lang][span["kind"]], charts.clock(span["from_s"]), charts.clock(span["to_s"])


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
