"""The customer's own page says how things stand: what did not go out is not promised, and a no has its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from tests.recoveries.given import NOW, Write, decision, failure, goodwill, open_all, owed

import amends.remedies.steps
from amends.closure import steps as closure
from amends.customers.models import CustomerRow
from amends.notices import tokens
from amends.outbox.models import ActRow
from amends.outbox.records import ActState
from amends.recoveries import approval, queries, revising, steps
from amends.recoveries.records import Decision, RecoveryState, Remedy
from amends.remedies import settling

pytestmark = pytest.mark.django_db
LADDER = "approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}"


def opened(given: Decision, locale: str = "en") -> str:
    CustomerRow.objects.create(customer_id="c1", name="Ada", email="ada@example.org", locale=locale, told_at=NOW)
    (recovery_id,) = open_all([(failure(1), given)])
    return recovery_id


def begun(given: Decision, locale: str = "en") -> str:
    recovery_id = opened(given, locale)
    amends.remedies.steps.provide(NOW)
    return recovery_id


def answered(recovery_id: str, name: str, state: ActState) -> None:
    """The other side, or an operator, has brought an act to this state."""
    assert ActRow.objects.filter(pk=f"{name}:{recovery_id}").update(state=state, changed_at=NOW)
    settling.forget_place()
    amends.remedies.steps.settle(NOW)


def page(recovery_id: str) -> str:
    return Client().get(f"/yours/{tokens.make(recovery_id)}").content.decode()


@pytest.mark.parametrize("state", [ActState.REFUSED, ActState.PARKED, ActState.IN_DOUBT])
@pytest.mark.parametrize(
    ("locale", "says", "promised"),
    [
        ("en", "One of us is looking after €3.30 for you.", "on its way to you"),
        ("de", "Um 3,30\xa0€ für Sie kümmert sich jemand von uns.", "auf dem Weg zu Ihnen"),
    ],
    ids=["en", "de"],
)
def test_money_that_stands_before_a_person_is_not_on_its_way(
    state: ActState, locale: str, says: str, promised: str
) -> None:
    recovery_id = begun(decision(owed(330)), locale)
    assert promised in page(recovery_id)

    answered(recovery_id, "refund", state)
    assert (says in page(recovery_id), promised in page(recovery_id)) == (True, False)


@pytest.mark.parametrize(
    ("locale", "says", "looks"),
    [
        ("en", "€3.30 was stopped before it went out to you.", "One of us is looking at it."),
        ("de", "wurden angehalten, bevor sie zu Ihnen hinausgingen.", "Jemand von uns sieht es sich an."),
    ],
    ids=["en", "de"],
)
def test_what_was_stopped_is_looked_at_until_a_person_has_closed_it(locale: str, says: str, looks: str) -> None:
    recovery_id = begun(decision(owed(330)), locale)
    answered(recovery_id, "refund", ActState.CANCELLED)
    text = page(recovery_id)
    assert f"{says} {looks}" in text
    assert "on its way" not in text

    steps.move([recovery_id], RecoveryState.CLOSED, who="op", why="settled by phone", now=NOW)
    assert (says in page(recovery_id), looks in page(recovery_id)) == (True, False)


def test_a_call_that_was_stopped_is_not_announced() -> None:
    recovery_id = begun(decision(Remedy("call")))
    answered(recovery_id, "call", ActState.CANCELLED)

    assert "That one of us gets in touch with you was stopped. One of us is looking at it." in page(recovery_id)
    assert "will call you" not in page(recovery_id)


def test_the_page_apologises_itself_and_claims_no_mail_that_nobody_sent() -> None:
    text = page(begun(decision(Remedy("apology"))))

    assert "We apologise, and have written down what happened to you." in text
    assert "We have apologised" not in text


@pytest.mark.parametrize(
    ("locale", "says"),
    [
        ("en", "One of us has looked at it and decided that nothing is given, for this reason:"),
        ("de", "Jemand von uns hat es sich angesehen und entschieden, dass nichts gegeben wird, aus diesem Grund:"),
    ],
    ids=["en", "de"],
)
def test_a_decline_is_told_with_its_reason_and_nobody_is_said_to_work_on_it(
    limits: Write, locale: str, says: str
) -> None:
    limits(LADDER)
    recovery_id = opened(decision(goodwill(1500)), locale)
    assert approval.decline(recovery_id, "op", "The router was <off>.", NOW)

    text = page(recovery_id)
    assert f'{says}</p><blockquote dir="auto">The router was &lt;off&gt;.</blockquote>' in text
    assert ("We are working on it" in text, "Wir arbeiten daran" in text) == (False, False)


def test_after_a_customers_no_a_decline_is_looked_at_again_and_a_yes_closes_nothing(limits: Write) -> None:
    limits(LADDER)
    recovery_id = opened(decision(goodwill(1500)))
    approval.decline(recovery_id, "op", "The router was off.", NOW)
    closure.answer(recovery_id, "f1", "yes", "", NOW)
    text = page(recovery_id)
    assert ("Thank you for telling us." in text, "We have closed it" in text) == (True, False)

    closure.answer(recovery_id, "f2", "no", "It was on.", NOW + timedelta(minutes=1))
    text = page(recovery_id)
    assert "The router was off." in text
    assert '<p class="done open">It is open again, and one of us is looking at it.</p>' in text
    steps.move([recovery_id], RecoveryState.CLOSED, who="op", why="explained", now=NOW)
    text = page(recovery_id)
    assert ("The router was off." in text, "open again" in text, "We apologise" in text) == (True, False, False)


@pytest.mark.parametrize(
    ("locale", "says"),
    [("en", "Goodwill of €15.00 is not given."), ("de", "15,00\xa0€ aus Kulanz werden nicht gegeben.")],
    ids=["en", "de"],
)
def test_declined_goodwill_is_told_beside_what_is_owed(limits: Write, locale: str, says: str) -> None:
    limits(LADDER)
    recovery_id = begun(decision(owed(490), goodwill(1500)), locale)
    assert says not in page(recovery_id)

    approval.decline(recovery_id, "op", "The router was off.", NOW)
    text = page(recovery_id)
    assert (says in text, "The router was off." in text, "€4.90" in text or "4,90" in text) == (True, True, True)
    approval.approve(recovery_id, "op", "after all", NOW)
    assert "The router was off." not in page(recovery_id)


@pytest.mark.parametrize(
    ("locale", "says"),
    [("en", "the promise to you was kept"), ("de", "wurde das Versprechen an Sie gehalten")],
    ids=["en", "de"],
)
def test_what_proved_unfounded_is_said_in_our_words_and_as_nobodys_no(locale: str, says: str) -> None:
    recovery_id = opened(decision(owed(490)), locale)
    broken = {"en": "It did not work as we promised.", "de": "Es ging nicht so, wie wir es versprochen haben."}[locale]
    assert broken in page(recovery_id)
    found = queries.one(recovery_id)
    assert found
    revising.withdraw([found.failure_id], NOW)

    text = page(recovery_id)
    assert (says in text, broken in text, "unfounded" in text, "<blockquote" in text) == (True, False, False, False)
