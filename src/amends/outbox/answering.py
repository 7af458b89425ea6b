"""Answers, written down in groups: only over the try that they answer, but for `done`, which always counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from amends.ground import bulk
from amends.outbox import rules
from amends.outbox.records import ActState
from amends.outbox.rules import Next

LONGEST_SAYS, LONGEST_REF = 2000, 400
DONE = str(rules.DONE.value)
_encoded = msgspec.json.Encoder().encode
together = transaction.atomic(savepoint=False)  # one commit for all that is called inside one of them


class Answered(NamedTuple):
    """A try and what came of it: `what` is act, find or lost."""

    key: str
    attempt: int
    what: str
    after: Next
    place: int = 0  # where its row lay when it was claimed, in SQLite; 0: not known


@together
def record(worker: str, answered: Sequence[Answered], now: datetime) -> set[str]:
    """Write this worker's answers down, a group a commit; the keys of those that came too late to count."""
    if not answered:
        return set()
    with connection.cursor() as cursor:
        write = _write_postgres if connection.vendor == "postgresql" else _write_sqlite
        late = write(cursor, worker, answered, now)
        told = [each for each in answered if not _tells_itself(each) or each.key in late]
        if told:
            sql = "INSERT INTO outbox_tryrow (act_id, at, what, answer, detail) VALUES (%s, %s, %s, %s, %s)"
            at = bulk.moment(connection, now)
            cursor.executemany(sql, [[a.key, at, a.what, a.after.state.value, _says(a, late)] for a in told])
    return late


def _tells_itself(each: Answered) -> bool:
    return each.attempt == 1 and each.after.state is rules.DONE and each.what == "act"


def _says(each: Answered, late: Collection[str]) -> str:
    says = clean(each.after.says, LONGEST_SAYS)
    return f"too late to count: {says}" if each.key in late else says


def clean(text: str, longest: int) -> str:
    """What another side wrote, as any database can keep it: no NUL, no half characters, not endless."""
    if text.isascii() and "\x00" not in text:
        return text[:longest]
    return text[:longest].encode("utf-8", "replace").decode().replace("\x00", "?")


def _values(each: Answered, at: Any) -> tuple[str, Any, str, str, int]:
    """State, due, ref, words and unclear tries, as the database keeps them; what is done is due no more."""
    state, due, ref, says, unclear = each.after
    if state is rules.DONE:
        return DONE, at, clean(ref, LONGEST_REF), says, unclear  # these words are our own
    return str(state.value), bulk.moment(connection, due), clean(ref, LONGEST_REF), clean(says, LONGEST_SAYS), unclear


def _write_postgres(cursor: CursorWrapper, worker: str, answered: Sequence[Answered], now: datetime) -> set[str]:
    """The keys of answers that came too late. They travel as one text: arrays would be put together in Python."""
    sql = """
        UPDATE outbox_actrow a SET state = v.state, due_at = COALESCE(v.due_at, %s), ref = v.ref, last_answer = v.says,
            unclear = v.unclear, lease_by = '', lease_until = NULL, trying_since = NULL, changed_at = %s
        FROM json_to_recordset(%s::json)
            AS v("key" text, attempt int, state text, due_at timestamptz, ref text, says text, unclear int)
        WHERE a."key" = v."key" AND a.state <> 'done'
          AND (v.state = 'done' OR (a.state = 'trying' AND a.lease_by = %s AND a.attempts = v.attempt))
        RETURNING a."key" """
    names = ("key", "attempt", "state", "due_at", "ref", "says", "unclear")
    in_order = sorted(answered, key=lambda each: each.key)  # two workers that lock the same rows do it alike
    rows = [dict(zip(names, (each.key, each.attempt, *_values(each, None)), strict=True)) for each in in_order]
    cursor.execute(sql, [now, now, _encoded(rows).decode(), worker])
    return {each.key for each in answered}.difference(key for (key,) in cursor.fetchall())


def _write_sqlite(cursor: CursorWrapper, worker: str, answered: Sequence[Answered], now: datetime) -> set[str]:
    """The keys of answers that came too late. Nearly always none did, and every row lies where it lay when claimed."""
    update = """UPDATE outbox_actrow SET state = %s, due_at = %s, ref = %s, last_answer = %s, unclear = %s,
        lease_by = '', lease_until = NULL, trying_since = NULL, changed_at = %s
        WHERE "key" = %s AND (state = 'trying' AND lease_by = %s AND attempts = %s AND rowid = %s)"""
    if not all(each.place for each in answered):
        update = update.replace("rowid = %s", "%s >= 0")
    at = bulk.moment(connection, now)
    rows = [(*_values(each, at), at, each.key, worker, each.attempt, each.place) for each in answered]
    cursor.executemany(update, rows)
    return set() if cursor.rowcount == len(rows) else _write_singly(cursor, worker, answered, rows, update)


def _write_singly(
    cursor: CursorWrapper, worker: str, answered: Sequence[Answered], rows: Sequence[tuple[Any, ...]], update: str
) -> set[str]:
    """Some were not written: those that count all the same are, by key; what already says the same is left so."""
    sql = f"""SELECT "key", state, lease_by, attempts, ref, last_answer, unclear FROM outbox_actrow
        WHERE {bulk.among(connection, '"key"')}"""  # noqa: S608 - no value is pasted in
    keys = bulk.texts(connection, [each.key for each in answered])
    standing = {key: tuple(rest) for key, *rest in bulk.fetch(connection, sql, [keys])}
    late = set()
    for each, row in zip(answered, rows, strict=True):
        state, _, ref, says, unclear = row[:5]
        found = standing.get(each.key)
        if found == (state, "", each.attempt, ref, says, unclear):
            continue
        if _counts(found, worker, each):
            cursor.execute(update.partition(" AND (")[0], row[:7])
        else:
            late.add(each.key)
    return late


def _counts(standing: tuple[Any, ...] | None, worker: str, each: Answered) -> bool:
    if standing is None or standing[0] == DONE:
        return False
    return each.after.state is rules.DONE or standing[:3] == (ActState.TRYING.value, worker, each.attempt)
