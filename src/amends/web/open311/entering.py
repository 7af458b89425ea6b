"""Who may report: a key in the form, its scope, and how fast it may ask."""

from __future__ import annotations

import hashlib
import math
import os
import time
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from amends.web import keys
from amends.web.open311.bodies import Form
from amends.web.open311.refusing import refuse

WRITE, UPDATE, UNLIMITED = "reports:write", "reports:update", "reports:unlimited"
MOST_KEYS = 1000


@dataclass(frozen=True)
class Sender:
    """A program that reports for people. `mark` stands for its key and does not give it away."""

    mark: str
    unlimited: bool


def sender(request: HttpRequest, form: Form, scope: str) -> Sender:
    """Who sends this: Refusal 403 without a live key of this scope, 429 where it is too fast."""
    secret = form.first("api_key") or request.GET.get("api_key", "") or _bearer(request)
    if not secret:
        raise refuse(403, "api_key is missing: reports are taken from programs that have a key")
    scopes = keys.scopes(secret.strip())
    if scopes is None:
        raise refuse(403, "api_key is not known or was revoked")
    if scope not in scopes:
        raise refuse(403, f"this api_key may not do that: it lacks the scope {scope}")
    found = Sender(hashlib.sha256(secret.strip().encode()).hexdigest()[:12], UNLIMITED in scopes)
    if not found.unlimited:
        _keep_pace(found.mark)
    return found


def jurisdiction(given: str) -> None:
    """Refusal 404 for a jurisdiction that is not ours, where ours has a name."""
    ours = settings.AMENDS.open311.jurisdiction
    if given.strip() and ours and given.strip().lower() != ours.lower():
        raise refuse(404, f"jurisdiction_id is not known here; this is {ours}")


def _bearer(request: HttpRequest) -> str:
    header = request.headers.get("Authorization", "")
    return header[7:] if header.lower().startswith("bearer ") else ""


_left: dict[str, tuple[float, float]] = {}  # by key: what it may still send at once, and when that was reckoned


def _keep_pace(mark: str) -> None:
    """Let so many reports a minute through from one key, all of them at once if need be."""
    most = settings.AMENDS.open311.reports_per_minute
    minute = most / int(os.environ.get("AMENDS_PROCESSES", "1"))
    if minute <= 0:
        return
    if len(_left) > MOST_KEYS:
        _left.clear()
    now = time.monotonic()
    before, at = _left.get(mark, (minute, now))
    left = min(minute, before + (now - at) * minute / 60)
    if left < 1:
        wait_s = max(1, math.ceil((1 - left) * 60 / minute))
        says = f"more than {most} reports a minute with this api_key; nothing was taken, send it again later"
        raise refuse(429, says, {"Retry-After": str(wait_s)})
    _left[mark] = (left - 1, now)
