"""The scoreboard and a day's digests over many reports: the rollup against the same figures counted from the reports.

python benchmarks/scoreboard.py [--reports 200000] [--followers 5000]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CATEGORIES = [f"category-{n}" for n in range(30)]
AREAS = [f"area-{n}" for n in range(20)]


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--reports", type=int, default=200_000)
    asked.add_argument("--followers", type=int, default=5_000)
    given, _ = asked.parse_known_args()
    place = Path(tempfile.mkdtemp(prefix="amends-bench-"))
    os.environ |= {"AMENDS_DIR": str(place), "DJANGO_SETTINGS_MODULE": "amends.settings"}
    import django

    django.setup()
    from django.core.management import call_command

    (place / "var").mkdir()
    call_command("migrate", verbosity=0)
    fill(given.reports, given.followers)
    measure()
    shutil.rmtree(place)


def fill(reports: int, followers: int) -> None:
    """Three years of reports, two thirds with a target, and followers of places, categories and areas."""
    from amends.reports.models import FollowRow, MoveRow, ReportRow

    chance = random.Random(56)
    rows = [_report(n, chance, reports) for n in range(reports)]
    for start in range(0, reports, 20_000):
        part = [ReportRow(**row) for row in rows[start : start + 20_000]]
        ReportRow.objects.bulk_create(part, batch_size=500)
        made = [MoveRow(report=r.number, at=r.requested_at, who="x", kind="state", state="received") for r in part]
        MoveRow.objects.bulk_create(made, batch_size=1000)
    wishes: list[dict[str, Any]] = [
        *({"what": "category", "category": one} for one in CATEGORIES),
        *({"what": "area", "area": one} for one in AREAS),
    ]
    follows = []
    for n in range(followers):
        near = {"what": "place", "lat": 48.3 + chance.random() / 5, "long": 15.5 + chance.random() / 5, "radius_m": 500}
        wish = near if n % 5 else chance.choice(wishes)
        who = {"customer_id": f"resident_{n}", "email": f"p{n}@example.org", "state": "confirmed"}
        told = {
            "asked_at": NOW,
            "confirmed_at": NOW,
            "told_at": NOW - timedelta(days=2),
            "read_upto": reports - reports // 1000,
        }
        follows.append(FollowRow(follow_id=f"f{n}", **wish, **who, **told))
    FollowRow.objects.bulk_create(follows, batch_size=500)


def _report(n: int, chance: random.Random, reports: int) -> dict[str, Any]:
    at = NOW - timedelta(days=3 * 365 * (reports - n) / reports)
    due = at + timedelta(days=chance.randint(1, 20)) if n % 3 else None
    took = timedelta(days=chance.expovariate(1 / 8))
    closed = at + took if at + took < NOW else None
    state = "received" if closed is None else chance.choice(("fixed", "fixed", "fixed", "closed without repair"))
    kept = None if due is None or closed is None else state == "fixed" and closed <= due
    where = {"lat": 48.3 + chance.random() / 5, "long": 15.5 + chance.random() / 5, "area": chance.choice(AREAS)}
    stands = {"state": state, "open": closed is None, "closed_at": closed, "due_at": due, "kept": kept}
    return {
        "form": f"f{n}",
        "category": chance.choice(CATEGORIES),
        "requested_at": at,
        "updated_at": at,
        **where,
        **stands,
    }


def timed(what: Callable[[], Any], times: int = 20) -> float:
    """Milliseconds, the median."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def measure() -> None:
    from django.db.models import Count, Q

    from amends.notices import digests
    from amends.reports import following, scoreboard, steps
    from amends.reports.models import ReportRow
    from amends.reports.records import State
    from amends.reports.scoreboard import Period

    began = time.perf_counter()
    scoreboard.recount(NOW)
    print(f"counted anew, everything             {time.perf_counter() - began:9.1f} s")
    year = Period((NOW - timedelta(days=364)).date(), NOW.date())
    counts = {
        f"n_{name}": Count("pk", filter=q)
        for name, q in {**scoreboard.HOW, "late_open": scoreboard.late_open(NOW)}.items()
    }
    in_year: Q = Q(requested_at__gte=NOW - timedelta(days=365))
    naive = timed(lambda: list(ReportRow.objects.filter(in_year).values("category").annotate(**counts).order_by()), 5)
    rollup = timed(lambda: scoreboard.scores(year, "category"))
    print(f"a year by category, from the reports {naive:9.1f} ms")
    print(f"a year by category, from the rollup  {rollup:9.1f} ms   {naive / rollup:.1f} times as fast")
    number = ReportRow.objects.filter(open=True).latest("pk").pk
    scoreboard.keep_up(NOW)
    steps.move(number, State.IN_PROGRESS, who="x", now=NOW)
    began = time.perf_counter()
    counted = scoreboard.keep_up(NOW)
    print(
        f"kept up after one move               {(time.perf_counter() - began) * 1000:9.1f} ms   {counted} day and category"
    )
    print(f"kept up, nothing happened            {timed(lambda: scoreboard.keep_up(NOW)):9.1f} ms")
    print(f"a feed of everything                 {timed(lambda: following.latest(None, 100)):9.1f} ms")
    began = time.perf_counter()
    written = digests.write(NOW)
    took = time.perf_counter() - began
    print(f"a day's digests                      {took:9.1f} s    {written} mails, {written / took:.0f} a second")
    print(f"digests, nothing due                 {timed(lambda: digests.write(NOW)):9.1f} ms")


if __name__ == "__main__":
    main()
