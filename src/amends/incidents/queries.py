"""What other rooms and pages may ask about incidents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Count

from amends.ground.money import Money
from amends.incidents.models import IncidentRow, ServedRow, TellingRow
from amends.incidents.records import Incident, IncidentState, Service, Telling


def one(incident_id: str) -> Incident | None:
    row = IncidentRow.objects.filter(pk=incident_id).first()
    return record(row) if row else None


def recent(limit: int, state: str = "") -> list[Incident]:
    """Newest first; one state where asked."""
    rows = IncidentRow.objects.order_by("-started_at", "incident_id")
    return [record(row) for row in (rows.filter(state=state) if state else rows)[:limit]]


def counts() -> dict[str, int]:
    return dict(IncidentRow.objects.values_list("state").annotate(Count("pk")).order_by("state"))


def unsettled() -> int:
    """Incidents that are over and whose customers have not been found out yet."""
    return IncidentRow.objects.filter(state=IncidentState.RESOLVED).count()


def tellings(component: str, area: str) -> list[Telling]:
    """Everything told of one place, without whom it names."""
    rows = TellingRow.objects.filter(component=component, area=area).defer("customers").order_by("sequence")
    return [_telling(row) for row in rows]


def tellings_of(incident_id: str) -> list[Telling]:
    """What one incident was put together from, in the order in which it reached us."""
    rows = TellingRow.objects.filter(incident=incident_id).defer("customers").order_by("sequence")
    return [_telling(row) for row in rows]


def unfit(limit: int) -> list[tuple[str, str, Telling]]:
    """Ends that fit no outage: component, area and what was told; they wait for their start."""
    rows = TellingRow.objects.filter(incident="").defer("customers").order_by("-at")[:limit]
    return [(row.component, row.area, _telling(row)) for row in rows]


def named(incident_id: str) -> list[str]:
    """The customers whom the signals of an incident name, each once."""
    lists = TellingRow.objects.filter(incident=incident_id).exclude(customers=[]).values_list("customers", flat=True)
    return sorted({customer_id for customers in lists for customer_id in customers})


def services(component: str, customer_ids: Sequence[str]) -> dict[str, Service]:
    """What these customers have of a component; of whom we know nothing but the id, just that."""
    rows = ServedRow.objects.filter(component=component, customer_id__in=customer_ids)
    known = rows.values_list("customer_id", "customer_class", "price_minor", "currency", "payment_ref")
    return {customer_id: Service(customer_id) for customer_id in customer_ids} | {
        row[0]: service_of(*row) for row in known
    }


def service_of(customer_id: str, customer_class: str, price_minor: int | None, currency: str, ref: str) -> Service:
    price = Money(price_minor, currency) if price_minor is not None and currency else None
    return Service(customer_id, customer_class, price, ref)


def record(row: IncidentRow, touched: int | None = None) -> Incident:
    names = ("component", "area", "promise", "cause", "weather", "started_at", "ended_at", "touched", "observed")
    more = ("corroborated", "undisturbed", "told", "doubt", "opened_at", "settled_at", "merged_into")
    values = {name: getattr(row, name) for name in (*names, *more)}
    found = Incident(row.incident_id, state=IncidentState(row.state), **values)
    return found if touched is None else replace(found, touched=touched)


def _telling(row: TellingRow) -> Telling:
    return Telling(row.sequence, row.began, row.at, row.received_at, row.cause, row.weather, row.promise)


def export_rows() -> Iterator[dict[str, Any]]:
    yield from (dict(row) for row in IncidentRow.objects.order_by("pk").values().iterator(5000))
