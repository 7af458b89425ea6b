"""The quarantine by API: as JSON or as text, as it came without a body, and nothing that nobody knows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

import amends.signals.queries
import amends.signals.steps

NOW = datetime.now(UTC)
RIGHT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "com.amends.customer.upserted",
    "data": {"customer_id": "ada", "email": "ada@example.org"},
}


@pytest.fixture
def head(db: None) -> dict[str, str]:
    key = amends.signals.steps.create_key("k", ["signals:write", "quarantine:write"], NOW)
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def number(head: dict[str, str]) -> int:
    """One event that was refused: it does not say whom it is about."""
    wrong = RIGHT | {"data": {"email": "ada@example.org"}}
    Client().post(
        "/v1/signals", json.dumps([RIGHT | {"id": "0"}, wrong]), content_type="application/json", headers=head
    )
    amends.signals.steps.absorb(datetime.now(UTC))
    (item,) = amends.signals.queries.quarantined()
    return item.number


def resend(number: int, head: dict[str, str], body: Any = None) -> Any:
    path = f"/v1/quarantine/{number}/resend"
    if body is None:
        return Client().post(path, b"", content_type="application/json", headers=head)
    return Client().post(path, json.dumps(body), content_type="application/json", headers=head)


@pytest.mark.parametrize("event", [RIGHT, json.dumps(RIGHT)], ids=["object", "text"])
def test_a_mended_event_goes_its_way(number: int, head: dict[str, str], event: Any) -> None:
    reply = resend(number, head, {"event": event})

    assert (reply.status_code, reply.json()["state"]) == (200, "resent")


@pytest.mark.parametrize("body", [None, {}])
def test_without_an_event_it_goes_as_it_came(number: int, head: dict[str, str], body: Any) -> None:
    reply = resend(number, head, body)

    assert reply.status_code == 422
    assert "still not right" in reply.json()["detail"] + reply.json()["title"]


def test_a_field_that_nobody_knows_is_refused_with_a_sentence(number: int, head: dict[str, str]) -> None:
    reply = resend(number, head, {"evnt": RIGHT})

    assert reply.status_code == 422
    assert "evnt" in json.dumps(reply.json())
    assert amends.signals.queries.quarantined()[0].state == "waiting"


def test_the_page_of_the_api_shows_what_a_body_may_hold(client: Client, db: None) -> None:
    page = client.get("/v1/docs").content.decode()

    assert "in the JSON body, object or string; the body may be left out" in page
