"""The generic carrier keeps the contract of connectors."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from amends.connectors.carrier.connector import Carrier
from amends.outbox.records import Connector, Done, Order, Unknown
from amends.testing import ConnectorContract, StandIn, StandInReply, StandInRequest
from amends.testing.contract import NOW

SECRET = "whsec_" + "QUJD" * 10


def order(key: str = "label:a") -> Order:
    return Order(key, "remedy.label", "carrier", "rec_1", "ada", {"order_id": "o-1", "from": ["Ada", "Street 1"]})


class CarrierStandIn(StandIn):
    """A carrier in miniature: one label a key."""

    shown: Any = None

    def handle(self, request: StandInRequest) -> StandInReply:
        if request.method == "GET":
            made = [one for one in self.journal if request.path == f"/labels/{one['key']}"]
            return StandInReply(200, made[0]) if made else StandInReply(404, {})
        key = request.json()["data"]["key"]
        with self.lock:
            made = [one for one in self.journal if one["key"] == key]
            if not made:
                number = len(self.journal) + 1
                self.effect(key, tracking=f"TRK{number}", label_url=f"https://carrier.example/labels/{number}.pdf")
            reply = made or self.journal[-1:]
        return StandInReply(409 if made else 200, self.shown or reply[0])


class TestCarrier(ConnectorContract):
    secrets = (SECRET, SECRET.removeprefix("whsec_"))

    def make_standin(self) -> StandIn:
        return CarrierStandIn()

    def make_connector(self, url: str) -> Connector:
        return Carrier(url, SECRET, timeout_s=0.5)

    def make_order(self, key: str) -> Order:
        return order(key)


def test_the_asking_is_signed_as_the_standards_own_library_checks_it() -> None:
    with CarrierStandIn() as standin:
        done = Carrier(standin.url, SECRET).act(order(), datetime.now(UTC))
        (sent,) = standin.requests

    assert done == Done("TRK1 https://carrier.example/labels/1.pdf")
    assert Webhook(SECRET).verify(sent.body, dict(sent.headers))["data"]["order_id"] == "o-1"
    assert json.loads(sent.body)["type"] == "label.requested"


@pytest.mark.parametrize(
    "shown",
    [
        {"tracking": "T1"},
        {"tracking": "", "label_url": "https://x.example/1"},
        {"tracking": "T1", "label_url": "javascript:alert(1)"},
        {"tracking": "T1", "label_url": "https://x.example/a b"},
        {"tracking": "T1", "label_url": "https://x.example/\r\nBcc: x"},
        {"tracking": "T1", "label_url": "http://[::1"},
        {"tracking": 7, "label_url": "https://x.example/1"},
        ["T1"],
    ],
)
def test_what_no_customer_could_open_is_no_label(shown: Any) -> None:
    with CarrierStandIn() as standin:
        standin.shown = shown
        assert isinstance(Carrier(standin.url, SECRET).act(order(), NOW), Unknown)
