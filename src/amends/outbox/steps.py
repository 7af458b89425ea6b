"""The verbs of the outbox: enqueue, pace batches, and what a person does. Claims and answers have their own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value

from amends.ground import bulk
from amends.outbox import rules
from amends.outbox.models import ActRow, BatchMoveRow, BatchRow, TryRow
from amends.outbox.records import ActState, BatchState, Order

CHUNK = 1000
DUE, PARKED = str(ActState.DUE), str(ActState.PARKED)
COLUMNS = (
    *("key", "kind", "connector", "batch", "canary", "recovery_id", "customer_id", "payload", "urgency", "state"),
    *("last_answer", "due_at", "created_at", "changed_at", "attempts", "lease_by", "ref"),
)
WITH_A_PERSON = "person"
ENDED = (ActState.DONE, ActState.CANCELLED)
OPEN = (ActState.DUE, ActState.TRYING, ActState.UNKNOWN)
LOST = (ActState.REFUSED, ActState.IN_DOUBT, ActState.PARKED)
ABORTED = (BatchState.ABORTING, BatchState.ABORTED)
COUNT_EVERY = timedelta(seconds=5)
MACHINE = "amends"


@transaction.atomic
def enqueue(orders: Sequence[Order], now: datetime, *, new: bool = False) -> int:
    """Put acts in the outbox; a key that is there already stays as it is. How many orders were handed in.

    `new`: the caller knows that none can be there, and an error rather than silence is right if one is.
    """
    canaries, at = _open_batches(orders, now), bulk.moment(connection, now)
    rows = [_row(order, at, canaries) for order in orders]
    bulk.insert(connection, ActRow, COLUMNS, rows, unless_there=not new)
    return len(rows)


def _row(order: Order, at: Any, canaries: Counter[tuple[str, str]]) -> tuple[Any, ...]:
    with_a_person = order.connector == WITH_A_PERSON
    batch = "" if with_a_person else order.batch
    first = (batch, order.connector)
    canary = canaries[first] > 0
    if canary:
        canaries[first] -= 1
    state, says = (PARKED, str(order.payload.get("reason", ""))) if with_a_person else (DUE, "")
    due_at = bulk.moment(connection, order.not_before) if order.not_before else at
    ids = (order.key, order.kind, order.connector, batch, int(canary), order.recovery_id, order.customer_id)
    return *ids, msgspec.json.encode(order.payload).decode(), order.urgency, state, says, due_at, at, at, 0, "", ""


def _open_batches(orders: Iterable[Order], now: datetime) -> Counter[tuple[str, str]]:
    """Make the batches that are new; how many of these orders are among the first of each, which go alone."""
    sizes = Counter(
        (order.batch, order.connector) for order in orders if order.batch and order.connector != WITH_A_PERSON
    )
    wanted = settings.AMENDS.sending.canary
    state = BatchState.CANARY if wanted else BatchState.OPEN
    made = [BatchRow(batch=b, connector=c, state=state, created_at=now, counted_at=now) for b, c in sizes]
    BatchRow.objects.bulk_create(made, ignore_conflicts=True)
    found: Counter[tuple[str, str]] = Counter()
    for batch, connector in sorted(sizes):
        row = BatchRow.objects.select_for_update().get(batch=batch, connector=connector)
        found[(batch, connector)] = max(0, min(sizes[(batch, connector)], wanted - row.canaries))
        row.canaries += found[(batch, connector)]
        row.total += sizes[(batch, connector)]
        row.waiting += sizes[(batch, connector)]
        if row.state == BatchState.ABORTED:
            row.state = BatchState.ABORTING  # what comes late is cancelled as well
        row.save(update_fields=["canaries", "total", "waiting", "state"])
    return found


def take_stock(good_share: float, now: datetime) -> int:
    """Let batches go on or stop by how their first acts fared, count them, and finish aborts; how many moved."""
    moved = 0
    for row in BatchRow.objects.filter(state=BatchState.CANARY):
        moved += _judge(row, good_share, now)
    late = Q(state=BatchState.ABORTED, waiting__gt=0)  # was on its way, and came back certainly not done
    for row in BatchRow.objects.filter(Q(state=BatchState.ABORTING) | late):
        moved += int(not _cancel_some(row, now) and _aborted(row, now))
    busy = BatchRow.objects.filter(Q(waiting__gt=0) | Q(counted_at=F("created_at")))
    for row in busy.filter(counted_at__lt=now - COUNT_EVERY):
        _count(row, now)
    return moved


@transaction.atomic
def _judge(row: BatchRow, good_share: float, now: datetime) -> int:
    """What became of the first acts of a batch decides about the rest; nobody but one worker may say so."""
    first = ActRow.objects.filter(batch=row.batch, connector=row.connector, canary=True)
    counts = Counter(first.values_list("state", flat=True))
    done, lost = counts[ActState.DONE], sum(counts[state] for state in LOST)
    total = sum(counts.values()) - counts[ActState.CANCELLED]
    state = rules.judge_canaries(total, done, lost, good_share)
    if state is BatchState.CANARY:
        return 0
    says = f"{done} of the first {total} are done"
    if state is BatchState.PAUSED:
        last = first.filter(state__in=LOST).order_by("-changed_at").values_list("last_answer", flat=True).first()
        says = f"{lost} of the first {total} came to nothing, the last with: {last}"
    moved = BatchRow.objects.filter(pk=row.pk, state=BatchState.CANARY)
    if not moved.update(state=state, resume_to=BatchState.OPEN, says=says[:500]):
        return 0
    _note(row, MACHINE, state, says, now)
    return 1


def _count(row: BatchRow, now: datetime) -> None:
    """Count a batch for those who look at it; whoever comes first does it."""
    since, ended_before = row.counted_at, row.done + row.lost
    if not BatchRow.objects.filter(pk=row.pk, counted_at=since).update(counted_at=now):
        return
    acts = ActRow.objects.filter(batch=row.batch, connector=row.connector)
    counts: Counter[str] = Counter(dict(acts.values_list("state").annotate(Count("pk")).order_by("state")))
    done, lost = counts[ActState.DONE], sum(counts[state] for state in LOST)
    seen = (done + lost - ended_before) / max(1.0, (now - since).total_seconds())
    row.speed = rules.smoothed(row.speed, max(0.0, seen))
    waiting = sum(counts[state] for state in OPEN)
    total = sum(counts.values())
    BatchRow.objects.filter(pk=row.pk).update(total=total, waiting=waiting, done=done, lost=lost, speed=row.speed)


def pause(batch: str, who: str, why: str, now: datetime, connector: str = "") -> int:
    """Begin no more acts of this batch (to one connector, or to all); what is on its way comes to its end."""
    return _move(_parts(batch, connector), (BatchState.CANARY, BatchState.OPEN), BatchState.PAUSED, who, why, now)


def _parts(batch: str, connector: str) -> QuerySet[BatchRow]:
    rows = BatchRow.objects.filter(batch=batch)
    return rows.filter(connector=connector) if connector else rows


def resume(batch: str, who: str, why: str, now: datetime, connector: str = "") -> int:
    """Go on where a batch was paused. One that stopped itself goes on whole: a person has looked at its first acts."""
    return _move(_parts(batch, connector), (BatchState.PAUSED,), None, who, why, now)


def abort(batch: str, who: str, why: str, now: datetime, connector: str = "") -> int:
    """Cancel, for ever, what is certainly not done; what is on its way comes to its end, and what may have happened is
    looked up. How many parts it concerned."""
    states = (BatchState.CANARY, BatchState.OPEN, BatchState.PAUSED)
    moved = _move(_parts(batch, connector), states, BatchState.ABORTING, who, why, now)
    for row in _parts(batch, connector).filter(state=BatchState.ABORTING):
        while _cancel_some(row, now):
            pass
        _aborted(row, now)
    return moved


@transaction.atomic
def _move(
    parts: QuerySet[BatchRow], of: Collection[str], to: BatchState | None, who: str, why: str, now: datetime
) -> int:
    rows = list(parts.select_for_update().filter(state__in=of).order_by("pk"))
    for row in rows:
        row.resume_to = row.state if to is BatchState.PAUSED else row.resume_to
        row.state, row.says = to or row.resume_to, f"{who}: {why}"[:500]
        row.save(update_fields=["state", "resume_to", "says"])
        _note(row, who, BatchState(row.state), why, now)
    return len(rows)


def _note(row: BatchRow, who: str, state: BatchState, why: str, now: datetime) -> None:
    BatchMoveRow.objects.create(
        batch=row.batch, connector=row.connector, at=now, who=who[:150], state=state, why=why[:2000]
    )


@transaction.atomic
def _cancel_some(row: BatchRow, now: datetime) -> int:
    """Cancel some acts of an aborted batch; how many. Any worker goes on where another was killed."""
    waiting = ActRow.objects.filter(batch=row.batch, connector=row.connector, state=ActState.DUE)
    keys = list(_unheld(waiting).values_list("pk", flat=True)[: 5 * CHUNK])
    says = f"the batch was aborted by {row.says}"
    return ActRow.objects.filter(pk__in=keys).update(state=ActState.CANCELLED, last_answer=says, changed_at=now)


def _aborted(row: BatchRow, now: datetime) -> bool:
    """Nothing is left to cancel; whether it is this that was first seen now."""
    aborting = BatchRow.objects.filter(pk=row.pk, state=BatchState.ABORTING)
    return bool(aborting.update(state=BatchState.ABORTED, counted_at=now - COUNT_EVERY))


def _unheld(acts: QuerySet[ActRow]) -> QuerySet[ActRow]:
    """Lock these rows where rows can be locked, so that each is either begun or cancelled."""
    return acts.select_for_update() if connection.vendor == "postgresql" else acts


@transaction.atomic
def clock_went_back(now: datetime) -> int:
    """Acts that wait by a clock that has been set back wait as long as they would have, and no longer."""
    waiting = ActRow.objects.filter(state__in=(ActState.DUE, ActState.UNKNOWN), changed_at__gt=now)
    rest = ExpressionWrapper(Value(now) + (F("due_at") - F("changed_at")), output_field=DateTimeField())
    planned = waiting.filter(attempts=0, due_at__gt=F("changed_at"))  # for a certain day: that day has not moved
    planned.update(changed_at=now)
    return waiting.update(due_at=rest, changed_at=now)


@transaction.atomic
def retry_now(key: str, who: str, now: datetime) -> bool:
    """A person wants an act tried again; what may have happened is looked up first where that is possible."""
    row = ActRow.objects.select_for_update().filter(pk=key).exclude(state__in=(*ENDED, ActState.TRYING)).first()
    if row is None or row.connector == WITH_A_PERSON:
        return False
    TryRow.objects.create(act=row, at=now, what="retry", answer=row.state, detail=f"asked for by {who}")
    if row.state == ActState.IN_DOUBT:
        row.unclear = 0  # nobody can look it up: the person has decided
    row.state = ActState.UNKNOWN if row.unclear else ActState.DUE
    row.unclear = min(row.unclear, 1)
    aborted = BatchRow.objects.filter(batch=row.batch, connector=row.connector, state__in=ABORTED)
    row.batch = "" if aborted.exists() else row.batch  # else it would be cancelled: it goes alone, on a person's word
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
    return idle.update(state=ActState.CANCELLED, last_answer=why, changed_at=now)
