"""Where a policy gives nothing at all, nobody writes to the customer, and nobody says that something was made right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tests.recoveries.given import NOW

import amends.failures.steps
import amends.outbox.steps
import amends.recoveries.steps
from amends.closure import steps as closure
from amends.customers.models import CustomerRow
from amends.notices import queries, steps, tokens
from amends.notices.models import AwaitedRow
from amends.outbox.models import ActRow
from amends.recoveries.opening import NOTHING_DUE
from amends.recoveries.queries import history, recent
from amends.recoveries.records import Recovery, RecoveryState
from amends.remedies import steps as remedies
from amends.scenarios.starter import files
from amends.signals.models import SignalRow

LATER = NOW + timedelta(days=2)
LINE = """
policy: line-works
promise: line-works
currency: EUR
inputs:
  off_h: {type: number, unit: hours, default: 0, most: 1000}
versions:
  - from: 2026-01-01
    hit: first
    rows:
      - id: long
        when: {off_h: {">=": 2}}
        then: [{refund: 3.00 EUR, owed: true}]
      - id: mostly-theirs
        when: {off_h: {">=": 1}}
        then: [{credit: 2.00 EUR}]
      - id: short
        when: {}
        then: []
"""


@pytest.fixture(autouse=True)
def _site(db: None, settings: Any) -> Iterator[None]:
    files.write(settings.AMENDS.directory)
    path = settings.AMENDS.directory / "policies" / "line-works.yaml"
    path.write_text(LINE)
    CustomerRow.objects.create(customer_id="ada", name="Ada", email="ada@example.org", told_at=NOW)
    yield
    path.unlink()


def tell(off_h: int, now: Any = NOW) -> Recovery:
    """Another system says for how long the line was off, and it is decided."""
    observe(off_h, now)
    amends.recoveries.steps.decide(now)
    return turn(now)


def observe(off_h: int, now: Any = NOW) -> None:
    data = {"customer_id": "ada", "promise": "line-works", "subject": "line", "started_at": NOW.isoformat()}
    data |= {"facts": {"off_h": off_h}}
    kind, number = amends.failures.steps.OBSERVED, str(SignalRow.objects.count())
    SignalRow.objects.create(source="t", event_id=number, type=kind, data=data, received_at=now, time=now)
    amends.failures.steps.take_observed(now)


def turn(now: Any) -> Recovery:
    remedies.provide(now)
    remedies.settle(now)
    steps.compose(now)
    (recovery,) = recent(9)
    return recovery


def pay(now: Any) -> Recovery:
    for act in ActRow.objects.filter(state="due", kind__startswith="remedy."):
        amends.outbox.steps.settle_by_person(act.key, f"pay-{act.kind}", "provider", now)
    return turn(now)


def mails(recovery: Recovery) -> list[str]:
    return [one.subject for one in queries.of_recoveries([recovery.recovery_id]).get(recovery.recovery_id, [])]


def test_no_mail_is_written_and_the_history_does_not_speak_of_receipts() -> None:
    recovery = tell(0)

    assert (recovery.state, mails(recovery)) == (RecoveryState.MADE_RIGHT, [])
    assert history(recovery.recovery_id)[-1].why == "nothing was due"
    assert (ActRow.objects.count(), AwaitedRow.objects.count(), steps.compose(LATER)) == (0, 0, 0)


@pytest.mark.parametrize("decide", [remedies.make_right, amends.recoveries.steps.decide], ids=["at once", "then"])
def test_the_history_does_not_say_that_anything_is_on_its_way_nor_that_somebody_was_silent(
    decide: Callable[[datetime], int], settings: Any
) -> None:
    observe(0)
    decide(NOW)
    recovery = turn(NOW)
    assert [move.why for move in history(recovery.recovery_id)][1:] == [NOTHING_DUE, "nothing was due"]

    assert closure.follow_up(NOW + timedelta(days=settings.AMENDS.closing.silent_days, minutes=1)) == 1
    assert history(recovery.recovery_id)[-1].why == "nothing was due, so nobody was asked"


@pytest.mark.parametrize(("sent", "why"), [(True, "no answer for 14 days"), (False, "no mail has gone out")])
def test_a_silence_is_one_only_where_somebody_was_written_to(sent: bool, why: str) -> None:
    tell(1)
    recovery = pay(NOW)
    assert len(mails(recovery)) == 1
    if sent:
        ActRow.objects.filter(kind__startswith="mail.").update(state="done", ref="250 ok", changed_at=NOW)

    assert closure.follow_up(NOW + timedelta(days=15)) == 1
    assert history(recovery.recovery_id)[-1].why.startswith(why)


@pytest.mark.parametrize(
    ("locale", "says"), [("en", "nothing was due to you"), ("de", "stand Ihnen dafür nichts zu")], ids=["en", "de"]
)
def test_the_customers_page_and_the_desk_say_that_nothing_was_due(client: Client, locale: str, says: str) -> None:
    CustomerRow.objects.update(locale=locale)
    recovery = tell(0)

    own = client.get(f"/yours/{tokens.make(recovery.recovery_id)}").content.decode()
    assert (says in own, "We are working on it" in own, "Wir arbeiten daran" in own) == (True, False, False)
    client.force_login(User.objects.create_superuser("op"))
    assert "nothing was due</span>" in client.get("/desk/recoveries").content.decode()
    desk = client.get(f"/desk/recoveries/{recovery.recovery_id}").content.decode()
    assert "nothing was due</span>" in desk
    assert "Nothing was due, so nothing was said to the customer either: row short of policy line-works" in desk
    assert "None yet" not in desk


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize(("off_h", "says"), [(3, "We have paid back €3.00"), (1, "We have credited €2.00")])
def test_decided_anew_it_is_told_of_once_when_what_was_given_has_its_receipt(
    closed: bool, off_h: int, says: str
) -> None:
    recovery = tell(0)
    if closed:
        amends.recoveries.steps.move([recovery.recovery_id], RecoveryState.CLOSED, who="amends", why="", now=NOW)
    assert mails(tell(off_h, LATER)) == []  # it is on its way

    pay(LATER)
    assert mails(pay(LATER)) == [says]
    assert AwaitedRow.objects.count() == 0


def test_a_holdout_whose_goodwill_is_kept_back_has_our_apology_in_mail_and_page(client: Client, settings: Any) -> None:
    from dataclasses import replace

    settings.AMENDS = replace(settings.AMENDS, holdout=replace(settings.AMENDS.holdout, share=1.0))
    recovery = tell(1)

    assert mails(recovery) == ["We are sorry"]
    assert "We apologise" in client.get(f"/yours/{tokens.make(recovery.recovery_id)}").content.decode()
