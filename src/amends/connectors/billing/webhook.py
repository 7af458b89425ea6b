"""Money remedies to the company's billing, as signed webhooks (Standard Webhooks 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from amends.ground.moments import format_moment
from amends.outbox.records import Answer, Done, Found, Later, NotDone, Order, Refused, Unknown

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
MOST_BYTES = 64 * 1024
NOT_SET = "no address: set AMENDS_BILLING_URL; the act waits and is tried again"
NOT_SET_WAIT_S = 30.0


class BillingWebhook:
    """Posts acts under their key and looks keys up; a time-out is never taken for a no."""

    name = "billing"
    can_find = True

    def __init__(self, url: str, secret: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self.secret = _secret_bytes(secret)
        self.client = httpx.Client(timeout=TIMEOUT, transport=transport, trust_env=False)

    def act(self, order: Order, now: datetime) -> Answer:
        if not self.url:
            return Later(NOT_SET, NOT_SET_WAIT_S)
        body = _body(order)
        headers = {"content-type": "application/json"} | sign(self.secret, order.key, now, body)
        try:
            reply = self._send("POST", self.url, content=body, headers=headers)
        except httpx.ConnectError as error:
            return Later(f"billing cannot be reached: {error}")
        except httpx.ConnectTimeout:
            return Later("billing cannot be reached: no connection within 5 s")
        except (httpx.HTTPError, httpx.InvalidURL, _TooMuch) as error:
            return Unknown(f"no clear answer: {type(error).__name__} {error}".strip())
        return _answer(order, reply)

    def find(self, order: Order) -> Found:
        try:
            reply = self._send(
                "GET", f"{self.url}/acts/{quote(order.key, safe='')}", headers=self._signed_get(order.key)
            )
        except (httpx.HTTPError, httpx.InvalidURL, _TooMuch) as error:
            return Unknown(f"cannot be looked up: {type(error).__name__} {error}".strip())
        if reply.status_code == 404:
            return NotDone()
        done = _done(order, reply, already=True) if reply.status_code == 200 else None
        return done or Unknown(f"looked up, and the answer is not clear: {reply.status_code}")

    def reconcile(self, since: datetime) -> list[dict[str, Any]]:
        """What billing says it has done since then: rows of key, ref, amount_minor, currency, at."""
        reply = self.client.get(f"{self.url}/acts", params={"since": format_moment(since)})
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()
        return found

    def _signed_get(self, key: str) -> dict[str, str]:
        return sign(self.secret, key, datetime.now(UTC), b"")

    def _send(self, method: str, url: str, **more: Any) -> httpx.Response:
        """One exchange, no redirects, no more of the answer than anybody needs."""
        with self.client.stream(method, url, follow_redirects=False, **more) as reply:
            read = b""
            for piece in reply.iter_bytes():
                read += piece
                if len(read) > MOST_BYTES:
                    raise _TooMuch(f"more than {MOST_BYTES} bytes")
            reply._content = read
            return reply


class _TooMuch(Exception):
    """The answer is longer than any answer to an act can be."""


def _body(order: Order) -> bytes:
    """The same bytes for every try of an act."""
    payload = order.payload
    data = {
        "key": order.key,
        "recovery_id": order.recovery_id,
        "customer_id": order.customer_id,
        "amount_minor": payload["amount_minor"],
        "currency": payload["currency"],
        "payment_ref": payload.get("payment_ref"),
        "reason": payload.get("reason", ""),
    }
    timestamp = payload.get("decided_at", "")
    return json.dumps({"type": order.kind, "timestamp": timestamp, "data": data}, separators=(",", ":")).encode()


def sign(secret: bytes, key: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`."""
    timestamp = str(int(now.timestamp()))
    signed = f"{key}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": key, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{digest}"}


def _secret_bytes(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(text, validate=False)
    except ValueError:
        return text.encode()


def _answer(order: Order, reply: httpx.Response) -> Answer:
    status = reply.status_code
    if 200 <= status < 300 or status == 409:
        return _done(order, reply, already=status == 409) or Unknown(f"{status} without a usable ref")
    if status in (429, 503):
        return Later(f"billing asks to wait: {status}", retry_after_s(reply.headers))
    if status in (408, 425) or not 400 <= status < 500:
        return Unknown(f"billing answered {status}")
    return Refused(f"billing refused it: {status} {reply.text[:200]}".strip())


def _done(order: Order, reply: httpx.Response, *, already: bool) -> Done | None:
    """A receipt, unless it is none, or is one for another act, amount or currency."""
    try:
        found = reply.json()
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("ref"), str) or not found["ref"]:
        return None
    expected = {"key": order.key} | {name: order.payload[name] for name in ("amount_minor", "currency")}
    if any(name in found and found[name] != value for name, value in expected.items()):
        return None
    return Done(found["ref"], already)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds, from a number or an HTTP date; None when absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
