"""Claiming, answering and what else all workers share, as set-based SQL that reads the same on both databases.

A claim begins what it takes: it is committed before the wire is touched, a group a commit. An answer is written only
over the try that it answers, but for `done`, which always counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from amends.ground import bulk
from amends.outbox import rules
from amends.outbox.records import ActState, BatchState, Claimed, Declaration, Lane, Order
from amends.outbox.rules import LEASE, NO_LEASE, Next

WAITING = """state IN ('due', 'unknown')"""
LANE = "kind, batch, canary, urgency"
COLUMNS = '"key", kind, connector, recovery_id, customer_id, payload, urgency, batch, attempts, unclear'
FIRST_AT = "CASE WHEN attempts = 1 THEN NULL ELSE first_at END"  # reading a moment costs as much as all the rest
TAKEN = f'"key", recovery_id, customer_id, payload, attempts, unclear, {FIRST_AT}'  # the rest is the lane's
LONGEST_SAYS, LONGEST_REF = 2000, 400
DONE = ActState.DONE.value
_decoded = msgspec.json.Decoder().decode
together = transaction.atomic(savepoint=False)  # one commit for all that is called inside one of them


class Answered(NamedTuple):
    """A try and what came of it: `what` is act, find or lost."""

    key: str
    attempt: int
    what: str
    after: Next
    place: int = 0  # where its row lay when it was claimed, in SQLite; 0: not known


def lanes(connectors: Collection[str], now: datetime) -> list[Lane]:
    """The lanes that have something due and may go, in their turn. Takes nothing and locks nothing."""
    found = [lane for name in connectors for lane in _heads(name) if lane.due_at <= now]
    states = _batch_states({lane.batch for lane in found} - {""})
    return rules.in_turn(lane for lane in found if rules.may_go(lane, states.get((lane.batch, lane.connector))))


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
    return [Lane(connector, row[0], row[1], bool(row[2]), row[3], _moment(row[4])) for row in rows]


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
                damaged.append((worker, Answered(key, attempt, "act", after)))
                continue
            order = Order(key, kind, connector, recovery_id, customer_id, data, urgency, None, batch)
            claims.append(Claimed(order, attempt, unclear, _moment(first_at) if first_at else now, probe, place))
    if damaged:
        _write(damaged, now)
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
            WHERE connector = %s AND kind = %s AND batch = %s AND canary = %s AND urgency = %s AND {WAITING}
              AND due_at <= %s
            ORDER BY due_at LIMIT %s {lock}
        )) RETURNING {TAKEN}, {"0" if postgres else "rowid"}"""  # noqa: S608 - no value is pasted in
    at = _stored(now)
    where = [lane.connector, lane.kind, lane.batch, lane.canary, lane.urgency, at, limit]
    cursor.execute(sql, [worker, _stored(now + LEASE), at, at, at, *where])
    return list(cursor.fetchall())


def _claimed(row: Sequence[Any], now: datetime) -> Claimed:
    key, kind, connector, recovery_id, customer_id, payload, urgency, batch, attempt, unclear, first_at = row
    data = _decoded(payload) if isinstance(payload, str) else payload
    order = Order(key, kind, connector, recovery_id, customer_id, data, urgency, None, batch)
    return Claimed(order, attempt, unclear, _moment(first_at) if first_at else now)


def _free(cursor: CursorWrapper, name: str, now: datetime) -> int:
    """How many acts the state of this connector allows: all, none while it is left in peace, one as a probe after."""
    cursor.execute("SELECT broken, peace_until FROM outbox_endpointrow WHERE name = %s AND broken > 0", [name])
    row = cursor.fetchone()
    if row is None:
        return 2**31
    until = _moment(row[1]) if row[1] else now
    if now < until <= now + NO_LEASE:
        return 0
    probe = """UPDATE outbox_endpointrow SET peace_until = %s
        WHERE name = %s AND broken = %s AND (peace_until = %s OR peace_until IS NULL)"""
    cursor.execute(probe, [_stored(now + LEASE), name, row[0], _stored(until)])
    return 1 if cursor.rowcount == 1 else 0


def _no_probe(cursor: CursorWrapper, name: str, now: datetime) -> None:
    """Nothing was there to try it with: whoever has something next may."""
    cursor.execute(
        "UPDATE outbox_endpointrow SET peace_until = %s WHERE name = %s AND broken > 0", [_stored(now), name]
    )


def _tokens(cursor: CursorWrapper, declaration: Declaration, kind: str, room: int, now: datetime) -> list[int]:
    """Requests that the buckets of this kind allow now. The rows stay locked until the claim is committed."""
    allowed = [room]
    for name, per_s in rules.endpoints(declaration, kind):
        full = [name, rules.bucket(per_s), _stored(now)]
        cursor.execute(
            "INSERT INTO outbox_endpointrow (name, tokens, filled_at, broken, says) VALUES (%s, %s, %s, 0, '') "
            "ON CONFLICT (name) DO NOTHING",
            full,
        )
        bucket = f"SELECT tokens, filled_at FROM outbox_endpointrow WHERE name = %s{bulk.locked(connection)}"  # noqa: S608
        cursor.execute(bucket, [name])
        tokens, filled_at = cursor.fetchone()
        tokens, filled_at = rules.refilled(tokens, _moment(filled_at), now, per_s)
        fill = "UPDATE outbox_endpointrow SET tokens = %s, filled_at = %s WHERE name = %s"
        cursor.execute(fill, [tokens, _stored(filled_at), name])
        allowed.append(int(tokens))
    return allowed


def _requests(rows: Sequence[Any], declaration: Declaration) -> int:
    """A look-up is a request too."""
    return len(rows) + (sum(row[5] > 0 for row in rows) if declaration.can_find else 0)


def _spend(cursor: CursorWrapper, declaration: Declaration, kind: str, requests: int) -> None:
    for name, _ in rules.endpoints(declaration, kind):
        cursor.execute("UPDATE outbox_endpointrow SET tokens = tokens - %s WHERE name = %s", [requests, name])


def record(worker: str, answered: Sequence[Answered], now: datetime) -> set[str]:
    """Write answers down, a group a commit; the keys of those that came too late and said less than done."""
    return _write([(worker, each) for each in answered], now)


@together
def _write(answered: Sequence[tuple[str, Answered]], now: datetime) -> set[str]:
    if not answered:
        return set()
    with connection.cursor() as cursor:
        write = _write_postgres if connection.vendor == "postgresql" else _write_sqlite
        written = write(cursor, answered, now)
        late = {each.key for _, each in answered if each.key not in written}
        told = [each for _, each in answered if not _tells_itself(each) or each.key in late]
        sql = "INSERT INTO outbox_tryrow (act_id, at, what, answer, detail) VALUES (%s, %s, %s, %s, %s)"
        rows = [[a.key, _stored(now), a.what, a.after.state.value, _says(a, late)] for a in told]
        if rows:
            cursor.executemany(sql, rows)
    return late


def _tells_itself(each: Answered) -> bool:
    return each.attempt == 1 and each.what == "act" and each.after.state is ActState.DONE


def _says(each: Answered, late: Collection[str]) -> str:
    says = _clean(each.after.says, LONGEST_SAYS)
    return f"too late to count: {says}" if each.key in late else says


def _clean(text: str, longest: int) -> str:
    """What another side wrote, as any database can keep it: no NUL, no half characters, not endless."""
    if text.isascii() and "\x00" not in text:
        return text[:longest]
    return text[:longest].encode("utf-8", "replace").decode().replace("\x00", "?")


def _values(each: Answered, at: Any) -> tuple[str, Any, str, str, int]:
    """State, due, ref, words and unclear tries, as the database keeps them; what is done is due no more."""
    state, due, ref, says, unclear = each.after
    ref, says = _clean(ref, LONGEST_REF), _clean(says, LONGEST_SAYS)
    return (DONE, at, ref, says, unclear) if state is ActState.DONE else (state.value, _stored(due), ref, says, unclear)


def _write_postgres(cursor: CursorWrapper, answered: Sequence[tuple[str, Answered]], now: datetime) -> set[str]:
    sql = """
        UPDATE outbox_actrow a SET state = v.state, due_at = v.due_at, ref = v.ref, last_answer = v.says,
            unclear = v.unclear, lease_by = '', lease_until = NULL, trying_since = NULL, changed_at = %s
        FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::int[])
            AS v("key", attempt, lease_by, state, due_at, ref, says, unclear)
        WHERE a."key" = v."key" AND a.state <> 'done'
          AND (v.state = 'done' OR (a.state = 'trying' AND a.lease_by = v.lease_by AND a.attempts = v.attempt))
        RETURNING a."key" """
    rows = [(each.key, each.attempt, worker, *_values(each, now)) for worker, each in sorted(answered, key=_by_key)]
    cursor.execute(sql, [now, *(list(column) for column in zip(*rows, strict=True))])
    return {key for (key,) in cursor.fetchall()}


def _by_key(pair: tuple[str, Answered]) -> str:
    return pair[1].key  # two workers that lock the same rows do it in the same order


def _write_sqlite(cursor: CursorWrapper, answered: Sequence[tuple[str, Answered]], now: datetime) -> set[str]:
    update = """UPDATE outbox_actrow SET state = %s, due_at = %s, ref = %s, last_answer = %s, unclear = %s,
        lease_by = '', lease_until = NULL, trying_since = NULL, changed_at = %s
        WHERE "key" = %s AND (state = 'trying' AND lease_by = %s AND attempts = %s AND rowid = %s)"""
    if not all(each.place for _, each in answered):
        update = update.replace("rowid = %s", "%s >= 0")
    at = _stored(now)
    rows = [(*_values(each, at), at, each.key, worker, each.attempt, each.place) for worker, each in answered]
    as_it_was = transaction.savepoint()
    cursor.executemany(update, rows)
    if cursor.rowcount == len(rows):  # nearly always: nothing came late, and every row lies where it lay
        transaction.savepoint_commit(as_it_was)
        return {each.key for _, each in answered}
    transaction.savepoint_rollback(as_it_was)
    marks = ", ".join(["%s"] * len(answered))
    sql = f'SELECT "key", state, lease_by, attempts FROM outbox_actrow WHERE "key" IN ({marks})'  # noqa: S608
    cursor.execute(sql, [each.key for _, each in answered])
    standing = {key: tuple(rest) for key, *rest in cursor.fetchall()}
    good = {each.key for worker, each in answered if _counts(standing.get(each.key), worker, each)}
    written = [row for row in rows if row[6] in good]
    cursor.executemany(update.partition(" AND (")[0], [row[:7] for row in written])
    return good


def _counts(standing: tuple[str, str, int] | None, worker: str, each: Answered) -> bool:
    if standing is None or standing[0] == ActState.DONE:
        return False
    return each.after.state is ActState.DONE or standing == (ActState.TRYING.value, worker, each.attempt)


@together
def give_back(worker: str, claims: Sequence[Claimed], now: datetime) -> int:
    """Undo claims whose act never got as far as the wire, as if they had not been made."""
    sql = """UPDATE outbox_actrow SET state = CASE WHEN unclear > 0 THEN 'unknown' ELSE 'due' END, lease_by = '',
        lease_until = NULL, trying_since = NULL, first_at = CASE WHEN attempts = 1 THEN NULL ELSE first_at END,
        attempts = attempts - 1, changed_at = %s
        WHERE "key" = %s AND state = 'trying' AND lease_by = %s AND attempts = %s"""
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(_stored(now), c.order.key, worker, c.attempt) for c in claims])
        return int(cursor.rowcount)


@together
def renew(worker: str, keys: Collection[str], now: datetime) -> None:
    """Keep this worker's leases on what it still has on its way."""
    sql = """UPDATE outbox_actrow SET lease_until = %s WHERE "key" = %s AND state = 'trying' AND lease_by = %s"""
    with connection.cursor() as cursor:
        cursor.executemany(sql, [(_stored(now + LEASE), key, worker) for key in sorted(keys)])


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
        held = [(name, _moment(until)) for name, until in cursor.fetchall() if name != worker]
    over = {name for name, until in held if by_lease and not now <= until <= now + NO_LEASE}
    gone = {name for name in {name for name, _ in held} if dead(name)}
    return sum(_sweep(name, declarations, name in gone, now, limit) for name in sorted(over | gone))


@together
def _sweep(name: str, declarations: Mapping[str, Declaration], dead: bool, now: datetime, limit: int) -> int:
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    sql = f"""SELECT {COLUMNS}, first_at FROM outbox_actrow WHERE state = 'trying' AND lease_by = %s
        AND (%s OR lease_until < %s OR lease_until > %s) LIMIT %s {lock}"""  # noqa: S608 - no value is pasted in
    with connection.cursor() as cursor:
        cursor.execute(sql, [name, dead, _stored(now), _stored(now + NO_LEASE), limit])
        lost = [_claimed(row, now) for row in cursor.fetchall()]
    after = [(c, rules.after_loss(c, declarations.get(c.order.connector), now)) for c in lost]
    _write([(name, Answered(c.order.key, c.attempt, "lost", then)) for c, then in after], now)
    return len(lost)


@together
def broke(name: str, asked_s: float, says: str, now: datetime) -> float:
    """Leave this connector in peace, each time in a row for longer; every worker sees it. For how many seconds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_endpointrow (name, tokens, filled_at, broken, says) VALUES (%s, 0, %s, 1, %s) "
            "ON CONFLICT (name) DO UPDATE SET broken = outbox_endpointrow.broken + 1, says = excluded.says "
            "RETURNING broken",
            [name, _stored(now), _clean(says, 300)],
        )
        (broken,) = cursor.fetchone()
        wait = max(rules.peace_s(name, broken), min(asked_s, rules.LONGEST_PEACE_S))
        until = _stored(now + timedelta(seconds=wait))
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
        cursor.executemany(sql, [(_stored(now), name) for name in names])


def _stored(moment: datetime) -> Any:
    """A moment as this database keeps it."""
    return connection.ops.adapt_datetimefield_value(moment)


def _moment(value: Any) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)
