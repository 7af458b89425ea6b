"""The generic signed webhook keeps the contract of connectors."""

from __future__ import annotations

from amends.connectors.billing.webhook import BillingWebhook
from amends.outbox.records import Connector, Order
from amends.testing import ConnectorContract, StandIn, StandInReply, StandInRequest

SECRET = "whsec_" + "QUJD" * 10


class Billing(StandIn):
    """The company's side of the webhook: one effect a key, and a look-up."""

    def handle(self, request: StandInRequest) -> StandInReply:
        if request.method == "GET":
            kept = [effect for effect in self.journal if request.path == f"/acts/{effect['key']}"]
            return StandInReply(200, kept[0]) if kept else StandInReply(404, {"error": "no such act"})
        data = request.json()["data"]
        with self.lock:
            kept = [effect for effect in self.journal if effect["key"] == data["key"]]
            if not kept:
                amount = {name: data[name] for name in ("amount_minor", "currency")}
                self.effect(data["key"], ref=f"pay_{len(self.journal) + 1}", **amount)
                kept = self.journal[-1:]
                return StandInReply(200, kept[0])
        return StandInReply(409, kept[0])


class TestBilling(ConnectorContract):
    secrets = (SECRET, SECRET.removeprefix("whsec_"))
    moves_money = True

    def make_standin(self) -> StandIn:
        return Billing()

    def make_connector(self, url: str) -> Connector:
        return BillingWebhook(url, SECRET, timeout_s=0.5)

    def make_order(self, key: str) -> Order:
        money = {"amount_minor": 499, "currency": "EUR", "payment_ref": "pay_1", "reason": "film-plays"}
        return Order(key, "remedy.refund", "billing", "rec_1", "ada", money)
