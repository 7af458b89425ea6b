"""Forgetting somebody while acts wait, are on the wire, or stand before a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.outbox.working import begin

from amends.ground.personal import Words
from amends.outbox import answering, erasing, queries, steps
from amends.outbox.answering import Answered
from amends.outbox.records import Act, ActState, Declaration, Order
from amends.outbox.rules import Next

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SMTP, BILLING = Declaration("smtp"), Declaration("billing", can_find=True)
ADA = Words("ada", ["Ada Lovelace", "ada@example.org"])
MAIL = {
    "to": "ada@example.org",
    "subject": "Your film",
    "text": "Dear Ada Lovelace",
    "html": "<p>",
    "message_id": "<1@a>",
}
REFUND = {"payment_ref": "pay_7", "amount_minor": 499, "currency": "EUR", "reason": "film-plays: The Long Film"}

pytestmark = pytest.mark.django_db


def put(key: str, connector: str, payload: dict[str, Any]) -> None:
    steps.enqueue([Order(key, f"{connector}.x", connector, "rec_1", "ada", payload)], NOW)


def act(key: str) -> Act:
    found = queries.act(key)
    assert found
    return found


def answer(key: str, state: ActState, says: str, attempt: int = 1) -> None:
    answering.record("w", [Answered(key, attempt, "act", Next(state, NOW, "", says))], NOW)


def test_a_mail_that_waits_is_cancelled_and_a_refund_goes_on_as_it_was() -> None:
    put("mail:1", "smtp", MAIL)
    put("refund:1", "billing", REFUND)
    counts = erasing.erase(ADA, NOW)

    assert (act("mail:1").state, act("mail:1").last_answer) == (ActState.CANCELLED, erasing.NOBODY)
    assert act("mail:1").payload == {**dict.fromkeys(MAIL, ""), "message_id": "<1@a>", "erased": True}
    assert (act("refund:1").state, act("refund:1").payload) == (ActState.DUE, REFUND)
    assert +counts == {"acts": 1, "acts cancelled": 1}
    assert not +erasing.erase(ADA, NOW)


def test_what_a_mail_server_answers_while_somebody_is_erased_is_struck_out_after() -> None:
    put("mail:1", "smtp", MAIL)
    begin(SMTP, NOW)
    erasing.erase(ADA, NOW)
    assert (act("mail:1").state, erasing.on_the_wire("ada")) == (ActState.TRYING, True)
    answer("mail:1", ActState.REFUSED, "550 <ADA@example.org> Ada Lovelace is unknown")
    erasing.erase(ADA, NOW)

    assert (act("mail:1").state, erasing.on_the_wire("ada")) == (ActState.CANCELLED, False)
    assert [detail for *_, detail in queries.tries("mail:1")] == ["550 <-> - is unknown"]


def test_a_mail_put_off_while_somebody_is_erased_goes_to_nobody() -> None:
    put("mail:1", "smtp", MAIL)
    begin(SMTP, NOW)
    erasing.erase(ADA, NOW)
    answer("mail:1", ActState.DUE, "the mail server asks to wait")
    erasing.erase(ADA, NOW)

    assert act("mail:1").state is ActState.CANCELLED
    assert begin(SMTP, NOW + timedelta(hours=2)) == []


def test_a_mail_of_which_nobody_knows_whether_it_arrived_says_so() -> None:
    put("mail:1", "smtp", MAIL)
    begin(SMTP, NOW)
    answer("mail:1", ActState.UNKNOWN, "the connection broke")
    erasing.erase(ADA, NOW)

    assert (act("mail:1").state, act("mail:1").last_answer) == (ActState.IN_DOUBT, erasing.UNSURE)


def test_money_of_which_nobody_knows_is_looked_up_as_before() -> None:
    put("refund:1", "billing", REFUND)
    begin(BILLING, NOW)
    answer("refund:1", ActState.UNKNOWN, "the answer did not come")
    erasing.erase(ADA, NOW)

    (claimed,) = begin(BILLING, NOW + timedelta(hours=1))
    assert (claimed.order.payload, claimed.unclear) == (REFUND, 1)


def test_who_was_to_be_in_touch_reads_that_there_is_nobody_and_settles_it() -> None:
    put("call:1", "person", {"reason": "the customer says: no – my sister saw it too"})
    erasing.erase(ADA, NOW)
    erasing.erase(ADA, NOW)

    assert (act("call:1").state, act("call:1").last_answer) == (
        ActState.PARKED,
        "the customer says: no" + erasing.NO_CALL,
    )
    assert steps.settle_by_person("call:1", "nobody to call", "grace", NOW)


def test_a_persons_note_goes_and_who_wrote_it_stays() -> None:
    put("call:1", "person", {"reason": "somebody calls"})
    steps.settle_by_person("call:1", "she was with her sister", "grace", NOW)
    erasing.erase(ADA, NOW)

    assert (act("call:1").state, act("call:1").ref) == (ActState.DONE, "-")
    assert [detail for *_, detail in queries.tries("call:1")] == ["grace: -"]


def test_others_are_left_alone() -> None:
    steps.enqueue([Order("mail:2", "mail", "smtp", "rec_2", "ada-2", MAIL)], NOW)
    erasing.erase(ADA, NOW)

    assert (act("mail:2").state, act("mail:2").payload) == (ActState.DUE, MAIL)
