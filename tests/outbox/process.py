"""A worker process of its own, whose provider is a file: every act is a line, and a line can be looked up.

`python -m tests.outbox.process fill|work|show`; `show` answers each line that it is given. JOURNAL_SLOW_S and
JOURNAL_PER_S say what the provider is like.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

JOURNAL = Path(os.environ["AMENDS_DIR"]) / "journal"
SLOW_S = float(os.environ.get("JOURNAL_SLOW_S", "0"))
PER_S = float(os.environ.get("JOURNAL_PER_S", "0"))


class Journal:
    name = "journal"
    can_find = True

    def __init__(self) -> None:
        from amends.outbox.records import Declaration

        self.declaration = Declaration("journal", can_find=True, per_s=PER_S, batch=20, at_once=4)

    def act(self, order: Any, now: datetime) -> Any:
        from amends.outbox.records import Done

        time.sleep(SLOW_S / 2)
        with JOURNAL.open("a") as file:
            file.write(f"{order.key} {os.getpid()} {time.time()}\n")
        time.sleep(SLOW_S / 2)
        return Done(f"line of {order.key}")

    def find(self, order: Any) -> Any:
        from amends.outbox.records import Done, NotDone

        lines = JOURNAL.read_text().splitlines() if JOURNAL.exists() else []
        return Done("found") if any(line.split()[0] == order.key for line in lines) else NotDone()


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    import django

    django.setup()
    {"fill": _fill, "work": _work, "show": _show}[sys.argv[1]](*sys.argv[2:])


def _fill(number: str) -> None:
    from django.conf import settings
    from django.core.management import call_command

    from amends.outbox import steps
    from amends.outbox.records import Order

    settings.AMENDS.var.mkdir(parents=True, exist_ok=True)
    call_command("migrate", "outbox", verbosity=0)
    orders = [Order(f"act:{n}", "test", "journal", f"rec_{n}", "ada", {"n": n}) for n in range(int(number))]
    steps.enqueue(orders, datetime.now(UTC))


def _work() -> None:
    from amends.worker import deliver

    stop = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    deliver.wires.connect = lambda config: {"journal": Journal()}  # type: ignore[assignment]
    print("ready", flush=True)
    deliver.run(stop)


def _show() -> None:
    from amends.outbox import queries

    for _ in sys.stdin:
        shown = {"counts": queries.counts(), "attempts": [act.attempts for act in queries.recent(10_000)]}
        print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
