"""Money remedies to the company's billing, as signed webhooks (Standard Webhooks 1.0.0)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from amends.connectors.wire import TIMEOUT_S, Reply, Wire, in_path, receipt, retry_after_s, secret_bytes, sign
from amends.ground.moments import format_moment
from amends.outbox.records import Answer, Declaration, Done, Found, Later, NotDone, Order, Refused, Unknown


class BillingWebhook:
    """Posts acts under their key and looks keys up; a time-out is never taken for a no."""

    name = "billing"
    can_find = True
    declaration = Declaration("billing", can_find=True, key_window=timedelta.max, batch=100, at_once=8)

    def __init__(
        self, url: str, secret: str, transport: httpx.BaseTransport | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.secret = secret_bytes(secret)
        hidden = (secret, secret.removeprefix("whsec_"))
        self.wire = Wire("billing", url, secrets=hidden, timeout_s=timeout_s, transport=transport)

    def act(self, order: Order, now: datetime) -> Answer:
        body = _body(order)
        headers = {"content-type": "application/json"} | sign(self.secret, order.key, now, body)
        reply = self.wire.ask("POST", "", content=body, headers=headers)
        return self._answer(order, reply) if isinstance(reply, Reply) else reply

    def find(self, order: Order) -> Found:
        signed = sign(self.secret, order.key, datetime.now(UTC), b"")
        reply = self.wire.ask("GET", f"/acts/{in_path(order.key)}", headers=signed)
        if not isinstance(reply, Reply):
            return Unknown(f"cannot be looked up: {reply.reason}")
        if reply.status == 404:
            return NotDone()
        done = _done(order, reply, already=True) if reply.status == 200 else None
        return done or Unknown(f"looked up, and the answer is not clear: {reply.status}")

    def reconcile(self, since: datetime) -> list[dict[str, Any]]:
        """What billing says it has done since then, all of it at once: a JSON list with a row for each effect of key,
        ref, amount_minor, currency and, where it knows it, at (docs/how-to/billing-webhook.md)."""
        at = format_moment(since)
        signed = sign(self.secret, f"acts-since-{at}", datetime.now(UTC), b"")
        reply = self.wire.client.get(f"{self.wire.url}/acts", params={"since": at}, headers=signed)
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()
        return found

    def _answer(self, order: Order, reply: Reply) -> Answer:
        """What the contract with billing says; there every 4xx but a few is a no for good, 401 and 403 too."""
        status = reply.status
        if 200 <= status < 300 or status == 409:
            return _done(order, reply, already=status == 409) or Unknown(f"{status} without a usable ref")
        if status == 429 or (status == 503 and "retry-after" in reply.headers):
            return Later(f"billing asks to wait: {status}", retry_after_s(reply.headers))
        if status in (408, 425) or not 400 <= status < 500:
            return Unknown(f"billing answered {status}")
        return Refused(f"billing refused it: {status} {self.wire.words(reply)}".strip())


def _body(order: Order) -> bytes:
    """The same bytes for every try of an act."""
    payload = order.payload
    data: dict[str, Any] = {
        "key": order.key,
        "recovery_id": order.recovery_id,
        "customer_id": order.customer_id,
        "amount_minor": payload["amount_minor"],
        "currency": payload["currency"],
        "payment_ref": payload.get("payment_ref"),
        "reason": payload.get("reason", ""),
    }
    if "reverses" in payload:
        data["reverses"] = {name: payload["reverses"][name] for name in ("key", "ref")}
    timestamp = payload.get("decided_at", "")
    return json.dumps({"type": order.kind, "timestamp": timestamp, "data": data}, separators=(",", ":")).encode()


def _done(order: Order, reply: Reply, *, already: bool) -> Done | None:
    """A receipt, unless it is none, or is one for another act, amount or currency."""
    expected = {name: order.payload[name] for name in ("amount_minor", "currency")}
    done = receipt(reply.json(), "ref", key=order.key, **expected)
    return Done(done.ref, already) if done else None
