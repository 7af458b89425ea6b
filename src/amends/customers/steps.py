"""Taking in what we are told of customers, in sets."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from amends.customers.models import CustomerRow, ErasureRow
from amends.customers.records import Customer
from amends.ground import bulk

FIELDS = ("name", "email", "phone", "locale", "time_zone", "segment", "since", "contact")
KEY = ("customer_id",)
BLANK = {"name": "", "email": "", "phone": "", "locale": "", "time_zone": "", "contact": {}}
NEVER = datetime.max.replace(tzinfo=UTC)


@transaction.atomic
def upsert_many(told: Sequence[tuple[Customer, datetime]]) -> int:
    """Write each customer as told last; how many were written.

    An older telling that comes late changes nothing, and of whom was erased nothing is taken at all.
    """
    newest: dict[str, tuple[Customer, datetime]] = {}
    for customer, at in told:
        known = newest.get(customer.customer_id)
        if known is None or known[1] <= at:
            newest[customer.customer_id] = (customer, at)
    rows_of = CustomerRow.objects.filter(pk__in=newest).values_list("pk", "told_at", "erased_at")
    stored = {pk: told_at if erased_at is None else NEVER for pk, told_at, erased_at in rows_of}
    rows = [_row(customer, at) for customer, at in newest.values() if _is_newer(stored.get(customer.customer_id), at)]
    told_anew = (*FIELDS, "told_at")
    bulk.insert(connection, CustomerRow, (*KEY, *told_anew), rows, over=(KEY, told_anew))
    return len(rows)


@transaction.atomic
def introduce(customer: Customer, now: datetime) -> None:
    """Keep what somebody says of themselves at a public form: it fills in what is unknown and overwrites nothing."""
    known = CustomerRow.objects.select_for_update().filter(pk=customer.customer_id).first()
    if known is None:
        upsert_many([(customer, now)])
        return
    blank = {name for name in ("name", "email", "phone", "locale", "time_zone") if not getattr(known, name)}
    news = {name: getattr(customer, name) for name in blank if getattr(customer, name)}
    if news and known.erased_at is None:
        CustomerRow.objects.filter(pk=known.pk).update(**news)


def _is_newer(stored_at: datetime | None, at: datetime) -> bool:
    return stored_at is None or stored_at < at


def _row(customer: Customer, at: datetime) -> tuple[Any, ...]:
    """In the order of FIELDS, behind the key and before the moment."""
    known = (customer.name, customer.email, customer.phone, customer.locale, customer.time_zone, customer.segment)
    contact, told_at = json.dumps(dict(customer.contact)), bulk.moment(connection, at)
    return customer.customer_id, *known, bulk.day(connection, customer.since), contact, told_at


@transaction.atomic
def let_go(customer_ids: Collection[str]) -> int:
    """Forget these customers as if they had never been told of; who comes again is somebody new. How many were known.

    For those with whom nothing connects us any more. Of whom was erased, that stays known.
    """
    return CustomerRow.objects.filter(pk__in=list(customer_ids), erased_at=None).delete()[0]


@transaction.atomic
def erase(customer_id: str, now: datetime) -> bool:
    """Blank what this room knows of a customer and take no more; their pseudonym stays. False when nothing was known.

    The other rooms forget by `ask_erasure`, which begins with this.
    """
    known = CustomerRow.objects.filter(pk=customer_id)
    held = any(any(row) for row in known.values_list("name", "email", "phone", "locale", "time_zone", "contact"))
    new = not known.update(**BLANK, told_at=now, erased_at=now)
    if new:
        CustomerRow.objects.create(customer_id=customer_id, told_at=now, erased_at=now)
    return held


@transaction.atomic
def ask_erasure(customer_id: str, told: Collection[str], who: str, now: datetime) -> int:
    """Forget a customer here and now, and everywhere else as soon as the story comes to it; the erasure's number."""
    counts = {"customer's own fields": 1} if erase(customer_id, now) else {}
    row = ErasureRow(customer_id=customer_id, asked_at=now, asked_by=who[:200], told=sorted(told), counts=counts)
    row.save()
    return int(row.pk)


@transaction.atomic
def note_erased(number: int, counts: Mapping[str, int], *, finished: bool, now: datetime) -> None:
    """Count what was erased; with the last of it the words that were looked for are forgotten too."""
    row = ErasureRow.objects.select_for_update().get(pk=number)
    row.counts = {kind: row.counts.get(kind, 0) + counts.get(kind, 0) for kind in {**row.counts, **counts}}
    if finished:
        row.told, row.finished_at = [], now
    row.save()


def readmit(customer_id: str) -> bool:
    """Take again what is told of somebody who was erased; what was told before stays forgotten."""
    return bool(CustomerRow.objects.filter(pk=customer_id, erased_at__isnull=False).update(erased_at=None))
