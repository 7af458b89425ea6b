"""From a yes to the provider and back: what is booked, what waits, what is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.recoveries.given import NOW, Write, decision, failure, goodwill, open_all, owed

import amends.customers.steps
import amends.outbox.steps
from amends.customers.records import Customer
from amends.ledger import queries as books
from amends.outbox import queries as outbox
from amends.recoveries import approval, queries, stopping
from amends.recoveries.records import RecoveryState
from amends.remedies import steps
from amends.remedies.queries import remedies_of

LADDER = "approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}"


def pay_all(ref: str = "ref") -> None:
    """The provider does all that is due."""
    for act in outbox.recent(99, "due"):
        amends.outbox.steps.settle_by_person(act.key, f"{ref}:{act.key}", "provider", NOW)
    steps.settle(NOW)


@pytest.mark.django_db
def test_what_is_owed_goes_out_and_says_so_in_the_books_while_goodwill_waits(limits: Write) -> None:
    limits(LADDER)
    (recovery_id,) = open_all([(failure(1), decision(owed(300), goodwill(900)))])
    steps.provide(NOW)
    assert [act.key for act in outbox.recent(9)] == [f"refund:{recovery_id}"]
    pay_all()

    assert queries.by_id([recovery_id])[recovery_id].state is RecoveryState.MADE_RIGHT
    assert approval.approve(recovery_id, "ada", "", NOW).goes_ahead
    assert [steps.provide(NOW), steps.provide(NOW)] == [1, 0]
    pay_all()
    assert books.paid() == {"EUR": 1200}
    booked = books.postings([f"refund:{recovery_id}", f"credit:{recovery_id}"], "reserved")
    assert [(one.amount.minor, one.statutory) for one in booked] == [(300, True), (900, False)]
    assert list(books.flaws()) == []


@pytest.mark.django_db
def test_a_refund_owed_and_a_refund_given_are_two_acts() -> None:
    (recovery_id,) = open_all([(failure(1), decision(owed(300), goodwill(200, "refund")))])
    steps.provide(NOW)
    pay_all()

    assert {act.key for act in outbox.recent(9)} == {f"refund:{recovery_id}", f"refund-goodwill:{recovery_id}"}
    assert books.paid() == {"EUR": 500}


@pytest.mark.django_db
def test_declined_goodwill_is_never_paid(limits: Write) -> None:
    limits(LADDER)
    (recovery_id,) = open_all([(failure(1), decision(owed(300), goodwill(900)))])
    approval.decline(recovery_id, "ada", "not this time", NOW)
    steps.provide(NOW)
    pay_all()

    assert books.paid() == {"EUR": 300}


@pytest.mark.django_db
def test_while_budgets_cannot_be_read_goodwill_waits_what_is_owed_goes_on_and_the_log_says_where_once(
    limits: Write, caplog: pytest.LogCaptureFixture
) -> None:
    limits("budgets: [{name: storm, per: fortnight, cap: 10.00 EUR}]")
    open_all([(failure(1), decision(owed(300), goodwill(900)))])
    open_all([(failure(2), decision(goodwill(100)))])
    steps.provide(NOW)
    pay_all()

    assert books.paid() == {"EUR": 300}
    (said,) = [record for record in caplog.records if "budgets cannot be read" in record.message]
    assert (said.line, "fortnight" in said.mistake) == (1, True)  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_while_paying_is_stopped_nothing_becomes_money_and_what_is_owed_is_shown_with_its_day() -> None:
    decided = [
        (failure(1), decision(goodwill(100))),
        (failure(2), decision(owed(100), pay_by="2026-12-24")),
        (failure(3), decision(goodwill(100), policy="other")),
        (failure(4), decision()),
    ]
    ids = open_all(decided)
    stopping.stop("film-plays", "wrong amounts", "ada", NOW)
    assert steps.provide(NOW) == 2
    assert [one.recovery_id for one in queries.waiting_for_resume(9)] == [ids[1], ids[0]]
    assert str(queries.waiting_for_resume(9)[0].pay_by_on) == "2026-12-24"

    stopping.stop("", "everything", "ada", NOW)
    stopping.resume("film-plays", "", "ada", NOW)
    assert steps.provide(NOW) == 0
    stopping.resume("", "", "ada", NOW)
    assert steps.provide(NOW) == 2
    assert len(outbox.recent(9)) == 3


@pytest.mark.django_db
def test_an_act_stopped_before_it_went_out_gives_the_money_back_and_a_person_sees_it(limits: Write) -> None:
    limits("budgets: [{name: storm, per: incident, cap: 10.00 EUR}]")
    (recovery_id,) = open_all([(failure(1, incident="fire"), decision(goodwill(900)))])
    steps.provide(NOW)
    amends.outbox.steps.cancel([f"credit:{recovery_id}"], "wrong amount", NOW)
    steps.settle(NOW)

    assert books.balances() == {("budget:film-plays", "EUR"): 0, ("owed:c1", "EUR"): 0}
    assert [one.spent.minor for one in queries.budgets(9)] == [0]
    assert queries.by_id([recovery_id])[recovery_id].state is RecoveryState.REOPENED
    assert (list(books.flaws()), queries.budget_flaws()) == ([], [])


@pytest.mark.django_db
def test_a_customer_erased_between_decision_and_payment_is_paid_and_the_books_keep_only_the_pseudonym() -> None:
    told = Customer("c1", name="Ada Lovelace", email="ada@example.org", phone="123", contact={"mail": True})
    amends.customers.steps.upsert_many([(told, NOW - timedelta(days=9))])
    (recovery_id,) = open_all([(failure(1), decision(owed(300)))])
    steps.provide(NOW)

    assert amends.customers.steps.erase("c1", NOW)
    assert amends.customers.steps.upsert_many([(told, NOW - timedelta(days=1))]) == 0  # a late telling
    pay_all()
    assert [one.state for one in remedies_of([recovery_id])[recovery_id]] == ["done"]
    assert (books.paid(), list(books.flaws())) == ({"EUR": 300}, [])
    assert "Ada" not in str(list(books.export_rows()))
