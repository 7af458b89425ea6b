"""The verbs of the signals room: absorb what landed, look at play sessions, mend what was refused, mind the keys."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
from django.conf import settings
from django.db import connection, transaction

import amends.customers.queries
import amends.customers.steps
from amends.ground import bulk
from amends.ground.moments import from_ms, to_ms
from amends.signals import absorb as absorbing
from amends.signals import door, erasing, landing
from amends.signals.absorb import Chunk
from amends.signals.models import ApiKeyRow, LandedRow, PlaybackRow, QuarantineRow, SignalRow, ViewingRow
from amends.signals.rules import Wrong, read_event
from amends.signals.telemetry_store import OpenReports, write_piece
from amends.telemetry import kernel
from amends.telemetry.cmcd import CmcdSettings
from amends.telemetry.reading import Rows

BATCH = 1000
PART = 5000  # of a large body at a time: a database takes only so many parameters in one statement
ENDED_GRACE = timedelta(seconds=10)
KEPT = timedelta(days=7)
UPSERTED = "com.amends.customer.upserted"
SIGNAL = ("source", "event_id", "type", "time", "data", "received_at")
FACTS = (
    *("startup_s", "stall_count", "stall_s", "longest_stall_s", "watched_s", "played_s", "bitrate_kbps_mean"),
    *("bitrate_kbps_min", "switches", "failed_start", "exited_before_start", "playback_failed", "score"),
    *("method", "confidence"),
)


@cache
def open_reports() -> OpenReports:
    return OpenReports(settings.AMENDS.var / "telemetry")


def absorb(now: datetime) -> int:
    """Read what landed since last time, in bounded chunks of one transaction each. How many events and reports."""
    done = 0
    config = settings.AMENDS.telemetry
    keys = CmcdSettings(config.customer_key, config.order_key)
    progress = dict(LandedRow.objects.filter(finished=False).values_list("segment", "read_to"))
    finished = set(LandedRow.objects.filter(finished=True).values_list("segment", flat=True))
    erasing.finish_what_was_left()
    for path in landing.segments(settings.AMENDS.var / "landing"):
        if path.name in finished:
            continue
        offset = progress.get(path.name, 0)
        while path.stat().st_size > offset:
            chunk = absorbing.read_chunk(path, offset, keys)
            if chunk.end == offset:
                break
            if amends.customers.queries.any_erased() and erasing.forget_again(path, chunk):
                chunk = absorbing.read_chunk(path, offset, keys)
            done += _absorb_chunk(chunk, now)
            offset = chunk.end
        age = now.timestamp() - path.stat().st_mtime
        whole = offset == path.stat().st_size  # damaged in the middle: kept, so that nothing behind it is lost
        if path.name in progress and whole and age > KEPT.total_seconds():
            LandedRow.objects.filter(pk=path.name).update(finished=True, changed_at=now)
            path.unlink()
    return done


def _absorb_chunk(chunk: Chunk, now: datetime) -> int:
    if chunk.reports is not None:
        write_piece(settings.AMENDS.var / "telemetry", chunk.name, chunk.reports)
    new_sessions: Collection[int] = ()
    with transaction.atomic():
        for start in range(0, len(chunk.events), PART):
            part = chunk.events[start : start + PART]
            _store_signals(part)
            amends.customers.steps.upsert_many(absorbing.customers_in(part))
            _store_playbacks(part, now)
        _store_quarantine(chunk.bad, now)
        if chunk.reports is not None:
            new_sessions = _touch_viewings(chunk.reports, now)
        row = {"read_to": chunk.end, "changed_at": now}
        LandedRow.objects.update_or_create(segment=chunk.segment, defaults=row)
    if chunk.reports is not None:
        open_reports().add(chunk.reports, new_sessions)
    return len(chunk.events) + len(chunk.bad) + (chunk.reports.num_rows if chunk.reports is not None else 0)


def _store_signals(events: Sequence[tuple[dict[str, Any], datetime]]) -> None:
    rows = []
    for event, received_at in events:
        data = event["data"]
        if event["type"] == UPSERTED:
            data = {"customer_id": data["customer_id"]}  # personal fields live with the customer, and only there
        at = bulk.moment(connection, absorbing.moment_of(event, received_at))
        came = bulk.moment(connection, received_at)
        rows.append((event["source"], event["id"], event["type"], at, json.dumps(data), came))
    bulk.insert(connection, SignalRow, SIGNAL, rows, unless_there=True)


def _store_playbacks(events: Sequence[tuple[dict[str, Any], datetime]], now: datetime) -> None:
    """First claim of a session wins; another customer's claim is kept beside it and goes before a person."""
    told: dict[str, PlaybackRow] = {}
    disputes: dict[str, str] = {}
    for event, received_at in events:
        if event["type"] == "com.amends.playback.started":
            row = _playback(event["data"], absorbing.moment_of(event, received_at), now)
            if told.setdefault(row.session_id, row).customer_id == row.customer_id:
                told[row.session_id] = row  # told again by the same customer: the later word counts
            else:
                disputes[row.session_id] = row.customer_id
    owners = dict(PlaybackRow.objects.filter(pk__in=told).values_list("pk", "customer_id"))
    for session_id, row in told.items():
        if owners.get(session_id, row.customer_id) != row.customer_id:
            disputes[session_id] = row.customer_id
    new = [row for session_id, row in told.items() if owners.get(session_id, row.customer_id) == row.customer_id]
    fields = ("customer_id", "title", "product", "order_id", "price_minor", "currency", "payment_ref", "changed_at")
    PlaybackRow.objects.bulk_create(
        new, batch_size=BATCH, update_conflicts=True, update_fields=fields, unique_fields=["session_id"]
    )
    for session_id, customer_id in disputes.items():  # rare: one by one
        PlaybackRow.objects.filter(pk=session_id).update(disputed_by=customer_id, changed_at=now)
    ViewingRow.objects.filter(pk__in=told, stale=False).update(changed_at=now, fresh=True)


def _playback(data: dict[str, Any], told_at: datetime, now: datetime) -> PlaybackRow:
    texts = {name: data.get(name) or "" for name in ("title", "product", "order_id", "currency", "payment_ref")}
    row = PlaybackRow(session_id=data["session_id"], customer_id=data["customer_id"], started_at=told_at, **texts)
    row.price_minor, row.changed_at = data.get("price_minor"), now
    return row


def _store_quarantine(bad: Sequence[dict[str, Any]], now: datetime) -> None:
    rows = [
        QuarantineRow(
            fingerprint=absorbing.fingerprint(item),
            door=item["door"],
            position=item["position"][:400],
            field=item["field"][:200],
            reason=item["reason"],
            raw=item["raw"].replace("\x00", "\\u0000"),
            received_at=item.get("received_at", now),
        )
        for item in bad
    ]
    QuarantineRow.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def _touch_viewings(reports: pa.Table, now: datetime) -> list[int]:
    """Mark the sessions of these reports to be looked at; the numbers of those never seen before."""
    columns = ["session", "session_id", "received_ms"]
    grouped = reports.select(columns).group_by(["session", "session_id"]).aggregate([("received_ms", "min")])
    ids = grouped["session_id"].to_pylist()
    known: set[str] = set()
    for start in range(0, len(ids), PART):
        mine = ViewingRow.objects.filter(pk__in=ids[start : start + PART])
        known.update(mine.values_list("pk", flat=True))
        mine.update(stale=True)
    rows = [
        ViewingRow(
            session_id=session_id,
            hashed=_signed(number),
            started_at=from_ms(first),
            last_seen_at=from_ms(first),
            first_report_at=now,
            changed_at=now,
        )
        for number, session_id, first in zip(*(grouped[n].to_pylist() for n in grouped.column_names), strict=True)
        if session_id not in known
    ]
    ViewingRow.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
    return [row.hashed % 2**64 for row in rows]


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def view(now: datetime) -> int:
    """Assess the sessions with new reports, and close those that ended or fell silent. How many were looked at."""
    seen = 0
    while rows := list(ViewingRow.objects.filter(stale=True).order_by("session_id")[:BATCH]):
        _assess(rows, now)
        seen += len(rows)
    silent_before = now - timedelta(seconds=settings.AMENDS.telemetry.silence_s)
    silent = ViewingRow.objects.filter(stale=False, closed=False, last_seen_at__lte=silent_before)
    while rows := list(silent.order_by("session_id")[:BATCH]):
        _close(rows, now)
        seen += len(rows)
    ended = ViewingRow.objects.filter(stale=False, closed=False, facts__ended=True, last_seen_at__lte=now - _grace())
    while rows := list(ended.order_by("session_id")[:BATCH]):
        _close(rows, now)
        seen += len(rows)
    return seen


def _grace() -> timedelta:
    return min(ENDED_GRACE, timedelta(seconds=settings.AMENDS.telemetry.silence_s))


def _assess(rows: list[ViewingRow], now: datetime) -> None:
    numbers = {row.hashed % 2**64 for row in rows}
    reports = open_reports().of(numbers, min(row.first_report_at for row in rows))
    answers = {row["session_id"]: row for row in kernel.assess(reports).to_pylist()}
    closed = []
    for row in rows:
        row.stale = False
        answer = answers.get(row.session_id)
        if answer is None:
            continue  # its reports are gone (kept for a while only): what was found then stands
        if _take_answer(row, answer, now):
            closed.append(row.hashed % 2**64)
    fields = (
        *("customer_id", "order_id", "content_id", "started_at", "last_seen_at", "closed", "closed_at"),
        *("settled_at", "gaps", "facts", "spans", "stale", "fresh", "changed_at"),
    )
    with transaction.atomic():
        _rewrite(rows, fields)
    open_reports().forget(closed)


def _rewrite(rows: list[ViewingRow], fields: Sequence[str]) -> None:
    """Write rows that are there anew: as an upsert, which costs a tenth of Django's updates by case."""
    ViewingRow.objects.bulk_create(
        rows, batch_size=200, update_conflicts=True, unique_fields=["session_id"], update_fields=fields
    )


def _take_answer(row: ViewingRow, answer: dict[str, Any], now: datetime) -> bool:
    """Write the kernel's answer into the row; whether the session is over."""
    facts = {name: answer[name] for name in FACTS} | {"ended": answer["ended"]}
    changed = facts != row.facts or answer["spans"] != row.spans
    row.started_at, row.last_seen_at = from_ms(answer["started_at_ms"]), from_ms(answer["last_seen_ms"])
    row.customer_id, row.order_id = _id(answer["customer_id"]), _id(answer["order_id"])
    row.content_id = (answer["content_id"] or "").replace("\x00", "")[:400]
    row.facts, row.spans, row.gaps = facts, answer["spans"], answer["gaps"]
    wait = _grace() if answer["ended"] else timedelta(seconds=settings.AMENDS.telemetry.silence_s)
    over = row.last_seen_at + wait <= now
    if over != row.closed:
        changed = True
    if over and (changed or not row.closed):
        _mark_closed(row, now)
    row.closed = over
    if changed:
        row.changed_at = now
    return over


def _id(told: str | None) -> str:
    """An id as a player told it; one that no customer or order can have is none."""
    return told if told and len(told) <= 200 and "\x00" not in told else ""


def _mark_closed(row: ViewingRow, now: datetime) -> None:
    """A verdict over missing reports is provisional: it settles when the time for late ones has passed."""
    late = timedelta(seconds=settings.AMENDS.telemetry.lateness_s) if row.gaps else timedelta()
    row.closed, row.closed_at, row.changed_at, row.fresh = True, now, now, True
    row.settled_at = max(now, row.last_seen_at + late)


@transaction.atomic
def _close(rows: list[ViewingRow], now: datetime) -> None:
    for row in rows:
        _mark_closed(row, now)
    _rewrite(rows, ("closed", "closed_at", "settled_at", "fresh", "changed_at"))
    open_reports().forget([row.hashed % 2**64 for row in rows])


def looked_at(session_ids: Collection[str]) -> None:
    """The next room has looked at these viewings; they are fresh again when they change."""
    ViewingRow.objects.filter(pk__in=session_ids).update(fresh=False)


@transaction.atomic
def resend(number: int, mended: str, who: str, now: datetime) -> str:
    """Put a quarantined event through the door again, mended or not; '' when taken, else what is still wrong."""
    row = QuarantineRow.objects.select_for_update().get(pk=number)
    text = (mended or row.raw).encode()
    try:
        if row.door == "cmcd":
            return _resend_cmcd(row, text, who, now)
        read_event(text, now)
    except Wrong as wrong:
        row.reason, row.field, row.raw = wrong.reason, wrong.field[:200], text.decode().replace("\x00", "\\u0000")
        row.save()
        return f"{wrong.field}: {wrong.reason}"
    door.take(text, lines=False, one=True, now=now, door="resent")
    return _settle_quarantine(row, "resent", who, now)


def _resend_cmcd(row: QuarantineRow, text: bytes, who: str, now: datetime) -> str:
    chunk = Chunk("", 0, 0)
    rows = Rows()
    kind = "lines" if text.lstrip().startswith(b"{") else "cmcd"
    absorbing._READERS[kind](chunk, rows, landing.Landed(kind, to_ms(now), text, 0))
    if chunk.bad:
        return str(chunk.bad[0]["reason"])
    door.log().append(kind, text, to_ms(now))
    return _settle_quarantine(row, "resent", who, now)


def _settle_quarantine(row: QuarantineRow, state: str, who: str, now: datetime) -> str:
    row.state, row.settled_by, row.settled_at = state, who, now
    row.save()
    return ""


def dismiss(number: int, who: str, now: datetime) -> None:
    """A person has seen it and wants nothing done; it stays on record."""
    QuarantineRow.objects.filter(pk=number).update(state="dismissed", settled_by=who, settled_at=now)


def create_key(name: str, scopes: Sequence[str], now: datetime) -> str:
    """Make an API key; the secret is returned once and only its hash is kept."""
    secret = f"amk_{secrets.token_urlsafe(32)}"
    hashed = hashlib.sha256(secret.encode()).digest()
    ApiKeyRow.objects.create(name=name, prefix=secret[:12], hashed=hashed, scopes=list(scopes), created_at=now)
    return secret


def revoke_key(prefix: str, now: datetime) -> bool:
    """Revoke the live key that begins so; False when there is none."""
    return bool(ApiKeyRow.objects.filter(prefix=prefix[:12], revoked_at=None).update(revoked_at=now))


def ingested_to(name: str, now: datetime) -> int:
    """How many pieces of a file have been ingested; the file is known by its fingerprint."""
    row, _ = LandedRow.objects.get_or_create(segment=name, defaults={"finished": True, "changed_at": now})
    return row.read_to


def note_ingested(name: str, pieces: int, now: datetime) -> None:
    LandedRow.objects.filter(pk=name).update(read_to=pieces, changed_at=now)
