"""Tickets in both shapes keep the contract of connectors."""

from __future__ import annotations

from typing import Any

import pytest

from amends.connectors.tickets.connector import Tickets, Zammad, Zendesk
from amends.outbox.records import Connector, Order, Refused, Unknown
from amends.testing import ConnectorContract, StandIn, StandInReply, StandInRequest
from amends.testing.contract import NOW

TOKEN = "t1cket-t0ken-for-tests"


def order(key: str = "call:a", **more: Any) -> Order:
    said = {"title": "Call Ada back", "text": "Second time this month.", "email": "ada@viewers.example"}
    return Order(key, "ticket.call", "tickets", "rec_1", "ada", said | more)


class ZammadStandIn(StandIn):
    """Zammad in miniature: it knows no keys; its search by condition reads the database."""

    def key_of(self, request: StandInRequest) -> str:
        title: str = request.json()["title"]
        return title[title.index("[") + 1 : -1]

    def handle(self, request: StandInRequest) -> StandInReply:
        if request.headers.get("authorization") != f"Token token={TOKEN}":
            return StandInReply(401, {"error": "Authentication required"})
        if request.method == "GET":
            assert request.query["condition[ticket.title][operator]"] == "contains"
            wanted = request.query["condition[ticket.title][value]"]
            return StandInReply(200, [one for one in self.journal if wanted in one["title"]][::-1])
        asked = request.json()
        if asked["group"] != "Users" or not asked["article"]["internal"]:
            return StandInReply(422, {"error": "Group can't be blank"})
        with self.lock:
            number = 67001 + len(self.journal)
            self.effect(self.key_of(request), id=number - 67000, number=str(number), title=asked["title"])
            return StandInReply(201, {name: value for name, value in self.journal[-1].items() if name != "key"})


class ZendeskStandIn(StandIn):
    """Zendesk in miniature: it honours keys and lists by external id."""

    def handle(self, request: StandInRequest) -> StandInReply:
        if request.method == "GET":
            listed = [one for one in self.journal if one["external_id"] == request.query["external_id"]]
            return StandInReply(200, {"tickets": listed, "next_page": None, "count": len(listed)})
        ticket = request.json()["ticket"]
        with self.lock:
            known = [one for one in self.journal if one["key"] == self.key_of(request)]
            if known and known[0]["subject"] != ticket["subject"]:
                return StandInReply(400, {"error": "IdempotentRequestError"})
            if not known:
                self.effect(
                    self.key_of(request), id=35436 + len(self.journal), external_id=ticket["external_id"],
                    subject=ticket["subject"], public=ticket["comment"]["public"],
                )  # fmt: skip
            return StandInReply(201, {"ticket": known[0] if known else self.journal[-1]})


class TestZammad(ConnectorContract):
    secrets = (TOKEN,)

    def make_standin(self) -> StandIn:
        return ZammadStandIn()

    def make_connector(self, url: str) -> Connector:
        return Tickets(url, Zammad(TOKEN, "Users"), timeout_s=0.5)

    def make_order(self, key: str) -> Order:
        return order(key)


class TestZendesk(TestZammad):
    def make_standin(self) -> StandIn:
        return ZendeskStandIn()

    def make_connector(self, url: str) -> Connector:
        return Tickets(url, Zendesk("agent@care.example", TOKEN, "360"), timeout_s=0.5)


def test_a_ticket_without_words_or_with_an_impossible_group_is_refused() -> None:
    zendesk = Tickets("http://127.0.0.1:9", Zendesk("a", TOKEN, "Users"))

    assert isinstance(zendesk.act(order(title=" "), NOW), Refused)
    assert isinstance(zendesk.act(order(text=""), NOW), Refused)
    assert isinstance(zendesk.act(order(), NOW), Refused), "Zendesk's groups are numbers"


def test_a_key_known_with_other_words_is_not_taken_for_a_no() -> None:
    with ZendeskStandIn() as standin:
        zendesk = Tickets(standin.url, Zendesk("agent@care.example", TOKEN, ""))
        zendesk.act(order(), NOW)

        assert isinstance(zendesk.act(order(title="Another"), NOW), Unknown)
        assert standin.journal[0]["public"] is False, "customers never see what staff write to staff"


@pytest.mark.parametrize("key", ["call:a", "call:a [x]", "call:ü?&="])
def test_any_key_is_found_again(key: str) -> None:
    with ZammadStandIn() as standin:
        zammad = Tickets(standin.url, Zammad(TOKEN, "Users"))
        standin.key_of = lambda request: key  # type: ignore[method-assign]
        done = zammad.act(order(key), NOW)

        assert zammad.find(order(key)) == done
