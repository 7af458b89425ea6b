"""Taking in what we are told of customers, in sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from amends.customers.models import CustomerRow
from amends.customers.records import Customer

FIELDS = ("name", "email", "phone", "locale", "time_zone", "segment", "since", "contact")


@transaction.atomic
def upsert_many(told: Sequence[tuple[Customer, datetime]]) -> int:
    """Write each customer as told last; an older telling that comes late changes nothing. How many were written."""
    newest: dict[str, tuple[Customer, datetime]] = {}
    for customer, at in told:
        known = newest.get(customer.customer_id)
        if known is None or known[1] <= at:
            newest[customer.customer_id] = (customer, at)
    stored = dict(CustomerRow.objects.filter(pk__in=newest).values_list("pk", "told_at"))
    rows = [_row(customer, at) for customer, at in newest.values() if _is_newer(stored.get(customer.customer_id), at)]
    CustomerRow.objects.bulk_create(
        rows,
        batch_size=1000,
        update_conflicts=True,
        update_fields=[*FIELDS, "told_at"],
        unique_fields=["customer_id"],
    )
    return len(rows)


def _is_newer(stored_at: datetime | None, at: datetime) -> bool:
    return stored_at is None or stored_at < at


def _row(customer: Customer, at: datetime) -> CustomerRow:
    values = {name: getattr(customer, name) for name in FIELDS} | {"contact": dict(customer.contact)}
    return CustomerRow(customer_id=customer.customer_id, told_at=at, **values)


@transaction.atomic
def erase(customer_id: str, now: datetime) -> bool:
    """Forget everything personal; the pseudonym stays so that books and counts stay true."""
    blank = {"name": "", "email": "", "phone": "", "locale": "", "time_zone": "", "contact": {}, "told_at": now}
    return bool(CustomerRow.objects.filter(pk=customer_id).update(**blank))
