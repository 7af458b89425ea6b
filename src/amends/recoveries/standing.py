"""Where recoveries stand, for rooms that ask by the ten thousand: ids and states, and no decisions."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection

from amends.ground import bulk
from amends.recoveries.records import RecoveryState


def states(recovery_ids: Collection[str]) -> dict[str, RecoveryState]:
    """The state of each of these recoveries."""
    sql = f"SELECT recovery_id, state FROM recoveries_recoveryrow WHERE {bulk.among(connection, 'recovery_id')}"  # noqa: S608
    found = bulk.fetch(connection, sql, [bulk.texts(connection, recovery_ids)]) if recovery_ids else []
    return {recovery_id: RecoveryState(state) for recovery_id, state in found}


def in_state(state: RecoveryState, at_once: int) -> Iterator[list[str]]:
    """Recoveries in a state, a part at a time; what moves on meanwhile may be left out."""
    after = ""
    sql = """SELECT recovery_id FROM recoveries_recoveryrow WHERE state = %s AND recovery_id > %s
        ORDER BY recovery_id LIMIT %s"""
    while found := [id_ for (id_,) in bulk.fetch(connection, sql, [str(state), after, at_once])]:
        after = found[-1]
        yield found


def last_move() -> int:
    """The number of the last move of any recovery."""
    return int(bulk.fetch(connection, "SELECT COALESCE(MAX(id), 0) FROM recoveries_moverow", [])[0][0])


def moved_to(state: RecoveryState, behind: int, upto: int, at_once: int) -> Iterator[list[str]]:
    """Recoveries that were moved to a state by moves of these numbers, a part at a time."""
    sql = """SELECT id, recovery_id FROM recoveries_moverow WHERE id > %s AND id <= %s AND after = %s
        ORDER BY id LIMIT %s"""
    while found := bulk.fetch(connection, sql, [behind, upto, str(state), at_once]):
        behind = found[-1][0]
        yield [recovery_id for _, recovery_id in found]
