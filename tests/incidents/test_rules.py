from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.failures.records import Evidence, Severity
from amends.ground.money import Money
from amends.incidents import rules
from amends.incidents.records import Incident, IncidentState, Service, Telling, Trace
from amends.signals.records import Viewing

EIGHT = datetime(2026, 11, 23, 20, tzinfo=UTC)
INCIDENT = Incident(
    "inc_1",
    *("live-tv", "east", "outage", "a disk", ""),
    started_at=EIGHT,
    ended_at=EIGHT + timedelta(minutes=95),
    state=IncidentState.RESOLVED,
)


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


def told(began: bool, minutes: float, sequence: int = 0, **more: Any) -> Telling:
    return Telling(sequence or int(minutes) + 1000, began, at(minutes), at(minutes), **more)


def spans(*tellings: Telling) -> list[tuple[datetime, datetime | None]]:
    return [(period.started_at, period.ended_at) for period in rules.periods(tellings)[0]]


def watched(since: float, until: float, stalls: tuple[tuple[float, float], ...] = (), **facts: bool) -> Viewing:
    waits = tuple({"kind": "stall", "from_s": begin, "to_s": end} for begin, end in stalls)
    return Viewing("s", at(since), at(until), True, None, 0, facts, waits, "ada", "", None, at(until))


def test_a_start_and_an_end_are_one_outage() -> None:
    assert spans(told(True, 0), told(False, 95)) == [(at(0), at(95))]


def test_without_an_end_it_lasts() -> None:
    assert spans(told(True, 0)) == [(at(0), None)]


def test_an_end_without_a_start_waits_for_it() -> None:
    end = told(False, 95)

    assert rules.periods([end]) == ([], [end])


def test_an_end_before_every_start_fits_nothing_and_is_kept() -> None:
    found, unfit = rules.periods([told(True, 0), told(False, -5)])

    assert [period.ended_at for period in found] == [None]
    assert [telling.at for telling in unfit] == [at(-5)]


def test_told_twice_it_is_one_outage_from_the_first_start_to_the_later_end() -> None:
    assert spans(told(True, 1), told(True, 0), told(False, 95), told(False, 97)) == [(at(0), at(97))]


def test_an_end_told_much_later_does_not_stretch_it_but_is_shown_to_a_person() -> None:
    (period,) = rules.periods([told(True, 0), told(False, 95), told(False, 4000)])[0]

    assert period.ended_at == at(95)
    assert period.also_ended_at == (at(4000),)


def test_back_for_a_few_minutes_is_still_the_same_outage() -> None:
    assert spans(told(True, 0), told(False, 30), told(True, 35), told(False, 60)) == [(at(0), at(60))]


def test_out_again_an_hour_later_is_another_outage() -> None:
    assert len(spans(told(True, 0), told(False, 30), told(True, 90), told(False, 100))) == 2


@given(st.lists(st.tuples(st.booleans(), st.integers(-600, 600)), max_size=12), st.randoms())
def test_the_order_in_which_it_is_told_makes_no_difference(facts: list[tuple[bool, int]], chance: Any) -> None:
    tellings = [told(began, minutes, sequence) for sequence, (began, minutes) in enumerate(facts, 1)]
    shuffled = chance.sample(tellings, len(tellings))

    assert rules.periods(shuffled) == rules.periods(tellings)


@given(st.lists(st.tuples(st.booleans(), st.integers(-600, 600)), max_size=12))
def test_nothing_told_is_lost_and_no_length_is_negative(facts: list[tuple[bool, int]]) -> None:
    tellings = [told(began, minutes, sequence) for sequence, (began, minutes) in enumerate(facts, 1)]
    found, unfit = rules.periods(tellings)

    kept = [told.sequence for period in found for told in period.tellings] + [told.sequence for told in unfit]
    assert sorted(kept) == [told.sequence for told in tellings]
    assert all(period.ended_at is None or period.ended_at >= period.started_at for period in found)


def test_a_start_told_later_does_not_move_the_id() -> None:
    (first,), _ = rules.periods([told(True, 5, 1)])
    (both,), _ = rules.periods([told(True, 5, 1), told(True, 0, 2)])

    assert both.started_at < first.started_at
    assert rules.incident_id("live-tv", "east", both) == rules.incident_id("live-tv", "east", first)


def test_a_cause_told_last_counts_and_silence_does_not_unsay_it() -> None:
    (period,), _ = rules.periods([told(True, 0, 1, cause="a disk"), told(False, 9, 2)])

    assert rules.told_last(period, "cause") == "a disk"


@pytest.mark.parametrize(
    ("viewing", "tries"),
    [
        (watched(10, 11, failed_start=True), 1),
        (watched(10, 12, exited_before_start=True), 1),
        (watched(-20, 3, playback_failed=True), 1),
        (watched(-20, 200, ((1260.0, 1300.0),)), 1),
        (watched(-20, 200, ((60.0, 90.0),)), 0),  # it stood still before the outage
        (watched(-20, -1, playback_failed=True), 0),  # it broke before the outage
        (watched(10, 40), 0),
    ],
)
def test_who_was_trying_is_seen(viewing: Viewing, tries: int) -> None:
    assert rules.trace_of([viewing], at(0), at(95)).tries == tries


def test_only_who_watched_all_through_was_undisturbed() -> None:
    through, part, broken = watched(-5, 100), watched(10, 100), watched(20, 21, failed_start=True)

    assert rules.trace_of([through], at(0), at(95)).undisturbed
    assert not rules.trace_of([part], at(0), at(95)).undisturbed
    assert not rules.trace_of([through, broken], at(0), at(95)).undisturbed


def test_we_are_sure_of_whom_we_saw_and_say_so_of_the_others() -> None:
    seen = rules.failure_of(INCIDENT, Service("ada"), Trace(2, 31.5, at(3), at(20)))
    unseen = rules.failure_of(INCIDENT, Service("ben"), Trace())

    assert (seen.evidence, seen.facts["tries"]) == (Evidence.OBSERVED, 2)
    assert (unseen.evidence, unseen.facts["tries"]) == (Evidence.CORROBORATED, 0)
    assert seen.facts["off_s"] == unseen.facts["off_s"] == 95 * 60


def test_where_nobody_can_look_nothing_is_said_of_tries() -> None:
    assert "tries" not in rules.failure_of(INCIDENT, Service("ben"), Trace(), looked=False).facts
    assert "tries" not in rules.failure_of(INCIDENT, Service("ben"), Trace(seen=True)).facts


def test_class_price_and_weather_reach_the_policy() -> None:
    storm = replace(INCIDENT, weather="category2", touched=40_000)
    failure = rules.failure_of(storm, Service("shop-1", "business", Money(4200, "GBP"), "acc-1"), Trace())

    assert (failure.facts["domestic"], failure.facts["weather"]) == (False, "category2")
    assert failure.facts["affected_customers"] == 40_000
    assert (failure.price, failure.controllable) == (Money(4200, "GBP"), False)


def test_an_outage_without_an_end_has_no_length_yet() -> None:
    with pytest.raises(ValueError, match="no end"):
        rules.failure_of(replace(INCIDENT, ended_at=None), Service("ada"), Trace())


@pytest.mark.parametrize(
    ("off_s", "severity"),
    [(3599, Severity.MINOR), (3600, Severity.MAJOR), (43_199, Severity.MAJOR), (43_200, Severity.SEVERE)],
)
def test_longer_is_worse(off_s: float, severity: Severity) -> None:
    assert rules.severity(off_s) is severity


def test_play_sessions_speak_only_of_what_playing_needs() -> None:
    assert rules.is_played_through("cdn-east", "live-tv cdn-*")
    assert not rules.is_played_through("billing", "live-tv cdn-*")
