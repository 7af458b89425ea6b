"""From signals to failures to recoveries: nothing is passed over, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import amends.failures.steps
import amends.notices.steps
import amends.recoveries.queries
import amends.recoveries.steps
from amends.ground.moments import to_ms
from amends.notices.models import NoticeRow
from amends.remedies import steps as remedies
from amends.scenarios.starter import files
from amends.signals import door, steps
from amends.signals.models import SignalRow, ViewingRow

NOW = datetime.now(UTC)
AN_HOUR = timedelta(hours=1)


def tell(number: int, at: datetime) -> None:
    data = {"customer_id": f"c{number}", "promise": "film-plays", "subject": f"s-{number}", "severity": "minor"}
    data |= {"started_at": (NOW - 2 * AN_HOUR).isoformat()}
    told = {"source": "t", "event_id": str(number), "type": amends.failures.steps.OBSERVED}
    SignalRow.objects.create(**told, data=data, received_at=at)
    amends.failures.steps.take_observed(at)


@pytest.mark.django_db
def test_a_clock_that_goes_back_loses_no_failure_and_no_mail(settings: Any) -> None:
    files.write(settings.AMENDS.directory)
    for number, at in enumerate((NOW, NOW - AN_HOUR, NOW + 25 * AN_HOUR, NOW)):
        tell(number, at)
        amends.recoveries.steps.decide(at)
        remedies.provide(at)
        remedies.settle(at)
        amends.notices.steps.compose(at)

    assert {recovery.customer_id for recovery in amends.recoveries.queries.recent(10)} == {"c0", "c1", "c2", "c3"}
    assert NoticeRow.objects.count() == 4


@pytest.mark.django_db
def test_a_session_closed_by_an_earlier_clock_is_judged(settings: Any) -> None:
    files.write(settings.AMENDS.directory)
    for name, at in (("late", NOW + 20 * AN_HOUR), ("early", NOW)):
        line = f'sid="{name}",e=ps,sta=s,ts={to_ms(at)},v=2,com.amends-customer="ada"'
        door.log().append("cmcd", line.encode(), to_ms(at))
        steps.absorb(at)
        steps.view(at + AN_HOUR)
        amends.failures.steps.judge(at + AN_HOUR)

    assert set(ViewingRow.objects.filter(closed=True, fresh=False).values_list("pk", flat=True)) == {"late", "early"}


@pytest.mark.django_db
def test_what_was_looked_at_is_not_looked_at_again_until_it_changes(settings: Any) -> None:
    files.write(settings.AMENDS.directory)
    tell(1, NOW)
    assert amends.recoveries.steps.decide(NOW) == 1
    assert amends.recoveries.steps.decide(NOW) == 0

    tell(2, NOW)
    assert amends.recoveries.steps.decide(NOW) == 1
