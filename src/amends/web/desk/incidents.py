"""The desk's pages of incidents: what happened, whom it touched, how sure we are, and what was done."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

import amends.failures.queries
import amends.incidents.queries
import amends.outbox.queries
import amends.recoveries.queries
from amends.failures.records import Evidence
from amends.ground.money import Money
from amends.incidents.records import Incident
from amends.web.desk.access import operator
from amends.web.desk.pages import PAGE, page

SHOWN = 12  # customers of each grade shown on an incident's page


@operator
def incidents(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    rows = [(incident, _lasted(incident)) for incident in amends.incidents.queries.recent(PAGE, state)]
    states = sorted(amends.incidents.queries.counts().items())
    unfit = amends.incidents.queries.unfit(PAGE)
    return page(request, "incidents", "incidents", rows=rows, state=state, states=states, unfit=unfit)


@operator
def incident(request: HttpRequest, incident_id: str) -> HttpResponse:
    found = amends.incidents.queries.one(incident_id)
    if found is None:
        raise Http404("no such incident")
    states, money, acts = _done(incident_id)
    return page(
        request,
        "incident",
        "incidents",
        incident=found,
        lasted=_lasted(found),
        tellings=amends.incidents.queries.tellings_of(incident_id),
        certain=_people(incident_id, Evidence.OBSERVED),
        uncertain=_people(incident_id, Evidence.CORROBORATED),
        states=sorted(states.items()),
        money=money,
        acts=sorted(acts.items()),
    )


def _lasted(incident: Incident) -> float:
    """Seconds from its start to its end, or to now while it lasts."""
    return ((incident.ended_at or datetime.now(UTC)) - incident.started_at).total_seconds()


def _people(incident_id: str, evidence: Evidence) -> list[tuple[Any, Any]]:
    failures = amends.failures.queries.of_incident(incident_id, evidence.value, SHOWN)
    decided = amends.recoveries.queries.of_failures([failure.failure_id for failure in failures])
    return [(failure, decided.get(failure.failure_id)) for failure in failures]


def _done(incident_id: str) -> tuple[Counter[str], list[tuple[str, Money]], Counter[tuple[str, str]]]:
    """Recoveries by state, money decided, and acts by kind and state: counted in the database, in parts."""
    states, acts = Counter[str](), Counter[tuple[str, str]]()
    decided, goodwill = Counter[str](), Counter[str]()
    for failure_ids in amends.failures.queries.ids_of_incident(incident_id):
        for state, currency, count, minor, given in amends.recoveries.queries.totals(failure_ids):
            states[state] += count
            decided[currency] += minor
            goodwill[currency] += given
        acts.update(amends.outbox.queries.counts_of(amends.recoveries.queries.ids_of(failure_ids)))
    money = [("in all", Money(minor, currency)) for currency, minor in sorted(decided.items()) if currency]
    money += [("of it goodwill", Money(minor, currency)) for currency, minor in sorted(goodwill.items()) if minor]
    return states, money, acts
