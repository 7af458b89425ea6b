"""What the tests of concurrency run: `python -m tests.recoveries.deciders WHAT HOW_MANY`, so many processes at once.

`decide` opens recoveries with goodwill until told otherwise by a budget; `book` posts into the books.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime


def decide(number: int) -> None:
    """Eight batches of five recoveries of 1 to 7 cents, in one incident and one day; every third is declined again."""
    from amends.recoveries import approval, opening, queries
    from tests.recoveries.given import decision, failure, goodwill, keep, opened

    now = datetime.now(UTC)
    for batch in range(8):
        lived = [failure(f"{number}-{batch}-{n}", f"c{n}", incident="fire") for n in range(5)]  # type: ignore[arg-type]
        decided = [(one, decision(goodwill(1 + (number + n) % 7))) for n, one in enumerate(lived)]
        _one_batch(decided, keep, lambda all_, at: opening.write([opened(*one) for one in all_], at), now)
        made = queries.of_failures([one.failure_id for one in lived])
        for one in list(made.values())[::3]:
            approval.decline(one.recovery_id, f"p{number}", "for the test", now)


def _one_batch(decided, keep, write, now) -> None:  # type: ignore[no-untyped-def]
    from django.db import transaction

    with transaction.atomic():
        keep(*[one for one, _ in decided])
        write(decided, now)


def book(number: int) -> None:
    """Thirty transactions of postings, one in three of them by one statement."""
    from django.db import transaction

    from amends.ledger import rules, steps
    from tests.recoveries.given import euros

    now = datetime.now(UTC)
    for n in range(30):
        ids = (f"refund:{number}-{n}", f"rec_{number}-{n}", f"c{n}")
        with transaction.atomic():
            if n % 3:
                steps.post([rules.reserve(*ids, "p", euros(5), now), rules.settle(*ids, "billing", euros(5), now)])
            else:
                said = "'budget:p' AS debit, 'owed:c' AS credit, 'EUR' AS currency, 7 AS minor, 1 = 2 AS statutory"
                key = "CAST(%s AS varchar(60))"
                ids_ = f"{key} AS act_key, {key} AS recovery_id, 'c' AS customer_id"
                steps.post_selected(f"SELECT 'reserved' AS kind, {ids_}, {said}", ids[:2], now)


def at_once(what: Callable[[int], None], processes: int) -> int:
    """Forked once all is imported and before a database is open; all begin at the same moment. How many failed."""
    start = time.time() + 0.5
    children = [child for number in range(processes) if (child := _forked(what, number, start))]
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


def _forked(what: Callable[[int], None], number: int, start: float) -> int:
    if child := os.fork():
        return child
    try:
        time.sleep(max(0.0, start - time.time()))
        what(number)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    import django

    django.setup()
    for name in (
        "amends.ledger.steps",
        "amends.recoveries.approval",
        "amends.recoveries.opening",
        "tests.recoveries.given",
    ):
        importlib.import_module(name)
    raise SystemExit(at_once({"decide": decide, "book": book}[sys.argv[1]], int(sys.argv[2])))
