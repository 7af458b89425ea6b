"""Erasing a customer, as an operator does it: afterwards nothing that is kept says who they were."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests import forked
from tests.campaign.field import DATABASES

from amends.scenarios import demo_billing, demo_mailbox

SECRET = "whsec_" + "YW1lbmRzLWRlbW8tc2VjcmV0LTAxMjM0NTY3ODk="
NOW = datetime.now(UTC).isoformat()
PERSONAL = ("Lovelace", "ada.l@", "ada.new@", "ADA.L@", "5550199", "Elm Street", "spoilt my evening", "my sister")
BOB = ("Bob Bauer", "bob@example.org")
INSIDE = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
django.setup()
from datetime import UTC, datetime
now = datetime.now(UTC)
"""
ANSWERING = """
import amends.closure.steps as closure, amends.outbox.steps as outbox, amends.recoveries.queries as recoveries
from amends.outbox.records import Order
(mine,) = [one for one in recoveries.in_state("made right", 99, "") if one.customer_id == "ada"]
closure.answer(mine.recovery_id, "form", "no", "you have spoilt my evening, Ada Lovelace", now)
address = ["Ada Lovelace", "Elm Street 5", "Ada Springs"]
label = Order("label:1", "remedy.label", "labels", mine.recovery_id, "ada", {"from": address, "order_id": "o1"})
call = Order("call:1", "person.call", "person", mine.recovery_id, "ada", {"reason": "somebody calls"})
outbox.enqueue([label, call], now)
outbox.settle_by_person("call:1", "Ada was with my sister in Elm Street", "grace", now)
"""

PAGES = """
from django.test import Client
from amends.notices import tokens
import amends.recoveries.queries as recoveries
for one in recoveries.in_state("reopened", 99, ""):
    page = Client().get("/yours/" + tokens.make(one.recovery_id))
    assert page.status_code == 200, page.status_code
    assert b"Lovelace" not in page.content
"""
AGAIN = """
import amends.outbox.queries as queries, amends.outbox.steps as outbox
for act in queries.recent(99, "due"):
    outbox.retry_now(act.key, "grace", now)
"""


def event(type_: str, number: int, **data: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "source": "/shop", "specversion": "1.0", "type": f"com.amends.{type_}", "data": data}


def failure(number: int, customer: str, **data: Any) -> dict[str, Any]:
    lived = {"promise": "film-plays", "subject": f"rental-{number}", "started_at": NOW, "severity": "severe"}
    price = {"price_minor": 499, "currency": "EUR", "payment_ref": f"pay_{number}"}
    return event("failure.observed", number, customer_id=customer, **lived, **price, **data)


UPSERT = event("customer.upserted", 1, customer_id="ada", name="Ada Lovelace", email="ada.l@example.org", locale="en")
EVENTS = [
    UPSERT,
    event("customer.upserted", 2, customer_id="ada", name="Ada Lovelace", email="ada.new@example.org", phone="5550199"),
    event("customer.upserted", 3, customer_id="bob", name=BOB[0], email=BOB[1]),
    failure(4, "ada", facts={"startup_s": 34, "note": "Ada Lovelace called", "contact": {"phone": "5550199"}}),
    failure(5, "bob", facts={"startup_s": 34}),
    event("complaint.received", 6, customer_id="ada", text="you spoilt my evening", channel="web", received_at=NOW),
    event(
        "order.placed",
        7,
        customer_id="ada",
        order_id="o1",
        items=[{"sku": "x", "ship_to": {"street": "Elm Street 5"}}],
        recipient="Ada Lovelace",
    ),
    event("order.placed", 8, customer_id="ada", order_id=8, items=[], recipient="Ada Lovelace, Elm Street 5"),
    {"id": "e9", "source": "/shop", "type": "com.amends.unheard.of", "data": {"mail": "ada.l@example.org"}},
]


def on(database: str) -> object:
    marks = [pytest.mark.xdist_group(f"forgetting-{database}"), *([pytest.mark.postgres] * (database == "postgres"))]
    return pytest.param(database, marks=marks)


class Installation:
    """A shop with billing, a mail server that quotes addresses when it refuses, and one of the two databases."""

    def __init__(self, place: Path, environment: dict[str, str]) -> None:
        self.place, self.environment = place, environment

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return forked.run(words, env=self.environment)

    def inside(self, script: str) -> None:
        done = forked.run([], script=INSIDE + script, env=self.environment)
        assert done.returncode == 0, done.stderr

    def ingest(self, *events: dict[str, Any]) -> dict[str, Any]:
        path = self.place.parent / "events.jsonl"
        path.write_text("\n".join(map(json.dumps, events)))
        found: dict[str, Any] = json.loads(self.run("ingest", str(path), "--json").stdout)
        path.unlink()
        return found

    def kept(self) -> dict[str, bytes]:
        """Every file of the installation, and a dump of the database where that is elsewhere."""
        files = {str(path): path.read_bytes() for path in self.place.rglob("*") if path.is_file()}
        url = self.environment["AMENDS_DATABASE_URL"]
        return files | ({} if url.startswith("sqlite") else {"(database)": _dump(url)})

    def says(self, words: tuple[str, ...]) -> list[tuple[str, str]]:
        """Where any of these words stands."""
        kept = self.kept().items()
        return [(name, word) for name, body in kept for word in words if word.lower().encode() in body.lower()]


def _dump(url: str) -> bytes:
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        lines = [
            connection.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{name}" t').fetchone() for (name,) in tables
        ]
    return "\n".join(str(line[0]) for line in lines if line).encode()


def _refuse_new_address(to: str, times: int) -> str:
    return f"550 5.1.1 <{to.upper()}>: Ada Lovelace is unknown here" if to.startswith("ada.new@") else ""


class Outside:
    """Billing and a mail server, as addresses in an environment."""

    def __init__(self, place: Path) -> None:
        self.billing, billing_url = demo_billing.start(demo_billing.DemoBilling(place / "journal"))
        box = demo_mailbox.DemoMailbox(place / "mails", _refuse_new_address, durable=False)
        self.mail, smtp_url, _ = demo_mailbox.start(box)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMENDS_", "DJANGO_"))}
        found = {"AMENDS_BILLING_URL": billing_url, "AMENDS_BILLING_SECRET": SECRET, "AMENDS_SMTP_URL": smtp_url}
        self.environment = kept | found

    def stop(self) -> None:
        self.billing.shutdown()
        self.mail.stop()


class Street:
    """Shops on one of the two databases: an empty one, and one that has lived through something, to be copied."""

    def __init__(self, base: Path, name: str) -> None:
        self.base, self.database = base, DATABASES[name](base)
        outside = Outside(base)
        self.empty = self._installation("empty", outside)
        self.database.fresh(self.empty.place, self.empty.place)
        assert self.empty.run("init", str(self.empty.place)).returncode == 0
        with (self.empty.place / "amends.toml").open("a") as file:
            file.write('\n[labels]\naddress = "Warehouse 9"\n')
        self.lived = self.copy(self.empty, "lived", outside)
        _live(self.lived)
        outside.stop()

    def _installation(self, name: str, outside: Outside) -> Installation:
        place = self.base / name
        url = self.database.url(place)
        return Installation(place, outside.environment | {"AMENDS_DIR": str(place), "AMENDS_DATABASE_URL": url})

    def copy(self, of: Installation, name: str, outside: Outside) -> Installation:
        made = self._installation(name, outside)
        shutil.copytree(of.place, made.place, ignore=shutil.ignore_patterns("*.lock"))
        self.database.fresh(of.place, made.place)
        return made


def _live(shop: Installation) -> None:
    """Ada and Bob had the same bad evening and were paid; Ada also wrote, was called, and sends something back."""
    shop.ingest(*EVENTS)
    assert shop.run("drain", "--timeout", "60").returncode == 0
    shop.inside(ANSWERING)
    assert shop.run("drain", "--timeout", "60").returncode == 0


@pytest.fixture(scope="module", params=[on("sqlite"), on("postgres")])
def street(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    made = Street(tmp_path_factory.mktemp(f"street-{request.param}"), request.param)
    yield made
    made.database.stop()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    made = Outside(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def shop(street: Street, outside: Outside, tmp_path: Path) -> Installation:
    """A shop with billing, a mail server that quotes addresses when it refuses, and one of the two databases."""
    return street.copy(street.empty, tmp_path.name, outside)


@pytest.fixture
def lived(street: Street, outside: Outside, tmp_path: Path) -> Installation:
    return street.copy(street.lived, tmp_path.name, outside)


@pytest.mark.slow
def test_after_an_erasure_nothing_that_is_kept_says_who_it_was(lived: Installation) -> None:
    head = lived.run("ledger", "head").stdout
    assert {word for _, word in lived.says(PERSONAL)} == set(PERSONAL)  # it is there before
    counted = lived.run("customers", "erase", "ada", "--dry-run")
    assert (counted.returncode, "Would be erased" in counted.stdout) == (0, True)
    assert {word for _, word in lived.says(PERSONAL)} == set(PERSONAL)

    done = lived.run("customers", "erase", "ada", "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert lived.says(PERSONAL) == []
    assert {word for _, word in lived.says(BOB)} == set(BOB)
    assert not list(lived.place.glob("var/labels/*"))
    lived.inside(PAGES)
    assert head[:60] in lived.run("ledger", "head").stdout
    for table in ("signals", "quarantine", "customers", "failures", "recoveries", "acts", "ledger", "notices"):
        assert lived.run("export", table, "--format", "parquet", "--output", os.devnull).returncode == 0, table


@pytest.mark.slow
def test_counts_books_and_duplicates_stay_as_they_were(lived: Installation) -> None:
    before = _lines(lived)
    counted = json.loads(lived.run("customers", "erase", "ada", "--dry-run", "--json").stdout)["customers"]["ada"]
    done = json.loads(lived.run("customers", "erase", "ada", "--json").stdout)["customers"]["ada"]

    assert done == counted
    assert (done["customer's own fields"], done["customer's own words"], done["return labels"]) == (1, 1, 1)
    assert done["landed records"] >= 2
    assert _lines(lived) == before
    assert lived.run("ledger", "verify").returncode == 0
    assert lived.ingest(UPSERT, EVENTS[3], EVENTS[5])["duplicate"] == 3
    assert json.loads(lived.run("customers", "erase", "ada", "--json").stdout) == {"customers": {"ada": {}}}


def _lines(shop: Installation) -> dict[str, Any]:
    """How much there is of everything, and what was paid."""
    tables = ("signals", "quarantine", "customers", "failures", "recoveries", "acts", "ledger", "notices", "outcomes")
    exported = {name: shop.run("export", name).stdout.splitlines() for name in tables}
    acts = [json.loads(line) for line in exported["acts"]]
    paid = sorted((act["key"], act["state"], act["amount_minor"]) for act in acts if act["amount_minor"])
    return {name: len(lines) for name, lines in exported.items()} | {"paid": paid, "books": exported["ledger"]}


@pytest.mark.slow
def test_what_comes_later_about_somebody_erased_is_counted_and_keeps_nothing_personal(lived: Installation) -> None:
    lived.run("customers", "erase", "ada", "--yes")
    again = event("customer.upserted", 21, customer_id="ada", name="Ada Lovelace", email="ada.l@example.org")
    wrong = event("customer.upserted", 22, customer_id="ada", name="Ada Lovelace", phone=5550199)
    bad = failure(23, "ada", facts={"startup_s": 50, "words": "spoilt my evening"})
    taken = lived.ingest(UPSERT, again, bad, wrong, event("customer.upserted", 24, customer_id="bob", name="Bob New"))
    assert lived.run("drain", "--timeout", "60").returncode == 0

    assert (taken["events"], taken["duplicate"], taken["bad"]) == (3, 1, 1)
    lived.run("customers", "scour")
    assert lived.says(PERSONAL) == []
    assert lived.says(("Bob New",))
    notices = map(json.loads, lived.run("export", "notices").stdout.splitlines())
    assert sorted(one["state"] for one in notices if one["customer_id"] == "ada") == ["dismissed", "dismissed"]
    acts = map(json.loads, lived.run("export", "acts").stdout.splitlines())
    assert [one["amount_minor"] for one in acts if one["kind"] == "remedy.refund" and one["state"] == "done"] == [
        499
    ] * 3


@pytest.mark.slow
def test_somebody_erased_between_decision_and_payment_is_paid_and_told_nothing(shop: Installation) -> None:
    away = dict(shop.environment)
    shop.environment |= {"AMENDS_BILLING_URL": "", "AMENDS_SMTP_URL": ""}
    shop.ingest(*EVENTS[:5])
    shop.run("drain", "--timeout", "3")
    shop.environment = away
    assert shop.run("customers", "erase", "ada", "--yes").returncode == 0
    shop.inside(AGAIN)
    assert shop.run("drain", "--timeout", "60").returncode == 0

    acts = list(map(json.loads, shop.run("export", "acts").stdout.splitlines()))
    assert [(act["kind"], act["state"]) for act in acts if act["customer_id"] == "ada"] == [("remedy.refund", "done")]
    assert sorted(act["state"] for act in acts if act["customer_id"] == "bob") == ["done", "done"]
    assert shop.run("ledger", "verify").returncode == 0
    assert shop.says(PERSONAL) == []


@pytest.mark.slow
def test_a_mail_that_waits_is_cancelled_and_says_why(shop: Installation) -> None:
    smtp = shop.environment.pop("AMENDS_SMTP_URL")
    shop.ingest(*EVENTS[:5])
    shop.run("drain", "--timeout", "5")
    shop.environment["AMENDS_SMTP_URL"] = smtp
    assert shop.run("customers", "erase", "ada", "--yes").returncode == 0
    shop.inside(AGAIN)
    assert shop.run("drain", "--timeout", "60").returncode == 0

    acts = map(json.loads, shop.run("export", "acts").stdout.splitlines())
    states = {act["customer_id"]: (act["state"], act["last_answer"]) for act in acts if act["connector"] == "smtp"}
    assert states == {
        "ada": ("cancelled", "cancelled: the customer was erased, there is nobody to send it to"),
        "bob": ("done", "done"),
    }


@pytest.mark.slow
def test_nobody_is_erased_unasked_or_unknown(shop: Installation) -> None:
    shop.ingest(UPSERT)
    shop.run("drain", "--timeout", "30")

    assert shop.run("customers", "erase", "ada").returncode == 1  # nobody is there to say yes
    unknown = shop.run("customers", "erase", "ada", "nobody", "--yes")
    assert (unknown.returncode, "'nobody'" in unknown.stderr) == (1, True)
    assert shop.says(("ada.l@example.org",))
    assert shop.run("customers", "readmit", "ada").returncode == 1


@pytest.mark.slow
def test_beside_a_running_worker_the_worker_erases(lived: Installation) -> None:
    worker = subprocess.Popen([sys.executable, "-m", "amends", "worker"], env=lived.environment, stderr=subprocess.PIPE)
    try:
        done = lived.run("customers", "erase", "ada", "--yes")
    finally:
        worker.terminate()
        _, stderr = worker.communicate(timeout=30)

    assert (done.returncode, done.stderr, b"error" in stderr) == (0, "", False)
    assert lived.says(PERSONAL) == []


@pytest.mark.slow
def test_an_erasure_that_is_killed_again_and_again_comes_to_its_end(lived: Installation) -> None:
    command = [sys.executable, "-m", "amends", "customers", "erase", "ada", "--yes"]
    for tenths in range(6, 24, 3):
        killed = subprocess.Popen(command, env=lived.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(tenths / 10)
        killed.kill()
        killed.communicate()
    assert lived.run("customers", "erase", "ada", "--yes").returncode == 0

    assert lived.says(PERSONAL) == []
    assert lived.run("ledger", "verify").returncode == 0
    erased = [json.loads(line) for line in lived.run("customers", "erased", "--json").stdout.splitlines()]
    assert all(one["finished_at"] for one in erased)
    assert lived.ingest(UPSERT, *EVENTS[3:6])["duplicate"] == 4
