"""The commands about money, run as a person runs them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests import forked

from amends.scenarios import demo_billing

Amends = Callable[..., "subprocess.CompletedProcess[str]"]
SECRET = "whsec_" + "YW1lbmRzLWRlbW8tc2VjcmV0LTAxMjM0NTY3ODk="


@pytest.fixture
def amends(tmp_path: Path) -> Iterator[Amends]:
    """A company's directory, its billing, and a film that was spoiled for Ada and is paid back."""
    billing = demo_billing.DemoBilling(tmp_path / "journal")
    server, url = demo_billing.start(billing)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMENDS_", "DJANGO_"))}
    place = kept | {"AMENDS_BILLING_URL": url, "AMENDS_BILLING_SECRET": SECRET, "AMENDS_DIR": str(tmp_path / "shop")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return forked.run(words, env=place)

    assert run("init", str(tmp_path / "shop")).returncode == 0
    (tmp_path / "failure.jsonl").write_text(json.dumps(EVENT))
    assert run("ingest", str(tmp_path / "failure.jsonl")).returncode == 0
    assert run("drain").returncode == 0
    yield run
    server.shutdown()


EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "shop",
    "type": "com.amends.failure.observed",
    "data": {
        "customer_id": "ada",
        "promise": "film-plays",
        "subject": "rental-7",
        "started_at": datetime.now(UTC).isoformat(),
        "severity": "severe",
        "price_minor": 499,
        "currency": "EUR",
        "payment_ref": "pay_7",
    },
}


def tamper(tmp_path: Path, *statements: str) -> None:
    with sqlite3.connect(tmp_path / "shop/var/amends.sqlite3") as database:
        for verb in ("update", "delete"):
            database.execute(f"DROP TRIGGER ledger_postingrow_no_{verb}")
        for statement in statements:
            database.execute(statement)


@pytest.mark.slow
def test_the_books_are_verified_and_a_change_or_a_cut_is_found(amends: Amends, tmp_path: Path) -> None:
    whole = amends("ledger", "verify", "--json")
    assert (whole.returncode, json.loads(whole.stdout)["postings"]) == (0, 2)
    (tmp_path / "head.json").write_text(amends("ledger", "head").stdout)
    assert amends("ledger", "verify", "--head", str(tmp_path / "head.json")).returncode == 0

    tamper(tmp_path, "DELETE FROM ledger_postingrow WHERE seq = 2", HEAD_BACK)
    cut = amends("ledger", "verify")  # whoever cuts the end off and sets the head back is not seen by the chain alone
    held_against = amends("ledger", "verify", "--head", str(tmp_path / "head.json"))
    assert (cut.returncode, held_against.returncode) == (0, 1)
    assert "posting 2, the head of" in held_against.stdout
    forged = (tmp_path / "head.json").read_text().replace('"seq": 2', '"seq": 1')
    (tmp_path / "head.json").write_text(forged)
    assert "not signed" in amends("ledger", "verify", "--head", str(tmp_path / "head.json")).stdout


HEAD_BACK = "UPDATE ledger_headrow SET seq = 1, hash = (SELECT hash FROM ledger_postingrow WHERE seq = 1)"


@pytest.mark.slow
def test_the_providers_list_is_held_against_the_books(amends: Amends, tmp_path: Path) -> None:
    agrees = amends("reconcile", "--since", "2020-01-01", "--json")
    assert (agrees.returncode, json.loads(agrees.stdout)["connectors"][0]["agree"]) == (0, 1)

    tamper(tmp_path, "UPDATE outbox_actrow SET state = 'in doubt' WHERE kind = 'remedy.refund'",
           "UPDATE remedies_remedyrow SET state = 'under way', settled_at = NULL WHERE kind = 'refund'")  # fmt: skip
    mended = amends("reconcile", "--since", "2020-01-01", "--json")
    assert len(json.loads(mended.stdout)["connectors"][0]["mended"]) == 1
    assert amends("ledger", "verify").returncode == 0

    tamper_again = "UPDATE outbox_actrow SET ref = 'other' WHERE kind = 'remedy.refund'"
    with sqlite3.connect(tmp_path / "shop/var/amends.sqlite3") as database:
        database.execute(tamper_again)
    differs = amends("reconcile", "--since", "2020-01-01")
    assert (differs.returncode, "different" in differs.stdout) == (1, True)
    assert amends("reconcile", "--since", "soon").returncode == 2


@pytest.mark.slow
def test_what_billing_paid_twice_is_ordered_back_on_the_command_line(amends: Amends, tmp_path: Path) -> None:
    shop = "shop/var/amends.sqlite3"
    with sqlite3.connect(tmp_path / shop) as database:  # as if we had ordered a cent less than billing has paid
        database.execute("UPDATE remedies_remedyrow SET amount_minor = amount_minor - 1 WHERE kind = 'refund'")
        (key,) = database.execute("SELECT act_key FROM remedies_remedyrow WHERE kind = 'refund'").fetchone()
    assert "different" in amends("reconcile", "--since", "2020-01-01").stdout

    other = amends("reconcile", "--since", "2020-01-01", "--repair", "refund:other")
    assert (other.returncode, "refund:other: nothing that differs" in other.stderr) == (2, True)
    repaired = amends("reconcile", "--since", "2020-01-01", "--repair", key, "--json")
    assert (repaired.returncode, json.loads(repaired.stdout)["connectors"][0]["ordered_back"]) == (0, [key])
    assert amends("drain").returncode == 0
    assert [json.loads(one)["amount_minor"] for one in (tmp_path / "journal").read_text().splitlines()] == [499, 1]
    assert json.loads(amends("reconcile", "--since", "2020-01-01", "--json").stdout)["connectors"][0]["left"] == []
    assert "only money that was paid" in amends("take-back", "refund:x", "--why", "It was a mistake.").stderr


def journal(tmp_path: Path) -> int:
    """How much billing has done."""
    return len((tmp_path / "journal").read_text().splitlines())


# The refund waits in the outbox again, under a key that billing has not seen.
UNPAID = (
    """UPDATE outbox_actrow SET state = 'due', "key" = 'refund:again' WHERE kind = 'remedy.refund'""",
    "UPDATE remedies_remedyrow SET state = 'under way', act_key = 'refund:again' WHERE kind = 'refund'",
)


@pytest.mark.slow
def test_paying_is_stopped_for_what_is_in_the_outbox_too_and_a_customer_is_forgotten(
    amends: Amends, tmp_path: Path
) -> None:
    assert amends("stop-paying", "--why", " ").returncode == 2
    typo = amends("stop-paying", "--policy", "film-play", "--why", "wrong")
    assert (typo.returncode, "there is no policy 'film-play'" in typo.stderr) == (2, True)
    assert "stopped for film-plays" in amends("stop-paying", "--policy", "film-plays", "--why", "wrong").stdout
    assert amends("resume-paying").returncode == 1
    assert amends("resume-paying", "--policy", "film-plays").returncode == 0

    amends("stop-paying", "--why", "everything looks wrong")
    tamper(tmp_path, *UNPAID)
    held = amends("drain", "--timeout", "3")
    assert (held.returncode, "1 acts due" in held.stderr, journal(tmp_path)) == (1, True, 1)
    amends("resume-paying")
    assert amends("drain").returncode == 0
    assert journal(tmp_path) == 2
    assert amends("customers", "erase", "nobody").returncode == 1


def test_how_batches_go_begins_with_what_is_stopped(amends: Amends) -> None:
    assert "stopped" not in amends("sending", "status").stdout
    amends("stop-paying", "--why", "the amounts look wrong")
    amends("stop-paying", "--policy", "film-plays", "--why", "films first")

    shown = " ".join(amends("sending", "status").stdout.split())
    assert "Paying is stopped for everything since" in shown
    assert "Paying is stopped for policy film-plays since" in shown
    assert ": the amounts look wrong" in shown
    told = json.loads(amends("sending", "status", "--json").stdout)["stops"]
    assert sorted(stop["policy"] for stop in told) == ["", "film-plays"]
    amends("resume-paying")
    amends("resume-paying", "--policy", "film-plays")
    assert "stopped" not in amends("sending", "status").stdout
