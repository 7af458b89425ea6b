"""The command line says in a sentence what it cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.worker.shop import Shop


def test_it_tells_its_version(tmp_path: Path) -> None:
    done = Shop(tmp_path).run("--version")

    assert done.stdout.startswith("amends 0.")


@pytest.mark.parametrize("place", ["a.txt", "/proc/x", "a.txt/below"])
def test_init_where_nothing_can_be_is_a_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "a.txt").write_text("mine")

    done = Shop(tmp_path).run("init", str(tmp_path / place))

    assert done.returncode == 2
    assert "cannot hold an installation" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_amends_writes_itself_is_not_committed(shop: Shop) -> None:
    assert "var/" in (shop.place / ".gitignore").read_text("utf-8").splitlines()


def test_a_drain_ends_where_billing_has_no_address_and_says_what_waits(shop: Shop, tmp_path: Path) -> None:
    event = {"specversion": "1.0", "source": "/s", "type": "com.amends.failure.observed"}
    lived = {"promise": "film-plays", "started_at": "2026-06-01T20:00:00+02:00", "severity": "severe"}
    paid = lived | {"used_anyway": False, "price_minor": 499, "currency": "EUR"}
    lines = [
        json.dumps(event | {"id": f"e{n}", "data": paid | {"customer_id": f"c{n}", "subject": f"r{n}"}})
        for n in range(6)
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    shop.run("ingest", str(tmp_path / "events.jsonl"))

    done = shop.run("drain", "--timeout", "60")

    assert done.returncode == 0, done.stderr
    assert "6 acts wait for billing, to be tried again from" in done.stderr
    assert "billing has no address" in done.stderr


def test_operators_are_added_listed_and_get_new_passwords(shop: Shop) -> None:
    added = shop.run("operators", "add", "berta")
    again = shop.run("operators", "add", "berta")
    listed = shop.run("operators", "list")
    reset = shop.run("operators", "reset", "berta")
    nobody = shop.run("operators", "reset", "nobody")

    assert "Password: " in added.stdout
    assert (again.returncode, "already" in again.stderr) == (1, True)
    assert "berta  acts  never signed in" in listed.stdout
    assert "Password: " in reset.stdout
    assert reset.stdout != added.stdout
    assert (nobody.returncode, "no operator nobody" in nobody.stderr) == (1, True)


def test_a_scope_that_no_door_knows_is_refused(shop: Shop) -> None:
    done = shop.run("keys", "new", "shop", "--scope", "signal:write")

    assert done.returncode == 2
    assert "signals:write" in done.stderr
    assert done.stdout == ""


def test_a_till_gets_a_key_for_coupons_and_only_where_it_is_asked_for(shop: Shop) -> None:
    till = shop.run("keys", "new", "till", "--scope", "coupons:redeem", "--scope", "coupons:revoke")
    shop.run("keys", "new", "plain")
    listed = shop.run("keys", "list").stdout

    assert (till.returncode, till.stderr) == (0, "")
    assert "till  [coupons:redeem, coupons:revoke]" in listed
    assert listed.count("coupons") == 2


def test_a_database_that_does_not_answer_is_a_sentence(shop: Shop) -> None:
    for command in ("migrate", "serve"):
        done = shop.run(command, AMENDS_DATABASE_URL="postgresql://u:p@127.0.0.1:9/x")

        assert done.returncode == 1
        assert "does not answer" in done.stderr
        assert "Traceback" not in done.stderr
