"""What the books say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Sum

from amends.ledger.models import EntryRow


def balances(prefix: str = "") -> dict[tuple[str, str], int]:
    """Sum of entries by (account, currency), in minor units; debits are positive."""
    rows = EntryRow.objects.filter(account__startswith=prefix).values_list("account", "currency")
    return {(account, currency): minor for account, currency, minor in rows.annotate(Sum("minor")).order_by()}


def paid(since: datetime | None = None) -> dict[str, int]:
    """What providers have paid, by currency, in minor units."""
    rows = EntryRow.objects.filter(account__startswith="provider:")
    if since is not None:
        rows = rows.filter(posting__at__gte=since)
    return {currency: -minor for currency, minor in rows.values_list("currency").annotate(Sum("minor")).order_by()}


def out_of_balance() -> dict[str, int]:
    """Currencies whose entries do not sum to zero: empty when the books are right."""
    rows = EntryRow.objects.values_list("currency").annotate(Sum("minor")).order_by()
    return {currency: minor for currency, minor in rows if minor}


def export_rows() -> Iterator[dict[str, Any]]:
    """Every entry with its posting, in the order of booking."""
    names = ("posting_id", "posting__kind", "posting__recovery_id", "posting__customer_id", "posting__act_key")
    rows = EntryRow.objects.order_by("pk").values_list(*names, "posting__at", "account", "currency", "minor")
    keys = ("posting_id", "kind", "recovery_id", "customer_id", "act_key", "at", "account", "currency", "minor")
    for row in rows.iterator(5000):
        yield dict(zip(keys, row, strict=True))
