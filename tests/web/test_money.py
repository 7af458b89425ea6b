"""Money at the desk: two operators, stopping and resuming, and what the provider's list says."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from tests.recoveries.given import Write, decision, failure, goodwill, open_all, owed
from tests.recoveries.test_deciding import POLICY

import amends.outbox.queries
import amends.outbox.steps
from amends.notices import tokens
from amends.recoveries import queries, versions
from amends.recoveries.records import RecoveryState
from amends.remedies import reconciling, reversing, steps
from amends.remedies.queries import differences


def operator(name: str) -> Client:
    user = User.objects.create_user(name, password="a long password", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="care")[0])
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.django_db
def test_two_operators_approve_a_large_sum_and_the_page_says_who(limits: Write) -> None:
    limits("approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}")
    (recovery_id,) = open_all([(failure(1), decision(owed(100), goodwill(5000)))])
    ada, bob = operator("ada"), operator("bob")
    where = f"/desk/recoveries/{recovery_id}"
    assert b"needs two operators" in ada.get(where).content

    ada.post(f"{where}/approve", {"why": "seen"})
    page = bob.get(where).content.decode()
    assert "Approved by ada" in page
    assert "another operator must agree as well: seen" in page.partition("History</h2>")[2]
    assert "€1.00 €50.00" in bob.get("/desk/recoveries").content.decode()
    assert b"somebody else" in ada.post(f"{where}/approve", follow=True).content
    assert b"on its way" in bob.post(f"{where}/approve", follow=True).content
    assert queries.by_id([recovery_id])[recovery_id].goodwill.value == "granted"


@pytest.mark.django_db
def test_budgets_are_shown_as_they_were_written_before_anything_is_reserved(limits: Write) -> None:
    ada = operator("ada")
    page = ada.get("/desk/budgets").content.decode()
    assert "Nothing is reserved in a budget." in page
    assert "it names no budget" in page

    limits(
        "budgets:\n  - {name: each, per: customer, days: 7, cap: 80.00 EUR}\n"
        "  - {name: storm, per: incident, policy: film-plays, cap: 9000.00 EUR}\n"
    )
    shown = " ".join(re.sub("<[^>]+>", " ", ada.get("/desk/budgets").content.decode()).split())
    assert "each customer, in 7 days every €80.00 storm incident film-plays €9,000.00" in shown


@pytest.mark.django_db
def test_paying_is_stopped_and_resumed_at_the_desk_and_what_waits_is_shown_with_its_day() -> None:
    (recovery_id,) = open_all([(failure(1), decision(owed(100), pay_by="2026-12-24"))])
    ada = operator("ada")
    assert b"Not stopped" in ada.post("/desk/budgets/stop", {"why": ""}, follow=True).content
    typo = ada.post("/desk/budgets/stop", {"policy": "film-play", "why": "wrong amounts"}, follow=True).content
    assert b"Not stopped: there is no policy &#x27;film-play&#x27;" in typo

    page = ada.post("/desk/budgets/stop", {"why": "wrong amounts"}, follow=True).content.decode()
    assert "Paying is stopped for every policy" in page
    assert "24 Dec 2026" in page
    assert recovery_id in page
    assert b"Paying goes on" in ada.post("/desk/budgets/resume", follow=True).content
    assert queries.by_id([recovery_id])[recovery_id].state is RecoveryState.APPROVED


@pytest.mark.django_db
def test_a_difference_is_settled_with_a_note_and_who_may_not_act_cannot() -> None:
    listed = [{"key": "refund:x", "ref": "r", "amount_minor": 5, "currency": "EUR", "at": ""}]
    now = datetime.now(UTC)
    reconciling.reconcile("billing", listed, lambda order: None, now, now)  # type: ignore[arg-type,return-value]
    (one,) = differences(9)
    looker = Client()
    looker.force_login(User.objects.create_user("looker", password="a long password", is_staff=True))
    where = f"/desk/differences/{one.difference_id}/settle"

    assert looker.post(where, {"note": "x"}).status_code == 403
    ada = operator("ada")
    assert b"we ordered no such act" in ada.get("/desk/budgets").content
    assert b"Not settled" in ada.post(where, {"note": " "}, follow=True).content
    assert b"on record" in ada.post(where, {"note": "paid by hand"}, follow=True).content
    assert differences(9) == []


@pytest.mark.django_db
@pytest.mark.parametrize("does", ["approve", "decline", "close"])
def test_a_character_that_no_database_has_does_nothing_and_is_named(does: str) -> None:
    (recovery_id,) = open_all([(failure(1), decision(owed(100)))])
    before = queries.by_id([recovery_id])

    refused = operator("ada").post(f"/desk/recoveries/{recovery_id}/{does}", {"why": "seen\x00"})

    assert refused.status_code == 400
    assert refused.content.decode().startswith("why: a NUL character")
    assert queries.by_id([recovery_id]) == before


@pytest.mark.django_db
def test_a_decline_in_weaselly_words_is_refused_with_the_hint(limits: Write) -> None:
    limits("approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}")
    (recovery_id,) = open_all([(failure(1), decision(goodwill(1500)))])
    ada, where = operator("ada"), f"/desk/recoveries/{recovery_id}"
    assert "It stands on their own page" in ada.get(where).content.decode()

    weaselly = "We apologize for any inconvenience you may have experienced."
    said = ada.post(f"{where}/decline", {"why": weaselly}, follow=True).content.decode()
    assert "Not declined: the customer reads this reason" in said
    assert f"You wrote: {weaselly}" in said
    assert queries.by_id([recovery_id])[recovery_id].state is RecoveryState.PROPOSED
    ada.post(f"{where}/decline", {"why": "The router was off that evening."})
    assert queries.by_id([recovery_id])[recovery_id].state is RecoveryState.DECLINED


def paid_and_listed(*effects: tuple[str, int]) -> str:
    """A refund of 3.00 that is owed and goodwill of 4.00, paid; the provider lists these effects of the refund."""
    (recovery_id,) = open_all([(failure(1, "ada"), decision(owed(300), goodwill(400)))])
    now = datetime.now(UTC)
    steps.provide(now)
    for act in amends.outbox.queries.recent(9, "due"):
        amends.outbox.steps.settle_by_person(act.key, f"r-{act.kind}", "provider", now)
    steps.settle(now)
    money = {"key": f"refund:{recovery_id}", "currency": "EUR", "at": ""}
    rows = [money | {"ref": ref, "amount_minor": minor} for ref, minor in effects]
    reconciling.reconcile("billing", rows, lambda order: None, now, now)  # type: ignore[arg-type,return-value]
    return recovery_id


@pytest.mark.django_db
def test_what_was_paid_twice_is_ordered_back_with_a_button() -> None:
    paid_and_listed(("r-remedy.refund", 300), ("r-9", 300))
    (one,) = [one for one in differences(9) if one.kind == "doubled"]
    ada, where = operator("ada"), f"/desk/differences/{one.difference_id}/take-back"
    assert "Take €3.00 back" in ada.get("/desk/budgets").content.decode()

    assert b"EUR 3.00 is ordered back" in ada.post(where, follow=True).content
    assert b"Not ordered back" in ada.post(where, follow=True).content
    assert [act.kind for act in amends.outbox.queries.recent(9, "due")] == ["remedy.reversal"]


@pytest.mark.django_db
def test_goodwill_given_by_mistake_is_taken_back_with_words_for_the_customer_and_what_is_owed_is_not() -> None:
    recovery_id = paid_and_listed()
    ada, where = operator("ada"), f"/desk/recoveries/{recovery_id}"
    page = ada.get(where).content.decode()
    assert (page.count("Take back</summary>"), "Take €4.00 back" in page, "(owed)" in page) == (1, True, True)

    assert b"never taken back" in ada.post(f"{where}/take-back/refund:{recovery_id}", {"why": "x"}, follow=True).content
    assert b"a reason is needed" in ada.post(f"{where}/take-back/credit:{recovery_id}", follow=True).content
    said = ada.post(
        f"{where}/take-back/credit:{recovery_id}", {"why": "Meant for another."}, follow=True
    ).content.decode()
    assert "EUR 4.00 is taken back" in said
    assert "taken back: under way" in said
    assert "EUR 4.00 is taken back: Meant for another." in said

    (act,) = amends.outbox.queries.recent(9, "due")
    amends.outbox.steps.settle_by_person(act.key, "back-1", "provider", datetime.now(UTC))
    reversing.settle(datetime.now(UTC))
    link = f"/yours/{tokens.make(recovery_id)}"
    assert "We had given you €4.00 by mistake, and have taken it back." in Client().get(link).content.decode()


@pytest.mark.django_db
def test_who_approved_a_policys_text_stands_beside_it(limits: Write) -> None:
    limits("approval: {policies: four eyes}")
    now = datetime.now(UTC)
    changed = replace(POLICY, digest="ab" * 32)
    versions.see({POLICY.promise: POLICY}, True, now)
    versions.see({POLICY.promise: changed}, True, now)
    for who in ("eva", "kim"):
        versions.approve(changed.digest, who, "", now)

    assert "approved by eva and kim" in operator("ada").get("/desk/budgets").content.decode()
