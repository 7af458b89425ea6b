"""Promises of repair: due when promised, moved only by pauses that show, kept only by a repair that lasts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.promises.calendars import WorkCalendar
from amends.promises.repairs import (
    Due,
    Kind,
    Move,
    Pause,
    RepairPromise,
    RepairVersion,
    Row,
    Standing,
    Turn,
    UnknownCalendar,
    Within,
    better,
    paused,
    promised,
    verdict,
)

VIENNA = ZoneInfo("Europe/Vienna")
WORKS = WorkCalendar("works", VIENNA, dict.fromkeys(range(5), ((time(8), time(18)),)), ("AT-3",))
ROUND = WorkCalendar("round", VIENNA, dict.fromkeys(range(7), ((time(0), time(0)),)))
CALENDARS = {"works": WORKS, "round": ROUND}
ANY: frozenset[str] = frozenset()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA)


def row(
    kind: str | None, amount: float = 0, category: str = "", area: str = "", severity: str = "", calendar: str = "works"
) -> Row:
    codes = [frozenset({code}) if code else ANY for code in (category, area, severity)]
    return Row(*codes, Within(Kind(kind), amount) if kind else None, calendar, {"en": f"row for {category or 'any'}"})


PROMISE = RepairPromise(
    "mended",
    {"en": "What you report is mended in time."},
    "works",
    True,
    (
        RepairVersion(date(2026, 1, 1), (row("working_days", 5, "lamp"), row("days", 30)), 14),
        RepairVersion(
            date(2026, 11, 1),
            (
                row("hours", 4, "lamp", severity="severe", calendar="round"),
                row("working_hours", 10, "lamp", area="centre"),
                row("working_days", 3, "lamp"),
                row("days", 2, "pothole"),
                row(None, category="idea"),
            ),
            14,
        ),
    ),
)


def due(received: str, category: str = "lamp", area: str = "north", severity: str = "minor") -> Due:
    found = maybe(received, category, area, severity)
    assert found is not None
    return found


def maybe(received: str, category: str = "lamp", area: str = "north", severity: str = "minor") -> Due | None:
    kind = {"category": category, "area": area, "severity": severity}
    return promised(PROMISE, received_at=at(received), calendars=CALENDARS, **kind)


@pytest.mark.parametrize(
    ("received", "due_at"),
    [
        ("2026-11-20T17:59", "2026-11-25T18:00"),  # Friday before closing: Monday, Tuesday, Wednesday
        ("2026-11-20T18:01", "2026-11-26T18:00"),  # after closing it counts as come on Monday
        ("2026-11-21T12:00", "2026-11-26T18:00"),  # Saturday
        ("2026-12-04T12:00", "2026-12-10T18:00"),  # the 8th is a holiday
        ("2026-12-08T12:00", "2026-12-14T18:00"),  # on the holiday itself
        ("2026-12-31T12:00", "2027-01-07T18:00"),  # New Year, a weekend, Epiphany
        ("2026-12-31T23:59", "2027-01-08T18:00"),
    ],
)
def test_a_lamp_is_promised_for_the_third_working_day(received: str, due_at: str) -> None:
    assert due(received).due_at == at(due_at)
    assert due(received).due_on == at(due_at).date()


@pytest.mark.parametrize(
    ("received", "due_at"),
    [
        ("2026-03-28T12:00", "2026-03-28T16:00"),
        ("2026-03-29T01:00", "2026-03-29T06:00"),  # the clocks skip an hour: 4 hours are 4 hours
        ("2026-10-25T01:00", "2026-10-25T04:00"),  # and repeat one
    ],
)
def test_four_hours_are_four_hours_on_the_days_when_clocks_change(received: str, due_at: str) -> None:
    severe = PROMISE.versions[1].rows[0]
    always = RepairPromise("fast", {}, "works", True, (RepairVersion(date(2026, 1, 1), (severe,), 0),))

    found = promised(always, category="lamp", area="", severity="severe", received_at=at(received), calendars=CALENDARS)
    assert found is not None
    assert found.due_at == at(due_at)


def test_days_end_with_the_day_also_when_clocks_change() -> None:
    spring = [row("days", 2)]
    always = RepairPromise("days", {}, "works", True, (RepairVersion(date(2026, 1, 1), tuple(spring), 0),))

    for received, due_on in (("2026-03-27T23:30", "2026-03-29"), ("2026-10-24T00:10", "2026-10-26")):
        moment = at(received)
        found = promised(always, category="", area="", severity="", received_at=moment, calendars=CALENDARS)
        assert found is not None
        assert found.due_at == at(f"{due_on}T23:59:59")
        assert str(found.due_on) == due_on


def test_the_first_row_that_holds_counts_and_says_why() -> None:
    assert due("2026-11-24T09:00", severity="severe").due_at == at("2026-11-24T13:00")
    assert due("2026-11-24T09:00", area="centre").due_at == at("2026-11-25T09:00")
    assert due("2026-11-24T09:00", "pothole").row == 4
    assert due("2026-11-24T09:00", "pothole").words == {"en": "row for pothole"}


def test_what_has_no_target_says_so() -> None:
    assert maybe("2026-11-24T09:00", "idea") is None
    assert maybe("2026-11-24T09:00", "something new") is None
    assert maybe("2025-12-31T09:00") is None


def test_the_day_of_a_report_decides_the_version_by_the_clocks_of_the_place() -> None:
    assert due("2026-10-31T23:59").since == date(2026, 1, 1)
    assert due("2026-11-01T00:00").since == date(2026, 11, 1)


def test_a_calendar_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownCalendar, match="calendar works: add"):
        promised(PROMISE, category="lamp", area="", severity="", received_at=at("2026-11-24T09:00"), calendars={})


def test_midnight_is_told_as_the_day_that_ends_with_it() -> None:
    always = RepairPromise(
        "p", {}, "works", True, (RepairVersion(date(2026, 1, 1), (row("working_days", 1, calendar="round"),), 0),)
    )

    found = promised(always, category="", area="", severity="", received_at=at("2026-11-24T09:00"), calendars=CALENDARS)
    assert found is not None
    assert (found.due_at, found.due_on) == (at("2026-11-26T00:00"), date(2026, 11, 25))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.sampled_from(["lamp", "pothole"]))
def test_a_due_time_survives_json(moment: datetime, category: str) -> None:
    received = moment.replace(tzinfo=VIENNA)
    found = promised(PROMISE, category=category, area="", severity="", received_at=received, calendars=CALENDARS)

    assert found is None or Due.of(json.loads(json.dumps(found.plain()))) == found


# What changes afterwards.


def test_a_changed_category_keeps_the_earlier_promise() -> None:
    lamp = due("2026-11-23T09:00")
    slower = maybe("2026-11-26T09:00", "pothole")

    assert better(lamp, slower) is lamp


def test_a_changed_category_with_a_better_promise_takes_it() -> None:
    lamp, sooner = due("2026-11-20T18:01"), due("2026-11-21T09:00", "pothole")

    assert better(lamp, sooner) is sooner


def test_a_category_without_target_takes_no_promise_away() -> None:
    lamp = due("2026-11-23T09:00")

    assert better(lamp, maybe("2026-11-23T12:00", "idea")) is lamp
    assert better(None, lamp) is lamp
    assert better(None, None) is None


def test_a_raised_severity_counts_from_then_and_only_if_it_is_better() -> None:
    lamp = due("2026-11-23T09:00")  # by Thursday at six
    early, late = (due(received, severity="severe") for received in ("2026-11-24T09:00", "2026-11-26T17:00"))

    assert better(lamp, early) is early
    assert better(lamp, late) is lamp


def test_a_policy_that_changes_later_moves_no_old_promise() -> None:
    former = due("2026-10-30T09:00")
    again = due("2026-11-06T09:00")

    assert former.since == date(2026, 1, 1)
    assert former.due_at == at("2026-11-06T18:00")
    assert better(former, again) is former


def test_a_duplicate_inherits_the_earlier_promise() -> None:
    first, second = due("2026-11-23T09:00"), due("2026-11-24T19:00")

    assert better(second, first) is first


# Pauses.


def pause(start: str, end: str | None, why: str = "waiting for the resident") -> Pause:
    return Pause(at(start), at(end) if end else None, why)


@pytest.mark.parametrize(
    ("pauses", "due_at", "cost_h"),
    [
        ([], "2026-11-26T18:00", 0),
        ([("2026-11-24T10:00", "2026-11-24T12:00")], "2026-11-27T10:00", 2),
        ([("2026-11-24T10:00", "2026-11-25T10:00")], "2026-11-27T18:00", 10),
        ([("2026-11-24T18:00", "2026-11-25T08:00")], "2026-11-26T18:00", 0),  # while nobody is there anyway
        ([("2026-11-24T10:00", "2026-11-24T12:00"), ("2026-11-24T11:00", "2026-11-24T13:00")], "2026-11-27T11:00", 3),
        ([("2026-11-24T11:00", "2026-11-24T13:00"), ("2026-11-24T10:00", "2026-11-24T14:00")], "2026-11-27T12:00", 4),
        ([("2026-11-26T18:00", "2026-11-30T12:00")], "2026-11-26T18:00", 0),  # too late to pause
        ([("2026-11-20T08:00", "2026-11-23T10:00")], "2026-11-27T09:00", 1),  # counts from the report on
    ],
)
def test_working_time_stands_still_while_we_wait(pauses: list[tuple[str, str]], due_at: str, cost_h: int) -> None:
    found = paused(due("2026-11-23T09:00"), [pause(*one) for one in pauses], WORKS)

    assert found.due_at == at(due_at)
    assert found.promised_at == at("2026-11-26T18:00")
    assert found.paused_s == cost_h * 3600


def test_a_pause_that_lasts_still_counts_until_now() -> None:
    waiting = [pause("2026-11-24T10:00", None, "weather")]

    assert paused(due("2026-11-23T09:00"), waiting, WORKS, at("2026-11-24T13:00")).due_at == at("2026-11-27T11:00")
    with pytest.raises(ValueError, match="present moment"):
        paused(due("2026-11-23T09:00"), waiting, WORKS)


def test_days_and_hours_move_by_the_whole_pause() -> None:
    night = [pause("2026-11-24T20:00", "2026-11-25T20:00")]

    assert paused(due("2026-11-23T09:00", "pothole"), night, WORKS).due_at == at("2026-11-26T23:59:59")
    waited = paused(due("2026-11-24T19:00", severity="severe"), night, ROUND)
    assert waited.due_at == at("2026-11-25T23:00")


def test_three_days_of_pause_are_three_days_when_clocks_change() -> None:
    kept = RepairPromise("p", {}, "works", True, (RepairVersion(date(2026, 1, 1), (row("days", 2),), 0),))
    found = promised(kept, category="", area="", severity="", received_at=at("2026-10-22T09:00"), calendars=CALENDARS)
    assert found is not None

    again = Due.of(found.plain())
    for due_record in (found, again):
        waited = paused(due_record, [pause("2026-10-23T09:00", "2026-10-26T09:00")], WORKS)
        assert waited.due_at == at("2026-10-27T23:59:59")


def test_hours_of_pause_are_hours_when_clocks_change() -> None:
    promise = due("2026-11-24T09:00", severity="severe")
    night = replace(promise, begins_at=at("2026-10-25T00:30"), promised_at=at("2026-10-25T04:30"))

    waited = paused(night, [pause("2026-10-25T01:00", "2026-10-25T04:00")], ROUND)  # four hours, by the clocks three
    assert waited.paused_s == 4 * 3600
    assert waited.due_at == at("2026-10-25T08:30")


def test_lateness_is_told_in_hours_as_they_pass() -> None:
    night = replace(LAMP, due_at=at("2026-10-25T01:30"))

    assert judged(("2026-10-25T03:30", Turn.MENDED), promise=night) == (Standing.LATE, 3)


STRETCHES = st.lists(st.tuples(st.integers(-500, 9000), st.integers(0, 3000)), max_size=6)
KINDS = st.sampled_from([("lamp", "north", "minor"), ("lamp", "centre", "minor"), ("lamp", "", "severe"), ("pothole",)])


def stretches(drawn: list[tuple[int, int]]) -> list[Pause]:
    begin = at("2026-11-23T09:00")
    minute = timedelta(minutes=1)
    return [Pause(begin + start * minute, begin + (start + length) * minute, "weather") for start, length in drawn]


@given(KINDS, STRETCHES, st.randoms())
def test_pauses_only_move_it_later_whatever_their_order_and_however_often_asked(kind, drawn, chance) -> None:  # type: ignore[no-untyped-def]
    promise, pauses = due("2026-11-23T09:00", *kind), stretches(drawn)
    calendar = CALENDARS[promise.calendar]
    once = paused(promise, pauses, calendar)
    chance.shuffle(pauses)

    assert once.due_at >= promise.due_at
    assert paused(once, pauses + pauses, calendar) == once


@given(KINDS, STRETCHES, st.tuples(st.integers(0, 9000), st.integers(0, 3000)))
def test_one_pause_more_never_makes_it_earlier(
    kind: tuple[str, ...], drawn: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    promise = due("2026-11-23T09:00", *kind)
    calendar = CALENDARS[promise.calendar]
    without, with_it = (paused(promise, stretches(some), calendar) for some in (drawn, [*drawn, more]))

    assert with_it.due_at >= without.due_at


# Kept or not.

LAMP = due("2026-11-23T09:00")  # by Thursday 26 November at six
LATER = at("2027-01-31T12:00")


def judged(*moves: tuple[str, Turn], now: datetime = LATER, promise: Due | None = LAMP) -> tuple[Standing, float]:
    found = verdict(promise, [Move(at(moment), turn) for moment, turn in moves], now)
    return found.standing, found.late_s / 3600


def test_mended_in_time_is_kept_to_the_second() -> None:
    assert judged(("2026-11-26T18:00:00", Turn.MENDED)) == (Standing.KEPT, 0)
    assert judged(("2026-11-26T18:00:01", Turn.MENDED)) == (Standing.LATE, 1 / 3600)


def test_what_is_not_mended_is_open_and_then_late() -> None:
    assert judged(now=at("2026-11-26T18:00")) == (Standing.OPEN, 0)
    assert judged(now=at("2026-11-27T18:00")) == (Standing.LATE, 24)


def test_without_target_nothing_is_kept_or_broken() -> None:
    found = verdict(None, [Move(at("2026-11-27T10:00"), Turn.MENDED)], LATER)

    assert (found.standing, found.broken) == (Standing.WITHOUT_TARGET, False)
    assert found.mended_at == at("2026-11-27T10:00")


def test_closed_without_repair_is_never_kept() -> None:
    assert judged(("2026-11-24T10:00", Turn.CLOSED_WITHOUT_REPAIR)) == (Standing.CLOSED_WITHOUT_REPAIR, 0)
    late = judged(("2026-11-27T18:00", Turn.CLOSED_WITHOUT_REPAIR), ("2026-11-30T10:00", Turn.CLOSED_WITHOUT_REPAIR))
    assert late == (Standing.CLOSED_WITHOUT_REPAIR, 24)


def test_a_repair_taken_back_by_closing_without_one_was_none() -> None:
    moves = (("2026-11-25T10:00", Turn.MENDED), ("2026-11-26T10:00", Turn.CLOSED_WITHOUT_REPAIR))

    assert judged(*moves) == (Standing.CLOSED_WITHOUT_REPAIR, 0)


def test_reopened_within_its_days_a_repair_keeps_nothing() -> None:
    reopened = (("2026-11-25T10:00", Turn.MENDED), ("2026-12-09T10:00", Turn.REOPENED))

    assert judged(*reopened, now=at("2026-12-10T18:00")) == (Standing.REOPENED, 14 * 24)
    assert judged(*reopened, ("2026-12-11T18:00", Turn.MENDED)) == (Standing.REOPENED, 15 * 24)


def test_reopened_and_mended_again_in_time_is_kept() -> None:
    again = (("2026-11-24T10:00", Turn.MENDED), ("2026-11-24T20:00", Turn.REOPENED))

    assert judged(*again, now=at("2026-11-25T09:00")) == (Standing.OPEN, 0)
    assert judged(*again, ("2026-11-26T10:00", Turn.MENDED)) == (Standing.KEPT, 0)


def test_reopened_long_after_is_a_new_matter() -> None:
    moves = (("2026-11-25T10:00", Turn.MENDED), ("2026-12-09T10:01", Turn.REOPENED))

    assert judged(*moves) == (Standing.KEPT, 0)


def test_late_stays_late_when_it_is_reopened() -> None:
    moves = (("2026-11-27T18:00", Turn.MENDED), ("2026-11-28T10:00", Turn.REOPENED))

    assert judged(*moves, now=at("2026-11-28T18:00")) == (Standing.LATE, 48)


def test_the_time_with_its_pauses_is_what_counts() -> None:
    waited = paused(LAMP, [pause("2026-11-24T10:00", "2026-11-25T10:00")], WORKS)

    assert judged(("2026-11-27T17:00", Turn.MENDED), promise=waited) == (Standing.KEPT, 0)


TURNS = st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from(list(Turn))), max_size=7, unique_by=lambda t: t[0])


@given(TURNS, st.integers(0, 30_000))
def test_kept_always_stands_on_a_repair_in_time(drawn: list[tuple[int, Turn]], minute: int) -> None:
    begin = at("2026-11-23T09:00")
    moves = [Move(begin + timedelta(minutes=at_minute), turn) for at_minute, turn in drawn if at_minute <= minute]
    found = verdict(LAMP, moves, begin + timedelta(minutes=minute))

    if found.standing is Standing.KEPT:
        assert found.mended_at is not None
        assert found.mended_at <= LAMP.due_at
    assert found.broken == (found.standing in (Standing.LATE, Standing.CLOSED_WITHOUT_REPAIR, Standing.REOPENED))
    assert (found.standing is not Standing.LATE) or found.late_s > 0
