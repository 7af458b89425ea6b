"""Mails of an incident are one batch: tried on a few first, paused and aborted; who is left untold is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.recoveries.given import NOW, decision, failure, open_all, owed

import amends.outbox.steps
from amends.customers.models import CustomerRow
from amends.notices import queries, steps
from amends.outbox import claiming
from amends.outbox.models import ActRow
from amends.outbox.queries import batches
from amends.remedies import steps as remedies
from amends.scenarios.starter import files

STORM = 25
LATER = NOW + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _storm(db: None, settings: Any) -> None:
    """A storm over 25 homes, and Ada alone with something else; all are paid and written to."""
    files.write(settings.AMENDS.directory)
    settings.AMENDS = replace(settings.AMENDS, sending=replace(settings.AMENDS.sending, canary=5))
    ids = [*(f"c{n}" for n in range(STORM)), "ada"]
    CustomerRow.objects.bulk_create(CustomerRow(customer_id=c, email=f"{c}@x.org", told_at=NOW) for c in ids)
    told = [(failure(n, incident="storm"), decision(owed(300))) for n in range(STORM)]
    open_all([*told, (failure(99, "ada"), decision(owed(300)))])
    remedies.provide(NOW)
    for act in ActRow.objects.filter(connector="billing"):
        amends.outbox.steps.settle_by_person(act.key, "pay", "provider", NOW)
    remedies.settle(NOW)
    steps.compose(NOW)


def mails(**which: Any) -> int:
    return ActRow.objects.filter(connector="smtp", **which).count()


def test_the_mails_of_an_incident_are_a_batch_with_its_first_few_and_single_mails_go_before_it() -> None:
    (storm,) = [batch for batch in batches(9) if batch.connector == "smtp"]
    assert (storm.batch, storm.total, storm.state) == ("storm", STORM, "canary")
    assert (mails(batch="storm", canary=True), mails(batch="")) == (5, 1)

    lanes = claiming.lanes(["billing", "smtp"], LATER)
    assert [(lane.batch, lane.canary) for lane in lanes] == [("", False), ("storm", True)]


def test_aborted_mails_are_held_before_a_person_with_who_stopped_them_and_why() -> None:
    amends.outbox.steps.abort("storm", "op", "wrong words", LATER)
    assert steps.compose(LATER) == STORM
    assert steps.compose(LATER) == 0

    held = queries.held(99)
    assert len(held) == STORM
    assert {one.findings[-1].rule for one in held} == {"called-off"}
    assert "aborted by op: wrong words; the customer has not been told" in held[0].findings[-1].hint
    assert mails(state="cancelled") == STORM


def test_a_person_sends_one_of_them_after_all_and_it_goes_once_under_a_new_key() -> None:
    amends.outbox.steps.abort("storm", "op", "wrong words", LATER)
    steps.compose(LATER)
    held = queries.held(1)[0]

    assert steps.send_held(held.notice_id, "op", LATER) == ""
    assert steps.send_held(held.notice_id, "op", LATER) != ""
    sent = queries.one(held.notice_id)
    assert sent
    assert (sent.act_key, sent.state) == (f"{held.act_key}:2", "enqueued")
    assert (mails(state="due", batch=""), steps.compose(LATER)) == (2, 0)


def test_what_comes_late_for_aborted_mails_is_held_too() -> None:
    amends.outbox.steps.abort("storm", "op", "wrong words", LATER)
    steps.compose(LATER)
    CustomerRow.objects.create(customer_id="late", email="late@x.org", told_at=NOW)
    open_all([(failure(50, "late", incident="storm"), decision(owed(300)))])
    remedies.provide(LATER)
    amends.outbox.steps.settle_by_person(ActRow.objects.get(customer_id="late").key, "pay", "provider", LATER)
    remedies.settle(LATER)
    for _ in range(2):
        steps.compose(LATER + timedelta(minutes=1))
        amends.outbox.steps.take_stock(0.5, LATER + timedelta(minutes=2))

    steps.compose(LATER + timedelta(minutes=3))
    assert len(queries.held(99)) == STORM + 1
