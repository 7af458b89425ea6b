"""Stripe's official client on our own wire: no redirects, bounded answers, no retries but the outbox's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx
import stripe

from amends.connectors.wire import TIMEOUT_S, Reply, Wire
from amends.outbox.records import Later, Unknown

UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, ArithmeticError)
MOST_BYTES = 4 * 2**20  # a page of a hundred objects
logging.getLogger("stripe").setLevel(logging.WARNING)  # below, it logs whatever an error says, our key too
stripe.enable_telemetry = False  # what machine this is, and how fast it asked, is nobody's business


class NoReply(Exception):
    """Nothing came back that could be read as HTTP; `answer` says whether the request may have arrived."""

    def __init__(self, answer: Later | Unknown) -> None:
        super().__init__(answer.reason)
        self.answer = answer


class OnOurWire(stripe.HTTPClient):
    """What the client calls to reach the network."""

    name = "amends"

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.wire = wire

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        path = url.removeprefix(self.wire.url)
        reply = self.wire.ask(method.upper(), path, headers=dict(headers or {}), content=post_data)
        if not isinstance(reply, Reply):
            raise NoReply(reply)
        return reply.body.decode("utf-8", "replace"), reply.status, reply.headers

    def close(self) -> None:
        self.wire.client.close()


def connect(
    url: str, secret: str, timeout_s: float = TIMEOUT_S, transport: httpx.BaseTransport | None = None
) -> tuple[stripe.StripeClient, Wire]:
    """The client for an address and a secret key, and the wire that it uses."""
    wire = Wire(
        "stripe", url, secrets=(secret,), timeout_s=timeout_s, most_bytes=MOST_BYTES, transport=transport
    )  # fmt: skip
    client = stripe.StripeClient(
        secret or "not-set",
        base_addresses={"api": wire.url},
        max_network_retries=0,
        http_client=OnOurWire(wire),
    )
    return client, wire
