"""Calls and messages keep the contract of connectors, as far as a provider without keys can."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from amends.connectors.phone.connector import Phone
from amends.outbox.records import Connector, Done, Order, Refused, Unknown
from amends.testing import ConnectorContract, StandIn, StandInReply, StandInRequest
from amends.testing.contract import NOW

TOKEN = "a9f0c2d4e6b8aa0c2d4e6f8a0b2c4d6e"
TEXT = "Your film stopped 14 times. That was our fault."


class Provider(StandIn):
    """A provider of calls and messages in Twilio's shape. It knows no keys: each POST is a new call or message."""

    remembers = True
    moment = NOW

    def key_of(self, request: StandInRequest) -> str:
        return request.form()["To"]  # there is no key: what tells two acts apart is whom they go to

    def handle(self, request: StandInRequest) -> StandInReply:
        if not request.headers.get("authorization", "").startswith("Basic "):
            return StandInReply(401, {"code": 20003, "message": "Authenticate"})
        if request.method == "GET":
            listed = [one for one in self.journal if one["to"] == request.query["To"] and self.remembers]
            return StandInReply(200, {"messages": listed[::-1], "page_size": 50})
        form = request.form()
        sid = f"SM{len(self.journal) + 1:032d}"
        with self.lock:
            self.effect(
                self.key_of(request), sid=sid, to=form["To"], body=form.get("Body"), twiml=form.get("Twiml"),
                status="queued", date_created=format_datetime(self.moment),
            )  # fmt: skip
            return StandInReply(201, self.journal[-1])


def order(key: str = "sms:1", kind: str = "sms.apology", **more: Any) -> Order:
    number = "+4930" + "".join(str(ord(letter) % 10) for letter in key.ljust(8, "0")[-8:])
    return Order(key, kind, "phone", "rec_1", "ada", {"to": number, "text": TEXT, "locale": "de"} | more)


class TestMessages(ConnectorContract):
    looks_up = False
    secrets = (TOKEN,)
    cannot_play = frozenset({"other"})
    kind = "sms.apology"

    def make_standin(self) -> StandIn:
        return Provider()

    def make_connector(self, url: str) -> Connector:
        return Phone(url, "AC1", TOKEN, "+4930999999", timeout_s=0.5)

    def make_order(self, key: str) -> Order:
        return order(key, self.kind)


class TestCalls(TestMessages):
    kind = "voice.apology"


@pytest.fixture
def provider() -> Any:
    with Provider() as provider:
        yield provider


def phone(provider: Provider) -> Phone:
    return Phone(provider.url, "AC1", TOKEN, "+4930999999", timeout_s=0.5)


def test_a_message_whose_answer_was_lost_is_seen_in_the_list(provider: Provider) -> None:
    provider.fault = lambda key, times: "drop"

    assert phone(provider).act(order(), NOW) == Done(provider.journal[0]["sid"])


def test_a_message_that_is_not_seen_or_is_an_older_one_stays_unknown(provider: Provider) -> None:
    provider.moment = NOW - timedelta(hours=1)
    phone(provider).act(order(), NOW - timedelta(hours=1))
    provider.fault = lambda key, times: "cut"

    assert isinstance(phone(provider).act(order(), NOW), Unknown), "the same words of an hour ago are another message"


def test_what_is_said_cannot_become_markup(provider: Provider) -> None:
    evil = 'Hello</Say><Dial>+1900</Dial><Say> & "you"'
    phone(provider).act(order(kind="voice.apology", text=evil, locale='de"><Dial/>'), NOW)

    (say,) = ElementTree.fromstring(provider.journal[0]["twiml"])
    assert (say.tag, say.text, say.attrib) == ("Say", evil, {"language": "deDial"})


@pytest.mark.parametrize(
    "more",
    [{"to": "030 123456"}, {"to": "+49301234567890123"}, {"to": ""}, {"text": ""}, {"text": "x" * 1601}],
)
def test_what_no_telephone_can_do_is_refused(provider: Provider, more: dict[str, str]) -> None:
    assert isinstance(phone(provider).act(order(**more), NOW), Refused)
    assert isinstance(phone(provider).act(order(kind="fax.apology"), NOW), Refused)
    assert provider.journal == []
