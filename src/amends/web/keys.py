"""Bearer keys at the doors: looked up once, remembered for a few seconds."""

from __future__ import annotations

import time

from django.http import HttpRequest

import amends.signals.queries
from amends.web import pace
from amends.web.problems import Problem

REMEMBER_S = 3.0  # a revoked key works no longer than this
_known: dict[str, tuple[float, list[str]]] = {}


def require(request: HttpRequest, scope: str) -> None:
    """Let the request through when its key has the scope and keeps its pace; Problem 401, 403 or 429 otherwise."""
    secret = _secret(request)
    found = scopes(secret)
    if found is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="amends"'}
        raise Problem(
            401, "expected `Authorization: Bearer KEY` with a live key; `amends keys new` makes one", challenge
        )
    if scope not in found:
        raise Problem(403, f"this key lacks the scope {scope}")
    pace.keep(secret)


def _secret(request: HttpRequest) -> str:
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        return header[7:].strip()
    return request.GET.get("key", "") if request.path_info in ("/v1/cmcd", "/cmcd.gif") else ""


def scopes(secret: str) -> list[str] | None:
    """What a key may do; None where it is not live."""
    if not secret or len(secret) > 200 or "\0" in secret:  # which no text in PostgreSQL has
        return None
    now = time.monotonic()
    known = _known.get(secret)
    if known and known[0] > now:
        return known[1]
    found = amends.signals.queries.key_scopes(secret)
    if found is not None:
        if len(_known) > 1000:
            _known.clear()
        _known[secret] = (now + REMEMBER_S, found)
    return found
