"""Staff channels keep the contract of connectors, as far as apprise's yes or no can; its JSON channel is real."""

from __future__ import annotations

from typing import Any

import pytest

from amends.connectors.chat.connector import Chat
from amends.outbox.records import Connector, Done, Later, Order, Refused, Unknown
from amends.testing import ConnectorContract, StandIn, StandInReply, StandInRequest
from amends.testing.contract import NOW

PASSWORD = "ch4nnel-s3cret"


class Channel(StandIn):
    """What apprise's `json://` speaks to."""

    def key_of(self, request: StandInRequest) -> str:
        return str(request.json()["title"])

    def handle(self, request: StandInRequest) -> StandInReply:
        self.effect(self.key_of(request), message=request.json()["message"])
        return StandInReply(200, {"ok": True})


def order(key: str = "chat:a", text: str = "An act waits for a person") -> Order:
    return Order(key, "chat.person", "chat", "rec_1", "", {"title": f"amends {key}", "text": text})


class TestChat(ConnectorContract):
    looks_up = False
    secrets = (PASSWORD,)
    # a 2xx is all that apprise looks at, and it tells a no from a time-out by nothing
    cannot_play = frozenset({"html", "truncated", "other", "huge", "refuse", "busy", "closed"})

    def make_standin(self) -> StandIn:
        return Channel()

    def make_connector(self, url: str) -> Connector:
        return Chat(url.replace("http://", f"json://staff:{PASSWORD}@"), timeout_s=0.5)

    def make_order(self, key: str) -> Order:
        return order(key)

    def test_nobody_there_is_later(self) -> None:
        """apprise does not tell us: it is unknown, and a colleague told twice is no harm."""
        assert isinstance(self.make_connector("http://127.0.0.1:9").act(order(), NOW), Unknown)


def test_nothing_is_told_without_words_or_without_an_address() -> None:
    assert isinstance(Chat("").act(order(), NOW), Later)
    assert isinstance(Chat("nonsense://x").act(order(), NOW), Later)
    assert isinstance(Chat("json://127.0.0.1:9").act(order(text=" "), NOW), Refused)


@pytest.mark.parametrize("text", ["<b>bold</b> & *stars*", "two\nlines", "😀"])
def test_words_arrive_as_they_are(text: str) -> None:
    with Channel() as channel:
        done: Any = Chat(channel.url.replace("http", "json")).act(order(text=text), NOW)

    assert done == Done("told 1 channel")
    assert channel.journal[0]["message"] == text
