"""One GeoReport server of somebody else: what it takes, and what it lists."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from amends.connectors.open311 import reading
from amends.connectors.open311.reading import Row, Unreadable, text
from amends.connectors.wire import TIMEOUT_S, Reply, Wire, in_path
from amends.outbox.records import Later, Unknown
from amends.reports.catalogue import Open311

MOST_BYTES = 2 * 2**20  # a page of requests
KNOWN_FOR_S = 3600.0  # so long a list of services is taken for what it is
CERTAINLY_WHOLE = 20  # the shortest list at which any server that we know of cuts
MOST_PAGES = 40
LIST = "multivaluelist"


class Unread(Exception):
    """It did not say what was asked; `status` is 0 where it said nothing that could be read."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


@dataclass(frozen=True)
class Service:
    """What the other side asks about one thing. Codes in `lists` may have several answers."""

    type: str = "realtime"
    asks: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()


class Far:
    """Asks without changing anything, and says `Unread` where there is no clear answer."""

    def __init__(
        self,
        name: str,
        there: Open311,
        key: str = "",
        *,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.there, self.key, self.tick = name, there, key, tick
        self.wire = Wire(
            name, there.url, secrets=(key,), timeout_s=timeout_s, most_bytes=MOST_BYTES, transport=transport
        )
        self._services: dict[str, tuple[float, Service]] = {}

    def ask(self, path: str, **params: Any) -> Reply | Later | Unknown:
        own = {"jurisdiction_id": self.there.jurisdiction} if self.there.jurisdiction else {}
        given = {name: value for name, value in params.items() if value not in ("", None)}
        return self.wire.ask("GET", f"{path}.{self.there.form}", params=own | given)

    def rows(self, path: str, root: str, **params: Any) -> list[Row]:
        """The rows of a list."""
        reply = self.ask(path, **params)
        if not isinstance(reply, Reply):
            raise Unread(reply.reason)
        if reply.status != 200:
            said = reading.faults(reply.body) or self.wire.words(reply)
            raise Unread(self.wire.hide(f"{self.name} answered {reply.status} {said}".strip()), reply.status)
        try:
            return list(reading.rows(reply.body, root))
        except Unreadable as error:
            raise Unread(self.wire.hide(f"{self.name} gave no answer that can be read: {error}")) from error

    def service(self, code: str) -> Service:
        """What it asks about one thing, and how it numbers it; remembered for an hour."""
        at, known = self._services.get(code, (0.0, None))
        if known is None or self.tick() - at > KNOWN_FOR_S:
            known = self._service(code)
            self._services[code] = (self.tick(), known)
        return known

    def _service(self, code: str) -> Service:
        listed = [row for row in self.rows("/services", "services") if text(row, "service_code") == code]
        if not listed:
            return Service()
        kind = text(listed[0], "type").lower() or "realtime"
        if text(listed[0], "metadata").lower() != "true":
            return Service(kind)
        asked = [row for row in self._definition(code) if text(row, "variable").lower() != "false"]
        lists = [text(row, "code") for row in asked if text(row, "datatype").lower() == LIST]
        return Service(kind, frozenset(text(row, "code") for row in asked), frozenset(lists))

    def _definition(self, code: str) -> list[Row]:
        reply = self.ask(f"/services/{in_path(code)}")
        if not isinstance(reply, Reply) or reply.status != 200:
            reason = f"answered {reply.status}" if isinstance(reply, Reply) else reply.reason
            raise Unread(f"{self.name} does not say what it asks about {code}: {reason}")
        try:
            _, found = reading.structure(reply.body)
        except Unreadable as error:
            raise Unread(f"{self.name} does not say what it asks about {code}: {error}") from error
        found = found.get("service_definition", found) if isinstance(found, dict) else found
        found = found[0] if isinstance(found, list) and found else found
        asked = found.get("attributes") if isinstance(found, dict) else None
        return [row for row in asked or () if isinstance(row, dict)]

    def one(self, number: str) -> Row | None:
        """A request by its number; None where it is not told."""
        try:
            found = self.rows(f"/requests/{in_path(number)}", "service_requests")
        except Unread:
            return None
        return next((row for row in found if text(row, "service_request_id") == number), None)

    def pages(self, path: str, root: str, **params: Any) -> Iterator[tuple[list[Row], bool]]:
        """A list page by page; with the last comes whether it is surely whole. Some servers know no pages."""
        seen: set[str] = set()
        for page in range(1, MOST_PAGES + 1):
            found = self.rows(path, root, **params, page=page if page > 1 else None)
            new = [row for row in found if repr(row) not in seen]
            seen |= {repr(row) for row in new}
            if not new:
                yield [], not found
                return
            short = page == 1 and len(found) < CERTAINLY_WHOLE
            yield new, short
            if short:
                return
        yield [], False


def of(name: str, there: Open311, timeout_s: float = TIMEOUT_S) -> Far:
    """The server of a body, with the key that the environment holds for it."""
    return Far(name, there, os.environ.get(there.key_env, "") if there.key_env else "", timeout_s=timeout_s)


def stamp(at: datetime) -> str:
    """A moment as every server reads it."""
    return f"{at.astimezone(UTC).isoformat()[:19]}Z"
