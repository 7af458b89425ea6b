"""A broken promise of repair is a failure of each who was promised it: once, with its facts, withdrawn if unfounded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.reports.town import ANONYMOUS, ann, at, intake, town

import amends.failures.queries
import amends.recoveries.queries
import amends.recoveries.steps
from amends.failures import repairs
from amends.failures.models import FailureRow
from amends.failures.records import Failure
from amends.reports import merging, steps
from amends.reports.records import Report, Reporter, State

pytestmark = pytest.mark.django_db
NOW = at("2026-11-23T10:00:00")  # a Monday; a lamp is promised for Thursday, 18:00
DUE = at("2026-11-26T18:00:00")
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
POLICY = """\
policy: mended
promise: mended
inputs:
  working_days_late: {type: number}
  reported: {type: flag, default: true}
versions:
  - from: 2020-01-01
    hit: first
    rows:
      - id: very-late
        when: {working_days_late: {">=": 5}, reported: true}
        then: [{credit: 20.00 EUR, owed: true}, apology]
      - id: late
        when: {}
        then: [apology]
"""


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    with town(policies__mended=POLICY):
        yield


def lamp(form: str = "a", **more: object) -> Report:
    return steps.receive(intake(form, **{"reporter": ann()} | more), NOW)


def failures(now: datetime) -> list[Failure]:
    """What stands after a look at this moment."""
    repairs.take(now)
    rows = FailureRow.objects.filter(withdrawn_at=None).order_by("failure_id")
    return list(amends.failures.queries.by_id([row.failure_id for row in rows]).values())


def test_what_is_mended_in_time_is_no_failure() -> None:
    steps.move(lamp().number, State.FIXED, who="crew", now=DUE)

    assert failures(DUE + 9 * A_DAY) == []


def test_what_is_open_past_its_time_is_one_failure_of_who_reported_it() -> None:
    report = lamp()
    assert failures(DUE) == []  # the last second counts

    (found,) = failures(DUE + AN_HOUR)

    assert (found.promise, found.customer_id, found.subject) == (
        "mended",
        report.customer_id,
        f"report:{report.number}",
    )
    assert (found.started_at, found.ended_at, found.severity) == (DUE, None, "minor")
    assert found.facts["promised_on"] == "2026-11-26"
    assert (found.facts["category"], found.facts["open"]) == ("lamp", True)


def test_looking_again_changes_nothing() -> None:
    lamp()

    assert repairs.take(DUE + AN_HOUR) > 0
    assert [repairs.take(DUE + n * AN_HOUR) for n in (1, 2, 3)] == [0, 0, 0]


def test_when_it_is_mended_at_last_its_facts_are_exact() -> None:
    report = lamp()
    failures(DUE + AN_HOUR)
    steps.move(report.number, State.FIXED, who="crew", now=at("2026-12-01T09:00:00"))

    (found,) = failures(at("2026-12-01T10:00:00"))

    assert found.ended_at == at("2026-12-01T09:00:00")
    assert (found.facts["working_days_late"], found.facts["days_late"]) == (3, 5)  # Friday, Monday, Tuesday
    assert (found.facts["closed"], found.severity) == ("mended late", "major")


def test_the_longer_it_stays_open_the_worse_it_is() -> None:
    lamp()

    grown = [failures(DUE + n * A_DAY)[0].severity for n in (1, 5, 15)]

    assert grown == ["minor", "major", "severe"]


def test_closed_without_repair_past_its_time_was_never_kept_but_in_time_it_is_only_told() -> None:
    late, honest = lamp("a"), lamp("b")
    steps.move(honest.number, State.NOT_FIXED, who="op", words="It is taken away.", now=DUE - AN_HOUR)
    steps.move(late.number, State.NOT_FIXED, who="op", words="It is taken away.", now=DUE + AN_HOUR)

    (found,) = failures(DUE + A_DAY)

    assert (found.subject, found.severity) == (f"report:{late.number}", "major")
    assert found.facts["closed"] == "closed without repair"


def test_a_repair_that_did_not_last_is_none() -> None:
    report = lamp()
    steps.move(report.number, State.FIXED, who="crew", now=DUE - AN_HOUR)
    steps.move(report.number, State.REOPENED, who="who reported it", words="Dark again.", now=DUE + 2 * A_DAY)
    steps.move(report.number, State.FIXED, who="crew", now=DUE + 4 * A_DAY)

    (found,) = failures(DUE + 5 * A_DAY)

    assert found.started_at == DUE
    assert found.facts["closed"] == "mended, and it did not last"
    assert found.severity == "major"


def test_opened_again_long_after_a_repair_in_time_is_a_new_matter() -> None:
    report = lamp()
    steps.move(report.number, State.FIXED, who="crew", now=DUE - AN_HOUR)
    steps.move(report.number, State.REOPENED, who="who reported it", words="Dark again.", now=DUE + 40 * A_DAY)

    assert failures(DUE + 41 * A_DAY) == []


def test_the_anonymous_have_no_failure_and_whoever_said_me_too_in_time_has_one() -> None:
    anonymous = lamp("b", privacy=ANONYMOUS)
    steps.me_too(anonymous.number, "m", Reporter(email="cy@example.org"), NOW)
    steps.me_too(anonymous.number, "n", Reporter(email="di@example.org"), DUE + AN_HOUR)

    (found,) = failures(DUE + A_DAY)

    assert found.customer_id == steps.resident(Reporter(email="cy@example.org"))
    assert found.facts["reported"] is False


def test_while_the_clock_stands_still_nothing_is_late() -> None:
    report = lamp()
    steps.pause(report.number, "weather", "Ice.", who="op", now=DUE - AN_HOUR)
    assert failures(DUE + A_DAY) == []

    steps.resume(report.number, who="op", now=DUE + A_DAY)

    assert failures(DUE + A_DAY + timedelta(minutes=1)) == []
    assert len(failures(DUE + 9 * A_DAY)) == 1


def test_a_duplicate_is_not_held_against_us_twice() -> None:
    first, second = lamp("a"), lamp("b", reporter=Reporter(email="bob@example.org"))
    assert len(failures(DUE + AN_HOUR)) == 2

    merging.merge(second.number, first.number, who="op", now=DUE + 2 * AN_HOUR)

    found = failures(DUE + 3 * AN_HOUR)
    assert {one.subject for one in found} == {f"report:{first.number}"}
    assert sorted(one.customer_id for one in found) == sorted((first.customer_id, second.customer_id))


def test_a_promise_that_was_over_when_it_was_made_was_a_promise_to_nobody() -> None:
    lamp(requested_at=NOW - 300 * A_DAY)

    assert failures(NOW + A_DAY) == []


def test_a_new_date_does_not_mend_the_promise_that_was_broken() -> None:
    report = lamp()
    steps.promise_anew(report.number, DUE + 5 * A_DAY, "A part has not come.", who="op", now=DUE + AN_HOUR)
    assert len(failures(DUE + 2 * AN_HOUR)) == 1

    steps.move(report.number, State.FIXED, who="crew", now=DUE + 2 * A_DAY)  # within the new date

    assert [one.facts["closed"] for one in failures(DUE + 3 * A_DAY)] == ["mended late"]


def test_a_policy_decides_by_how_late_it_was_and_again_when_that_is_known() -> None:
    report = lamp()
    (failure,) = failures(DUE + AN_HOUR)
    amends.recoveries.steps.decide(DUE + 2 * AN_HOUR)
    assert decided(failure) == ["apology"]

    steps.move(report.number, State.FIXED, who="crew", now=DUE + 9 * A_DAY)
    repairs.take(DUE + 9 * A_DAY + AN_HOUR)
    amends.recoveries.steps.decide(DUE + 9 * A_DAY + 2 * AN_HOUR)

    assert decided(failure) == ["apology", "credit"]


def decided(failure: Failure) -> list[str]:
    recovery = amends.recoveries.queries.of_failures([failure.failure_id])[failure.failure_id]
    return sorted(remedy.kind for remedy in recovery.decision.remedies)


def test_many_reports_take_no_more_queries_than_a_few(django_assert_max_num_queries: Any) -> None:
    for n in range(100):
        lamp(f"r{n}", reporter=Reporter(email=f"p{n}@example.org"))

    with django_assert_max_num_queries(90):
        repairs.take(DUE + AN_HOUR)

    assert FailureRow.objects.count() == 100
