"""What vendors' replies come to mean, each from a file beside its connector's test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from amends.connectors.phone.connector import Phone
from amends.connectors.stripe.connector import StripeConnector
from amends.connectors.tickets.connector import Shape, Tickets, Zammad, Zendesk
from amends.outbox.records import Done, Later, NotDone, Order, Refused, Unknown
from amends.testing.contract import NOW

HERE = Path(__file__).parent
URL = "http://vendor.example"


class RecordedWire(httpx.BaseTransport):
    """Answers everything with one reply from a file, and keeps what was sent."""

    def __init__(self, name: str) -> None:
        self.reply = json.loads((HERE / f"{name}.json").read_text("utf-8"))
        self.sent: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        whole = httpx.ByteStream(json.dumps(self.reply["body"]).encode())
        return httpx.Response(self.reply["status"], headers=self.reply["headers"], stream=whole)


def refund() -> Order:
    money = {"amount_minor": 499, "currency": "EUR", "payment_ref": "pi_1GszsK2eZvKYlo2CfhZyoZLp"}
    return Order("refund:rec_1", "remedy.refund", "stripe", "rec_1", "ada", money)


def call() -> Order:
    said = {"title": "Call Ada back", "text": "Second time this month."}
    return Order("call:rec_1", "ticket.call", "tickets", "rec_1", "ada", said)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("refund_succeeded", Done, "re_1Nispe2eZvKYlo2Cd31jOCgZ"),
        ("refund_pending", Done, "re_1Nispe2eZvKYlo2Cd31jOCgZ"),
        ("refund_failed", Refused, "lost_or_stolen_card"),
        ("refund_requires_action", Unknown, "bank details"),
        ("refund_of_somebody_else", Unknown, "no receipt"),
        ("refund_without_metadata", Unknown, "no receipt"),
        ("refund_in_dollars", Unknown, "no receipt"),
        ("already_refunded", Refused, "already been refunded"),
        ("no_such_payment", Refused, "No such payment_intent"),
        ("rate_limit", Later, "rate limit exceeded"),
        ("lock_timeout", Later, "another API request"),
        ("key_in_use", Unknown, "in-progress"),
        ("other_parameters", Unknown, "other words"),
        ("key_expired", Later, "credentials"),
        ("not_allowed", Later, "credentials"),
        ("broken", Unknown, "500"),
    ],
)
def test_stripe_said(name: str, kind: type, says: str) -> None:
    wire = RecordedWire(f"stripe/replies/{name}")
    answer = StripeConnector(URL, "sk_test_x", transport=wire).act(refund(), NOW)

    assert isinstance(answer, kind), answer
    assert says in str(answer)
    (sent,) = wire.sent
    assert sent.headers["idempotency-key"] == "refund:rec_1"
    assert "metadata[amends_key]=refund%3Arec_1" in sent.content.decode()


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("message_queued", Done, "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("message_failed", Unknown, "usable receipt"),
        ("message_to_another_number", Unknown, "usable receipt"),
        ("no_such_number", Refused, "21211"),
        ("opted_out", Refused, "unsubscribed"),
        ("too_many", Later, "20429"),
    ],
)
def test_the_phone_provider_said(name: str, kind: type, says: str) -> None:
    phone = Phone(URL, "ACXXXX", "t", "+4930999999", transport=RecordedWire(f"phone/replies/{name}"))
    order = Order("sms:1", "sms.x", "phone", "r", "c", {"to": "+4930123456", "text": "Your film stopped."})

    assert isinstance(answer := phone.act(order, NOW), kind), answer
    assert says in str(answer)


def test_a_call_was_taken() -> None:
    phone = Phone(URL, "ACXXXX", "t", "+4930999999", transport=RecordedWire("phone/replies/call_queued"))
    order = Order("voice:1", "voice.x", "phone", "r", "c", {"to": "+4930123456", "text": "Your film stopped."})

    assert phone.act(order, NOW) == Done("CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")


TOKEN = "t1cket-t0ken"
ZAMMAD, ZENDESK = Zammad(TOKEN, "Users"), Zendesk("agent@care.example", TOKEN, "")


@pytest.mark.parametrize(
    ("shape", "name", "kind", "says"),
    [
        (ZAMMAD, "zammad_created", Done, "#67053"),
        (ZAMMAD, "zammad_no_group", Refused, "be blank"),
        (ZENDESK, "zendesk_created", Done, "#35436"),
        (ZENDESK, "zendesk_other_parameters", Unknown, "other words"),
        (ZENDESK, "zendesk_too_many", Later, "56"),
    ],
)
def test_the_ticket_system_said(shape: Shape, name: str, kind: type, says: str) -> None:
    tickets = Tickets(URL, shape, transport=RecordedWire(f"tickets/replies/{name}"))

    assert isinstance(answer := tickets.act(call(), NOW), kind), answer
    assert says in str(answer)


@pytest.mark.parametrize(
    ("shape", "name", "found"),
    [
        (ZAMMAD, "zammad_found", Done("#67053")),
        (ZAMMAD, "zammad_none", NotDone()),
        (ZENDESK, "zendesk_found", Done("#35436")),
        (ZENDESK, "zendesk_none", NotDone()),
    ],
)
def test_the_ticket_system_was_asked(shape: Shape, name: str, found: Any) -> None:
    assert Tickets(URL, shape, transport=RecordedWire(f"tickets/replies/{name}")).find(call()) == found
