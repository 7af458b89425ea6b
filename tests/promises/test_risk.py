"""Promise at risk: from how similar work went, honest about what is not finished yet."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.promises import risk
from amends.promises.calendars import WorkCalendar
from amends.promises.repairs import Due, Kind

VIENNA = ZoneInfo("Europe/Vienna")
WORKS = WorkCalendar("works", VIENNA, dict.fromkeys(range(5), ((time(8), time(18)),)))


def learned(*times: float, still_open: tuple[float, ...] = (), category: str = "lamp") -> risk.Experience:
    took = np.array([*times, *still_open])
    finished = np.array([True] * len(times) + [False] * len(still_open))
    return risk.learn([category] * len(took), [""] * len(took), took, finished)


def chance(experience: risk.Experience, age: float, left: float, category: str = "lamp", area: str = "") -> float:
    return float(experience.ask([category], [area], np.array([age]), np.array([left])).risk[0])


def test_the_share_that_took_longer_is_the_risk() -> None:
    seen = learned(*np.arange(1, 1001))

    assert chance(seen, 0, 250) == pytest.approx(0.75, abs=0.01)
    assert chance(seen, 500, 250) == pytest.approx(0.5, abs=0.01)
    assert seen.ask(["lamp"], [""], np.array([500.0]), np.array([1.0])).finish_in[0] == pytest.approx(250, abs=5)


def test_what_is_open_still_counts_for_as_long_as_it_was_seen() -> None:
    finished = [10.0] * 50
    without = learned(*finished)
    with_open = learned(*finished, still_open=(200.0,) * 50)

    assert chance(without, 0, 20) < 0.05
    assert chance(with_open, 0, 20) == pytest.approx(0.5, abs=0.02)
    assert chance(learned(*finished, still_open=(1.0,) * 50), 0, 20) < 0.05  # just begun says nothing


def test_it_agrees_with_kaplan_and_meier_s_own_estimate() -> None:
    # Six finish at 6, one each at 7, 10, 13 …: remission under 6-MP (Freireich 1963), S(10) = 0.753, S(23) = 0.448.
    finished = (6, 6, 6, 7, 10, 13, 16, 22, 23)
    still = (6.5, 9, 10.5, 11, 17, 19, 20, 25, 32, 32, 34, 35)
    seen = learned(*finished, still_open=still)

    assert chance(seen, 0, 10) == pytest.approx(0.753, abs=0.03)
    assert chance(seen, 0, 23) == pytest.approx(0.448, abs=0.04)


def test_few_reports_of_a_kind_say_little_and_many_say_it_all() -> None:
    def mixed(lamps: int) -> risk.Experience:
        took = np.array([100.0] * 500 + [1.0] * lamps)
        return risk.learn(["hole"] * 500 + ["lamp"] * lamps, [""] * len(took), took, np.ones(len(took), bool))

    few, many = chance(mixed(1), 0, 50), chance(mixed(400), 0, 50)
    assert few > 0.9 > 0.1 > many


def test_a_kind_that_nobody_has_seen_is_judged_by_all() -> None:
    seen = learned(*np.arange(1.0, 101.0))

    assert seen.nearest("whale", "north") == ("", "")
    assert chance(seen, 0, 50, "whale") == pytest.approx(0.5, abs=0.03)


def test_an_area_with_history_of_its_own_is_judged_by_it() -> None:
    took = np.array([10.0] * 300 + [90.0] * 300)
    seen = risk.learn(["lamp"] * 600, ["north"] * 300 + ["south"] * 300, took, np.ones(600, bool))

    assert chance(seen, 0, 50, area="north") < 0.1 < 0.9 < chance(seen, 0, 50, area="south")


def test_without_any_history_nothing_is_foretold() -> None:
    seen = risk.learn([], [], np.zeros(0), np.zeros(0, bool))
    found = seen.ask(["lamp"] * 2, [""] * 2, np.array([5.0, 5.0]), np.array([5.0, 0.0]))

    assert (found.risk[0], found.based_on[0]) == (0.0, 0), "in a new town nothing is at risk from the first minute"
    assert found.risk[1] == 1.0, "what is over is over"
    assert np.isnan(found.finish_in[0])


def test_what_is_only_open_is_no_history() -> None:
    seen = risk.learn(["lamp"] * 3, [""] * 3, np.array([1.0, 2.0, 3.0]), np.zeros(3, bool))

    assert chance(seen, 1, 50) == 0.0


HISTORY = st.lists(
    st.tuples(st.floats(0, 500), st.booleans(), st.sampled_from("ab"), st.sampled_from("xy")), max_size=60
)
AGES = st.floats(0, 800)


def from_history(drawn: list[tuple[float, bool, str, str]]) -> risk.Experience:
    took, finished = np.array([row[0] for row in drawn]), np.array([row[1] for row in drawn], bool)
    return risk.learn([row[2] for row in drawn], [row[3] for row in drawn], took, finished)


@given(HISTORY, AGES, AGES, st.floats(0, 300))
def test_older_and_still_open_is_not_less_at_risk(drawn, first, second, due) -> None:  # type: ignore[no-untyped-def]
    seen = from_history(drawn)
    young, old = sorted((first, second))

    assert chance(seen, young, due - young, "a", "x") <= chance(seen, old, due - old, "a", "x") + 1e-9


@given(HISTORY, AGES, st.floats(0, 300), st.floats(0, 300))
def test_more_time_left_is_not_more_risk(drawn, age, less, more) -> None:  # type: ignore[no-untyped-def]
    seen = from_history(drawn)
    less, more = sorted((less, more))

    assert 0 <= chance(seen, age, more, "b", "y") <= chance(seen, age, less, "b", "y") + 1e-9 <= 1 + 1e-9


@given(HISTORY, AGES)
def test_half_is_finished_when_it_is_said_to_be(drawn, age) -> None:  # type: ignore[no-untyped-def]
    seen = from_history(drawn)
    finish = float(seen.ask(["a"], ["x"], np.array([age]), np.array([1.0])).finish_in[0])

    if not np.isnan(finish):
        assert chance(seen, age, finish * (1 + 1e-9), "a", "x") <= 0.5 + 1e-9
        assert chance(seen, age, finish * (1 - 1e-9), "a", "x") >= 0.5 - 1e-9


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA)


def open_work(due_at: datetime | None) -> risk.OpenWork:
    begins = at("2026-11-23T08:00")
    due = due_at and Due("p", date(2026, 1, 1), 1, Kind.DAYS, 3, "works", {}, begins, due_at, due_at, due_at.date())
    return risk.OpenWork("lamp", "", begins, due, "works")


def test_risk_is_reckoned_in_working_time_and_the_finish_told_as_a_moment() -> None:
    seen = learned(*[20.0] * 500)  # two working days each
    calendars, now = {"works": WORKS}, at("2026-11-23T18:00")
    works = [open_work(at("2026-11-25T18:00")), open_work(at("2026-11-24T08:30")), open_work(None)]

    in_time, too_soon, unpromised = risk.at_risk(seen, works, calendars, now)
    assert in_time.risk == pytest.approx(0, abs=0.01)
    assert too_soon.risk == pytest.approx(1, abs=0.01)
    assert unpromised.risk is None
    assert in_time.expected_at == at("2026-11-24T18:00")


def test_at_night_a_due_time_before_opening_is_not_missed_yet_and_past_it_is() -> None:
    seen = learned(*[20.0] * 500)
    tonight = [open_work(at("2026-11-23T23:59"))]

    (before,) = risk.at_risk(seen, tonight, {"works": WORKS}, at("2026-11-23T20:00"))
    (after,) = risk.at_risk(seen, tonight, {"works": WORKS}, at("2026-11-24T00:00"))
    assert before.risk == pytest.approx(1, abs=0.01)
    assert after.risk == 1


def test_past_reports_are_learned_in_hours_of_work_less_pauses() -> None:
    starts, ends = [at("2026-11-20T17:00")], [at("2026-11-23T10:00")]

    assert risk.worked_h(WORKS, starts, ends, np.array([3600.0])).tolist() == [2.0]
    assert timedelta(hours=3) == WORKS.work_between(starts[0], ends[0])
