"""Booking, once, in a chain: whoever books holds the head, so there is one order of postings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from amends.ground import bulk
from amends.ledger import chaining
from amends.ledger.models import HeadRow, PostingRow
from amends.ledger.records import Posting
from amends.ledger.rules import START, check_balanced, link, microseconds

BOOKS = "books"
COLUMNS = (
    *("seq", "kind", "act_key", "recovery_id", "customer_id", "debit", "credit", "currency", "minor", "statutory"),
    *("at_us", "hash"),
)


@transaction.atomic
def post(postings: Sequence[Posting], *, new: bool = False) -> int:
    """Book what is not booked yet; Unbalanced, and nothing booked, when a movement moves nothing.

    `new`: the caller knows that none can be booked, and an error rather than silence is right if one is.
    """
    for posting in postings:
        check_balanced(posting)
    if not postings:
        return 0
    head = _locked_head()
    rows = _chained(head, postings if new else _not_booked(postings))
    bulk.insert(connection, PostingRow, COLUMNS, rows)
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


def _not_booked(postings: Sequence[Posting]) -> list[Posting]:
    by_id = {(posting.kind, posting.act_key): posting for posting in postings}
    keys = {posting.act_key for posting in postings}
    sql = f"SELECT kind, act_key FROM ledger_postingrow WHERE {bulk.among(connection, 'act_key')}"  # noqa: S608
    for said in bulk.fetch(connection, sql, [bulk.texts(connection, keys)]):
        by_id.pop(said, None)
    return list(by_id.values())


def _chained(head: HeadRow, postings: Sequence[Posting]) -> list[tuple[Any, ...]]:
    """Rows behind the head, which moves on to the last of them."""
    rows, last = [], bytes(head.hash)
    for seq, one in enumerate(postings, head.seq + 1):
        ids = (seq, one.kind, one.act_key, one.recovery_id, one.customer_id, one.debit, one.credit)
        said = (*ids, one.amount.currency, one.amount.minor, int(one.statutory), microseconds(one.at))
        last = link(last, *said)
        rows.append((*said, last))
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
