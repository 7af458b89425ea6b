"""A STAND-IN for an outside system: it pays nobody, keeps a journal of its effects, and misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

WITHOUT_EFFECT = ("before", "busy", "closed", "refuse", "echo", "redirect", "cut")
WITH_EFFECT = ("after", "hang", "drop", "html", "truncated", "other", "huge", "wrong amount")
FAULTS = (*WITHOUT_EFFECT, *WITH_EFFECT)
HUGE = 8 * 2**20
RETRY_AFTER_S = 7
Fault = Callable[[str, int], str]


@dataclass(frozen=True)
class StandInRequest:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class StandInReply:
    """An answer; `body` becomes JSON unless it is bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class StandIn:
    """Subclass it and write `handle`; note every effect with `effect`.

    `fault(key, times)` names what goes wrong with this try of a key, '' for nothing. Without any effect: 'before'
    (500), 'busy' (429), 'closed' (503), 'refuse' (422), 'echo' (400 that repeats the request), 'redirect', 'cut'
    (connection closed). After the effect: 'after' (500), 'hang', 'drop', 'html', 'truncated', 'other' (somebody
    else's receipt), 'huge', 'wrong amount'. `lookup_fault` does the same to requests that change nothing.
    """

    def __init__(self, hang_s: float = 5.0) -> None:
        self.fault: Fault = lambda key, times: ""
        self.lookup_fault = ""
        self.hang_s = hang_s
        self.journal: list[dict[str, Any]] = []  # every effect, in order
        self.requests: list[StandInRequest] = []
        self.seen: Counter[str] = Counter()
        self.lock = threading.RLock()
        self._stopped = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def handle(self, request: StandInRequest) -> StandInReply:
        """What the outside system does with a request when nothing goes wrong."""
        raise NotImplementedError

    def key_of(self, request: StandInRequest) -> str:
        """The act's key as it came with a request."""
        return request.headers.get("idempotency-key", "") or request.headers.get("webhook-id", "")

    def changes(self, request: StandInRequest) -> bool:
        """Whether a request asks for an effect."""
        return request.method == "POST"

    def effect(self, key: str, **more: Any) -> None:
        """Write an effect into the journal."""
        with self.lock:
            self.journal.append({"key": key} | more)

    def keys(self) -> list[str]:
        """The keys of all requests that asked for an effect, in order."""
        with self.lock:
            return [self.key_of(request) for request in self.requests if self.changes(request)]

    def answer(self, request: StandInRequest, fault: str) -> StandInReply:
        """The answer before the wire bends it."""
        if fault in WITHOUT_EFFECT:
            return _without_effect(request, fault)
        reply = self.handle(request)
        broken = fault == "after" and reply.status < 300
        return StandInReply(500, {"error": {"message": "after the effect"}}) if broken else reply

    def take(self, request: StandInRequest) -> tuple[StandInReply, str]:
        """Count a request and answer it; the second is what the wire still does to the answer."""
        if not self.changes(request):
            with self.lock:
                self.requests.append(request)
            return self.answer(request, self.lookup_fault), self.lookup_fault
        key = self.key_of(request)
        with self.lock:
            self.requests.append(request)
            self.seen[key] += 1
            times = self.seen[key]
        fault = self.fault(key, times)
        return self.answer(request, fault), fault

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"standin": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server, "enter the stand-in first: `with standin:`"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait(self) -> None:
        """Say nothing for as long as a hanging system does."""
        self._stopped.wait(self.hang_s)


def _without_effect(request: StandInRequest, fault: str) -> StandInReply:
    wait = {"Retry-After": str(RETRY_AFTER_S)}
    said = f"{request.headers.get('authorization', '')} {request.path} {dict(request.headers)} {request.body!r}"
    heard = {"error": {"message": said}}
    return {
        "before": StandInReply(500, {"error": {"message": "nothing was done"}}),
        "busy": StandInReply(429, {"error": {"message": "too many requests"}}, wait),
        "closed": StandInReply(503, {"error": {"message": "down for maintenance"}}, wait),
        "refuse": StandInReply(422, {"error": {"message": "no"}}),
        "echo": StandInReply(400, heard),
        "redirect": StandInReply(307, b"", {"Location": "/elsewhere"}),
        "cut": StandInReply(),
    }[fault]


def _bent(reply: StandInReply, fault: str) -> StandInReply:
    """The answer as it arrives."""
    if fault == "html":
        return StandInReply(200, b"<!doctype html><title>Bad gateway</title>", {"Content-Type": "text/html"})
    if fault == "truncated":
        return StandInReply(reply.status, reply.bytes()[: len(reply.bytes()) // 2])
    if fault == "other":
        return replace(reply, body=_somebody_elses(reply.body))
    if fault == "wrong amount":
        return replace(reply, body=_another_amount(reply.body))
    return replace(reply, body=b" " * HUGE + reply.bytes()) if fault == "huge" else reply


def _somebody_elses(body: Any) -> Any:
    """The same answer about another key: every text that looks like one of our keys is changed."""
    if isinstance(body, dict):
        return {name: _somebody_elses(value) for name, value in body.items()}
    if isinstance(body, list):
        return [_somebody_elses(value) for value in body]
    return f"{body}-somebody-else" if isinstance(body, str) and ":" in body and "/" not in body else body


def _another_amount(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {name: value + 1 if "amount" in name and isinstance(value, int) else value for name, value in body.items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: a connector that turns away in the middle is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    standin: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a test's terminal belongs to the test."""

    def _any(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = StandInRequest(self.command, unquote(parts.path), query, headers, body)
        reply, fault = self.standin.take(request)
        if fault == "hang":
            self.standin.wait()
        if fault in ("hang", "drop", "cut"):
            self.close_connection = True
            return
        self._send(_bent(reply, fault))

    def _send(self, reply: StandInReply) -> None:
        raw = reply.bytes()
        self.send_response(reply.status)
        for name, value in {
            "Content-Type": "application/json",
            **reply.headers,
            "Content-Length": str(len(raw)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(raw)
        except OSError:
            self.close_connection = True  # nobody wants to hear the rest

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815
