"""Booking, once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from amends.ledger.models import EntryRow, PostingRow
from amends.ledger.records import Posting
from amends.ledger.rules import check_balanced

BATCH = 1000


@transaction.atomic
def post(postings: Sequence[Posting]) -> int:
    """Book what is not booked yet; Unbalanced, and nothing booked, when one does not sum to zero."""
    for posting in postings:
        check_balanced(posting)
    by_id = {posting.posting_id: posting for posting in postings}
    known = set(PostingRow.objects.filter(pk__in=by_id).values_list("pk", flat=True))
    new = [posting for posting_id, posting in by_id.items() if posting_id not in known]
    PostingRow.objects.bulk_create([_row(posting) for posting in new], batch_size=BATCH)
    entries = [
        EntryRow(
            posting_id=posting.posting_id,
            account=entry.account,
            currency=entry.amount.currency,
            minor=entry.amount.minor,
        )
        for posting in new
        for entry in posting.entries
    ]
    EntryRow.objects.bulk_create(entries, batch_size=BATCH)
    return len(new)


def _row(posting: Posting) -> PostingRow:
    return PostingRow(
        posting_id=posting.posting_id,
        kind=posting.kind,
        recovery_id=posting.recovery_id,
        customer_id=posting.customer_id,
        act_key=posting.act_key,
        statutory=posting.statutory,
        at=posting.at,
    )
