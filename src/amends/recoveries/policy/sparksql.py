"""A version of a table as one SQL query with the same answers: for Spark, and for DuckDB, which proves it.

Columns are named as the inputs, with a `given_id` beside them: numbers as DECIMAL(18, up to `digits`), counts and money
(in minor units) as BIGINT, days as DATE, lists as arrays. A record with a number beyond 10^9 or an amount beyond 10^13
minor units is `refused` by name: `columns` takes those.
"""

from __future__ import annotations

from amends.recoveries.policy.sql_dialects import DUCKDB, SPARK, Dialect, day_text
from amends.recoveries.policy.sql_rows import Rows
from amends.recoveries.policy.sql_values import NotInSql, Steps
from amends.recoveries.policy.sql_values import text as quoted
from amends.recoveries.policy.tree import Table, TableVersion

__all__ = ["DUCKDB", "SPARK", "NotInSql", "in_force", "text"]


def text(
    table: Table,
    version: TableVersion,
    *,
    source: str = "records",
    dialect: Dialect = SPARK,
    currency: str = "",
    digits: int = 6,
) -> str:
    """The query. NotInSql where a table needs a region's calendar, or more than 38 digits on the way.

    Out come `row_id`, `total_minor`, `owed_minor`, `reason`, `pay_by`, `person` and `refused` (the input that cannot
    be, `amount` where one cannot be known, or null).
    """
    steps = Steps(table, version, dialect, currency or table.currency, digits)
    outputs = Rows(steps).outputs()
    return steps.query(source, outputs)


def in_force(table: Table, version: TableVersion, dialect: Dialect = SPARK, *, day: str = "") -> str:
    """The condition under which a record falls to this version; `day` names the column with the day of what happened,
    which chooses it where no input does. Without either the newest is in force."""
    by_day = _by_day(table, version, dialect, [name for name in (table.event, day) if name])
    if not table.by_name:
        return by_day
    same = table.inputs[table.by_name].same
    words = (version.named, *(word for word, choice in same.items() if choice == version.named))
    named = dialect.column(table.by_name)
    return f"({named} IN ({', '.join(map(quoted, words))}) OR ({named} IS NULL AND {by_day}))"


def _by_day(table: Table, version: TableVersion, dialect: Dialect, days: list[str]) -> str:
    if not days:
        return "TRUE" if version is table.versions[-1] else "FALSE"
    day = f"coalesce({', '.join(map(dialect.column, days))}, DATE '2100-01-01')"
    later = [one.since for one in table.versions if one.since > version.since]
    until = f" AND {day} < {day_text(min(later))}" if later else ""
    return f"{day} >= {day_text(version.since)}{until}"
