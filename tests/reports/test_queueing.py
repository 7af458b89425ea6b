"""The desk's queue: its order, and that a million closed reports beside it do not matter."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.reports.town import intake, town

from amends.reports import queueing, steps
from amends.reports.models import ReportRow
from amends.reports.queueing import Queue, Standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def report(form: str, due_at: datetime | None, risk: float | None = None) -> int:
    with town():
        number = steps.receive(intake(form), timezone.now()).number
    ReportRow.objects.filter(pk=number).update(due_at=due_at, risk=risk)
    return number


def test_late_comes_first_then_risk_then_the_promised_time_and_no_target_last(now: datetime) -> None:
    day = timedelta(days=1)
    without = report("a", None)
    soon, risky, later = report("b", now + day), report("c", now + 3 * day, 0.9), report("d", now + 2 * day)
    late, later_still = report("e", now - day), report("f", now - 2 * day)

    found = [each.number for each in queueing.page(Queue(), now, 50)]

    assert found == [later_still, late, risky, soon, later, without]
    assert [each.number for each in queueing.page(Queue(), now, 2, 1)] == found[1:3]


def test_what_the_queue_asks_touches_the_rows_of_what_it_shows_only(now: datetime) -> None:
    number = report("a", now + timedelta(days=1))
    with CaptureQueriesContext(connection) as asked:
        assert [each.number for each in queueing.page(Queue(), now, 50)] == [number]
        assert queueing.counts(Queue(), now)["all"] == 1
        queueing.values()
        queueing.page(Queue(standing=Standing.LATE, assignee="eva"), now, 50)

    explain, said = {
        "sqlite": ("EXPLAIN QUERY PLAN", "COVERING INDEX report_queue"),
        "postgresql": ("EXPLAIN", "Index Only Scan using report_queue"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which would read so few rows in any way but this
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
            cursor.execute("DROP INDEX report_by_due, report_by_risk, report_by_open")
        for query in (each["sql"] for each in asked.captured_queries if '"description"' not in each["sql"]):
            cursor.execute(f"{explain} {query.replace('%', '%%')}")
            assert said in str(cursor.fetchall()), query
