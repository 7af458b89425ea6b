"""Money that is taken back: what a provider paid twice or too much, and goodwill given by mistake."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.recoveries.given import NOW, Write, decision, failure, goodwill, open_all, owed
from tests.remedies.test_reconciling import SINCE, check, line

import amends.notices.erasing
import amends.notices.steps
import amends.outbox.steps
import amends.remedies.erasing
from amends.customers.models import CustomerRow
from amends.ground.money import Money
from amends.ground.personal import Words
from amends.ledger import queries as books
from amends.notices import lint
from amends.notices import queries as notices
from amends.notices.records import Notice
from amends.outbox import queries as outbox
from amends.outbox.models import ActRow
from amends.outbox.records import Act, ActState, Done, NotDone
from amends.recoveries import queries as recoveries
from amends.remedies import reconciling, reversing, steps
from amends.remedies.models import DifferenceRow, ReversalRow
from amends.remedies.queries import differences, remedies_of
from amends.remedies.records import CannotTakeBack, RemedyDone
from amends.scenarios.starter import files

LATER = NOW + timedelta(hours=2)
pytestmark = pytest.mark.django_db
EXCESS = {("excess:billing", "EUR"): 300}


@pytest.fixture
def recovery_id(db: None, settings: Any) -> str:
    """Ada was paid back 3.00, which was owed, and told so."""
    return paid(settings, owed(300))


def paid(settings: Any, *given: Any) -> str:
    files.write(settings.AMENDS.directory)
    CustomerRow.objects.create(customer_id="ada", name="Ada", email="ada@example.org", told_at=NOW)
    (recovery_id,) = open_all([(failure(1, "ada"), decision(*given))])
    steps.provide(NOW)
    for act in outbox.recent(9, "due"):
        amends.outbox.steps.settle_by_person(act.key, f"r-{act.key.split(':')[0]}", "provider", NOW)
    steps.settle(NOW)
    amends.notices.steps.compose(NOW)
    return recovery_id


def up_to(settings: Any, minor: int) -> None:
    settings.AMENDS = replace(
        settings.AMENDS, reconciling=replace(settings.AMENDS.reconciling, take_back_up_to_minor=minor)
    )


def twice(recovery_id: str, *more: dict[str, Any]) -> list[dict[str, Any]]:
    key = f"refund:{recovery_id}"
    return [line(key, "r-refund"), line(key, "r-9"), *more]


def reversals() -> list[Act]:
    return [act for act in outbox.recent(99) if act.kind == "remedy.reversal"]


def come_back(ref: str = "back-1") -> None:
    """The provider takes back all that is ordered back."""
    for act in reversals():
        amends.outbox.steps.settle_by_person(act.key, ref, "provider", LATER)
    reversing.settle(LATER)


def credit(recovery_id: str) -> RemedyDone:
    return next(one for one in remedies_of([recovery_id])[recovery_id] if one.kind == "credit")


def last_notice(recovery_id: str) -> Notice:
    return notices.of_recoveries([recovery_id])[recovery_id][-1]


def excess() -> dict[tuple[str, str], int]:
    return {key: minor for key, minor in books.balances("excess:").items() if minor}


def test_what_was_paid_twice_waits_for_a_person_who_orders_it_back_once(recovery_id: str) -> None:
    assert check(twice(recovery_id)).ordered_back == ()
    assert (reversals(), excess()) == ([], {})
    (doubled,) = differences(9)
    assert reversing.offers([doubled]) == {doubled.difference_id: Money(300, "EUR")}

    assert reversing.take_back_excess(doubled.difference_id, "op", LATER) == Money(300, "EUR")
    (act,) = reversals()
    assert (act.payload["amount_minor"], act.payload["currency"], act.connector) == (300, "EUR", "billing")
    assert act.payload["reverses"] == {"key": f"refund:{recovery_id}", "kind": "remedy.refund", "ref": "r-9"}
    with pytest.raises(CannotTakeBack, match="settled already"):
        reversing.take_back_excess(doubled.difference_id, "other", LATER)
    assert "op: EUR 3.00 is ordered back" in DifferenceRow.objects.get().note


def test_the_books_agree_with_the_provider_before_and_after_it_came_back(recovery_id: str, settings: Any) -> None:
    up_to(settings, 300)
    assert check(twice(recovery_id)).ordered_back == (f"refund:{recovery_id}",)
    assert (books.paid(), excess(), list(books.flaws())) == ({"EUR": 600}, EXCESS, [])

    assert check(twice(recovery_id)).left == ()  # on its way
    come_back()
    assert (books.paid(), excess(), list(books.flaws())) == ({"EUR": 300}, {}, [])
    (act,) = reversals()
    for rows in (twice(recovery_id, line(act.key, "back-1")), [line(f"refund:{recovery_id}", "r-refund")]):
        report = reconciling.reconcile("billing", rows, lambda order: Done("back-1"), SINCE, LATER)
        assert (report.left, report.ordered_back) == ((), ())
    assert (len(reversals()), books.out_of_balance()) == (1, {})


def test_the_rule_goes_up_to_its_amount_and_not_a_cent_further(recovery_id: str, settings: Any) -> None:
    up_to(settings, 299)
    assert [one.kind for one in check(twice(recovery_id)).left] == ["doubled"]
    up_to(settings, 300)
    assert check(twice(recovery_id)).left == ()


def test_the_rule_counts_in_the_companys_currency_only(recovery_id: str, settings: Any) -> None:
    up_to(settings, 10**9)
    company = replace(settings.AMENDS.company, currency="JPY")
    settings.AMENDS = replace(settings.AMENDS, company=company)

    assert check(twice(recovery_id)).ordered_back == ()


def test_what_was_paid_too_much_is_ordered_back_to_the_cent_and_a_third_time_too(
    recovery_id: str, settings: Any
) -> None:
    up_to(settings, 1000)
    key = f"refund:{recovery_id}"
    check([line(key, "r-refund", 301)])
    check([line(key, "r-refund", 301), line(key, "r-9", 300)])
    check([line(key, "r-refund", 301), line(key, "r-9", 300)])

    assert sorted(act.payload["amount_minor"] for act in reversals()) == [1, 300]
    assert (books.paid(), list(books.flaws())) == ({"EUR": 601}, [])


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (lambda k: [line(k, "r-refund", 299)], "too little was paid"),
        (lambda k: [line(k, "r-refund", 100), line(k, "r-9", 200)], "too little was paid"),
        (lambda k: [line(k, "r-refund", 300, "USD")], "currencies differ"),
        (lambda k: [line(k, "r-refund"), line(k, "r-9", 300, "USD")], "currencies differ"),
        (lambda k: [line(k, "r-refund"), line(k, "r-9", -300)], "not above zero"),
        (lambda k: [line(k, "r-7")], "not more than we ordered"),
        (lambda k: [line(k, "r-refund"), line("refund:x", "r-9")], "no money of ours"),
    ],
)
def test_what_no_rule_can_tell_is_never_ordered_back(recovery_id: str, settings: Any, rows: Any, why: str) -> None:
    up_to(settings, 10**9)
    assert check(rows(f"refund:{recovery_id}")).ordered_back == ()

    (one,) = differences(9)
    assert reversing.offers([one]) == {}
    with pytest.raises(CannotTakeBack, match=why):
        reversing.take_back_excess(one.difference_id, "op", LATER)
    assert (reversals(), books.paid()) == ([], {"EUR": 300})


def test_an_act_whose_fate_we_do_not_know_and_that_was_done_twice_is_settled_once_by_a_person(
    recovery_id: str, settings: Any
) -> None:
    up_to(settings, 10**9)
    (other,) = open_all([(failure(2, "ada"), decision(owed(300)))])
    steps.provide(NOW)
    ActRow.objects.filter(pk=f"refund:{other}").update(state=ActState.UNKNOWN, attempts=1)
    rows = [line(f"refund:{other}", "r-8"), line(f"refund:{other}", "r-9"), line(f"refund:{recovery_id}", "r-refund")]
    assert check(rows).ordered_back == ()

    (one,) = differences(9)
    reversing.take_back_excess(one.difference_id, "op", LATER)
    assert outbox.receipts([f"refund:{other}"])[f"refund:{other}"].ref == "r-8"
    assert (books.paid(), excess(), list(books.flaws())) == ({"EUR": 900}, EXCESS, [])


def test_a_refusal_stands_before_a_person_whose_note_ends_it(recovery_id: str, settings: Any) -> None:
    up_to(settings, 300)
    check(twice(recovery_id))
    (act,) = reversals()
    ActRow.objects.filter(pk=act.key).update(state=ActState.REFUSED, last_answer="the account is closed")
    reversing.settle(LATER)

    assert [one.key for one in outbox.for_a_person(9)] == [act.key]
    assert "could not be taken back: the account is closed" in recoveries.history(recovery_id)[-1].why
    assert [one.kind for one in check(twice(recovery_id)).left] == ["doubled"]
    come_back("collected by hand")
    assert (books.paid(), check(twice(recovery_id, line(act.key, "collected by hand"))).left) == ({"EUR": 300}, ())


def test_the_customer_is_told_plainly_once_it_has_come_back_and_not_before(recovery_id: str, settings: Any) -> None:
    up_to(settings, 300)
    check(twice(recovery_id))
    amends.notices.steps.compose(LATER)
    assert len(notices.of_recoveries([recovery_id])[recovery_id]) == 1
    for _ in range(2):
        come_back()

    first, told = notices.of_recoveries([recovery_id])[recovery_id]
    assert (told.state, told.findings, lint.lint_text(told.text)) == ("enqueued", (), [])
    assert told.subject == "We paid you €3.00 too much, and have taken it back"
    assert "The €3.00 that we had decided stays yours." in told.text
    assert "back-1" in told.text
    mails = [ActRow.objects.get(pk=one.act_key).payload for one in (first, told)]
    assert mails[1]["references"] == [mails[0]["message_id"]]


def test_goodwill_given_by_mistake_is_taken_back_and_returns_to_its_budget(settings: Any, limits: Write) -> None:
    limits("budgets: [{name: storm, per: policy day, cap: 10.00 EUR}]")
    recovery_id = paid(settings, owed(300), goodwill(400))
    assert [one.spent.minor for one in recoveries.budgets(9)] == [400]
    key = f"credit:{recovery_id}"

    assert reversing.take_back(key, "It was meant for another customer.", "op", LATER) == Money(400, "EUR")
    assert credit(recovery_id).taken_back == "under way"
    with pytest.raises(CannotTakeBack, match="already"):
        reversing.take_back(key, "It was meant for another customer.", "op", LATER)
    come_back()
    assert (books.paid(), list(books.flaws()), recoveries.budget_flaws()) == ({"EUR": 300}, [], [])
    assert [one.spent.minor for one in recoveries.budgets(9)] == [0]
    assert [move.who for move in recoveries.history(recovery_id)][-2:] == ["op", "billing"]
    rows = [
        line(f"refund:{recovery_id}", "r-refund"),
        line(key, "r-credit", 400),
        line(reversals()[0].key, "back-1", 400),
    ]
    assert check(rows).left == ()


def test_the_customer_reads_why_it_was_taken_back_and_what_stays(settings: Any) -> None:
    recovery_id = paid(settings, owed(300), goodwill(400))
    CustomerRow.objects.update(locale="de")
    reversing.take_back(f"credit:{recovery_id}", "Sie war für jemand anderen bestimmt.", "op", LATER)
    come_back()

    told = last_notice(recovery_id)
    assert (told.state, told.findings) == ("enqueued", ())
    assert "4,00\xa0€ davon haben wir Ihnen versehentlich gegeben: Sie war für jemand anderen bestimmt." in told.text
    assert "Die anderen 3,00\xa0€ bleiben Ihnen." in told.text
    assert "Am Dienstag, 24. November haben wir Ihnen geschrieben" in told.text


def test_a_mail_about_it_that_was_held_is_written_anew_with_the_same_words(recovery_id: str, settings: Any) -> None:
    CustomerRow.objects.update(email="")
    up_to(settings, 300)
    check(twice(recovery_id))
    come_back()
    held = last_notice(recovery_id)
    assert held.state == "held"

    CustomerRow.objects.update(email="ada@example.org")
    assert amends.notices.steps.send_held(held.notice_id, "op", LATER) == ""
    sent = last_notice(recovery_id)
    assert (sent.notice_id, sent.text.split("http")[0]) == (held.notice_id, held.text.split("http")[0])


@pytest.mark.parametrize(
    ("act", "reason", "why"),
    [
        ("refund", "It was a mistake.", "never taken back"),
        ("credit", " ", "reason is needed"),
        ("credit", "You may have been affected, sorry if so.", "the customer reads this"),
        ("voucher", "It was a mistake.", "only money that was paid"),
    ],
)
def test_what_is_not_taken_back(settings: Any, act: str, reason: str, why: str) -> None:
    recovery_id = paid(settings, owed(300), goodwill(400))

    with pytest.raises(CannotTakeBack, match=why):
        reversing.take_back(f"{act}:{recovery_id}", reason, "op", LATER)
    assert (reversals(), ReversalRow.objects.count(), books.paid()) == ([], 0, {"EUR": 700})


def test_goodwill_that_a_person_gave_is_taken_back_by_a_person(settings: Any) -> None:
    settings.AMENDS = replace(settings.AMENDS, remedies=replace(settings.AMENDS.remedies, credit=""))
    recovery_id = paid(settings, owed(300), goodwill(400))
    amends.outbox.steps.settle_by_person(f"credit:{recovery_id}", "cheque 7", "op", NOW)
    steps.settle(NOW)

    reversing.take_back(f"credit:{recovery_id}", "It was meant for another customer.", "op", LATER)
    reversing.settle(LATER)
    (act,) = reversals()
    assert (act.connector, act.state) == ("person", ActState.PARKED)
    assert credit(recovery_id).taken_back == "with a person"


def test_a_reversal_that_we_hold_as_unknown_and_they_list_is_done(recovery_id: str, settings: Any) -> None:
    up_to(settings, 300)
    check(twice(recovery_id))
    (act,) = reversals()
    ActRow.objects.filter(pk=act.key).update(state=ActState.UNKNOWN, attempts=1)

    report = reconciling.reconcile(
        "billing", twice(recovery_id, line(act.key, "back-7")), lambda order: NotDone(), SINCE, LATER
    )
    assert (report.mended, report.left) == ((act.key,), ())
    assert (books.paid(), excess()) == ({"EUR": 300}, {})


def test_a_reason_that_names_an_erased_customer_is_struck_out(settings: Any) -> None:
    recovery_id = paid(settings, owed(300), goodwill(400))
    reversing.take_back(f"credit:{recovery_id}", "Meant for Ada Lovelace, not for you.", "op", LATER)
    come_back()

    words = Words("ada", ["Ada Lovelace"])
    assert amends.remedies.erasing.erase(words)["money taken back"] == 1
    amends.notices.erasing.erase(words)
    assert "Lovelace" not in ReversalRow.objects.get().reason + str(last_notice(recovery_id))
