"""Mails of an incident are one batch: tried on a few first, paused and aborted; who is left untold is seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tests.recoveries.given import NOW, decision, failure, open_all, owed

import amends.outbox.steps
from amends.customers.models import CustomerRow
from amends.notices import queries, steps
from amends.notices.erasing import erased
from amends.notices.models import NoticeRow
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


def test_the_mails_are_stopped_alone_and_sent_after_all_as_a_batch_of_their_own() -> None:
    open_all([(failure(60, "c1", incident="storm"), decision(owed(300)))])
    remedies.provide(LATER)
    amends.outbox.steps.abort("storm", "op", "wrong words", LATER, "smtp")
    assert {batch.connector: batch.state.value for batch in batches(9)} == {"smtp": "aborted", "billing": "canary"}

    assert steps.send_called_off("storm", "op", "the words are right now", LATER) == STORM
    assert steps.send_called_off("storm", "op", "twice", LATER) == 0
    assert (mails(batch="storm again", state="due"), mails(batch="storm again", canary=True)) == (STORM, 5)
    assert (queries.held(99), steps.compose(LATER)) == ([], 0)
    sent = queries.of_recoveries([ActRow.objects.filter(batch="storm again")[0].recovery_id])
    assert [one.findings[-1].hint for many in sent.values() for one in many] == ["the words are right now"]


def test_an_operator_sends_them_after_all_at_the_desk(client: Client) -> None:
    client.force_login(User.objects.create_superuser("op", password="a long password"))
    client.post("/desk/sending/storm/abort", {"why": "wrong words", "to": "smtp"})
    assert "Send its mails after all" in client.get("/desk/sending/storm").content.decode()

    assert b"Nothing was changed" in client.post("/desk/sending/storm/resend", follow=True).content
    page = client.post("/desk/sending/storm/resend", {"why": "they are right"}, follow=True).content.decode()
    assert "go out after all" in page
    assert mails(batch="storm again", state="due") == STORM


def test_a_mail_that_was_cancelled_because_its_customer_was_erased_is_not_held() -> None:
    amends.outbox.steps.abort("storm", "op", "wrong words", LATER)
    NoticeRow.objects.filter(customer_id="c3").update(findings=[erased()])

    assert steps.compose(LATER) == STORM - 1
    assert "c3" not in {one.customer_id for one in queries.held(99)}
