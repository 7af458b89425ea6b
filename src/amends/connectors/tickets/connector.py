"""A ticket for the people who do things by hand, in Zammad or Zendesk; found again by our key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx

from amends.connectors.wire import TIMEOUT_S, Reply, Wire, basic
from amends.outbox.records import Answer, Declaration, Done, Found, NotDone, Order, Refused, Unknown

LONGEST = 20_000
MOST_BYTES = 1024 * 1024  # a page of tickets


class Shape(Protocol):
    """How one kind of ticket system is spoken to."""

    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    key_window: timedelta | None

    def wish(self, order: Order, title: str, text: str) -> tuple[str, dict[str, Any], dict[str, str]]: ...

    def looking(self, order: Order) -> tuple[str, dict[str, str]]: ...

    def made(self, found: Any, order: Order) -> Done | None: ...

    def listed(self, found: Any, order: Order) -> list[Done] | None: ...


class Zammad:
    """Our key stands in the title: Zammad has no field for it, and asks its database, not its index, by condition."""

    key_window: timedelta | None = None

    def __init__(self, token: str, group: str) -> None:
        self.headers: Mapping[str, str] = {"authorization": f"Token token={token}"}
        self.secrets: tuple[str, ...] = (token,)
        self.group = group

    def wish(self, order: Order, title: str, text: str) -> tuple[str, dict[str, Any], dict[str, str]]:
        article = {"subject": title, "body": text, "type": "note", "internal": True, "content_type": "text/plain"}
        ticket: dict[str, Any] = {"title": _with_key(title, order), "group": self.group, "article": article}
        ticket["customer_id"] = f"guess:{order.payload['email']}" if order.payload.get("email") else 1
        return "/api/v1/tickets", ticket, {}

    def looking(self, order: Order) -> tuple[str, dict[str, str]]:
        condition = "condition[ticket.title]"
        asked = {f"{condition}[operator]": "contains", f"{condition}[value]": f"[{order.key}]"}
        return "/api/v1/tickets/search", asked | {"expand": "true", "limit": "10"}

    def made(self, found: Any, order: Order) -> Done | None:
        """A ticket, if our key is in its title."""
        if not isinstance(found, dict) or f"[{order.key}]" not in str(found.get("title", "")):
            return None
        return Done(f"#{found['number']}") if found.get("number") else None

    def listed(self, found: Any, order: Order) -> list[Done] | None:
        if not isinstance(found, list):
            return None
        return [done for one in found if (done := self.made(one, order))]


class Zendesk:
    """Our key is the ticket's external id, and the key of the request, which Zendesk keeps for two hours."""

    key_window: timedelta | None = timedelta(hours=2)
    headers: Mapping[str, str]
    secrets: tuple[str, ...]

    def __init__(self, user: str, token: str, group: str) -> None:
        self.headers, self.secrets = basic(f"{user}/token", token)
        self.group = group

    def wish(self, order: Order, title: str, text: str) -> tuple[str, dict[str, Any], dict[str, str]]:
        ticket: dict[str, Any] = {"subject": title, "comment": {"body": text, "public": False}}
        ticket["external_id"] = order.key
        if order.payload.get("email"):
            ticket["requester"] = {"email": order.payload["email"], "name": order.payload.get("name", "")}
        if self.group:
            ticket["group_id"] = int(self.group)
        return "/api/v2/tickets.json", {"ticket": ticket}, {"idempotency-key": order.key}

    def looking(self, order: Order) -> tuple[str, dict[str, str]]:
        return "/api/v2/tickets.json", {"external_id": order.key}

    def made(self, found: Any, order: Order) -> Done | None:
        ticket = found.get("ticket") if isinstance(found, dict) else None
        return _zendesk_ticket(ticket, order)

    def listed(self, found: Any, order: Order) -> list[Done] | None:
        tickets = found.get("tickets") if isinstance(found, dict) else None
        if not isinstance(tickets, list):
            return None
        return [done for one in tickets if (done := _zendesk_ticket(one, order))]


class Tickets:
    """Opens a ticket per act: `title`, `text` and, where the customer is to be seen in it, `email` and `name`."""

    name = "tickets"
    can_find = True

    def __init__(
        self, url: str, shape: Shape, timeout_s: float = TIMEOUT_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.shape = shape
        self.declaration = Declaration("tickets", can_find=True, key_window=shape.key_window, per_s=5)
        self.wire = Wire(
            "the ticket system", url, headers=shape.headers, secrets=shape.secrets, timeout_s=timeout_s,
            most_bytes=MOST_BYTES, transport=transport,
        )  # fmt: skip

    def act(self, order: Order, now: datetime) -> Answer:
        title = " ".join(str(order.payload.get("title", "")).split())[:120]
        text = str(order.payload.get("text", "")).strip()[:LONGEST]
        if not title or not text:
            return Refused("a ticket needs a title and a text")
        try:
            path, ticket, headers = self.shape.wish(order, title, text)
        except ValueError as error:
            return Refused(f"[tickets] group cannot be used: {error}")
        reply = self.wire.ask("POST", path, json=ticket, headers=headers)
        if isinstance(reply, Reply) and b"IdempotentRequestError" in reply.body:
            return Unknown("the ticket system knows this key with other words")
        return self.wire.answer(reply, lambda found: self.shape.made(found, order))

    def find(self, order: Order) -> Found:
        path, asked = self.shape.looking(order)
        reply = self.wire.ask("GET", path, params=asked)
        if not isinstance(reply, Reply):
            return Unknown(f"cannot be looked up: {reply.reason}")
        listed = self.shape.listed(reply.json(), order) if reply.status == 200 else None
        if listed is None:
            return Unknown(f"looked up, and the answer is not clear: {reply.status}")
        return listed[0] if listed else NotDone()


def _with_key(title: str, order: Order) -> str:
    return f"{title} [{order.key}]"


def _zendesk_ticket(ticket: Any, order: Order) -> Done | None:
    if not isinstance(ticket, dict) or ticket.get("external_id") != order.key or not ticket.get("id"):
        return None
    return Done(f"#{ticket['id']}")
