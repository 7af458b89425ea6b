"""The intake doors: CloudEvents at /v1/signals, CMCD at /v1/cmcd and /cmcd.gif. 2xx means it is on disk."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse

from amends.ground.moments import to_ms
from amends.signals import door
from amends.signals.records import Taken
from amends.signals.rules import Wrong
from amends.web import bodies, keys
from amends.web.problems import Problem

log = logging.getLogger("amends.doors")
View = Callable[[HttpRequest], HttpResponse]
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
BATCHES = ("application/cloudevents-batch+json",)
ONES = ("application/cloudevents+json", "application/json")
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, cmcd-object, cmcd-request, cmcd-session, cmcd-status",
    "Access-Control-Max-Age": "86400",
}


def guarded(*methods: str) -> Callable[[View], View]:
    """Answer problems as problem+json, and a full disk as 503: nothing was taken, try again."""

    def around(view: View) -> View:
        @wraps(view)
        def guard(request: HttpRequest) -> HttpResponse:
            try:
                if request.method not in methods:
                    raise Problem(405, f"use {' or '.join(methods)}", {"Allow": ", ".join(methods)})
                return view(request)
            except Problem as problem:
                return problem.response()
            except OSError:
                log.exception("a signal could not be written to disk; it was not answered as taken")
                return Problem(503, "cannot be kept just now; send it again", {"Retry-After": "5"}).response()

        return guard

    return around


@guarded("POST")
def signals(request: HttpRequest) -> HttpResponse:
    """CloudEvents 1.0: one (structured or binary), a JSON array, or NDJSON; plain, gzip or zstd."""
    keys.require(request, "signals:write")
    kind = request.content_type or ""
    now = datetime.now(UTC)
    try:
        if "HTTP_CE_SPECVERSION" in request.META or "HTTP_CE_ID" in request.META:
            return _answer(door.take(_binary(request), lines=False, one=True, now=now))
        if kind not in (*ONES, *BATCHES, *LINES):
            raise Problem(415, f"Content-Type {kind!r} is not known; use one of {', '.join((*ONES, *BATCHES, *LINES))}")
        body = bodies.read(request)
        if kind in LINES:
            return _answer(door.take(body, lines=True, one=False, now=now))
        one = kind in ONES and body.lstrip()[:1] != b"["
        return _answer(door.take(body, lines=False, one=one, now=now))
    except Wrong as wrong:
        refused = [{"index": 0, "field": wrong.field, "reason": wrong.reason}]
        raise Problem(422, wrong.reason, accepted=0, duplicate=0, refused=refused) from wrong


def _binary(request: HttpRequest) -> bytes:
    """CloudEvents binary mode: attributes in `ce-` headers (percent-encoded), data in the body."""
    attributes = {
        name.removeprefix("HTTP_CE_").lower(): unquote(value)
        for name, value in request.META.items()
        if name.startswith("HTTP_CE_")
    }
    head = json.dumps(attributes)[:-1]
    data = bodies.read(request) or b"null"
    return f'{head},"data":'.encode() + data + b"}"


def _answer(taken: Taken) -> HttpResponse:
    refused = [asdict(refusal) for refusal in taken.refused]
    body: dict[str, Any] = {"accepted": taken.accepted, "duplicate": taken.duplicate, "refused": refused}
    if taken.accepted or taken.duplicate:
        return HttpResponse(json.dumps(body), status=202, content_type="application/json")
    detail = "every event was refused; each says why and waits in the quarantine" if refused else "no event in the body"
    return Problem(422, detail, **body).response()


@guarded("GET", "POST", "OPTIONS")
def cmcd(request: HttpRequest) -> HttpResponse:
    """CMCD v2 event mode (POST), and request-mode beacons: query or CMCD-* headers, GET or POST."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=CORS)
    try:
        keys.require(request, "signals:write")
        _land_cmcd(request)
    except Problem as problem:
        problem.headers |= CORS
        raise
    if request.path_info == "/cmcd.gif":
        return HttpResponse(GIF, content_type="image/gif", headers=CORS | {"Cache-Control": "no-store"})
    return HttpResponse(status=204, headers=CORS)


def _land_cmcd(request: HttpRequest) -> None:
    received_ms = to_ms(datetime.now(UTC))
    body = bodies.read(request) if request.method == "POST" else b""
    if body.strip():
        door.log().append("cmcd", body, received_ms)
        return
    headers = {name: value for name, value in request.headers.items() if name.lower().startswith("cmcd-")}
    query = request.GET.get("CMCD", "")
    if not query and not headers:
        raise Problem(400, "expected CMCD in the body, in the query as CMCD=…, or in the CMCD-* headers")
    line = {"t": received_ms / 1000, "kind": "request", "query": query or None, "headers": headers}
    line["path"] = request.GET.get("path") or None
    door.log().append("lines", json.dumps(line).encode(), received_ms)
