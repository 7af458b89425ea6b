"""The scoreboard equals a plain recount of the reports, whatever happened to them and whenever it was counted."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.reports.town import at, intake, town

from amends.reports import merging, scoreboard, steps
from amends.reports.models import ReportRow, TallyRow
from amends.reports.records import Refused, State
from amends.reports.scoreboard import Period, Score

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")
EVER = Period(date(2020, 1, 1), date(2030, 1, 1))
CATEGORIES = ("lamp", "pothole", "tree")
DOES = (State.SCHEDULED, State.WAITING, State.FIXED, State.NOT_FIXED, State.REOPENED, "tree", "lamp", "pause", "merge")


def total(period: Period = EVER) -> Score:
    return scoreboard.scores(period)[0]


def plain(now: datetime) -> Counter[tuple[date, str, str]]:
    """Every report looked at by itself: (day, category, how it stands)."""
    found: Counter[tuple[date, str, str]] = Counter()
    for row in ReportRow.objects.exclude(state=State.DUPLICATE):
        found[row.requested_at.astimezone(UTC).date(), row.category, _stands(row, now)] += 1
    return found


def _stands(row: ReportRow, now: datetime) -> str:
    if row.due_at is None:
        return "without"
    if row.kept is None:
        return "late_open" if row.open and row.due_at < now and row.paused_at is None else "open"
    if row.kept:
        return "kept"
    if row.state in (State.NOT_FIXED, State.NOT_OURS):
        return "unrepaired"
    return "late" if row.state == State.FIXED and row.closed_at and row.closed_at > row.due_at else "reopened"


def counted() -> Counter[tuple[date, str, str]]:
    found: Counter[tuple[date, str, str]] = Counter()
    for score in scoreboard.daily(EVER):
        for name in ("without", "kept", "late", "unrepaired", "reopened", "late_open", "open"):
            if count := getattr(score, name):
                found[score.names["day"], score.names["category"], name] += count
    return found


def do(what: State | str, number: int, other: int, now: datetime) -> None:
    try:
        if isinstance(what, State):
            steps.move(number, what, who="x", now=now, words="because")
        elif what == "pause":
            steps.pause(number, "weather", "Snow", who="x", now=now)
        elif what == "merge":
            merging.merge(number, other, who="x", now=now)
        else:
            steps.change(number, who="x", now=now, category=what)
    except Refused:
        pass


class TestHistories(TestCase):
    """Histories that nobody planned."""

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.sampled_from(CATEGORIES), min_size=2, max_size=4),
        st.lists(st.tuples(st.integers(0, 3), st.sampled_from(DOES), st.integers(0, 12)), max_size=14),
        st.integers(1, 5),
    )
    def test_the_numbers_equal_a_plain_recount_after_any_history(
        self, made: list[str], history: list[tuple[int, State | str, int]], counted_every: int
    ) -> None:
        with town():
            now = NOW
            reports = [steps.receive(intake(f"f{n}", what), now).number for n, what in enumerate(made)]
            for n, (which, what, days) in enumerate(history):
                now += timedelta(days=days, minutes=1)
                do(what, reports[which % len(reports)], reports[0], now)
                if n % counted_every == 0:
                    scoreboard.keep_up(now + timedelta(seconds=3))
            now += timedelta(days=1)
            scoreboard.keep_up(now)

            assert counted() == plain(now)
            kept_up = counted()
            scoreboard.recount(now)
            assert counted() == kept_up


def test_what_has_no_target_is_told_and_is_in_no_share() -> None:
    lamp, tree = steps.receive(intake("a"), NOW), steps.receive(intake("b", "tree"), NOW)
    for number in (lamp.number, tree.number):
        steps.move(number, State.FIXED, who="x", now=NOW + timedelta(hours=1))
    scoreboard.keep_up(NOW + timedelta(hours=2))

    assert (total().made, total().without, total().kept, total().kept_share) == (1, 1, 1, 1.0)


def test_closed_without_repair_is_never_kept_and_a_late_repair_says_by_how_much() -> None:
    for form, state, later in (("a", State.NOT_FIXED, 1), ("b", State.FIXED, 10), ("c", State.FIXED, 4)):
        lamp = steps.receive(intake(form), NOW)
        steps.move(lamp.number, state, who="x", now=NOW + timedelta(days=later), words="because")
    scoreboard.keep_up(NOW + timedelta(days=20))

    score = total()  # promised: Thursday, 26 November, 18:00
    assert (score.kept, score.late, score.unrepaired, score.kept_share) == (0, 2, 1, 0.0)
    assert score.mean_s == timedelta(days=3, hours=16).total_seconds()
    assert score.median_s == pytest.approx(timedelta(days=6, hours=16).total_seconds(), rel=0.05)  # the upper of two


def test_a_promise_becomes_late_by_the_clock_alone_and_not_while_its_clock_stands_still() -> None:
    steps.receive(intake("a"), NOW)
    paused = steps.receive(intake("b"), NOW)
    steps.pause(paused.number, "weather", "Snow", who="x", now=NOW + timedelta(days=1))
    scoreboard.keep_up(NOW + timedelta(days=2))
    assert (total().late_open, total().open) == (0, 2)

    assert scoreboard.keep_up(NOW + timedelta(days=7)) == 1
    assert (total().late_open, total().open) == (1, 1)


def test_only_what_changed_is_counted_anew() -> None:
    for day in range(5):
        steps.receive(intake(f"d{day}"), NOW - timedelta(days=day))
        last = steps.receive(intake(f"t{day}", "tree"), NOW - timedelta(days=day))
    scoreboard.keep_up(NOW + timedelta(hours=1))
    TallyRow.objects.update(reckoned_at=NOW)

    steps.move(last.number, State.FIXED, who="x", now=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)

    assert scoreboard.keep_up(later) == 1
    assert TallyRow.objects.filter(reckoned_at=later).count() == 1
    assert scoreboard.keep_up(later) == 0


def test_opened_again_soon_after_a_repair_in_time_is_not_kept() -> None:
    lamp = steps.receive(intake("a"), NOW)
    steps.move(lamp.number, State.FIXED, who="x", now=NOW + timedelta(hours=1))
    scoreboard.keep_up(NOW + timedelta(hours=2))
    assert total().kept == 1

    steps.move(lamp.number, State.REOPENED, who="Ann", now=NOW + timedelta(days=5), words="dark again")
    scoreboard.keep_up(NOW + timedelta(days=5, minutes=1))
    assert (total().kept, total().reopened) == (0, 1)


def test_groups_add_up_to_the_whole() -> None:
    for n, category in enumerate(CATEGORIES * 4):
        report = steps.receive(intake(f"f{n}", category), NOW - timedelta(days=20 * n))
        if n % 2:
            steps.move(report.number, State.FIXED, who="x", now=NOW)
    scoreboard.keep_up(NOW + timedelta(minutes=1))

    for by in (("category",), ("area",), ("month",), ("year",), ("category", "area"), ("month", "category")):
        groups = scoreboard.scores(EVER, *by)
        for name in ("made", "without", "kept", "late", "unrepaired", "reopened", "late_open", "open", "late_s"):
            assert sum(getattr(group, name) for group in groups) == getattr(total(), name), (by, name)


PERIODS = (
    *(("2026-01-01", "2026-12-31"), ("2026-05-17", "2026-11-03"), ("2026-11-01", "2026-11-30")),
    *(("2026-11-03", "2026-11-04"), ("2026-06-30", "2026-07-01"), ("2026-02-01", "2026-02-28")),
    ("2025-12-31", "2026-12-01"),
)


@pytest.mark.parametrize(("since", "until"), PERIODS)
def test_any_period_is_the_sum_of_its_days(since: str, until: str) -> None:
    for n in range(60):
        report = steps.receive(intake(f"f{n}", CATEGORIES[n % 3]), NOW - timedelta(days=6 * n))
        if n % 2:
            steps.move(report.number, State.FIXED, who="x", now=NOW - timedelta(days=6 * n - n % 11))
    scoreboard.keep_up(NOW + timedelta(minutes=1))
    period = Period(date.fromisoformat(since), date.fromisoformat(until))

    days = list(scoreboard.daily(period))
    for name in ("made", "without", "kept", "late", "late_open", "open", "late_s"):
        assert sum(getattr(day, name) for day in days) == getattr(total(period), name)


def test_where_nothing_is_nothing_is_claimed() -> None:
    assert scoreboard.keep_up(NOW) == 0
    assert total() == Score()
    assert total().kept_share is None
    assert scoreboard.span() is None
