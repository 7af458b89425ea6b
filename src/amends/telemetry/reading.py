"""Bodies and lines into Arrow tables of `records.REPORTS`; what cannot be read is told, never dropped in silence."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from amends.telemetry import cmcd
from amends.telemetry.cmcd import CmcdSettings, Envelope, Unreadable
from amends.telemetry.records import REPORTS

ANCIENT_MS = 946_684_800_000  # 2000-01-01: no player sent CMCD before
AHEAD_MS = 24 * 3_600_000  # a clock may be wrong by a day, not by more
MAX_LINE = 256 * 1024
DEFAULT = CmcdSettings()


@dataclass(frozen=True)
class BadLine:
    """A line that was set aside: where it stood, why, and what it was."""

    line: int
    reason: str
    raw: str
    file: str = ""


OnBad = Callable[[BadLine], None]


class Rows:
    """Rows gathered and turned into Arrow at once: never one table per line."""

    def __init__(self, settings: CmcdSettings = DEFAULT) -> None:
        self.settings = settings
        self.rows: list[tuple[Any, ...]] = []

    def add(self, text: str, envelope: Envelope) -> None:
        """Parse one CMCD dictionary and keep its row; Unreadable when it has no session or an impossible time."""
        check_time(envelope.received_ms)
        self.rows.append(cmcd.to_row(cmcd.parse(text), envelope, self.settings))

    def table(self) -> pa.Table:
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(REPORTS)
        self.rows = []
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, REPORTS, strict=True)], schema=REPORTS)


def check_time(received_ms: int) -> None:
    if not ANCIENT_MS <= received_ms <= time.time_ns() // 1_000_000 + AHEAD_MS:
        raise Unreadable(f"t: {received_ms / 1000:.0f} is not a Unix time in seconds between 2000 and tomorrow")


def from_event_body(body: bytes, received_ms: int, settings: CmcdSettings = DEFAULT) -> tuple[pa.Table, list[BadLine]]:
    """The lines of a CMCD v2 event-mode POST (`application/cmcd`)."""
    rows, bad = Rows(settings), list[BadLine]()
    add_event_body(rows, body, received_ms, bad)
    return rows.table(), bad


def add_event_body(rows: Rows, body: bytes, received_ms: int, bad: list[BadLine]) -> None:
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            rows.add(line.decode("utf-8"), Envelope(received_ms, "event"))
        except (Unreadable, UnicodeDecodeError) as error:
            bad.append(BadLine(number, str(error), line[:MAX_LINE].decode("utf-8", "replace")))


def from_lines(
    lines: Iterable[bytes], settings: CmcdSettings = DEFAULT, first_line: int = 1
) -> tuple[pa.Table, list[BadLine]]:
    """JSON lines with `t` (Unix seconds), `kind` (request, event), `path`, `query`, `headers`, `body`, `status` …"""
    rows, bad = Rows(settings), list[BadLine]()
    for number, line in enumerate(lines, first_line):
        if not line.strip():
            continue
        try:
            add_record(rows, _record(line))
        except (Unreadable, ValueError) as error:
            bad.append(BadLine(number, str(error), line[:MAX_LINE].decode("utf-8", "replace")))
    return rows.table(), bad


def _record(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise Unreadable(f"line: longer than {MAX_LINE} bytes")
    record = json.loads(line)
    if not isinstance(record, dict):
        raise Unreadable("line: expected one JSON object")
    return record


def add_record(rows: Rows, record: dict[str, Any]) -> None:
    """One line of our own JSON form: a request, or an event body that may hold several reports."""
    t = record.get("t")
    if isinstance(t, bool) or not isinstance(t, int | float) or not math.isfinite(t):
        raise Unreadable("t: expected Unix seconds as a number")
    received_ms = round(t * 1000)
    if record.get("kind") == "event" or (record.get("body") and not record.get("query")):
        _add_events(rows, str(record.get("body") or ""), received_ms)
        return
    text = (
        cmcd.from_query(str(record["query"])) if record.get("query") else cmcd.from_headers(record.get("headers") or {})
    )
    if not text:
        raise Unreadable("query, headers: expected CMCD in one of them")
    seconds = record.get("secs")
    envelope = Envelope(
        received_ms,
        "request",
        path=str(record["path"]) if record.get("path") else None,
        status=_whole(record.get("status")),
        sent_bytes=_whole(record.get("bytes")),
        taken_ms=round(seconds * 1000) if isinstance(seconds, int | float) and 0 <= seconds < 1e6 else None,
    )
    rows.add(text, envelope)


def _add_events(rows: Rows, body: str, received_ms: int) -> None:
    problems = []
    for line in body.split("\n"):
        if line.strip():
            try:
                rows.add(line, Envelope(received_ms, "event"))
            except Unreadable as error:
                problems.append(str(error))
    if problems:
        raise Unreadable(f"body: {len(problems)} of its lines: {problems[0]}")


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None
