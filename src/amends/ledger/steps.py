"""Booking, once, in a chain: whoever books holds the head, so there is one order of postings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from amends.ledger import chaining
from amends.ledger.models import HeadRow, PostingRow
from amends.ledger.records import Posting
from amends.ledger.rules import START, check_balanced, link, microseconds

BATCH = 1000
BOOKS = "books"
CALLED_FOR = 400  # keys asked for in one query


@transaction.atomic
def post(postings: Sequence[Posting]) -> int:
    """Book what is not booked yet; Unbalanced, and nothing booked, when a movement moves nothing."""
    for posting in postings:
        check_balanced(posting)
    if not postings:
        return 0
    head = _locked_head()
    by_id = {posting.posting_id: posting for posting in postings}
    for posting_id in _booked(postings):
        by_id.pop(posting_id, None)
    rows = _chained(head, list(by_id.values()))
    PostingRow.objects.bulk_create(rows, batch_size=BATCH)
    if rows:
        head.save()
    return len(rows)


def _locked_head() -> HeadRow:
    locked = HeadRow.objects.select_for_update()
    head = locked.filter(pk=BOOKS).first()
    if head is None:
        HeadRow.objects.get_or_create(pk=BOOKS, defaults={"hash": START})
        head = locked.get(pk=BOOKS)
    return head


def _booked(postings: Sequence[Posting]) -> set[str]:
    keys = sorted({posting.act_key for posting in postings})
    found: set[str] = set()
    for start in range(0, len(keys), CALLED_FOR):
        rows = PostingRow.objects.filter(act_key__in=keys[start : start + CALLED_FOR])
        found.update(f"{kind}:{key}" for kind, key in rows.values_list("kind", "act_key"))
    return found


def _chained(head: HeadRow, postings: Sequence[Posting]) -> list[PostingRow]:
    """Rows behind the head, which moves on to the last of them."""
    rows, last = [], bytes(head.hash)
    for seq, posting in enumerate(postings, head.seq + 1):
        said: dict[str, Any] = {
            "seq": seq,
            "kind": posting.kind,
            "act_key": posting.act_key,
            "recovery_id": posting.recovery_id,
            "customer_id": posting.customer_id,
            "debit": posting.debit,
            "credit": posting.credit,
            "currency": posting.amount.currency,
            "minor": posting.amount.minor,
            "statutory": posting.statutory,
            "at_us": microseconds(posting.at),
        }
        last = link(last, **said)
        rows.append(PostingRow(hash=last, **said))
    head.seq, head.hash = head.seq + len(rows), last
    return rows


@transaction.atomic
def post_selected(select: str, params: Sequence[Any], at: datetime) -> int:
    """Book what an SQL SELECT says, a million as one statement; what is booked already is left out.

    The SELECT gives, by these names: kind, act_key, recovery_id, customer_id, debit, credit, currency, minor,
    statutory. Its rows are booked in the order of act_key and kind, at one moment.
    """
    head = _locked_head()
    with connection.cursor() as cursor:
        booked = chaining.insert(connection, cursor, select, params, head.seq, bytes(head.hash), microseconds(at))
    if booked:
        last = PostingRow.objects.order_by("-seq").values_list("seq", "hash")[:1].get()
        head.seq, head.hash = last[0], bytes(last[1])
        head.save()
    return booked
