"""One durable workflow a customer (DBOS), which writes the rows that amends wrote for them: what `million` compares with.

Four steps, each a transaction of the library's own datasource, so that its rows and the mark that it is done are
committed together: `decide` reads the failure, marks it as decided and gives back the decision with its trace, which
the library records; `record` writes the recovery, its moves and its remedies; `book` the posting; `enqueue` the act.
All in the library's favour: the rows are made before, so nothing is decided, derived, hashed or chained; no books or
batch are locked; isolation is the weakest on offer. Into tables with the same indexes, on the same kind of database.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

STEPS = {
    "record": ("recoveries_recoveryrow", "recoveries_moverow", "remedies_remedyrow"),
    "book": ("ledger_postingrow",),
    "enqueue": ("outbox_actrow",),
}
TABLES = tuple(table for tables in STEPS.values() for table in tables)
PREFIX = "durable_"
THREADS = (1, 32)


class Given(NamedTuple):
    """What amends wrote for one customer: their failure, the decision, and the rows of each table."""

    failure_id: str
    decision: str
    rows: dict[str, list[dict[str, Any]]]


def rate(
    workflows: int, url: str, place: Path, copied: Callable[[Any, str, str], None], cpu_s: Callable[[], float]
) -> tuple[float, float]:
    """(workflows a second, and a second of CPU), each with as many threads as serve it best.

    `copied` makes an empty table like another, `cpu_s` says how much CPU was spent until now.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        for table in TABLES:
            copied(cursor, table, PREFIX)
        given = _given(cursor, len(THREADS) * (workflows + 1))
        if url:
            cursor.execute("CREATE DATABASE durable")
    recover, stop = _library(given, url or f"sqlite:///{_file(connection)}", _system(url, place))
    rates, of_cpu = [], []
    for number, threads in enumerate(THREADS):
        first = number * (workflows + 1)
        recover(first)
        began, worked = time.perf_counter(), cpu_s()
        with ThreadPoolExecutor(threads) as pool:
            assert len(list(pool.map(recover, range(first + 1, first + 1 + workflows)))) == workflows
        rates.append(workflows / (time.perf_counter() - began))
        of_cpu.append(workflows / (cpu_s() - worked))
    stop()
    return max(rates), max(of_cpu)


def _file(connection: Any) -> str:
    return str(connection.settings_dict["NAME"])


def _system(url: str, place: Path) -> str:
    return urlsplit(url)._replace(path="/durable").geturl() if url else f"sqlite:///{place / 'durable.sqlite3'}"


def _library(given: list[Given], application: str, system: str) -> tuple[Callable[[int], str], Callable[[], None]]:
    """(a workflow that makes one customer's recovery, how to stop the library)."""
    from dbos import DBOS, SQLAlchemyDatasource
    from sqlalchemy import text

    DBOS(config={"name": "million", "system_database_url": system, "log_level": "ERROR", "run_migrations": True})
    application = application.replace("postgresql://", "postgresql+psycopg://")
    source = SQLAlchemyDatasource.create(application, {"pool_size": max(THREADS)})
    statements = {table: text(_insert(table, given)) for table in TABLES}
    read = text("SELECT customer_id, price_minor, facts FROM failures_failurerow WHERE failure_id = :failure_id")
    isolation: Any = "READ COMMITTED" if application.startswith("postgresql") else "SERIALIZABLE"
    mark = text("UPDATE failures_failurerow SET undecided = false WHERE failure_id = :failure_id")

    @source.transaction(isolation_level=isolation)
    def decide(number: int) -> str:
        session, failure = source.sql_session(), {"failure_id": given[number].failure_id}
        session.execute(read, failure).one()
        session.execute(mark, failure)
        return given[number].decision

    def writing(step: str) -> Callable[[int], None]:
        @source.transaction(name=step, isolation_level=isolation)
        def write(number: int) -> None:
            for table in STEPS[step]:
                if rows := given[number].rows[table]:
                    source.sql_session().execute(statements[table], rows)

        return write

    record, book, enqueue = (writing(step) for step in STEPS)

    @DBOS.workflow()
    def recover(number: int) -> str:
        decision = decide(number)
        for step in (record, book, enqueue):
            step(number)
        return decision

    DBOS.launch()
    return recover, DBOS.destroy


def _insert(table: str, given: list[Given]) -> str:
    columns = next(list(one.rows[table][0]) for one in given if one.rows[table])
    said, places = ", ".join(f'"{name}"' for name in columns), ", ".join(f":{name}" for name in columns)
    return f"INSERT INTO {PREFIX}{table} ({said}) VALUES ({places})"


def _given(cursor: Any, customers: int) -> list[Given]:
    cursor.execute(f"SELECT recovery_id, failure_id, decision FROM recoveries_recoveryrow LIMIT {customers}")
    found = {row[0]: Given(row[1], str(row[2]), {table: [] for table in TABLES}) for row in cursor.fetchall()}
    ids = ", ".join(f"'{recovery_id}'" for recovery_id in found)
    for table in TABLES:
        cursor.execute(f"SELECT * FROM {table} WHERE recovery_id IN ({ids})")
        names = [column[0] for column in cursor.description]
        for row in cursor.fetchall():
            told = dict(zip(names, (bytes(v) if isinstance(v, memoryview) else v for v in row), strict=True))
            found[told["recovery_id"]].rows[table].append(told)
    return list(found.values())
