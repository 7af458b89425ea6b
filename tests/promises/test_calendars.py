"""Working time: shifts, holidays, midnight, and the two nights on which clocks jump."""

from __future__ import annotations

import time as clock
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.ground.marked import Mistake
from amends.promises.calendars import NeverOpen, WorkCalendar, read, read_all
from amends.promises.hours import from_us, to_us

VIENNA = ZoneInfo("Europe/Vienna")
DAY, NIGHT, ALWAYS = (time(8), time(18)), (time(22), time(6)), (time(0), time(0))
OFFICE = WorkCalendar("office", VIENNA, dict.fromkeys(range(5), (DAY,)), holidays=("AT-3",))
NIGHTS = WorkCalendar("nights", VIENNA, dict.fromkeys(range(7), (NIGHT,)))
ROUND = WorkCalendar("round", VIENNA, dict.fromkeys(range(7), (ALWAYS,)))
SPLIT = WorkCalendar("split", VIENNA, {day: ((time(8), time(12)), (time(13), time(17))) for day in range(5)})
HOUR = timedelta(hours=1)


def at(text: str, zone: ZoneInfo = VIENNA) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        ("2026-11-20T17:59", 1, "2026-11-23T18:00"),  # Friday before closing
        ("2026-11-20T18:00", 1, "2026-11-24T18:00"),  # closing time is closed
        ("2026-11-20T18:01", 1, "2026-11-24T18:00"),
        ("2026-11-21T10:00", 1, "2026-11-24T18:00"),  # Saturday counts as come on Monday
        ("2026-11-23T06:00", 0, "2026-11-23T18:00"),
        ("2026-12-07T10:00", 1, "2026-12-09T18:00"),  # the 8th is a holiday in Austria
        ("2026-12-31T10:00", 1, "2027-01-04T18:00"),  # New Year's Day is a Friday
        ("2026-12-31T19:00", 2, "2027-01-07T18:00"),  # Monday is the first; Epiphany is a Wednesday
    ],
)
def test_working_days_end_at_closing_time(received: str, days: int, due: str) -> None:
    assert OFFICE.add_working_days(at(received), days) == at(due)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-20T17:30", 1, "2026-11-23T08:30"),
        ("2026-11-20T17:00", 1, "2026-11-20T18:00"),  # closing time rather than the next opening
        ("2026-11-21T10:00", 10, "2026-11-23T18:00"),
        ("2026-12-07T17:00", 2, "2026-12-09T09:00"),
        ("2026-11-20T09:00", 0, "2026-11-20T09:00"),
        ("2026-11-21T09:00", 0, "2026-11-21T09:00"),  # nothing to do is done at once, also on a Saturday
    ],
)
def test_working_hours_pass_only_while_somebody_is_there(start: str, hours: int, end: str) -> None:
    assert OFFICE.add_working(at(start), hours * HOUR) == at(end)


def test_a_night_shift_is_shorter_in_spring_and_longer_in_autumn() -> None:
    spring = NIGHTS.work_between(at("2026-03-28T20:00"), at("2026-03-29T12:00"))
    autumn = NIGHTS.work_between(at("2026-10-24T20:00"), at("2026-10-25T12:00"))

    assert (spring, autumn) == (7 * HOUR, 9 * HOUR)


def test_a_day_of_a_round_the_clock_crew_has_as_many_hours_as_it_has() -> None:
    days = {"2026-03-29": 23, "2026-10-25": 25, "2026-10-26": 24}

    for day, hours in days.items():
        start = at(f"{day}T00:00")
        assert ROUND.work_between(start, start + timedelta(days=1)) == hours * HOUR


def test_hours_pass_as_they_pass_and_days_by_the_clocks() -> None:
    spring, autumn = at("2026-03-28T12:00"), at("2026-10-24T12:00")

    assert ROUND.add_hours(spring, 24) == at("2026-03-29T13:00")
    assert ROUND.add_hours(autumn, 24) == at("2026-10-25T11:00")
    assert ROUND.add_days(spring, 1) == at("2026-03-29T23:59:59")
    assert ROUND.add_days(autumn, 1) == at("2026-10-25T23:59:59")


def test_a_shift_that_opens_in_the_skipped_hour_opens_when_clocks_jump() -> None:
    early = WorkCalendar("early", VIENNA, {6: ((time(2, 30), time(5)),)})

    assert early.opens_next(at("2026-03-29T00:00")) == at("2026-03-29T03:00")
    assert early.work_between(at("2026-03-29T00:00"), at("2026-03-29T12:00")) == 2 * HOUR


def test_a_shift_within_the_repeated_hour_is_worked_once_in_full() -> None:
    early = WorkCalendar("early", VIENNA, {6: ((time(2), time(2, 30)), (time(2, 30), time(3)))})

    assert early.work_between(at("2026-10-25T00:00"), at("2026-10-25T12:00")) == 2 * HOUR


def test_a_shift_that_closes_in_the_repeated_hour_closes_the_second_time() -> None:
    late = WorkCalendar("late", VIENNA, {6: ((time(0), time(2, 30)),)})

    assert late.work_between(at("2026-10-25T00:00"), at("2026-10-25T12:00")) == 3.5 * HOUR


def test_the_small_hours_belong_to_the_shift_of_the_evening_before() -> None:
    assert NIGHTS.add_working_days(at("2026-11-24T02:00"), 1) == at("2026-11-25T06:00")
    assert NIGHTS.is_open(at("2026-11-24T02:00"))
    assert not NIGHTS.is_open(at("2026-11-24T06:00"))


def test_a_break_is_no_working_time_but_the_same_day() -> None:
    assert not SPLIT.is_open(at("2026-11-24T12:30"))
    assert SPLIT.add_working(at("2026-11-24T11:30"), HOUR) == at("2026-11-24T13:30")
    assert SPLIT.add_working_days(at("2026-11-24T12:30"), 0) == at("2026-11-24T17:00")


def test_an_open_day_has_its_own_hours_whatever_else_it_is() -> None:
    holiday = date(2026, 12, 8)
    calendar = WorkCalendar("c", VIENNA, OFFICE.hours, ("AT-3",), open={holiday: ((time(9), time(11)),)})

    assert calendar.is_working_day(holiday)
    assert calendar.work_between(at("2026-12-08T00:00"), at("2026-12-09T00:00")) == 2 * HOUR


def test_one_moment_in_two_zones_is_two_days() -> None:
    boston = WorkCalendar("boston", ZoneInfo("America/New_York"), OFFICE.hours)
    moment = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)  # 18:30 in Vienna, 12:30 in Boston

    assert OFFICE.add_working_days(moment, 0) == at("2026-11-23T18:00")
    assert boston.add_working_days(moment, 0) == at("2026-11-20T18:00", ZoneInfo("America/New_York"))


def test_a_calendar_that_never_opens_says_so() -> None:
    never = WorkCalendar("never", VIENNA, {})

    with pytest.raises(NeverOpen, match="never"):
        never.add_working(at("2026-11-20T12:00"), HOUR)
    assert never.work_between(at("2026-11-20T12:00"), at("2027-11-20T12:00")) == timedelta()


def naive(calendar: WorkCalendar, start: datetime, end: datetime) -> timedelta:
    """Minute by minute: slow and plain."""
    minutes = (end - start) // timedelta(minutes=1)
    return timedelta(minutes=sum(calendar.is_open(start + n * timedelta(minutes=1)) for n in range(minutes)))


CALENDARS = st.sampled_from([OFFICE, NIGHTS, ROUND, SPLIT])
MINUTES = st.integers(0, 3 * 365 * 24 * 60)
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)


@given(CALENDARS, MINUTES, st.integers(0, 4 * 24 * 60))
def test_sums_are_what_counting_minutes_gives(calendar: WorkCalendar, minute: int, length: int) -> None:
    start = BEGIN + timedelta(minutes=minute)
    end = start + timedelta(minutes=length)

    assert calendar.work_between(start, end) == naive(calendar, start, end)


@given(CALENDARS, MINUTES, st.integers(1, 40_000))
def test_the_moment_after_work_has_that_work_before_it(calendar: WorkCalendar, minute: int, work: int) -> None:
    start, amount = BEGIN + timedelta(minutes=minute), timedelta(minutes=work)
    end = calendar.add_working(start, amount)

    assert calendar.work_between(start, end) == amount
    assert calendar.work_between(start, end - timedelta(seconds=1)) < amount


@given(CALENDARS, MINUTES, st.integers(0, 20), st.integers(0, 5000))
def test_who_reports_later_is_never_due_earlier(calendar: WorkCalendar, minute: int, days: int, later: int) -> None:
    start = BEGIN + timedelta(minutes=minute)
    due = calendar.add_working_days(start, days)

    assert start < due <= calendar.add_working_days(start + timedelta(minutes=later), days)


@given(CALENDARS, st.lists(st.tuples(MINUTES, MINUTES), min_size=1, max_size=9))
def test_columns_say_what_single_moments_say(calendar: WorkCalendar, pairs: list[tuple[int, int]]) -> None:
    moments = [[BEGIN + timedelta(minutes=minute) for minute in pair] for pair in pairs]
    starts, ends = (np.array([to_us(pair[side]) for pair in moments], np.int64) for side in (0, 1))

    together = calendar.work_columns(starts, ends)
    assert [timedelta(microseconds=int(us)) for us in together] == [calendar.work_between(*pair) for pair in moments]


def test_moments_survive_microseconds() -> None:
    moment = datetime(2026, 11, 20, 17, 30, 1, 7, tzinfo=UTC)

    assert from_us(to_us(moment)) == moment


def test_a_hundred_thousand_sums_over_years_take_less_than_a_second() -> None:
    starts = to_us(BEGIN) + np.arange(100_000, dtype=np.int64) * 600_000_000
    OFFICE.work_columns(starts, starts + 10**15)
    began = clock.perf_counter()
    OFFICE.work_columns(starts, starts + 10**15)

    assert clock.perf_counter() - began < 1


GOOD = """
calendar: works
zone: Europe/Vienna
hours:
  mon-thu: 07:00-15:30
  fri: [07:00-10:00, 10:30-13:00]
  sat: none
holidays: [AT-3]
closed: [12-24, 2026-11-02..2026-11-03]
open: {2026-12-08: 08:00-24:00}
"""


def test_a_calendar_file_says_all_of_this(tmp_path: Path) -> None:
    (tmp_path / "works.yaml").write_text(GOOD)

    calendar = read(tmp_path / "works.yaml")
    assert calendar.name == "works"
    assert calendar.shifts_on(date(2026, 11, 27)) == ((time(7), time(10)), (time(10, 30), time(13)))
    closed = (date(2026, 11, 28), date(2026, 12, 24), date(2026, 11, 3), date(2026, 10, 26))
    assert not any(calendar.is_working_day(day) for day in closed)
    assert calendar.work_between(at("2026-12-08T00:00"), at("2026-12-09T07:00")) == 16 * HOUR


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("Europe/Vienna", "Europe/Wien", 3, "no time zone"),
        ("Europe/Vienna", "../etc", 3, "no time zone"),
        ("mon-thu: 07:00-15:30", "mon-thu: 7 to 4", 5, "no shift"),
        ("mon-thu: 07:00-15:30", "mon-thu: 25:00-26:00", 5, "no shift"),
        ("mon-thu: 07:00-15:30", "mon-thu: 07:00-07:00", 5, "no length"),
        ("mon-thu", "monday", 5, "no weekday"),
        ("sat: none", "fri-sun: none", 7, "stands twice"),
        ("10:30-13:00", "09:30-13:00", 6, "overlap"),
        ("[07:00-10:00, 10:30-13:00]", "[20:00-01:00, 22:00-23:00]", 6, "overlap"),
        ("[AT-3]", "[AT-17]", 8, "subdivision"),
        ("[AT-3]", "NO", 8, "no region"),
        ("12-24", "13-24", 9, "no day"),
        ("12-24", "soon", 9, "no day"),
        ("2026-11-02..2026-11-03", "2026-11-03..2026-11-02", 9, "no range"),
        ("{2026-12-08: 08:00-24:00}", "{2026-12-08: none}", 10, "without a shift"),
        ("{2026-12-08:", "{2026-11-02:", 10, "both open and closed"),
        ("zone: Europe/Vienna\n", "", 2, "`zone:` is missing"),
        ("closed:", "shut:", 9, "not known"),
        ("hours:\n  mon-thu: 07:00-15:30\n  fri: [07:00-10:00, 10:30-13:00]\n", "hours:\n", 4, "ever there"),
    ],
)
def test_a_mistake_in_a_calendar_is_told_with_its_line(
    tmp_path: Path, before: str, after: str, line: int, says: str
) -> None:
    (tmp_path / "works.yaml").write_text(GOOD.replace(before, after, 1))

    with pytest.raises(Mistake, match=says) as caught:
        read(tmp_path / "works.yaml")
    assert caught.value.line == line
    assert caught.value.hint


def test_two_files_with_one_name_are_told(tmp_path: Path) -> None:
    (tmp_path / "calendars").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"calendars/{name}.yaml").write_text(GOOD)

    assert [mistake.says for mistake in read_all(tmp_path)[1]] == ["calendar 'works' stands in two files"]
