"""Signals of somebody who was erased: what stays of them, on disk and in the tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from tests.signals.conftest import Send
from tests.signals.events import event, failure, playback

import amends.customers.queries
import amends.customers.steps
from amends.ground.personal import Words
from amends.signals import door, erasing, landing, queries, rewriting, steps
from amends.signals.models import QuarantineRow, SignalRow

NOW = datetime(2026, 11, 20, 21, tzinfo=UTC)
TOLD = ("Ada Lovelace", "ada.l@example.org", "Elm Street 5")
UPSERT = event("customer.upserted", 1, customer_id="ada", name=TOLD[0], email=TOLD[1], street=TOLD[2])
OTHER = event("customer.upserted", 2, customer_id="ada-2", name="Bob Bauer")

pytestmark = pytest.mark.django_db


def landed() -> bytes:
    folder = settings.AMENDS.var / "landing"
    return b"".join(one.body for path in landing.segments(folder) for one in landing.read(path, 0, 2**40))


def everything() -> str:
    rows = [str(row) for table in (SignalRow, QuarantineRow) for row in table.objects.values_list()]
    return landed().decode() + "\n".join(rows)


def forget(customer_id: str = "ada", *told: str) -> None:
    words = Words(customer_id, {*erasing.told_of(customer_id), *told})
    amends.customers.steps.ask_erasure(customer_id, words.told, "grace", NOW)
    erasing.erase_landed(words, really=True)
    erasing.erase(words, NOW)


@pytest.mark.parametrize("read_first", [True, False])
def test_fields_of_the_contract_stay_and_what_is_personal_goes(send: Send, now: datetime, read_first: bool) -> None:
    facts = {"startup_s": 3.50, "title": "Film", "contact": {"phone": "1"}, "said": f"I am {TOLD[0]}"}
    sent = [UPSERT, OTHER, failure(3, facts=facts, price_minor=499, currency="EUR"), playback(4, email=TOLD[1])]
    send(sent, "application/cloudevents-batch+json")
    send(event("complaint.received", 5, customer_id="ada", text=TOLD[2], channel="web", received_at=now.isoformat()))
    if read_first:
        steps.absorb(now)
    forget()
    steps.absorb(now)

    assert not [told for told in TOLD if told in everything()]
    assert b"Bob Bauer" in landed()
    data = dict(SignalRow.objects.values_list("event_id", "data"))
    assert data["e3"]["facts"] == {"startup_s": 3.5, "title": "Film", "said": "I am -"}
    assert (data["e3"]["price_minor"], data["e4"]["title"], data["e5"]["text"]) == (499, "Film", "")
    assert set(data["e4"]) == {"session_id", "customer_id", "title", "product", "price_minor", "currency"}


def test_a_known_signal_in_a_batch_with_a_new_one_lands_and_says_nothing_once_it_is_read(send: Send) -> None:
    now = datetime.now(UTC)
    send([UPSERT], "application/cloudevents-batch+json")
    steps.absorb(now)
    forget()
    answer: Any = send([UPSERT, OTHER], "application/cloudevents-batch+json")
    assert answer.json() == {"accepted": 1, "duplicate": 1, "refused": []}
    assert TOLD[0] in everything()
    steps.absorb(now)

    assert not [told for told in TOLD if told in everything()]
    assert amends.customers.queries.by_id(["ada-2"])["ada-2"].name == "Bob Bauer"


def test_somebody_readmitted_is_told_of_anew(send: Send) -> None:
    forget()
    amends.customers.steps.readmit("ada")
    send({**UPSERT, "id": "again"})
    steps.absorb(datetime.now(UTC))

    assert amends.customers.queries.by_id(["ada"])["ada"].name == TOLD[0]
    assert TOLD[0] in landed().decode()


def test_refused_events_about_them_go_whole_and_others_stay(send: Send, now: datetime) -> None:
    send([{**UPSERT, "specversion": "2"}, {**OTHER, "specversion": "2"}, {"id": "x", "mail": TOLD[1].upper()}])
    steps.absorb(now)
    forget("ada", TOLD[1])

    rows = dict(QuarantineRow.objects.values_list("position", "raw"))
    assert (rows["0"], rows["2"], "Bob Bauer" in rows["1"]) == ("(erased)", "(erased)", True)
    assert [one.state for one in queries.quarantined("dismissed")] == ["dismissed"] * 2
    assert not [told for told in TOLD if told.lower() in everything().lower()]


def test_an_address_in_a_players_request_is_struck_out_in_place(send: Send, now: datetime) -> None:
    line = json.dumps(
        {"t": 1, "kind": "request", "path": "/v.mp4", "query": "u=ada.l%40example.org&CMCD=sid%3D%22s%22"}
    )
    door.log().append("lines", line.encode(), 1)
    forget("ada", *TOLD)

    (after,) = landed().splitlines()
    assert len(after) == len(line)
    assert json.loads(after)["query"] == "u=-------------------&CMCD=sid%3D%22s%22"


def test_an_id_that_is_an_address_is_replaced_and_its_signal_stays_known(send: Send, now: datetime) -> None:
    named = playback(1) | {"id": f"play:{TOLD[1]}"} | {"type": "com.amends.order.placed"}
    named["data"] = {"customer_id": "ada", "order_id": "o1", "items": []}
    send(named)
    steps.absorb(now)
    forget("ada", TOLD[1])

    assert TOLD[1] not in everything()
    assert SignalRow.objects.count() == 1
    answer: Any = send(named)
    assert answer.json()["duplicate"] == 1


def test_what_a_kill_left_half_written_is_finished_before_anybody_reads(send: Send, now: datetime) -> None:
    send([UPSERT, OTHER], "application/cloudevents-batch+json")
    (path,) = landing.segments(settings.AMENDS.var / "landing")
    whole = path.read_bytes()
    amends.customers.steps.ask_erasure("ada", (), "grace", NOW)
    erasing.erase_landed(Words("ada"), really=True)
    after = path.read_bytes()
    changes = [(0, after)]
    path.write_bytes(after[: len(after) // 2] + whole[len(after) // 2 :])  # killed in the middle of it
    assert not any(landing.read(path, 0, 1))
    redo = b"".join(rewriting.PLACE.pack(at, len(record)) + record for at, record in changes)
    path.with_name(path.name + rewriting.REDO).write_bytes(redo + rewriting.CHECK.pack(rewriting.zlib.crc32(redo)))
    steps.absorb(now)

    assert path.read_bytes() == after
    assert amends.customers.queries.by_id(["ada-2"])["ada-2"].name == "Bob Bauer"


def test_where_nobody_was_ever_erased_reading_asks_once_and_no_more(send: Send, now: datetime) -> None:
    send([UPSERT, OTHER], "application/cloudevents-batch+json")
    with_questions: list[str] = []
    with connection.execute_wrapper(lambda run, sql, *rest: (with_questions.append(sql), run(sql, *rest))[1]):
        steps.absorb(now)

    assert sum("erasurerow" in sql for sql in with_questions) == 1
    assert not sum("erased_at" in sql and "IS NOT NULL" in sql for sql in with_questions)
