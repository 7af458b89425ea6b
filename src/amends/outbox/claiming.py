"""Claiming and what else all workers share, as set-based SQL that reads the same on both databases.

A claim begins what it takes: it is committed before the wire is touched, a group a commit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection
from django.db.backends.utils import CursorWrapper

from amends.ground import bulk
from amends.outbox import rules
from amends.outbox.answering import Answered, clean, record, together
from amends.outbox.records import ActState, BatchState, Claimed, Declaration, Lane, Order
from amends.outbox.rules import LEASE, NO_LEASE, Next

WAITING = """state IN ('due', 'unknown')"""
UNCLEAR = "state = 'unknown'"
LANE = "kind, batch, canary, urgency"
COLUMNS = '"key", kind, connector, recovery_id, customer_id, payload, urgency, batch, attempts, unclear'
FIRST_AT = "CASE WHEN attempts = 1 THEN NULL ELSE first_at END"  # reading a moment costs as much as all the rest
TAKEN = f'"key", recovery_id, customer_id, payload, attempts, unclear, {FIRST_AT}'  # the rest is the lane's
_decoded = msgspec.json.Decoder().decode


def lanes(connectors: Collection[str], now: datetime) -> list[Lane]:
    """The lanes that have something due and may go, in their turn. Takes nothing and locks nothing."""
    found = [lane for name in connectors for lane in _heads(name) if lane.due_at <= now]
    states = _batch_states({lane.batch for lane in found} - {""})
    told = [(lane, states.get((lane.batch, lane.connector))) for lane in found]
    going = [(lane, state is BatchState.ABORTED) for lane, state in told if rules.may_go(lane, state)]
    return rules.in_turn(replace(lane, called_off=True) if called_off else lane for lane, called_off in going)


def _heads(connector: str) -> list[Lane]:
    """The first act of each lane, found by jumping from lane to lane in the index, however many wait in each.

    The next lane has the same beginning and is further in its last part, or has less of the beginning: one look each,
    because SQLite finds its way by `(a, b) > (c, d)` in the first column only.
    """
    parts = LANE.split(", ")
    further = [
        [f"b.{part} = l.{part}" for part in parts[:depth]] + [f"b.{parts[depth]} > l.{parts[depth]}"]
        for depth in range(len(parts) - 1, -1, -1)
    ]
    nexts = ", ".join(_first(where, parts[len(where) - 1 :]) for where in further)
    columns = ", ".join(f"a.{part}" for part in parts)
    sql = f"""
        WITH RECURSIVE l AS (
            SELECT {LANE}, due_at FROM outbox_actrow WHERE "key" = {_first([], parts)}
            UNION ALL
            SELECT {columns}, a.due_at FROM l JOIN outbox_actrow a ON a."key" = COALESCE({nexts})
        ) SELECT {LANE}, due_at FROM l"""  # noqa: S608 - no value is pasted in
    with connection.cursor() as cursor:
        cursor.execute(sql, [connector] * (1 + len(parts)))
        rows = cursor.fetchall()
    return [Lane(connector, row[0], row[1], bool(row[2]), row[3], bulk.read_moment(row[4])) for row in rows]


def _first(where: Sequence[str], order: Sequence[str]) -> str:
    """The key of the act that waits first under these conditions, as a subquery."""
    conditions = " AND ".join(["b.connector = %s", f"b.{WAITING}", *where])
    by = ", ".join(f"b.{part}" for part in (*order, "due_at"))
    return f'(SELECT b."key" FROM outbox_actrow b WHERE {conditions} ORDER BY {by} LIMIT 1)'  # noqa: S608


def _batch_states(batches: Collection[str]) -> Mapping[tuple[str, str], BatchState]:
    if not batches:
        return {}
    marks = ", ".join(["%s"] * len(batches))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT batch, connector, state FROM outbox_batchrow WHERE batch IN ({marks})", list(batches))  # noqa: S608
        return {(batch, connector): BatchState(state) for batch, connector, state in cursor.fetchall()}


@together
def claim(worker: str, declaration: Declaration, due: Sequence[Lane], room: int, now: datetime) -> list[Claimed]:
    """Begin up to `room` acts of these lanes for this worker; nothing may be sent before that is committed."""
    taken: list[tuple[Lane, list[Any]]] = []
    with connection.cursor() as cursor:
        free = _free(cursor, declaration.name, now)
        room = min(room, free)
        for lane in due:
            begun = sum(len(rows) for _, rows in taken)
            allowed = min(room - begun, *_tokens(cursor, declaration, lane.kind, room, now))
            if allowed > 0:
                rows = _take(cursor, worker, lane, allowed, now)
                _spend(cursor, declaration, lane.kind, _requests(rows, declaration))
                taken.append((lane, rows))
        if free == 1 and not any(rows for _, rows in taken):
            _no_probe(cursor, declaration.name, now)
    return _readable(worker, taken, free == 1, now)


def _readable(worker: str, taken: Sequence[tuple[Lane, Sequence[Any]]], probe: bool, now: datetime) -> list[Claimed]:
    """What was claimed; an act whose payload is damaged stands before a person and stops nobody else."""
    claims, damaged = [], []
    for lane, rows in taken:
        kind, connector, urgency, batch = lane.kind, lane.connector, lane.urgency, lane.batch
        for key, recovery_id, customer_id, payload, attempt, unclear, first_at, place in rows:
            try:
                data = _decoded(payload) if isinstance(payload, str) else payload
            except msgspec.DecodeError as error:
                after = Next(ActState.PARKED, now, "", f"its payload cannot be read: {error}", unclear)
                damaged.append(Answered(key, attempt, "act", after))
                continue
            order = Order(key, kind, connector, recovery_id, customer_id, data, urgency, None, batch)
            claims.append(
                Claimed(
                    order,
                    attempt,
                    unclear,
                    bulk.read_moment(first_at) if first_at else now,
                    probe,
                    place,
                    lane.called_off,
                )
            )
    if damaged:
        record(worker, damaged, now)
    return claims


def _take(cursor: CursorWrapper, worker: str, lane: Lane, limit: int, now: datetime) -> list[Any]:
    postgres = connection.vendor == "postgresql"
    lock = "FOR UPDATE SKIP LOCKED" if postgres else ""
    # The rows' own places instead of their keys: no second look through the index of keys.
    place, among = ("ctid", "= ANY (ARRAY(") if postgres else ("rowid", "IN (SELECT * FROM (")
    sql = f"""
        UPDATE outbox_actrow SET state = 'trying', lease_by = %s, lease_until = %s, trying_since = %s, changed_at = %s,
            attempts = attempts + 1, first_at = COALESCE(first_at, %s),
            unclear = CASE WHEN state = 'unknown' AND unclear = 0 THEN 1 ELSE unclear END
        WHERE {place} {among}
            SELECT {place} FROM outbox_actrow
            WHERE connector = %s AND kind = %s AND batch = %s AND canary = %s AND urgency = %s
              AND {UNCLEAR if lane.called_off else WAITING} AND due_at <= %s
            ORDER BY due_at LIMIT %s {lock}
        )) RETURNING {TAKEN}, {"0" if postgres else "rowid"}"""  # noqa: S608 - no value is pasted in
    at = bulk.moment(connection, now)
    where = [lane.connector, lane.kind, lane.batch, lane.canary, lane.urgency, at, limit]
    cursor.execute(sql, [worker, bulk.moment(connection, now + LEASE), at, at, at, *where])
    return list(cursor.fetchall())


def _claimed(row: Sequence[Any], now: datetime) -> Claimed:
    key, kind, connector, recovery_id, customer_id, payload, urgency, batch, attempt, unclear, first_at = row
    data = _decoded(payload) if isinstance(payload, str) else payload
    order = Order(key, kind, connector, recovery_id, customer_id, data, urgency, None, batch)
    return Claimed(order, attempt, unclear, bulk.read_moment(first_at) if first_at else now)


def _free(cursor: CursorWrapper, name: str, now: datetime) -> int:
    """How many acts the state of this connector allows: all, none while it is left in peace, one as a probe after."""
    cursor.execute("SELECT broken, peace_until FROM outbox_endpointrow WHERE name = %s AND broken > 0", [name])
    row = cursor.fetchone()
    if row is None:
        return 2**31
    until = bulk.read_moment(row[1]) if row[1] else now
    if now < until <= now + NO_LEASE:
        return 0
    probe = """UPDATE outbox_endpointrow SET peace_until = %s
        WHERE name = %s AND broken = %s AND (peace_until = %s OR peace_until IS NULL)"""
    cursor.execute(probe, [bulk.moment(connection, now + LEASE), name, row[0], bulk.moment(connection, until)])
    return 1 if cursor.rowcount == 1 else 0


def _no_probe(cursor: CursorWrapper, name: str, now: datetime) -> None:
    """Nothing was there to try it with: whoever has something next may."""
    cursor.execute(
        "UPDATE outbox_endpointrow SET peace_until = %s WHERE name = %s AND broken > 0",
        [bulk.moment(connection, now), name],
    )


def _tokens(cursor: CursorWrapper, declaration: Declaration, kind: str, room: int, now: datetime) -> list[int]:
    """Requests that the buckets of this kind allow now. The rows stay locked until the claim is committed."""
    allowed = [room]
    for name, per_s in rules.endpoints(declaration, kind):
        full = [name, rules.bucket(per_s), bulk.moment(connection, now)]
        cursor.execute(
            "INSERT INTO outbox_endpointrow (name, tokens, filled_at, broken, says) VALUES (%s, %s, %s, 0, '') "
            "ON CONFLICT (name) DO NOTHING",
            full,
        )
        bucket = f"SELECT tokens, filled_at FROM outbox_endpointrow WHERE name = %s{bulk.locked(connection)}"  # noqa: S608
        cursor.execute(bucket, [name])
        tokens, filled_at = cursor.fetchone()
        tokens, filled_at = rules.refilled(tokens, bulk.read_moment(filled_at), now, per_s)
        fill = "UPDATE outbox_endpointrow SET tokens = %s, filled_at = %s WHERE name = %s"
        cursor.execute(fill, [tokens, bulk.moment(connection, filled_at), name])
        allowed.append(int(tokens))
    return allowed


def _requests(rows: Sequence[Any], declaration: Declaration) -> int:
    """A look-up is a request too."""
    return len(rows) + (sum(row[5] > 0 for row in rows) if declaration.can_find else 0)


def _spend(cursor: CursorWrapper, declaration: Declaration, kind: str, requests: int) -> None:
    for name, _ in rules.endpoints(declaration, kind):
        cursor.execute("UPDATE outbox_endpointrow SET tokens = tokens - %s WHERE name = %s", [requests, name])


@together
def give_back(worker: str, claims: Sequence[Claimed], now: datetime) -> int:
    """Undo claims whose act never got as far as the wire, as if they had not been made."""
    sql = """UPDATE outbox_actrow SET state = CASE WHEN unclear > 0 THEN 'unknown' ELSE 'due' END, lease_by = '',
        lease_until = NULL, trying_since = NULL, first_at = CASE WHEN attempts = 1 THEN NULL ELSE first_at END,
        attempts = attempts - 1, changed_at = %s
        WHERE "key" = %s AND state = 'trying' AND lease_by = %s AND attempts = %s"""
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(bulk.moment(connection, now), c.order.key, worker, c.attempt) for c in claims])
        return int(cursor.rowcount)


@together
def renew(worker: str, keys: Collection[str], now: datetime) -> None:
    """Keep this worker's leases on what it still has on its way."""
    sql = """UPDATE outbox_actrow SET lease_until = %s WHERE "key" = %s AND state = 'trying' AND lease_by = %s"""
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(bulk.moment(connection, now + LEASE), key, worker) for key in sorted(keys)])


def sweep(
    worker: str,
    declarations: Mapping[str, Declaration],
    dead: Callable[[str], bool],
    now: datetime,
    *,
    by_lease: bool = True,
    limit: int = 500,
) -> int:
    """Acts whose worker went away in the middle: looked up where that is possible, before a person where it is not.

    Not `by_lease`, only those of workers that are surely gone: while leases cannot be held against the clock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT lease_by, lease_until FROM outbox_actrow WHERE state = 'trying'")
        held = [(name, bulk.read_moment(until)) for name, until in cursor.fetchall() if name != worker]
    over = {name for name, until in held if by_lease and not now <= until <= now + NO_LEASE}
    gone = {name for name in {name for name, _ in held} if dead(name)}
    return sum(_sweep(name, declarations, name in gone, now, limit) for name in sorted(over | gone))


@together
def _sweep(name: str, declarations: Mapping[str, Declaration], dead: bool, now: datetime, limit: int) -> int:
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    sql = f"""SELECT {COLUMNS}, first_at FROM outbox_actrow WHERE state = 'trying' AND lease_by = %s
        AND (%s OR lease_until < %s OR lease_until > %s) LIMIT %s {lock}"""  # noqa: S608 - no value is pasted in
    with connection.cursor() as cursor:
        cursor.execute(sql, [name, dead, bulk.moment(connection, now), bulk.moment(connection, now + NO_LEASE), limit])
        lost = [_claimed(row, now) for row in cursor.fetchall()]
    after = [(c, rules.after_loss(c, declarations.get(c.order.connector), now)) for c in lost]
    record(name, [Answered(c.order.key, c.attempt, "lost", then) for c, then in after], now)
    return len(lost)


@together
def broke(name: str, asked_s: float, says: str, now: datetime) -> float:
    """Leave this connector in peace, each time in a row for longer; every worker sees it. For how many seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_endpointrow (name, tokens, filled_at, broken, says) VALUES (%s, 0, %s, 1, %s) "
            "ON CONFLICT (name) DO UPDATE SET broken = outbox_endpointrow.broken + 1, says = excluded.says "
            "RETURNING broken",
            [name, bulk.moment(connection, now), clean(says, 300)],
        )
        (broken,) = cursor.fetchone()
        wait = max(rules.peace_s(name, broken), min(asked_s, rules.LONGEST_PEACE_S))
        until = bulk.moment(connection, now + timedelta(seconds=wait))
        cursor.execute("UPDATE outbox_endpointrow SET peace_until = %s WHERE name = %s", [until, name])
    return wait


@together
def works(name: str) -> None:
    """This connector answers clearly again."""
    with connection.cursor() as cursor:
        mend = "UPDATE outbox_endpointrow SET broken = 0, peace_until = NULL, says = '' WHERE name = %s AND broken > 0"
        cursor.execute(mend, [name])


@together
def probe_at_once(names: Collection[str], now: datetime) -> None:
    """A worker that starts need not wait out the peace: what kept a connector from answering may have been mended."""
    with connection.cursor() as cursor:
        sql = "UPDATE outbox_endpointrow SET peace_until = %s WHERE name = %s AND broken > 0"
        cursor.executemany(sql, [(bulk.moment(connection, now), name) for name in names])
