"""Goodwill that a person lets go ahead after the first mail is told of in a second one, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.recoveries.given import NOW, Write, decision, failure, goodwill, open_all, owed

import amends.outbox.steps
import amends.recoveries.steps
from amends.connectors.smtp.mailer import build
from amends.customers.models import CustomerRow
from amends.notices import lint, queries, steps
from amends.notices.models import AwaitedRow, NoticeRow
from amends.notices.records import Notice
from amends.outbox.models import ActRow
from amends.outbox.records import Order
from amends.recoveries import approval
from amends.recoveries.records import RecoveryState, Remedy
from amends.remedies import steps as remedies
from amends.scenarios.starter import files

LADDER = "approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}"
LATER = NOW + timedelta(days=2)


@pytest.fixture
def recovery_id(db: None, settings: Any, limits: Write) -> str:
    """Ada's refund of 3.00 is owed; a credit of 9.00 waits for a person."""
    files.write(settings.AMENDS.directory)
    limits(LADDER)
    ada()
    return open_all([(failure(1, "ada"), decision(owed(300), goodwill(900)))])[0]


def ada(**more: Any) -> None:
    said = {"name": "Ada", "email": "ada@example.org", "told_at": NOW} | more
    CustomerRow.objects.update_or_create(customer_id="ada", defaults=said)


def pay(now: Any = NOW) -> None:
    remedies.provide(now)
    for act in ActRow.objects.filter(state="due", kind__startswith="remedy."):
        amends.outbox.steps.settle_by_person(act.key, f"pay-{act.key.split(':')[0]}", "provider", now)
    remedies.settle(now)
    steps.compose(now)


def notices(recovery_id: str) -> list[Notice]:
    return queries.of_recoveries([recovery_id]).get(recovery_id, [])


def approve(recovery_id: str) -> None:
    assert approval.approve(recovery_id, "op", "", LATER).goes_ahead


def test_goodwill_that_comes_later_is_told_in_a_second_mail_that_refers_to_the_first(recovery_id: str) -> None:
    pay()
    approve(recovery_id)
    pay(LATER)

    first, second = notices(recovery_id)
    assert ("€3.00" in first.text, "€9.00" in first.text) == (True, False)
    assert (second.state, second.findings) == ("enqueued", ())
    assert second.subject == "A further €9.00 from us"
    assert "We wrote to you on Tuesday, 24 November about" in second.text
    assert "we have credited €9.00 to your account" in second.text
    assert ("pay-credit" in second.text, "€3.00" in second.text, "€12.00" in second.text) == (True, False, False)
    one, two = (ActRow.objects.get(pk=notice.act_key).payload for notice in (first, second))
    assert two["references"] == [one["message_id"]] != [two["message_id"]]
    assert lint.lint_text(second.text) == []
    sent = Order(second.act_key, "mail.apology", "smtp", recovery_id, "ada", two)
    assert f"In-Reply-To: {one['message_id']}".encode() in build(sent, "Care <care@example.org>", LATER)


def test_it_is_never_sent_twice_and_nothing_is_awaited_any_more(recovery_id: str) -> None:
    pay()
    approve(recovery_id)
    for days in range(3):
        pay(LATER + timedelta(days=days))
    amends.recoveries.steps.move([recovery_id], RecoveryState.REOPENED, who="op", why="no", now=LATER)
    amends.recoveries.steps.move([recovery_id], RecoveryState.MADE_RIGHT, who="op", why="yes", now=LATER)
    pay(LATER + timedelta(days=9))

    assert len(notices(recovery_id)) == ActRow.objects.filter(connector="smtp").count() == 2
    assert AwaitedRow.objects.count() == 0


def test_goodwill_without_its_receipt_is_not_told_of_until_it_has_one(recovery_id: str) -> None:
    remedies.provide(NOW)
    amends.outbox.steps.settle_by_person(f"refund:{recovery_id}", "pay-1", "provider", NOW)
    remedies.settle(NOW)
    approve(recovery_id)
    remedies.provide(LATER)  # before the first notice is written
    steps.compose(LATER)

    (first,) = notices(recovery_id)
    assert "€9.00" not in first.text
    assert steps.compose(LATER) == 0
    pay(LATER)
    assert "€9.00" in notices(recovery_id)[1].text


def test_what_was_refused_and_then_paid_by_hand_is_told_of_by_itself(recovery_id: str) -> None:
    pay()
    approve(recovery_id)
    remedies.provide(LATER)
    ActRow.objects.filter(pk=f"credit:{recovery_id}").update(state="refused")
    steps.compose(LATER)
    assert (len(notices(recovery_id)), AwaitedRow.objects.count()) == (1, 1)

    amends.outbox.steps.settle_by_person(f"credit:{recovery_id}", "by hand", "op", LATER)
    steps.compose(LATER)
    assert (len(notices(recovery_id)), AwaitedRow.objects.count()) == (2, 0)


def test_two_kinds_of_goodwill_are_told_of_in_one_mail_when_both_have_their_receipts(recovery_id: str) -> None:
    given = decision(owed(300), goodwill(900), goodwill(200, "refund"))
    (other,) = open_all([(failure(2, "ada"), given)])
    pay()
    approve(other)
    remedies.provide(LATER)
    amends.outbox.steps.settle_by_person(f"credit:{other}", "pay-1", "provider", LATER)
    steps.compose(LATER)
    assert len(notices(other)) == 1

    pay(LATER)
    _, second = notices(other)
    assert "A further €11.00" in second.subject
    says = "we have credited €9.00 to your account and paid back €2.00 to the card or account you paid with."
    assert says in second.text
    assert "pay-1 and pay-refund-goodwill" in second.text
    assert (second.state, second.findings) == ("enqueued", ())


def test_goodwill_that_a_second_mail_told_of_is_not_told_again_when_the_first_is_sent_anew(recovery_id: str) -> None:
    pay()
    approve(recovery_id)
    pay(LATER)
    first = notices(recovery_id)[0]
    NoticeRow.objects.filter(pk=first.notice_id).update(state="held")

    assert steps.send_held(first.notice_id, "op", LATER) == ""
    again = queries.one(first.notice_id)
    assert again
    assert ("€3.00" in again.text, "€9.00" in again.text, "€12.00" in again.text) == (True, False, False)


@pytest.mark.parametrize("state", [RecoveryState.CLOSED, RecoveryState.REOPENED])
def test_it_is_told_of_after_the_recovery_was_closed_or_reopened_too(recovery_id: str, state: RecoveryState) -> None:
    pay()
    amends.recoveries.steps.move([recovery_id], state, who="customer", why="", now=NOW)
    approve(recovery_id)
    pay(LATER)

    assert len(notices(recovery_id)) == 2


def test_a_first_mail_that_was_held_back_tells_of_everything_when_it_goes(recovery_id: str) -> None:
    ada(email="")
    pay()
    approve(recovery_id)
    pay(LATER)
    assert [one.state for one in notices(recovery_id)] == ["held"]

    ada()
    (held,) = notices(recovery_id)
    assert steps.send_held(held.notice_id, "op", LATER) == ""
    pay(LATER)
    (only,) = notices(recovery_id)
    assert ("paid back €3.00" in only.text, "also credited €9.00" in only.text) == (True, True)


def test_a_first_mail_of_the_version_before_is_taken_to_have_told_what_was_done(recovery_id: str) -> None:
    pay()
    NoticeRow.objects.update(about=None)
    approve(recovery_id)
    pay(LATER)

    assert [notice.about for notice in notices(recovery_id)][1:] == [
        {"tells": [f"credit:{recovery_id}"], "kind": "addition"}
    ]


def test_in_german_and_with_a_coupon_whose_code_it_names(recovery_id: str) -> None:
    ada(locale="de-AT")
    (other,) = open_all([(failure(2, "ada"), decision(owed(300), Remedy("coupon", goodwill(900).amount)))])
    pay()
    approve(other)
    approve(recovery_id)
    pay(LATER)

    german, coupon = notices(recovery_id)[1], notices(other)[1]
    assert german.subject == "Weitere € 9,00 von uns"
    assert "Am Dienstag, 24. November haben wir Ihnen geschrieben" in german.text
    assert "haben wir Ihrem Konto €\xa09,00 gutgeschrieben" in german.text
    assert "einen Gutschein über €\xa09,00 ausgestellt; sein Code ist pay-coupon" in coupon.text
    assert "Beleg" not in coupon.text
    assert {german.state, coupon.state} == {"enqueued"}
