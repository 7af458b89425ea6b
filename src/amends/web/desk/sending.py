"""The page that shows how batches go out, and what an operator may do about them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

import amends.notices.steps
import amends.outbox.queries
import amends.outbox.steps
from amends.outbox.records import Batch
from amends.web.desk.access import actor, operator
from amends.web.desk.pages import page

Step = Callable[[str, str, str, datetime, str], int]


@operator
def sending(request: HttpRequest) -> HttpResponse:
    """Every batch with how far it is, and every connector with what waits for it."""
    batches = amends.outbox.queries.batches()
    rows = [(batch, _share(batch), _left(batch.left_s)) for batch in batches]
    return page(request, "sending", "sending", rows=rows, endpoints=amends.outbox.queries.endpoints())


@operator
def batch(request: HttpRequest, key: str) -> HttpResponse:
    parts = amends.outbox.queries.batches(batch=key)
    rows = [(part, _share(part), _left(part.left_s)) for part in parts]
    states = {part.state.value for part in parts}
    may = {
        "pause": states & {"canary", "open"},
        "resume": "paused" in states,
        "abort": states - {"aborting", "aborted"},
        "resend": any(part.connector == "smtp" and part.state.value in ("aborting", "aborted") for part in parts),
    }
    return page(request, "batch", "sending", batch=key, rows=rows, moves=amends.outbox.queries.moves(key), may=may)


def _share(batch: Batch) -> int:
    return round(100 * (batch.done + batch.lost) / batch.total) if batch.total else 0


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under a minute"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


@actor
def pause(request: HttpRequest, key: str) -> HttpResponse:
    return _move(request, key, amends.outbox.steps.pause, "Paused: nothing more of it is begun.")


@actor
def resume(request: HttpRequest, key: str) -> HttpResponse:
    return _move(request, key, amends.outbox.steps.resume, "It goes on.")


@actor
def abort(request: HttpRequest, key: str) -> HttpResponse:
    return _move(request, key, amends.outbox.steps.abort, "Aborted: what is certainly not done is cancelled.")


@actor
def resend(request: HttpRequest, key: str) -> HttpResponse:
    """Let the mails of an aborted batch go after all."""
    return _move(request, key, _resend, "Its mails go out after all, as a batch of their own.")


def _resend(batch: str, who: str, why: str, now: datetime, _: str) -> int:
    return amends.notices.steps.send_called_off(batch, who, why, now)


def _move(request: HttpRequest, key: str, step: Step, says: str) -> HttpResponse:
    why = request.POST.get("why", "").strip()
    if not why:
        messages.error(request, "Nothing was changed: say why, it stays on record.")
    elif step(key, request.user.get_username(), why, datetime.now(UTC), request.POST.get("to", "")):
        messages.success(request, says)
    else:
        messages.error(request, "Nothing was changed: the batch does not stand so any more.")
    return redirect("desk-batch", key)
