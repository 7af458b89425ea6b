"""The door: what it takes, what it refuses and why, and how exactly it counts."""

from __future__ import annotations

import dataclasses
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import zstandard
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from tests.signals.conftest import Send
from tests.signals.events import event, failure, playback

from amends.ground.config import Limits
from amends.signals import door, queries, steps
from amends.web import keys, pace

LINES = "application/x-ndjson"
TOO_LATE = (datetime.now(UTC) + timedelta(days=2)).isoformat()


def test_a_batch_is_counted_exactly(send: Send) -> None:
    answer = send([failure(1), failure(2), failure(1)])

    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "duplicate": 1, "refused": []}
    assert send([failure(2), failure(3)]).json() == {"accepted": 1, "duplicate": 1, "refused": []}


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_compressed_lines_are_taken(send: Send, pack: Any) -> None:
    body = b"\r\n".join(json.dumps(playback(n)).encode() for n in range(3))

    answer = send(pack(body), LINES, Content_Encoding="gzip" if pack is gzip.compress else "zstd")

    assert answer.json()["accepted"] == 3


def test_binary_mode_reads_percent_encoded_headers(send: Send) -> None:
    told = failure()
    heads = {"ce_id": "caf%C3%A9", "ce_source": "/shop", "ce_specversion": "1.0", "ce_type": told["type"]}

    assert send(told["data"], **heads).json()["accepted"] == 1


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (event("nonsense.happened"), "type"),
        (playback(price_minor=-1), "data.price_minor"),
        (playback(currency="XQX"), "data.currency"),
        (playback(product="stolen"), "data.product"),
        (playback(customer_id="x" * 201), "data.customer_id"),
        (playback(title="a\x00b"), "data.title"),
        (playback(extra={"deep": ["a\x00b"]}), "(event)"),
        (playback() | {"time": TOO_LATE}, "time"),
        (playback() | {"time": "1999-01-01T00:00:00Z"}, "time"),
        (playback() | {"time": "2026-11-20T20:15:00"}, "time"),
        (failure(severity="awful"), "data.severity"),
        (failure(started_at="1815-12-10T00:00:00Z"), "data.started_at"),
        (event("customer.upserted", customer_id="ada", since="2026-99-99"), "data.since"),
        ({"source": "/s", "specversion": "1.0", "type": "com.amends.playback.started", "data": {}}, "data.session_id"),
    ],
)
def test_a_wrong_field_is_named(send: Send, told: dict[str, Any], field: str) -> None:
    """NUL is named as the event when it hides in fields we do not know."""
    answer = send([told, failure(9)])

    assert answer.status_code == 202
    (refused,) = answer.json()["refused"]
    assert refused["index"] == 0
    assert refused["field"] in (field, "(event)", "id", "data")
    assert refused["reason"]


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b"Infinity", b'"\xff"', b"[" * 5000 + b"]" * 5000])
def test_what_is_no_json_value_is_refused(send: Send, value: bytes) -> None:
    body = json.dumps(playback(price_minor="HERE")).encode().replace(b'"HERE"', value)

    answer = send(body)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["refused"][0]["index"] == 0


@pytest.mark.parametrize("body", [b" ", b"[", b"[]", b"{", b"\xff\xfe", b"7"])
def test_a_body_without_events_is_refused(send: Send, body: bytes) -> None:
    assert send(body).status_code == 422


def test_a_zip_bomb_and_a_large_body_are_too_large(send: Send) -> None:
    zeros = bytes(80 * 2**20)

    assert send(gzip.compress(zeros, 1), Content_Encoding="gzip").status_code == 413
    assert send(zstandard.compress(zeros), Content_Encoding="zstd").status_code == 413
    assert send(zeros).status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_cut_in_the_middle_is_not_half_taken(send: Send, encoding: str) -> None:
    body = b"\n".join(json.dumps(playback(n, title=str(n) * 50)).encode() for n in range(20_000))
    unsized = zstandard.ZstdCompressor(write_content_size=False)
    packed = gzip.compress(body) if encoding == "gzip" else unsized.compress(body)

    answer = send(packed[: len(packed) // 2], LINES, Content_Encoding=encoding)

    assert answer.status_code == 400
    assert "nothing was taken" in answer.json()["detail"]


def test_thousands_of_empty_gzip_members_are_refused(send: Send) -> None:
    assert send(gzip.compress(b"") * 5000, Content_Encoding="gzip").status_code == 400


def test_wrong_keys_types_and_methods_are_told_apart(send: Send, key: str, now: datetime) -> None:
    reader = steps.create_key("reader", ["read"], now)

    assert send(failure(), Authorization="Bearer amk_wrong").headers["WWW-Authenticate"].startswith("Bearer")
    assert send(failure(), Authorization=f"Bearer {reader}").status_code == 403
    assert send(failure(), "text/plain").status_code == 415
    assert send(failure(), Content_Encoding="br").status_code == 415
    assert Client().get("/v1/signals").headers["Allow"] == "POST"


def test_a_revoked_key_opens_nothing(send: Send, key: str, now: datetime) -> None:
    steps.revoke_key(key[:12], now)
    keys._known.clear()

    assert send(failure()).status_code == 401


def test_a_player_in_a_browser_may_send_cmcd_and_only_cmcd(key: str) -> None:
    client = Client()

    assert client.options("/v1/cmcd").headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(f"/cmcd.gif?key={key}&CMCD=sid%3D%22a%22").headers["Content-Type"] == "image/gif"
    assert client.post(f"/v1/cmcd?key={key}", b'sid="a",e=ps,sta=p,ts=1', content_type="text/plain").status_code == 204
    assert client.get(f"/v1/cmcd?key={key}").status_code == 400
    assert "Access-Control-Allow-Origin" not in client.options("/v1/signals").headers


@pytest.mark.django_db(transaction=True)
def test_threads_that_bring_the_same_count_it_once() -> None:
    body = json.dumps([failure(n) for n in range(50)]).encode()

    def bring(_: int) -> int:
        while True:
            try:
                return door.take(body, lines=False, one=False, now=datetime.now(UTC)).accepted
            except OperationalError:
                continue  # SQLite in memory locks at once instead of waiting: a sender would try again
            finally:
                connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(bring, range(16))) == 50


def test_a_key_that_asks_too_fast_waits_and_another_does_not(
    send: Send, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = dataclasses.replace(settings.AMENDS, limits=Limits(requests_per_s=1))
    monkeypatch.setattr(settings, "AMENDS", slow)
    other = steps.create_key("other", ["signals:write"], now)
    pace._buckets.clear()

    answers = [send(playback(n)) for n in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert answers[2].headers["Retry-After"] == "1"
    assert send(playback(9), Authorization=f"Bearer {other}").status_code == 202
    pace._buckets.clear()


def test_a_million_events_in_one_body_are_too_many_and_said_so_at_once(send: Send) -> None:
    one = json.dumps(playback(1)).encode()

    answer = send(zstandard.compress(b"\n".join([one] * 1_000_000)), LINES, Content_Encoding="zstd")

    assert answer.status_code == 413
    assert "smaller batches" in answer.json()["detail"]


def test_a_large_batch_sent_again_is_known(send: Send) -> None:
    batch = [playback(n) for n in range(door.MANY_REPORTS + 1)]

    assert send(batch).json()["accepted"] == len(batch)
    assert send(batch).json() == {"accepted": 0, "duplicate": len(batch), "refused": []}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"hello", "application/json"),
        (b"{broken", "application/json"),
        (b"3", "application/json"),
        (b"hello\nworld\n", "application/x-ndjson"),
        (b"[1, 2", "application/json"),
    ],
)
def test_a_body_that_is_no_json_at_all_is_refused_and_not_kept(
    send: Send, now: datetime, body: bytes, kind: str
) -> None:
    reply = send(body, kind)

    steps.absorb(now)
    assert reply.status_code == 422
    assert json.loads(reply.content)["refused"][0]["field"] == "(body)"
    assert queries.quarantined() == []
