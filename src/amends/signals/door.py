"""Taking events in: check, put on disk, count what is new. Everything here happens before the answer is given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection, transaction

from amends.ground.moments import to_ms
from amends.signals.landing import Log
from amends.signals.records import Refusal, Taken
from amends.signals.rules import Wrong, all_right, read_event
from amends.signals.types import ENVELOPES, MANY, ONE, RAW_LIST, TELEMETRY

REMEMBERED = 200_000  # telemetry ids kept in memory to tell repeats apart
MAX_RAW = 20_000  # of a refused event as much is kept for a person
CHUNK = 400
MANY_REPORTS = 200  # above, repeats of single reports are told apart when they are read, which changes nothing
_KEY = attrgetter("source", "id")
TELEMETRY_SHAPES = frozenset(shape for shape in ENVELOPES if shape.__struct_config__.tag.startswith(TELEMETRY))

OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])  # looks at the form only: what is inside is not read
Raws = Sequence[bytes | msgspec.Raw]


@cache
def log() -> Log:
    """This process's landing segment."""
    return Log(settings.AMENDS.var / "landing")


class Recent:
    """The last telemetry ids of this process, in two generations."""

    def __init__(self) -> None:
        self.young: set[tuple[str, str]] = set()
        self.old: set[tuple[str, str]] = set()

    def known(self, keys: set[tuple[str, str]]) -> set[tuple[str, str]]:
        return (keys & self.young) | (keys & self.old)

    def remember(self, keys: set[tuple[str, str]]) -> None:
        self.young |= keys
        if len(self.young) > REMEMBERED:
            self.young, self.old = set(), self.young


_recent = Recent()


@dataclass
class Checked:
    """A body sorted into what can be taken and what cannot."""

    events: list[Any]
    raws: list[bytes]
    refused: list[tuple[Refusal, bytes]]
    whole: bytes = b""  # the body itself, where everything in it can be taken as it stands
    kind: str = "events"


def take(body: bytes, *, lines: bool, one: bool, now: datetime, door: str = "signals") -> Taken:
    """Take a body of one event, a JSON array or (`lines`) NDJSON; Wrong when it is none of these."""
    checked = _check(body, lines=lines, one=one, now=now)
    return _keep(checked, now, door)


def _check(body: bytes, *, lines: bool, one: bool, now: datetime) -> Checked:
    try:
        events = ONE.decode_lines(body) if lines else MANY.decode(b"[%b]" % body if one else body)
        if all_right(events, body, now):
            whole = b"[%b]" % body if one else body
            return Checked(events, [], [], whole, "event-lines" if lines else "events")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # somewhere in it something is wrong: look at each event by itself
    return _check_each(_split(body, lines=lines, one=one), now)


def _split(body: bytes, *, lines: bool, one: bool) -> Raws:
    """The events of a body, each by itself; Wrong for a body that is no JSON at all, which is not kept."""
    if lines:
        found = [line for line in body.split(b"\n") if line.strip()]
        if found and not any(line.lstrip()[:1] == b"{" for line in found):
            raise Wrong("(body)", "expected one JSON object a line; no line is one")
        return found
    try:
        if one:
            OBJECT.decode(body)
            return [body]
        return RAW_LIST.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "one event, a JSON object" if one else "a JSON array of events"
        raise Wrong("(body)", f"expected {what}: {error}") from error


def _check_each(raws: Raws, now: datetime) -> Checked:
    checked = Checked([], [], [])
    for index, raw in enumerate(raws):
        try:
            checked.events.append(read_event(raw, now))
            checked.raws.append(bytes(raw))
        except Wrong as wrong:
            checked.refused.append((Refusal(index, wrong.field, wrong.reason), bytes(raw)))
    return checked


def _keep(checked: Checked, now: datetime, door: str) -> Taken:
    """Land what is new and what was refused, then mark matters as seen."""
    if checked.whole and len(checked.events) > MANY_REPORTS and set(map(type, checked.events)) <= TELEMETRY_SHAPES:
        return _keep_telemetry(checked, now)
    keys = list(map(_KEY, checked.events))
    known = set(keys)
    matters = _matters(checked.events, keys, known)
    telemetry = known - matters if matters else known
    fresh = known - _seen_before(matters) - _recent.known(telemetry)
    received_ms = to_ms(now)
    if fresh:
        _land_events(checked, keys, fresh, received_ms)
    if checked.refused:
        refused = [_refused(door, refusal, raw) for refusal, raw in checked.refused]
        log().append("refused", json.dumps(refused).encode(), received_ms)
    new_matters = matters & fresh
    lost_race = len(new_matters) - mark_seen(new_matters, now)
    _recent.remember(telemetry)
    accepted = len(fresh) - lost_race
    return Taken(accepted, len(keys) - accepted, tuple(refusal for refusal, _ in checked.refused))


def _keep_telemetry(checked: Checked, now: datetime) -> Taken:
    """Land a large batch of telemetry as it stands: only a repeat of the whole body is told apart before the answer."""
    digest = {("(body)", f"{hash(checked.whole)} {len(checked.whole)}")}  # SipHash with a secret of this process
    count = len(checked.events)
    if _recent.known(digest):
        return Taken(0, count, ())
    log().append(checked.kind, checked.whole, to_ms(now))
    _recent.remember(digest)
    return Taken(count, 0, ())


def _matters(events: list[Any], keys: list[tuple[str, str]], known: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The keys of what must be counted exactly; batches are mostly all of it or none."""
    kinds = set(map(type, events))
    if kinds <= TELEMETRY_SHAPES:
        return set()
    if not kinds & TELEMETRY_SHAPES:
        return known
    return {key for key, event in zip(keys, events, strict=True) if type(event) not in TELEMETRY_SHAPES}


def _land_events(checked: Checked, keys: list[tuple[str, str]], fresh: set[tuple[str, str]], received_ms: int) -> None:
    if checked.whole:  # repeats inside are harmless: they are told apart when they are read
        log().append(checked.kind, checked.whole, received_ms)
        return
    raws = [raw for key, raw in zip(keys, checked.raws, strict=True) if key in fresh]
    log().append("events", b"[" + b",".join(raws) + b"]", received_ms)


def _refused(door: str, refusal: Refusal, raw: bytes) -> dict[str, Any]:
    text = raw[:MAX_RAW].decode("utf-8", "replace")
    return {"door": door, "position": str(refusal.index), "field": refusal.field, "reason": refusal.reason, "raw": text}


def _hash(key: tuple[str, str]) -> bytes:
    return hashlib.blake2b(f"{len(key[0])}:{key[0]}{key[1]}".encode(), digest_size=16).digest()


def _seen_before(keys: set[tuple[str, str]]) -> set[tuple[str, str]]:
    if not keys:
        return set()
    hashed = {_hash(key): key for key in keys}
    found: set[tuple[str, str]] = set()
    ordered = list(hashed)
    with connection.cursor() as cursor:
        for start in range(0, len(ordered), CHUNK):
            part = ordered[start : start + CHUNK]
            marks = ",".join(["%s"] * len(part))
            cursor.execute(f"SELECT key FROM signals_seenrow WHERE key IN ({marks})", part)  # noqa: S608 - marks only
            found.update(hashed[bytes(row[0])] for row in cursor.fetchall())
    return found


def mark_seen(keys: set[tuple[str, str]], now: datetime) -> int:
    """Remember matters for ever; how many were not yet known, exact also when two requests bring the same."""
    if not keys:
        return 0
    hashed, new = sorted(_hash(key) for key in keys), 0
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(hashed), CHUNK):
            part = hashed[start : start + CHUNK]
            marks = ",".join(["(%s, %s)"] * len(part))
            values = [value for key in part for value in (key, now)]
            cursor.execute(f"INSERT INTO signals_seenrow (key, at) VALUES {marks} ON CONFLICT DO NOTHING", values)  # noqa: S608
            new += cursor.rowcount
    return new
