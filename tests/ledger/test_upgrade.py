"""Books kept by the version before are copied into the chain as they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, django
django.setup()
from django.core.management import call_command
from django.db import connection
call_command("migrate", "ledger", "0002", verbosity=0)
MOVES = [("reserved", "budget:p", "owed:ada"), ("settled", "owed:ada", "provider:b")]
at = "2026-11-24 20:15:00.000007+00:00"
with connection.cursor() as cursor:
    for n, (kind, debit, credit) in enumerate(MOVES):
        said = [f"{kind}:k", kind, "rec_1", "ada", "k", False, at.replace("07", f"0{n}")]
        names = "posting_id, kind, recovery_id, customer_id, act_key, statutory, at"
        cursor.execute(f"INSERT INTO ledger_postingrow ({names}) VALUES (%s, %s, %s, %s, %s, %s, %s)", said)
        for account, minor in ((debit, 499), (credit, -499)):
            names = "posting_id, account, currency, minor"
            values = [f"{kind}:k", account, minor]
            cursor.execute(f"INSERT INTO ledger_entryrow ({names}) VALUES (%s, %s, 'EUR', %s)", values)
call_command("migrate", verbosity=0)
from amends.ledger import queries
rows = [(p.posting_id, p.debit, p.credit, p.amount.minor, p.at.isoformat()) for p in queries.postings(["k"])]
print(json.dumps({"rows": rows, "flaws": [flaw.says for flaw in queries.flaws()], "paid": queries.paid()}))
try:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_postingrow")
except Exception as error:
    print(error)
"""


@pytest.mark.slow
def test_old_books_become_a_chain(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    place = kept | {"AMENDS_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "amends.settings", "AMENDS_SECRET_KEY": "x"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=place, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    found, refused = done.stdout.splitlines()
    assert json.loads(found) == {
        "rows": [
            ["reserved:k", "budget:p", "owed:ada", 499, "2026-11-24T20:15:00+00:00"],
            ["settled:k", "owed:ada", "provider:b", 499, "2026-11-24T20:15:00.000001+00:00"],
        ],
        "flaws": [],
        "paid": {"EUR": 499},
    }
    assert "append-only" in refused
