"""Forgetting what was written to a customer; that something was written, when and whether it went stays."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from django.db import transaction

import amends.outbox.queries
from amends.ground.personal import Words
from amends.notices.models import NoticeRow
from amends.notices.records import Finding
from amends.outbox.records import ActState

ERASED = "erased"
HINT = "the customer was erased: what was written is gone, and nothing more goes to them"
BY_PEOPLE = ("dismissed", "sent-by-person")  # their findings hold who and why


@transaction.atomic
def erase(words: Words) -> Counter[str]:
    """Blank every message to the customer; one that was held back, or cancelled on its way, is dismissed."""
    counts: Counter[str] = Counter()
    mine = NoticeRow.objects.filter(customer_id=words.customer_id)
    acts = amends.outbox.queries.answers(mine.filter(state="enqueued").values_list("act_key", flat=True))
    stopped = [key for key, act in acts.items() if act.state is ActState.CANCELLED]
    mine.filter(state="enqueued", act_key__in=stopped).update(state="dismissed")
    for row in mine:
        if any(finding["rule"] == ERASED for finding in row.findings):
            continue
        row.subject = row.text = row.html = row.locale = ""
        row.slots, row.about = {}, words.masked(row.about)
        row.findings = [*(_bare(finding, words) for finding in row.findings), erased()]
        row.state = "dismissed" if row.state == "held" else row.state
        row.save()
        counts["messages"] += 1
    return counts


def erased() -> dict[str, Any]:
    """The finding that says why there are no words."""
    return asdict(Finding("", 0, "warning", ERASED, "", HINT))


def _bare(finding: dict[str, Any], words: Words) -> dict[str, Any]:
    """A finding without what it quotes."""
    kept: dict[str, Any] = words.masked(finding)
    return kept if finding["rule"] in BY_PEOPLE else kept | {"text": ""}
