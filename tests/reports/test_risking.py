"""Risks are reckoned for all open reports together, and people have a new date before the old one has passed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.reports.town import ann, at, intake, town

from amends.promises import calendars
from amends.promises.repairs import Due
from amends.reports import queries, risking, steps
from amends.reports.models import DueRow, ReportRow
from amends.reports.records import Report, State

pytestmark = pytest.mark.django_db
NOW = at("2026-11-23T10:00:00")  # a Monday; a lamp is promised for Thursday, 18:00
DUE = at("2026-11-26T18:00:00")
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    risking._experience.clear()
    with town():
        yield


def history(count: int, days: float, category: str = "lamp") -> None:
    """So many lamps of the past, each mended after so many days."""
    for n in range(count):
        then = NOW - timedelta(days=40 + n % 20)
        report = steps.receive(intake(f"{category}-{days}-{n}", category, requested_at=then), then)
        steps.move(report.number, State.FIXED, who="north", now=then + timedelta(days=days) + n * timedelta(minutes=3))


def lamp(form: str = "a", **more: Any) -> Report:
    return steps.receive(intake(form, **{"reporter": ann()} | more), NOW)


def seen(report: Report) -> Report:
    found = queries.one(report.number)
    assert found is not None
    return found


def dates(report: Report) -> list[str]:
    """Why each date was given, in their order."""
    return list(DueRow.objects.filter(report=report.number).order_by("pk").values_list("why", flat=True))


def test_risk_comes_from_how_similar_work_went() -> None:
    history(40, 1)
    history(40, 30, "pothole")
    quick, slow = lamp("a"), steps.receive(intake("b", "pothole"), NOW)

    assert risking.reckon(NOW + AN_HOUR) == 2

    assert (seen(quick).risk or 0) < 0.3 < 0.7 < (seen(slow).risk or 0)
    assert seen(quick).predicted_at is not None
    assert risking.reckon(NOW + AN_HOUR + timedelta(minutes=1)) == 0


def test_what_has_changed_is_reckoned_at_once_and_the_rest_now_and_then() -> None:
    history(40, 1)
    one = lamp("a")
    risking.reckon(NOW + AN_HOUR)
    other = lamp("b")
    ReportRow.objects.filter(pk=one.number).update(risk=0.123)

    risking.reckon(NOW + AN_HOUR + timedelta(minutes=1))
    assert seen(other).risk is not None
    assert seen(one).risk == 0.123

    risking.reckon(NOW + 2 * AN_HOUR)
    assert seen(one).risk != 0.123


def test_what_will_slip_has_a_new_date_before_the_day_and_only_once() -> None:
    history(40, 12)
    report = lamp()
    risking.reckon(NOW + AN_HOUR)
    assert seen(report).new_due_at is None  # it is early: half of the time has not passed

    for hours in (50, 51, 52, 60):
        risking.reckon(NOW + hours * AN_HOUR)

    assert dates(report) == ["as received", risking.LIKELY]
    assert seen(report).due_at == DUE  # what we are judged by
    new = seen(report).new_due_at
    assert new is not None
    assert new > DUE + 2 * A_DAY
    assert calendars.in_use(queries_directory())["works"].is_working_day(new.date())


def queries_directory() -> Any:
    return risking.settings.AMENDS.directory


def test_little_history_warns_nobody() -> None:
    history(10, 12)
    report = lamp()

    for hours in (50, 60):
        risking.reckon(NOW + hours * AN_HOUR)

    assert dates(report) == ["as received"]
    assert seen(report).risk is not None


def test_when_the_day_has_passed_there_is_a_new_date_without_any_history_and_another_when_that_passes() -> None:
    report = lamp()
    for when in (DUE - AN_HOUR, DUE + timedelta(minutes=1), DUE + timedelta(minutes=5)):
        risking.reckon(when)
    first = seen(report).new_due_at
    assert first is not None

    risking.reckon(first + AN_HOUR)

    assert dates(report) == ["as received", risking.PASSED, risking.PASSED]
    assert (seen(report).new_due_at or first) > first
    assert seen(report).risk == 1


def test_what_stands_still_or_is_closed_or_was_promised_nothing_gets_no_new_date() -> None:
    still, closed, without = lamp("a"), lamp("b"), steps.receive(intake("c", "tree"), NOW)
    steps.pause(still.number, "weather", "Ice.", who="op", now=DUE - AN_HOUR)
    steps.move(closed.number, State.FIXED, who="north", now=DUE - AN_HOUR)

    risking.reckon(DUE + A_DAY)

    assert [seen(one).new_due_at for one in (still, closed, without)] == [None, None, None]


def test_what_is_overdue_for_long_waits_for_a_person() -> None:
    report = lamp(requested_at=NOW - 200 * A_DAY)

    risking.reckon(NOW + AN_HOUR)

    assert dates(report) == ["as received"]


def test_a_new_date_is_a_working_day_after_such_work_is_usually_done() -> None:
    due = Due.of(ReportRow.objects.get(pk=lamp().number).due or {})
    works = calendars.in_use(queries_directory())["works"]
    friday = at("2026-11-27T11:00:00")

    assert risking.later(due, friday, works, NOW) == at("2026-11-30T18:00:00")
    assert risking.later(due, None, works, friday) == at("2026-12-03T18:00:00")


def test_a_hundred_more_reports_take_no_more_queries(django_assert_max_num_queries: Any) -> None:
    history(5, 1)
    for n in range(100):
        lamp(f"r{n}")

    with django_assert_max_num_queries(30):
        risking.reckon(NOW + AN_HOUR)

    assert not ReportRow.objects.filter(open=True, risk=None).exists()


def test_reports_can_still_be_found_on_the_map_after_their_risk_was_written() -> None:
    report = lamp(lat=48.41, long=15.60)
    risking.reckon(NOW + AN_HOUR)

    found = queries.search(queries.Filter(bbox=(15.5, 48.3, 15.7, 48.5)))

    assert [one.number for one in found] == [report.number]


def test_whose_calendar_is_gone_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risking, "NEW_DATES", 1)
    gone, report = lamp("a", requested_at=NOW - AN_HOUR), lamp("b")
    row = ReportRow.objects.get(pk=gone.number)
    ReportRow.objects.filter(pk=gone.number).update(due=(row.due or {}) | {"calendar": "closed down"})

    risking.reckon(DUE + timedelta(minutes=1))

    assert (seen(gone).new_due_at, seen(report).new_due_at is None) == (None, False)
