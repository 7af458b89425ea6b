"""Landing segments into rows and telemetry pieces; how far was read moves in the same transaction."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from amends.customers.records import Customer
from amends.ground.moments import from_ms, parse_moment
from amends.signals import landing
from amends.signals.landing import Landed
from amends.signals.types import MOMENTS, RAW_LIST
from amends.telemetry.cmcd import CmcdSettings
from amends.telemetry.reading import BadLine, Rows, add_event_body, add_record

CHUNK_BYTES = 4 * 2**20
CHUNK_RECORDS = 400
_BASIC_OFFSET = re.compile(r"[+-]\d{4}$")


@dataclass
class Chunk:
    """A bounded part of one segment, decoded."""

    segment: str
    start: int
    end: int
    events: list[tuple[dict[str, Any], datetime]] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)
    reports: pa.Table | None = None

    @property
    def name(self) -> str:
        return f"{self.segment.removesuffix(landing.SUFFIX)}-{self.start:014d}"


def read_chunk(path: Path, offset: int, settings: CmcdSettings) -> Chunk:
    """The next records of a segment from `offset` on; its end equals its start where there are none."""
    chunk = Chunk(path.name, offset, offset)
    rows = Rows(settings)
    for count, landed in enumerate(landing.read(path, offset, CHUNK_BYTES), 1):
        _READERS[landed.kind](chunk, rows, landed)
        chunk.end = landed.next_offset
        if count >= CHUNK_RECORDS:
            break
    if rows.rows:
        chunk.reports = rows.table()
    return chunk


def _events(chunk: Chunk, rows: Rows, landed: Landed) -> None:
    received_at = from_ms(landed.received_ms)
    try:
        events = msgspec.json.decode(landed.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _events_one_by_one(chunk, RAW_LIST.decode(landed.body), received_at)
        return
    chunk.events += [(_tidied(event), received_at) for event in events]


def _event_lines(chunk: Chunk, rows: Rows, landed: Landed) -> None:
    received_at = from_ms(landed.received_ms)
    try:
        events = msgspec.json.Decoder().decode_lines(landed.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        lines = [line for line in landed.body.split(b"\n") if line.strip()]
        _events_one_by_one(chunk, lines, received_at)
        return
    chunk.events += [(_tidied(event), received_at) for event in events]


def _events_one_by_one(chunk: Chunk, raws: Iterable[bytes | msgspec.Raw], received_at: datetime) -> None:
    """A further field may hold what nobody can read (1e999): that event waits for a person, the others go on."""
    for index, raw in enumerate(raws):
        try:
            chunk.events.append((_tidied(msgspec.json.decode(raw)), received_at))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            text = bytes(raw).decode("utf-8", "replace")
            bad = quarantined("signals", str(index), f"(event): {error}", text)
            chunk.bad.append(bad | {"received_at": received_at})


def _tidied(event: dict[str, Any]) -> dict[str, Any]:
    """ISO 8601 allows +0100; every reader behind us expects RFC 3339's +01:00."""
    for holder, names in ((event, ("time",)), (event["data"], MOMENTS)):
        for name in names:
            value = holder.get(name)
            if isinstance(value, str) and _BASIC_OFFSET.search(value):
                holder[name] = f"{value[:-2]}:{value[-2:]}"
    return event


def _cmcd(chunk: Chunk, rows: Rows, landed: Landed) -> None:
    bad: list[BadLine] = []
    add_event_body(rows, landed.body, landed.received_ms, bad)
    chunk.bad += [quarantined("cmcd", f"line {line.line}", line.reason, line.raw) for line in bad]


def _lines(chunk: Chunk, rows: Rows, landed: Landed) -> None:
    for number, line in enumerate(landed.body.split(b"\n"), 1):
        if line.strip():
            try:
                add_record(rows, msgspec.json.decode(line))
            except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
                chunk.bad.append(quarantined("cmcd", f"line {number}", str(error), line.decode("utf-8", "replace")))


def _refused(chunk: Chunk, rows: Rows, landed: Landed) -> None:
    received_at = from_ms(landed.received_ms)
    chunk.bad += [item | {"received_at": received_at} for item in json.loads(landed.body)]


_READERS = {"events": _events, "event-lines": _event_lines, "cmcd": _cmcd, "lines": _lines, "refused": _refused}


def quarantined(door: str, position: str, reason: str, raw: str) -> dict[str, Any]:
    return {"door": door, "position": position, "field": reason.partition(":")[0], "reason": reason, "raw": raw}


def fingerprint(item: dict[str, Any]) -> str:
    """The same bad thing for the same reason is one thing."""
    text = "\x1f".join(str(item[name]) for name in ("door", "field", "reason", "raw"))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def moment_of(event: dict[str, Any], received_at: datetime) -> datetime:
    """When a matter was told: its own `time`, else when it reached us."""
    time = event.get("time")
    return min(parse_moment(time), received_at) if isinstance(time, str) else received_at


def customers_in(events: Iterable[tuple[dict[str, Any], datetime]]) -> list[tuple[Customer, datetime]]:
    """What `customer.upserted` events say, with when they said it."""
    told = []
    for event, received_at in events:
        if event["type"] == "com.amends.customer.upserted":
            data = {key: value for key, value in event["data"].items() if value is not None}
            names = ("name", "email", "phone", "locale", "time_zone", "segment", "contact")
            since = parse_moment(data["since"][:10] + "T00:00:00Z").date() if data.get("since") else None
            known = {name: data[name] for name in names if name in data}
            told.append((Customer(data["customer_id"], since=since, **known), moment_of(event, received_at)))
    return told
