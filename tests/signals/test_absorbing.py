"""Absorbing what landed: once, whole, and never stuck on one bad event."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from tests.signals.conftest import Send
from tests.signals.events import event, failure, playback

from amends.ground.moments import to_ms
from amends.signals import door, landing, queries, steps
from amends.signals.models import PlaybackRow, QuarantineRow, SignalRow, ViewingRow


def land(now: datetime, *told: Any) -> None:
    door.log().append("events", json.dumps(told).encode(), to_ms(now))


def rows() -> tuple[Any, ...]:
    models = (SignalRow, PlaybackRow, QuarantineRow, ViewingRow)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


@pytest.mark.django_db
def test_absorbing_twice_changes_nothing(now: datetime) -> None:
    land(now, playback(), failure(2), event("customer.upserted", 3, customer_id="ada", email="not an address"))
    door.log().append("cmcd", b'sid="s1",e=ps,sta=p,ts=%d,v=2' % to_ms(now), to_ms(now))
    assert steps.absorb(now) == 4
    before = rows()

    assert steps.absorb(now + timedelta(minutes=1)) == 0
    assert rows() == before


@pytest.mark.django_db
def test_a_retry_after_a_crash_is_one_row_in_the_end(now: datetime) -> None:
    land(now, failure(1))
    land(now, failure(1))
    steps.absorb(now)

    assert SignalRow.objects.count() == 1


@pytest.mark.django_db
def test_an_event_nobody_can_read_does_not_hold_up_the_others(now: datetime) -> None:
    bad = json.dumps(playback(1, further="HERE")).replace('"HERE"', "1e999")
    door.log().append("events", f"[{bad},{json.dumps(failure(2))}]".encode(), to_ms(now))
    steps.absorb(now)

    assert SignalRow.objects.get().event_id == "e2"
    assert "out of range" in queries.quarantined()[0].reason


@pytest.mark.django_db
def test_more_sessions_in_one_body_than_a_statement_takes(now: datetime) -> None:
    land(now, *(playback(n) for n in range(40_000)))
    steps.absorb(now)

    assert PlaybackRow.objects.count() == 40_000


@pytest.mark.django_db
@pytest.mark.parametrize("apart", [False, True])
def test_two_customers_claiming_one_session_are_kept_as_a_dispute(now: datetime, apart: bool) -> None:
    first, second = playback(1), playback(1, customer_id="bob") | {"id": "e2"}
    land(now, first) if apart else land(now, first, second)
    steps.absorb(now)
    if apart:
        land(now, second)
        steps.absorb(now)

    row = PlaybackRow.objects.get()
    assert (row.customer_id, row.disputed_by) == ("ada", "bob")


@pytest.mark.django_db
def test_the_later_word_of_the_same_customer_counts(now: datetime) -> None:
    land(now, playback(1, title="Flim"), playback(1, title="Film") | {"id": "e2"})
    steps.absorb(now)

    assert PlaybackRow.objects.get().title == "Film"


@pytest.mark.django_db
def test_a_session_no_one_claims_is_kept_and_closes_after_silence(now: datetime) -> None:
    door.log().append("cmcd", b'sid="lonely",e=ps,sta=p,ts=%d,v=2' % to_ms(now), to_ms(now))
    steps.absorb(now)
    steps.view(now)
    assert not ViewingRow.objects.get().closed

    steps.view(now + timedelta(seconds=61))
    assert ViewingRow.objects.get().closed
    assert queries.unclaimed_count() == 1


@pytest.mark.django_db
def test_cmcd_that_cannot_be_read_waits_for_a_person(now: datetime) -> None:
    door.log().append("cmcd", b"\xff\xfe\nnothing here", to_ms(now))
    steps.absorb(now)

    assert QuarantineRow.objects.count() == 2


def test_a_mended_event_is_resent_and_a_bad_one_stays(send: Send, now: datetime) -> None:
    send([playback(1, price_minor=-5), failure(2)])
    steps.absorb(now)
    (waiting,) = queries.quarantined()

    assert "price_minor" in steps.resend(waiting.number, "", "operator", now)
    steps.absorb(now)
    assert [item.number for item in queries.quarantined()] == [waiting.number]

    assert steps.resend(waiting.number, json.dumps(playback(1, price_minor=5)), "operator", now) == ""
    steps.absorb(now)
    assert PlaybackRow.objects.get().price_minor == 5
    assert queries.quarantined() == []


def reports_of(session: str, start_ms: int, states: str) -> list[bytes]:
    """A report every five seconds: s starting, p playing, r rebuffering, e ended."""
    return [
        b'sid="%s",e=ps,sta=%s,ts=%d,sn=%d,v=2' % (session.encode(), state.encode(), start_ms + 5000 * n, n)
        for n, state in enumerate(states, 1)
    ]


@pytest.mark.django_db
def test_a_closed_session_opens_for_late_reports_and_ends_as_if_they_had_come_in_time(now: datetime) -> None:
    began = now - timedelta(minutes=5)
    whole, late = (reports_of(name, to_ms(began), "sprprpe") for name in ("whole", "late"))
    for line in whole:
        door.log().append("cmcd", line, to_ms(began))
    for line in late[:3]:
        door.log().append("cmcd", line, to_ms(began))
    steps.absorb(now)
    steps.view(now)
    early = ViewingRow.objects.get(pk="late")
    assert early.closed

    steps.open_reports.cache_clear()  # another process goes on
    for line in reversed(late[3:]):
        door.log().append("cmcd", line, to_ms(began))
    steps.absorb(now)
    steps.view(now)

    one, other = ViewingRow.objects.get(pk="whole"), ViewingRow.objects.get(pk="late")
    assert early.facts != other.facts
    assert (one.facts, one.spans, one.closed) == (other.facts, other.spans, other.closed)


@pytest.mark.django_db(transaction=True)
def test_absorbing_that_breaks_off_before_its_commit_is_done_again_whole(now: datetime) -> None:
    land(now, failure(1), playback(2))
    for line in reports_of("s2", to_ms(now), "sp"):
        door.log().append("cmcd", line, to_ms(now))
    broken = refuse_rows("signals_landedrow")
    with pytest.raises(DatabaseError):
        steps.absorb(now)
    assert SignalRow.objects.count() == ViewingRow.objects.count() == 0

    with connection.cursor() as cursor:
        cursor.execute(broken)
    assert steps.absorb(now) == 4
    assert SignalRow.objects.count() == 2
    steps.view(now)
    assert ViewingRow.objects.get().facts["startup_s"] == 5.0


def refuse_rows(table: str) -> str:
    """Make the database refuse every new row of a table; the statement that takes this back."""
    refuse, again = {
        "sqlite": (
            f"CREATE TRIGGER refused BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END",
            "DROP TRIGGER refused",
        ),
        "postgresql": (
            f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK (false) NOT VALID",
            f"ALTER TABLE {table} DROP CONSTRAINT refused",
        ),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(refuse)
    return again


@pytest.mark.django_db
def test_a_damaged_segment_is_read_up_to_the_damage_and_named(now: datetime) -> None:
    land(now, failure(1))
    land(now, failure(2))
    (segment,) = landing.segments(settings.AMENDS.var / "landing")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-3] + b"\xff" + whole[-2:])
    os.utime(segment, (0, 0))
    steps.absorb(now)

    assert SignalRow.objects.get().event_id == "e1"
    assert queries.damaged_segments(now) == {segment.name: len(whole) // 2}
