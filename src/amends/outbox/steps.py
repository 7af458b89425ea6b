"""The verbs of the outbox: enqueue, claim, begin, record. The claim is committed before the wire is touched."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from amends.outbox.models import ActRow, TryRow
from amends.outbox.records import ActState, Order
from amends.outbox.rules import LEASE, Next

BATCH = 1000
WITH_A_PERSON = "person"
ENDED = (ActState.DONE, ActState.CANCELLED)


@transaction.atomic
def enqueue(orders: Sequence[Order], now: datetime) -> int:
    """Put acts in the outbox; a key that is there already stays as it is. How many orders were handed in."""
    rows = [
        ActRow(
            key=order.key,
            kind=order.kind,
            connector=order.connector,
            recovery_id=order.recovery_id,
            customer_id=order.customer_id,
            payload=dict(order.payload),
            urgency=order.urgency,
            state=ActState.PARKED if order.connector == WITH_A_PERSON else ActState.DUE,
            last_answer=str(order.payload.get("reason", "")) if order.connector == WITH_A_PERSON else "",
            due_at=order.not_before or now,
            created_at=now,
            changed_at=now,
        )
        for order in orders
    ]
    ActRow.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def claim(worker: str, connectors: Collection[str], limit: int, now: datetime) -> list[Order]:
    """Take due acts for this worker, most urgent first; nobody else gets them while the lease lasts."""
    due = ActRow.objects.filter(state__in=(ActState.DUE, ActState.UNKNOWN), connector__in=connectors, due_at__lte=now)
    due = due.filter(Q(lease_until=None) | Q(lease_until__lt=now)).order_by("urgency", "due_at", "key")
    if connection.vendor == "postgresql":
        due = due.select_for_update(skip_locked=True)
    rows = list(due[:limit])
    ActRow.objects.filter(pk__in=[row.key for row in rows]).update(lease_by=worker, lease_until=now + LEASE)
    return [_order(row) for row in rows]


def _order(row: ActRow) -> Order:
    return Order(row.key, row.kind, row.connector, row.recovery_id, row.customer_id, row.payload, row.urgency)


@transaction.atomic
def begin(worker: str, key: str, now: datetime) -> tuple[int, bool] | None:
    """Commit that the wire is about to be touched: (number of this try, look up first). None when not ours any more."""
    row = ActRow.objects.select_for_update().filter(pk=key, lease_by=worker).first()
    if row is None or row.state not in (ActState.DUE, ActState.UNKNOWN):
        return None
    look_up = row.state == ActState.UNKNOWN
    row.state, row.trying_since, row.lease_until, row.changed_at = ActState.TRYING, now, now + LEASE, now
    row.attempts += 1
    row.save(update_fields=["state", "trying_since", "lease_until", "attempts", "changed_at"])
    return row.attempts, look_up


@transaction.atomic
def record(worker: str, key: str, what: str, after: Next, now: datetime) -> bool:
    """Write down an answer. One that comes after the lease went to another counts only if it says done."""
    row = ActRow.objects.select_for_update().get(pk=key)
    TryRow.objects.create(act=row, at=now, what=what, answer=after.state, detail=after.says[:2000])
    if row.state == ActState.DONE or (row.lease_by != worker and after.state != ActState.DONE):
        return False
    row.state, row.due_at, row.ref, row.last_answer = after.state, after.due_at, after.ref[:400], after.says[:2000]
    row.lease_by, row.lease_until, row.trying_since, row.changed_at = "", None, None, now
    row.save()
    return True


@transaction.atomic
def release(worker: str, now: datetime) -> int:
    """Give back what was claimed and not begun, when a worker stops."""
    waiting = ActRow.objects.filter(lease_by=worker, state__in=(ActState.DUE, ActState.UNKNOWN))
    return waiting.update(lease_by="", lease_until=None)


@transaction.atomic
def sweep(can_find: Collection[str], now: datetime) -> int:
    """Acts whose worker died in the middle: looked up where that is possible, before a person where it is not."""
    lost = ActRow.objects.filter(state=ActState.TRYING, lease_until__lt=now)
    says = "the worker died while this was on its way"
    known = lost.filter(connector__in=can_find).update(
        state=ActState.UNKNOWN, lease_by="", lease_until=None, due_at=now, last_answer=says, changed_at=now
    )
    doubtful = lost.exclude(connector__in=can_find).update(
        state=ActState.IN_DOUBT, lease_by="", lease_until=None, last_answer=f"{says}; it may or may not have arrived",
        changed_at=now,
    )  # fmt: skip
    return known + doubtful


@transaction.atomic
def expire_leases_of_the_dead(now: datetime, alone: bool) -> int:
    """Where no other worker runs, leases of before are those of the dead: no need to wait for them."""
    if not alone:
        return 0
    return ActRow.objects.filter(lease_until__gte=now).update(lease_until=now - timedelta(seconds=1))


@transaction.atomic
def retry_now(key: str, who: str, now: datetime) -> bool:
    """A person wants an act tried again; what may have happened is looked up first where that is possible."""
    row = ActRow.objects.select_for_update().filter(pk=key).exclude(state__in=(*ENDED, ActState.TRYING)).first()
    if row is None or row.connector == WITH_A_PERSON:
        return False
    TryRow.objects.create(act=row, at=now, what="retry", answer=row.state, detail=f"asked for by {who}")
    row.state = ActState.UNKNOWN if row.attempts and row.state != ActState.IN_DOUBT else ActState.DUE
    row.due_at, row.changed_at, row.lease_by, row.lease_until = now, now, "", None
    row.save()
    return True


@transaction.atomic
def settle_by_person(key: str, note: str, who: str, now: datetime) -> bool:
    """A person has done it, or has seen that it is done; their note is the receipt."""
    row = ActRow.objects.select_for_update().filter(pk=key).exclude(state__in=(*ENDED, ActState.TRYING)).first()
    if row is None:
        return False
    TryRow.objects.create(act=row, at=now, what="person", answer=ActState.DONE, detail=f"{who}: {note}")
    row.state, row.ref, row.last_answer, row.changed_at = ActState.DONE, note[:400], f"settled by {who}", now
    row.save()
    return True


@transaction.atomic
def cancel(keys: Collection[str], why: str, now: datetime) -> int:
    """Stop acts that nothing was done for yet; one that is on its way or done cannot be stopped."""
    idle = ActRow.objects.filter(pk__in=keys, state__in=(ActState.DUE, ActState.PARKED), attempts=0)
    return idle.update(state=ActState.CANCELLED, last_answer=why, changed_at=now, due_at=F("due_at"))
