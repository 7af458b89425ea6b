"""Return labels from a carrier: one signed JSON post, answered with a label's address and a tracking number."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from amends.connectors.wire import TIMEOUT_S, Reply, Wire, in_path, secret_bytes, sign
from amends.outbox.records import Answer, Declaration, Done, Found, NotDone, Order, Unknown

SAID = ("order_id", "items", "from", "to", "parcel", "locale", "reason")


class Carrier:
    """Asks for a label under the act's key; the receipt is the tracking number and where the label is."""

    name = "carrier"
    can_find = True
    declaration = Declaration("carrier", can_find=True, key_window=timedelta.max, per_s=10)

    def __init__(self, url: str, secret: str, timeout_s: float = TIMEOUT_S) -> None:
        self.secret = secret_bytes(secret)
        self.wire = Wire("carrier", url, secrets=(secret, secret.removeprefix("whsec_")), timeout_s=timeout_s)

    def act(self, order: Order, now: datetime) -> Answer:
        body = _body(order)
        headers = {"content-type": "application/json"} | sign(self.secret, order.key, now, body)
        reply = self.wire.ask("POST", "", content=body, headers=headers)
        if isinstance(reply, Reply) and reply.status == 409:
            return _label(order, reply.json()) or Unknown("the carrier knows this key and shows no label for it")
        return self.wire.answer(reply, lambda found: _label(order, found))

    def find(self, order: Order) -> Found:
        signed = sign(self.secret, order.key, datetime.now(UTC), b"")
        reply = self.wire.ask("GET", f"/labels/{in_path(order.key)}", headers=signed)
        if not isinstance(reply, Reply):
            return Unknown(f"cannot be looked up: {reply.reason}")
        if reply.status == 404:
            return NotDone()
        found = _label(order, reply.json()) if reply.status == 200 else None
        return found or Unknown(f"looked up, and the answer is not clear: {reply.status}")


def _body(order: Order) -> bytes:
    """The same bytes for every try of an act."""
    data = {"key": order.key, "recovery_id": order.recovery_id, "customer_id": order.customer_id}
    data |= {name: order.payload[name] for name in SAID if order.payload.get(name) is not None}
    wish = {"type": "label.requested", "timestamp": order.payload.get("decided_at", ""), "data": data}
    return json.dumps(wish, separators=(",", ":")).encode()


def _label(order: Order, found: Any) -> Done | None:
    """`TRACKING https://…`, unless it is for another key, or is no address that a customer can open."""
    if not isinstance(found, dict) or found.get("key", order.key) != order.key:
        return None
    tracking, url = found.get("tracking"), found.get("label_url")
    if not isinstance(tracking, str) or not isinstance(url, str) or not tracking.strip() or len(tracking) > 60:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    clear = parts.scheme in ("https", "http") and parts.hostname and len(url) <= 330 and url.isprintable()
    return Done(f"{tracking.strip()} {url}") if clear and " " not in url else None
