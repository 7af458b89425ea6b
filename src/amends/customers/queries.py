"""What other rooms may ask about customers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from amends.customers.models import CustomerRow
from amends.customers.records import Customer


def by_id(ids: Collection[str]) -> dict[str, Customer]:
    """The customers of these ids that we know, in one query."""
    return {row.customer_id: _record(row) for row in CustomerRow.objects.filter(pk__in=set(ids))}


def _record(row: CustomerRow) -> Customer:
    return Customer(
        row.customer_id,
        name=row.name,
        email=row.email,
        phone=row.phone,
        locale=row.locale,
        time_zone=row.time_zone,
        segment=row.segment,
        since=row.since,
        contact=row.contact,
    )


def export_rows() -> Iterator[dict[str, Any]]:
    """Every customer, streaming."""
    yield from (dict(row) for row in CustomerRow.objects.order_by("pk").values().iterator(5000))


def segments() -> dict[str, str]:
    """The segment of every customer that has one."""
    rows = CustomerRow.objects.exclude(segment="").values_list("customer_id", "segment")
    return dict(rows.iterator(50_000))
