"""One exchange with an outside system: time-outs told apart, no redirects, a bounded answer, no secret in any word."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from amends.outbox.records import Answer, Done, Later, Refused, Unknown

TIMEOUT_S = 15.0
DEADLINE_S = 40.0  # of a whole answer, below the outbox's lease
MOST_BYTES = 64 * 1024
NOT_SET_WAIT_S = 30.0
CREDENTIALS_WAIT_S = 300.0
logging.getLogger("httpx").setLevel(logging.WARNING)  # below, it logs addresses with the passwords in them


@dataclass(frozen=True)
class Reply:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed, read once for all wires of a process."""
    return httpx.create_ssl_context(trust_env=False)


class Wire:
    """The only way out for HTTP: `ask` for a reply, `answer` to say what it means for an act."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        timeout_s: float = TIMEOUT_S,
        most_bytes: int = MOST_BYTES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.name, self.url, self.most_bytes = name, url.rstrip("/"), most_bytes
        self.hidden = [secret for secret in (*secrets, *_secrets_of(url)) if len(secret) >= 4]
        timeout = httpx.Timeout(timeout_s, connect=min(5.0, timeout_s))
        own = {"accept-encoding": "identity"} | dict(headers or {})
        self.client = httpx.Client(timeout=timeout, headers=own, transport=transport, verify=trusted(), trust_env=False)

    def ask(self, method: str, path: str, **more: Any) -> Reply | Later | Unknown:
        """A reply; Later when nothing can have arrived, Unknown when it may have."""
        if not self.url:
            return Later(f"{self.name} has no address; the act waits until one is configured", NOT_SET_WAIT_S)
        try:
            return self._exchange(method, self.url + path, more)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Later(self.hide(f"{self.name} cannot be reached: {error or type(error).__name__}"))
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return Later(self.hide(f"the address of {self.name} is no address: {error}"), CREDENTIALS_WAIT_S)
        except (httpx.HTTPError, _Unusable) as error:
            return Unknown(self.hide(f"no clear answer from {self.name}: {type(error).__name__} {error}".strip()))

    def _exchange(self, method: str, url: str, more: Mapping[str, Any]) -> Reply:
        until = time.monotonic() + DEADLINE_S
        with self.client.stream(method, url, follow_redirects=False, **more) as reply:
            read = bytearray()
            for piece in reply.iter_raw():
                read += piece
                if len(read) > self.most_bytes:
                    raise _Unusable(f"more than {self.most_bytes} bytes")
                if time.monotonic() > until:
                    raise _Unusable(f"still not at its end after {DEADLINE_S:.0f} s")
            return Reply(reply.status_code, dict(reply.headers), bytes(read))

    def answer(self, reply: Reply | Later | Unknown, read: Callable[[Any], Answer | None]) -> Answer:
        """What a reply means: `read` looks at the JSON of a 2xx and answers None when it is no receipt for this act."""
        if not isinstance(reply, Reply):
            return reply
        if 200 <= reply.status < 300:
            return read(reply.json()) or Unknown(f"{self.name} answered {reply.status} without a usable receipt")
        says = f"{reply.status} {self.words(reply)}".strip()
        if reply.status == 429 or (reply.status == 503 and "retry-after" in reply.headers):
            return Later(f"{self.name} asks to wait: {says}", retry_after_s(reply.headers))
        if reply.status in (401, 403):
            return Later(f"{self.name} does not accept our credentials: {says}", CREDENTIALS_WAIT_S)
        if reply.status in (408, 409, 425) or not 400 <= reply.status < 500:
            return Unknown(f"{self.name} answered {says}")
        return Refused(f"{self.name} refused it: {says}")

    def words(self, reply: Reply) -> str:
        """The first words of a reply, fit to be kept and shown."""
        text = reply.body[:2000].decode("utf-8", "replace")
        return self.hide(" ".join("".join(c if c.isprintable() else " " for c in text).split()))[:200]

    def hide(self, text: str) -> str:
        """The text without our secrets."""
        for secret in self.hidden:
            text = text.replace(secret, "…")
        return text


class _Unusable(Exception):
    """The answer is longer or slower than any answer to an act can be."""


def _secrets_of(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        return [parts.password or "", f"{parts.username}:{parts.password}" if parts.password else ""]
    except ValueError:
        return []


def basic(user: str, password: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The header of basic authentication, and the forms in which its secret could come back."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {pair}"}, (pair, password)


def sign(secret: bytes, key: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`."""
    timestamp = str(int(now.timestamp()))
    signed = f"{key}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": key, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{digest}"}


def secret_bytes(secret: str) -> bytes:
    """The bytes behind `whsec_…`."""
    text = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(text, validate=False)
    except ValueError:
        return text.encode()


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds, from a number or an HTTP date; None when absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def in_path(key: str) -> str:
    """A key as one segment of a path."""
    return quote(key, safe="")


def receipt(found: Any, ref: str, **expected: Any) -> Done | None:
    """A receipt from JSON, unless it is none or names another key, amount or currency than the act's."""
    if not isinstance(found, dict) or not isinstance(found.get(ref), str) or not found[ref].strip():
        return None
    if any(name in found and found[name] != value for name, value in expected.items()):
        return None
    return Done(found[ref][:400])
