"""What other rooms may ask about customers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
from django.db import connection

from amends.customers.models import CustomerRow, ErasureRow
from amends.customers.records import Customer, Erasure
from amends.ground import packed

PART = 5000


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
        erased=row.erased_at is not None,
    )


def any_erased() -> bool:
    """Whether anybody ever was: where not, nobody needs to look further."""
    return ErasureRow.objects.exists()


def erased_among(ids: Collection[str]) -> set[str]:
    """Those of these ids of whom nothing personal may be kept."""
    wanted, found = sorted(set(ids)), set[str]()
    for start in range(0, len(wanted), PART):
        rows = CustomerRow.objects.filter(pk__in=wanted[start : start + PART], erased_at__isnull=False)
        found.update(rows.values_list("pk", flat=True))
    return found


def erasures(*, under_way: bool = False) -> list[Erasure]:
    """Every erasure, or those that are not finished, oldest first."""
    rows = ErasureRow.objects.filter(finished_at=None) if under_way else ErasureRow.objects.all()
    return [
        Erasure(row.pk, row.customer_id, row.asked_at, row.asked_by, tuple(row.told), row.counts, row.finished_at)
        for row in rows.order_by("pk")
    ]


def export_rows() -> Iterator[dict[str, Any]]:
    """Every customer, streaming."""
    yield from (dict(row) for row in CustomerRow.objects.order_by("pk").values().iterator(5000))


def segments() -> pa.Table:
    """The segment of every customer that has one: `customer_id` and `segment`."""
    kinds = {"customer_id": pa.string(), "segment": pa.string()}
    return packed.read(connection, CustomerRow._meta.db_table, kinds, "segment <> ''", [])
