"""Krems, and a browser without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from tests.web.report.krems import krems


@pytest.fixture(autouse=True)
def _krems() -> Iterator[None]:
    cache.clear()
    with krems():
        yield


@pytest.fixture
def browser() -> Client:
    return Client(HTTP_ACCEPT_LANGUAGE="en")
