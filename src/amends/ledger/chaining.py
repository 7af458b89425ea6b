"""The chain as SQL: numbering and hashing where the rows are, on SQLite by our own function, on PostgreSQL by its."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amends.ledger.rules import link

SAID = "kind, act_key, recovery_id, customer_id, debit, credit, currency, minor, statutory"
TABLE = "ledger_postingrow"
NUMBERED = f"""
SELECT %s + row_number() OVER (ORDER BY act_key, kind) AS seq, {SAID} FROM ({{select}}) AS said
 WHERE NOT EXISTS (SELECT 1 FROM {TABLE} b WHERE b.act_key = said.act_key AND b.kind = said.kind)
"""  # noqa: S608
# The rows come as the window sorts them (LIMIT keeps the queries apart); the function refuses any other order.
SQLITE = f"""
INSERT INTO {TABLE} (seq, {SAID}, at_us, hash)
SELECT seq, {SAID}, %s, amends_link(seq, {SAID}, %s) FROM ({NUMBERED} LIMIT -1)
"""  # noqa: S608
POSTGRESQL = f"""
INSERT INTO {TABLE} (seq, {SAID}, at_us, hash)
SELECT seq, {SAID}, %s, amends_chain(%s, amends_said(seq, {SAID}, %s)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING)
  FROM ({NUMBERED}) AS numbered
"""  # noqa: S608


def insert(connection: Any, cursor: Any, select: str, params: Sequence[Any], seq: int, last: bytes, at_us: int) -> int:
    """Run the one statement; how many rows it wrote. `select` takes `params` as %s."""
    if connection.vendor == "postgresql":
        cursor.execute(POSTGRESQL.format(select=select), [at_us, last, at_us, seq, *params])
    else:
        connection.connection.create_function("amends_link", 11, _linker(seq, last))
        cursor.execute(SQLITE.format(select=select), [at_us, at_us, seq, *params])
    return int(cursor.rowcount)


def _linker(seq: int, last: bytes) -> Callable[..., bytes]:
    """A function that hashes one posting after the other, and refuses any other order."""
    place = [seq, last]

    def next_link(seq: int, *said: Any) -> bytes:
        if seq != place[0] + 1:  # type: ignore[operator]
            raise ValueError(f"posting {seq} came behind {place[0]}")
        place[:] = seq, link(place[1], seq, *said)  # type: ignore[arg-type]
        return place[1]  # type: ignore[return-value]

    return next_link
