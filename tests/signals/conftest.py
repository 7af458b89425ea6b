"""A door with a key, and events to send through it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from amends.signals import steps

Send = Callable[..., HttpResponse]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def key(db: None, now: datetime) -> str:
    return steps.create_key("tests", ["signals:write"], now)


@pytest.fixture
def send(key: str) -> Send:
    """Post to /v1/signals; objects are sent as JSON, bytes as they are."""

    def post(body: Any, kind: str = "application/json", **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): text for name, text in headers.items()}
        return Client().post("/v1/signals", data, content_type=kind, headers=given)  # type: ignore[return-value]

    return post
