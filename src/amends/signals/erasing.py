"""Forgetting what a customer's signals say of them: on disk, in the tables and in the quarantine; ids stay known."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction

import amends.customers.queries
from amends.ground.personal import Words, joined
from amends.signals import landing, rewriting
from amends.signals.absorb import Chunk
from amends.signals.landing import Landed
from amends.signals.models import QuarantineRow, SignalRow
from amends.signals.types import RAW_LIST, TYPES

UPSERTED = "com.amends.customer.upserted"
TOLD = ("name", "email", "phone")
ENVELOPE = ("specversion", "id", "source", "type", "time", "data")
EMPTIED = {"text": b'""'}  # must be there, and says nothing
GONE = "(erased)"
Raws = dict[str, msgspec.Raw]


def told_of(customer_id: str) -> set[str]:
    """Every name, address and number that landed signals tell of a customer."""
    words = Words(customer_id)
    found: set[str] = set()
    for path in _segments():
        for landed in landing.read(path, 0, 2**62):
            if landed.kind in _EVENTS and words.may_be_in(landed.body):
                for raw in _EVENTS[landed.kind](landed.body):
                    if _is_about(raw, {customer_id}):
                        found |= _told_in(raw)
    return found


def _told_in(raw: bytes) -> set[str]:
    try:
        event = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set()
    return {event["data"][n] for n in TOLD if event["type"] == UPSERTED and isinstance(event["data"].get(n), str)}


def erase_landed(words: Words, *, really: bool) -> Counter[str]:
    """Take a customer out of the landing segments; how many records were, or would be, changed."""
    counts: Counter[str] = Counter()
    with rewriting.alone(_landing()):
        for path in _segments():
            changes = rewriting.patches(path, lambda landed: _forget(landed, words))
            if changes and really:
                rewriting.apply(path, changes)
            counts["landed records"] += len(changes)
    return counts


@transaction.atomic
def erase(words: Words, now: datetime) -> Counter[str]:
    """Take a customer out of the tables: what their signals say, and what in the quarantine is about them."""
    return Counter({"signals": _erase_signals(words), "quarantined events": _erase_quarantine(words, now)})


def _erase_signals(words: Words) -> int:
    changed = 0
    for row in SignalRow.objects.filter(data__customer_id=words.customer_id).iterator(1000):
        data = msgspec.json.decode(_data(row.type, msgspec.json.encode(row.data), words))
        event_id = _event_id(row.event_id, words)
        if (data, event_id) != (row.data, row.event_id):
            SignalRow.objects.filter(pk=row.pk).update(data=data, event_id=event_id)
            changed += 1
    return changed


def _erase_quarantine(words: Words, now: datetime) -> int:
    changed = 0
    for row in QuarantineRow.objects.exclude(raw=GONE).iterator(1000):
        if words.about(row.raw) or words.about(row.reason):
            row.raw, row.reason = GONE, words.masked_anywhere(row.reason)
            if row.state == "waiting":  # there is nothing left to mend
                row.state, row.settled_by, row.settled_at = "dismissed", "erasure", now
            row.save()
            changed += 1
    return changed


def finish_what_was_left() -> None:
    """What a kill left half written in a segment is written to its end before anybody reads it."""
    if rewriting.left_behind(_landing()):
        with rewriting.alone(_landing()):
            pass


def forget_again(path: Path, chunk: Chunk) -> bool:
    """Take those who were erased out of what has landed since, before it is read; whether there were any."""
    about = {str(event["data"].get("customer_id", "")) for event, _ in chunk.events}
    about |= {found for item in chunk.bad for found in _ids_in(item["raw"])}
    erased = amends.customers.queries.erased_among(about - {""}) if about else set()
    changes = _forget_all(path, chunk, erased) if erased else []
    return bool(changes)


def _forget_all(path: Path, chunk: Chunk, erased: Collection[str]) -> list[rewriting.Patch]:
    everybody = [Words(customer_id) for customer_id in sorted(erased)]

    def forget(landed: Landed) -> bytes:
        body = landed.body
        for words in everybody:
            body = _forget(Landed(landed.kind, landed.received_ms, body, landed.next_offset), words)
        return body

    with rewriting.alone(path.parent):
        changes = rewriting.patches(path, forget, chunk.start, chunk.end)
        if changes:
            rewriting.apply(path, changes)
    return changes


def _ids_in(raw: str) -> Iterator[str]:
    """The customers that a refused event names, as far as that can be seen."""
    for part in raw.split('customer_id"')[1:]:
        yield part.lstrip(': "\t').partition('"')[0].partition(",")[0].strip("} ")[:200]


def _forget(landed: Landed, words: Words) -> bytes:
    """One landed body without the customer, never longer than it was."""
    if not words.may_be_in(landed.body):
        return landed.body
    return _FORGET[landed.kind](landed.body, words)


def _forget_events(body: bytes, words: Words) -> bytes:
    raws = _array(body)
    cleaned = [_event(raw, words) for raw in raws]
    return body if cleaned == raws else b"[" + b",".join(cleaned) + b"]"


def _forget_lines(body: bytes, words: Words) -> bytes:
    lines = body.split(b"\n")
    cleaned = [_event(line, words) if line.strip() else line for line in lines]
    return body if cleaned == lines else b"\n".join(cleaned)


def _forget_refused(body: bytes, words: Words) -> bytes:
    items = _array(body)
    cleaned = [_refused(raw, words) for raw in items]
    return body if cleaned == items else b"[" + b",".join(cleaned) + b"]"


def _forget_requests(body: bytes, words: Words) -> bytes:
    return words.masked_bytes(body)


def _refused(raw: bytes, words: Words) -> bytes:
    item = json.loads(raw)
    if item["raw"] == GONE or not (words.about(item["raw"]) or words.about(item["reason"])):
        return raw
    gone = GONE if len(item["raw"]) >= len(GONE) else ""
    item |= {"raw": gone, "reason": words.masked_anywhere(item["reason"])}
    return json.dumps(item).encode()


def _event(raw: bytes, words: Words) -> bytes:
    """One event as it may be kept: unchanged unless it is about this customer."""
    if not _is_about(raw, {words.customer_id}):
        return raw
    event = msgspec.json.decode(raw, type=Raws)
    kept = {name: bytes(event[name]) for name in ENVELOPE if name in event}
    kept["data"] = _data(msgspec.json.decode(kept["type"]), kept["data"], words)
    event_id = msgspec.json.decode(kept["id"])
    if _event_id(event_id, words) != event_id:
        kept["id"] = msgspec.json.encode(_event_id(event_id, words))
    cleaned = joined(kept.items())
    return raw if cleaned == raw.strip() else cleaned


def _data(type_: str, raw: bytes, words: Words) -> bytes:
    """What the type declares and is not personal; further fields, which nobody reads, go."""
    fields = msgspec.json.decode(raw, type=Raws)
    if type_ == UPSERTED:
        return joined([("customer_id", bytes(fields["customer_id"]))])
    shape = TYPES[type_].__struct_fields__ if type_ in TYPES else ("customer_id",)
    kept = [(name, bytes(fields[name])) for name in fields if name in shape]
    return joined((name, EMPTIED.get(name) or _deep(value, words)) for name, value in kept)


def _deep(value: bytes, words: Words) -> bytes:
    """Ids and amounts stand as they came; in what may hold anything, personal fields and words are struck out."""
    return words.cleaned_json(value) if value.strip()[:1] in (b"{", b"[") else value


def _event_id(event_id: str, words: Words) -> str:
    """An id with an address in it is replaced by one that follows from it: still one event, still the same."""
    if not words.about(event_id):
        return event_id
    return hashlib.blake2b(event_id.encode(), digest_size=16).hexdigest()[: len(event_id)]


def _is_about(raw: bytes, customer_ids: Collection[str]) -> bool:
    try:
        data = msgspec.json.decode(raw, type=_Envelope).data
        return msgspec.json.decode(data, type=_About).customer_id in customer_ids
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


class _Envelope(msgspec.Struct):
    data: msgspec.Raw


class _About(msgspec.Struct):
    customer_id: Any = None


def _array(body: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in RAW_LIST.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _split(body: bytes) -> Sequence[bytes]:
    return [line for line in body.split(b"\n") if line.strip()]


_EVENTS = {"events": _array, "event-lines": _split}
_FORGET = {
    "events": _forget_events,
    "event-lines": _forget_lines,
    "refused": _forget_refused,
    "cmcd": _forget_requests,
    "lines": _forget_requests,
}


def _landing() -> Path:
    directory: Path = settings.AMENDS.var / "landing"
    return directory


def _segments() -> list[Path]:
    return landing.segments(_landing())
