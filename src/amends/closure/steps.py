"""Hearing the customer out: their answer closes a recovery or opens it again; silence closes it after a while."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

import amends.notices.queries
import amends.outbox.steps
import amends.recoveries.queries
import amends.recoveries.steps
from amends.closure.models import AnswerRow
from amends.ground.personal import quoting
from amends.outbox.records import Order
from amends.recoveries import holding
from amends.recoveries.records import RecoveryState

ANSWERS = ("yes", "partly", "no")
LONGEST = 4000
BATCH = 1000
NOBODY_ASKED = "no mail has gone out to the customer, so nobody was asked"
NOTHING_DUE = "nothing was due, so nobody was asked"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@transaction.atomic
def answer(recovery_id: str, form: str, said: str, words: str, now: datetime) -> bool:
    """Take a customer's answer once: the same form sent again is the same answer. False for a repeat."""
    if said not in ANSWERS:
        raise ValueError("choose yes, partly or no")
    recovery = amends.recoveries.queries.one(recovery_id)
    if recovery is None:
        raise ValueError("this recovery is not known")
    clean, mark = _CONTROL.sub("", words).strip()[:LONGEST], _CONTROL.sub("", form)[:64]
    row, new = AnswerRow.objects.get_or_create(
        form=mark, defaults={"recovery_id": recovery_id, "answer": said, "words": clean, "at": now}
    )
    if not new:
        return False
    who = f"customer {recovery.customer_id}"
    if said == "yes":
        why = "the customer says it is right now"
        amends.recoveries.steps.move([recovery_id], RecoveryState.CLOSED, who=who, why=why, now=now)
        return True
    why = quoting(said, clean)
    amends.recoveries.steps.move([recovery_id], RecoveryState.REOPENED, who=who, why=why, now=now)
    key, payload = f"follow-up:{recovery_id}:{row.pk}", {"reason": why}
    order = Order(key, "person.follow_up", "person", recovery_id, recovery.customer_id, payload, urgency=1)
    amends.outbox.steps.enqueue([order], now)
    return True


def follow_up(now: datetime) -> int:
    """Close what was made right and has not been answered for closing.silent_days; how many."""
    days, closed = settings.AMENDS.closing.silent_days, 0
    while ids := amends.recoveries.queries.made_right_before(now - timedelta(days=days), BATCH):
        for why, mine in _why_over(ids, days).items():
            closed += amends.recoveries.steps.move(mine, RecoveryState.CLOSED, who="amends", why=why, now=now)
    return closed


def _why_over(recovery_ids: Sequence[str], days: int) -> dict[str, list[str]]:
    """By why they are over: a silence is one only where somebody was written to."""
    asked = amends.notices.queries.mailed(recovery_ids)
    others = amends.recoveries.queries.by_id(set(recovery_ids) - asked)
    nothing = {id_ for id_, one in others.items() if holding.gives_nothing(one.decision)}
    found: dict[str, list[str]] = {}
    for id_ in recovery_ids:
        silent = f"no answer for {days} days" if id_ in asked else f"{NOBODY_ASKED}; {days} days are over"
        found.setdefault(NOTHING_DUE if id_ in nothing else silent, []).append(id_)
    return found
