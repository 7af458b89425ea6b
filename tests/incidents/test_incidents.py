"""Outages told late, twice, out of order or without an end become one incident, and everyone it touched a failure."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.incidents.conftest import START, Tell, served, turn

import amends.failures.queries
import amends.incidents.steps
from amends.failures.records import Evidence, Failure
from amends.incidents import queries
from amends.incidents.records import Incident, IncidentState
from amends.signals.models import PlaybackRow, ViewingRow

END = START + timedelta(minutes=95)
PLACE = {"component": "live-tv", "area": "east"}


def the_incident() -> Incident:
    (found,) = queries.recent(10)
    return found


def failures() -> dict[str, Failure]:
    return {failure.customer_id: failure for failure in amends.failures.queries.recent(100)}


def tried(customer_id: str, minutes: float, **facts: bool) -> None:
    """A play session of this customer, so many minutes into the outage."""
    at = START + timedelta(minutes=minutes)
    ViewingRow.objects.create(
        session_id=f"s-{customer_id}-{minutes}",
        customer_id=customer_id,
        started_at=at,
        last_seen_at=at + timedelta(seconds=30),
        first_report_at=at,
        changed_at=at,
        hashed=hash((customer_id, minutes)),
        closed=True,
        stale=False,
        facts=facts,
    )


def test_everyone_served_lives_through_it_and_nobody_else(tell: Tell) -> None:
    tell("customer.served", *served(["ada", "ben"]), *served(["cem"], area="west"), *served(["dora"], area=None))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)

    assert sorted(failures()) == ["ada", "ben", "dora"]
    assert (the_incident().state, the_incident().touched) == (IncidentState.SETTLED, 3)


def test_named_customers_are_those_it_touched(tell: Tell) -> None:
    tell("customer.served", *served(["ada", "ben"], customer_class="business"))
    tell("outage.started", at=START, customers=["ben", "zoe"], **PLACE)
    tell("outage.ended", at=END, customers=["ben", "yve"], **PLACE)

    found = failures()
    assert sorted(found) == ["ben", "yve", "zoe"]
    assert (found["ben"].facts["domestic"], "domestic" in found["zoe"].facts) == (False, False)


def test_who_had_moved_away_or_not_yet_in_was_not_touched(tell: Tell) -> None:
    gone = {"ended_at": "2026-01-01T00:00:00Z"}
    came = {"started_at": datetime.now(UTC).isoformat()}
    tell("customer.served", *served(["ada"]), *served(["gone"], **gone), *served(["came"], **came))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)

    assert list(failures()) == ["ada"]


def test_the_later_word_on_who_is_served_counts(tell: Tell) -> None:
    tell("customer.served", *served(["ada"], customer_class="business"), at=START)
    tell("customer.served", *served(["ada"], customer_class="home"), at=START - timedelta(days=1))
    tell("outage.started", at=START, customers=["ada"], **PLACE)
    tell("outage.ended", at=END, **PLACE)

    assert failures()["ada"].facts["domestic"] is False


def test_of_whom_we_saw_trying_we_are_sure(tell: Tell) -> None:
    tell("customer.served", *served(["ada", "ben", "cem"]))
    tried("ada", 5, failed_start=True)
    tried("ada", 9, failed_start=True)
    tried("cem", -30, failed_start=True)  # before it began: says nothing of the outage
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)

    found = failures()
    assert (found["ada"].evidence, found["ada"].facts["tries"]) == (Evidence.OBSERVED, 2)
    assert {found[name].evidence for name in ("ben", "cem")} == {Evidence.CORROBORATED}
    assert (the_incident().observed, the_incident().corroborated) == (1, 2)


def test_a_session_is_its_owners(tell: Tell) -> None:
    tell("customer.served", *served(["ada", "ben"]))
    tried("", 5, failed_start=True)
    PlaybackRow.objects.create(session_id="s--5", customer_id="ben", changed_at=START)
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)

    assert failures()["ben"].evidence is Evidence.OBSERVED


def test_who_watched_all_through_was_not_touched(tell: Tell) -> None:
    tell("customer.served", *served(["ada", "ben"]))
    tried("ben", -5)
    ViewingRow.objects.update(last_seen_at=END + timedelta(minutes=1))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)

    assert list(failures()) == ["ada"]
    assert the_incident().undisturbed == 1


def test_what_another_system_told_already_is_the_same_failure(tell: Tell) -> None:
    meter: dict[str, Any] = {"promise": "outage", "subject": "meter-7", "started_at": START.isoformat()}
    tell("customer.served", *served(["ada", "ben"]))
    tell("failure.observed", customer_id="ada", ended_at=END.isoformat(), **meter)
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)

    found = amends.failures.queries.recent(10)
    assert sorted((f.customer_id, f.subject) for f in found) == [
        ("ada", "meter-7"),
        ("ben", the_incident().incident_id),
    ]
    assert {f.incident for f in found} == {the_incident().incident_id}
    assert the_incident().observed == 1


def test_a_failure_of_another_kind_says_nothing_of_the_outage(tell: Tell) -> None:
    late = {"promise": "parcel-in-time", "subject": "p1", "started_at": START.isoformat(), "ended_at": END.isoformat()}
    tell("customer.served", *served(["ada"]))
    tell("failure.observed", customer_id="ada", **late)
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)

    by_promise = {f.promise: f for f in amends.failures.queries.recent(10)}
    assert by_promise["outage"].evidence is Evidence.CORROBORATED
    assert by_promise["parcel-in-time"].incident == ""


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_order_it_is_told_it_ends_the_same(tell: Tell, seed: int) -> None:
    told = [("outage.started", START), ("outage.started", START + timedelta(minutes=1)), ("outage.ended", END)]
    told += [("outage.ended", END + timedelta(minutes=2))]
    tell("customer.served", *served(["ada", "ben"]))
    for type_, at in random.Random(seed).sample(told, len(told)):
        tell(type_, at=at, **PLACE)

    incident = the_incident()
    assert (incident.started_at, incident.ended_at) == (START, END + timedelta(minutes=2))
    assert {f.facts["off_s"] for f in failures().values()} == {97 * 60}
    assert len(amends.failures.queries.recent(10)) == 2


def test_looking_again_changes_nothing(tell: Tell) -> None:
    tell("customer.served", *served(["ada"]))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)
    before = (amends.failures.queries.ripe(datetime.now(UTC) + timedelta(days=1), 10), the_incident())
    turn()

    now = datetime.now(UTC) + timedelta(days=1)
    assert (amends.failures.queries.ripe(now, 10), the_incident()) == before


def test_without_an_end_it_stays_open_and_nobody_is_guessed_at(tell: Tell) -> None:
    tell("customer.served", *served(["ada"]))
    tell("outage.started", at=START, **PLACE)

    assert the_incident().state is IncidentState.OPEN
    assert failures() == {}


def test_an_end_before_its_start_waits_where_a_person_sees_it(tell: Tell) -> None:
    tell("outage.ended", at=START - timedelta(hours=1), **PLACE)
    tell("outage.started", at=START, **PLACE)

    assert the_incident().state is IncidentState.OPEN
    ((component, area, telling),) = queries.unfit(10)
    assert (component, area, telling.began) == ("live-tv", "east", False)


def test_an_outage_of_no_length_touches_nobody(tell: Tell) -> None:
    tell("customer.served", *served(["ada"]))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=START, **PLACE)

    assert failures() == {}
    assert "nobody lived through it" in the_incident().doubt


def test_out_again_after_it_was_settled_it_lasts_longer_and_is_one_failure(tell: Tell) -> None:
    tell("customer.served", *served(["ada"]))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)
    tell("outage.started", at=END + timedelta(minutes=5), **PLACE)
    tell("outage.ended", at=END + timedelta(minutes=30), **PLACE)

    assert [f.facts["off_s"] for f in amends.failures.queries.recent(10)] == [125 * 60]


def test_two_outages_that_prove_to_be_one_leave_one_failure(tell: Tell) -> None:
    tell("customer.served", *served(["ada"]))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=START + timedelta(minutes=10), **PLACE)
    tell("outage.started", at=END - timedelta(minutes=5), **PLACE)
    tell("outage.ended", at=END, **PLACE)
    assert len(amends.failures.queries.recent(10)) == 2
    tell("outage.started", at=START + timedelta(minutes=15), **PLACE)

    assert sorted(incident.state for incident in queries.recent(10)) == [IncidentState.MERGED, IncidentState.SETTLED]
    assert [f.facts["off_s"] for f in amends.failures.queries.recent(10)] == [95 * 60]


def test_whom_we_learn_of_late_is_made_right_too(tell: Tell) -> None:
    tell("customer.served", *served(["ada"]))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, **PLACE)
    tell("customer.served", *served(["ben"]))

    assert sorted(failures()) == ["ada", "ben"]


def test_late_signals_have_their_time_before_anybody_is_judged(tell: Tell) -> None:
    tell("customer.served", *served(["ada"]))
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=END, settle=False, **PLACE)

    assert amends.incidents.steps.settle(datetime.now(UTC)) == 0
    assert queries.unsettled() == 1
    tried("ada", 7, failed_start=True)
    turn()
    assert failures()["ada"].evidence is Evidence.OBSERVED


def test_the_promise_is_the_one_the_signal_names(tell: Tell) -> None:
    tell("outage.started", at=START, customers=["ada"], promise="power-stays-on", **PLACE)
    tell("outage.ended", at=END, **PLACE)

    assert failures()["ada"].promise == "power-stays-on"


def test_ten_times_the_people_take_as_many_queries(tell: Tell) -> None:
    tell("customer.served", *served([f"c{n:05d}" for n in range(4000)]))
    counted = []
    for people in (400, 4000):
        names = [f"c{n:05d}" for n in range(people)]
        area = f"named-{people}"
        tell("outage.started", at=START, customers=names, component="live-tv", area=area, settle=False)
        tell("outage.ended", at=END, component="live-tv", area=area, settle=False)
        with CaptureQueriesContext(connection) as asked:
            turn()
        counted.append(len([q for q in asked if q["sql"].lstrip().upper().startswith(("SELECT", "UPDATE"))]))

    assert len(amends.failures.queries.recent(9000)) == 4400
    assert counted[1] <= counted[0] + 8, counted
