"""What other rooms and pages may ask about acts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q

from amends.ground import bulk
from amends.outbox import rules
from amends.outbox.models import ActRow, BatchMoveRow, BatchRow, EndpointRow, TryRow
from amends.outbox.records import Act, ActState, Batch, BatchState, Endpoint, Receipt, Standing

FOR_A_PERSON = (ActState.PARKED, ActState.REFUSED, ActState.IN_DOUBT)
OPEN = (ActState.DUE, ActState.TRYING, ActState.UNKNOWN)
QUOTED_KEY = '"key"'
_STATES = {str(state): state for state in ActState}


def acts_of(recovery_ids: Collection[str]) -> dict[str, list[Act]]:
    """Acts by recovery, oldest first."""
    found: dict[str, list[Act]] = {}
    for row in ActRow.objects.filter(recovery_id__in=recovery_ids).order_by("created_at", "key"):
        found.setdefault(row.recovery_id, []).append(_act(row))
    return found


def answers(keys: Collection[str]) -> dict[str, Act]:
    return {row.key: _act(row) for row in ActRow.objects.filter(pk__in=keys)}


def standing(keys: Collection[str]) -> dict[str, Standing]:
    """Where these acts stand."""
    sql = f'SELECT "key", state, connector, ref FROM outbox_actrow WHERE {bulk.among(connection, QUOTED_KEY)}'  # noqa: S608
    found = bulk.fetch(connection, sql, [bulk.texts(connection, keys)]) if keys else []
    return {key: Standing(_STATES[state], connector, ref) for key, state, connector, ref in found}


def recoveries_answered(state: ActState, since: datetime, at_once: int) -> Iterator[list[str]]:
    """Recoveries with acts, mails apart, that came to a state since a moment; a part of the acts at a time."""
    at, key = bulk.moment(connection, since), ""
    sql = """SELECT changed_at, "key", recovery_id FROM outbox_actrow WHERE state = %s AND changed_at >= %s
        AND (changed_at > %s OR "key" > %s) AND kind NOT LIKE 'mail.%%'
        ORDER BY changed_at, "key" LIMIT %s"""
    while found := bulk.fetch(connection, sql, [str(state), at, at, key, at_once]):
        at, key, _ = found[-1]
        yield sorted({recovery_id for _, _, recovery_id in found})


def receipts(keys: Collection[str]) -> dict[str, Receipt]:
    """What the other sides said of these acts, of those that are done."""
    sql = f"""SELECT "key", recovery_id, kind, ref, changed_at FROM outbox_actrow
        WHERE {bulk.among(connection, QUOTED_KEY)} AND state = %s"""  # noqa: S608 - our own names
    found = bulk.fetch(connection, sql, [bulk.texts(connection, keys), str(ActState.DONE)]) if keys else []
    return {key: Receipt(key, id_, kind, ref, bulk.read_moment(at)) for key, id_, kind, ref, at in found}


def act(key: str) -> Act | None:
    row = ActRow.objects.filter(pk=key).first()
    return _act(row) if row else None


def tries(key: str) -> list[tuple[datetime, str, str, str]]:
    """Every try of an act: when, what (act, find, lost, retry, person), answer, detail."""
    found = list(TryRow.objects.filter(act=key).order_by("pk").values_list("at", "what", "answer", "detail"))
    row = ActRow.objects.filter(pk=key, state=ActState.DONE).first()
    if row and not any(answer == ActState.DONE for _, _, answer, _ in found):
        found.append((row.changed_at, "act", row.state, row.last_answer))  # a first try that went well has no other row
    return found


def for_a_person(limit: int) -> list[Act]:
    """Acts that a person must decide, oldest first."""
    return [_act(row) for row in ActRow.objects.filter(state__in=FOR_A_PERSON).order_by("changed_at")[:limit]]


def recent(limit: int, state: str = "") -> list[Act]:
    """The acts that changed last, of one state or of all."""
    states = [state] if state else list(ActState)
    rows = [row for each in states for row in ActRow.objects.filter(state=each).order_by("-changed_at")[:limit]]
    return [_act(row) for row in sorted(rows, key=lambda row: row.changed_at, reverse=True)[:limit]]


def batches(limit: int = 50, batch: str = "", limits: Mapping[str, float] | None = None) -> list[Batch]:
    """Batches, those first that have something left, then the youngest; `limits` are requests a second by connector."""
    rows = BatchRow.objects.filter(batch=batch) if batch else BatchRow.objects.all()
    busy = list(rows.filter(waiting__gt=0).order_by("-created_at")[:limit])
    rest = list(rows.filter(waiting=0).order_by("-created_at")[: max(0, limit - len(busy))])
    return [_batch(row, (limits or {}).get(row.connector, 0.0)) for row in (*busy, *rest)]


def _batch(row: BatchRow, per_s: float) -> Batch:
    state = BatchState(row.state)
    goes = state in (BatchState.OPEN, BatchState.CANARY)
    left = rules.left_s(row.waiting, row.speed, per_s) if goes and row.waiting else None
    figures = (row.total, row.waiting, row.done, row.lost, row.speed, left)
    return Batch(row.batch, row.connector, state, row.says, *figures, row.counted_at, row.created_at)


def aborted_batches(connector: str) -> list[str]:
    """Batches to this connector that somebody has aborted, the youngest first."""
    states = (BatchState.ABORTING, BatchState.ABORTED)
    rows = BatchRow.objects.filter(connector=connector, state__in=states).order_by("-created_at")
    return list(rows.values_list("batch", flat=True))


def cancelled(connector: str, since: datetime | None, size: int, batch: str = "") -> Iterator[list[Act]]:
    """Acts that were stopped before they went out, from a moment on in the order of their stopping, a part a time."""
    rows = ActRow.objects.filter(state=ActState.CANCELLED, connector=connector).order_by("changed_at", "key")
    after: tuple[datetime, str] | None = None
    rows = rows.filter(batch=batch) if batch else rows
    while True:
        part = rows.filter(changed_at__gte=since) if since else rows
        if after:
            part = part.filter(Q(changed_at__gt=after[0]) | Q(changed_at=after[0], key__gt=after[1]))
        found = [_act(row) for row in part[:size]]
        if not found:
            return
        yield found
        after = (found[-1].changed_at, found[-1].key)


def moves(batch: str) -> list[tuple[datetime, str, str, str, str]]:
    """Who paused, resumed or aborted a batch: when, connector, who, state, why."""
    rows = BatchMoveRow.objects.filter(batch=batch).order_by("pk")
    return list(rows.values_list("at", "connector", "who", "state", "why"))


def endpoints() -> list[Endpoint]:
    """Each connector with what waits for it, and whether it is left in peace."""
    waiting = dict(ActRow.objects.filter(state__in=OPEN).values_list("connector").annotate(Count("pk")).order_by())
    rows = {row.name: row for row in EndpointRow.objects.all()}
    return [_endpoint(name, waiting.get(name, 0), rows.get(name)) for name in sorted({*waiting, *rows})]


def _endpoint(name: str, waiting: int, row: EndpointRow | None) -> Endpoint:
    if row is None or not row.broken:
        return Endpoint(name, waiting, 0, None, "")
    return Endpoint(name, waiting, row.broken, row.peace_until, row.says)


def counts() -> dict[str, int]:
    return dict(ActRow.objects.values_list("state").annotate(Count("pk")).order_by("state"))


def counts_of(recovery_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """How many acts of these recoveries there are, by kind and state."""
    rows = ActRow.objects.filter(recovery_id__in=recovery_ids).values_list("kind", "state")
    return {(kind, state): count for kind, state, count in rows.annotate(Count("pk")).order_by()}


def open_count() -> int:
    """Acts that the worker still has to bring to an end by itself."""
    return ActRow.objects.filter(state__in=OPEN).count()


def due_count(now: datetime) -> int:
    """Acts that could be worked on at this moment: not those of a connector that is left in peace."""
    peace = EndpointRow.objects.filter(broken__gt=0, peace_until__gt=now, peace_until__lte=now + rules.NO_LEASE)
    left = list(peace.values_list("name", flat=True))
    return ActRow.objects.filter(state__in=OPEN, due_at__lte=now).exclude(connector__in=left).count()


def _act(row: ActRow) -> Act:
    return Act(
        key=row.key,
        kind=row.kind,
        connector=row.connector,
        recovery_id=row.recovery_id,
        customer_id=row.customer_id,
        payload=row.payload,
        state=ActState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        created_at=row.created_at,
        changed_at=row.changed_at,
        ref=row.ref,
        last_answer=row.last_answer,
    )


def export_rows() -> Iterator[dict[str, Any]]:
    """Every act, streaming; money stands in columns of its own."""
    for row in ActRow.objects.order_by("pk").values().iterator(5000):
        payload = row["payload"]
        yield row | {"amount_minor": payload.get("amount_minor"), "currency": payload.get("currency")}
