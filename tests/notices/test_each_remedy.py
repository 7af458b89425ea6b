"""A mail names each remedy with its own amount: a credit is not paid back, and what is paid back is no credit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.recoveries.given import NOW, Write, decision, failure, goodwill, open_all, owed

import amends.outbox.steps
from amends.customers.models import CustomerRow
from amends.notices import lint, queries, steps
from amends.notices.records import Notice
from amends.outbox.models import ActRow
from amends.recoveries.records import Remedy
from amends.remedies import steps as remedies
from amends.scenarios.starter import files


@pytest.fixture(autouse=True)
def _ada(db: None, settings: Any) -> None:
    files.write(settings.AMENDS.directory)
    CustomerRow.objects.create(customer_id="ada", name="Ada", email="ada@example.org", told_at=NOW)


def mail(*given: Remedy, promise: str = "", locale: str = "en") -> Notice:
    """The mail about what was given, once everything has its receipt."""
    CustomerRow.objects.update(locale=locale)
    (recovery_id,) = open_all([(failure(1, "ada"), decision(*given))])
    remedies.provide(NOW)
    for act in ActRow.objects.filter(state="due", kind__startswith="remedy."):
        amends.outbox.steps.settle_by_person(act.key, f"pay-{act.key.split(':')[0]}", "provider", NOW)
    remedies.settle(NOW)
    steps.compose(NOW)
    (notice,) = queries.of_recoveries([recovery_id])[recovery_id]
    assert (notice.state, notice.findings) == ("enqueued", ())
    return notice


def test_a_refund_and_a_credit_are_told_apart() -> None:
    notice = mail(owed(7990), goodwill(750))

    assert "We have paid back €79.90" in notice.subject
    assert "We have paid back €79.90 to the card or account you paid with." in notice.text
    assert "Our receipt for it is pay-refund." in notice.text
    assert "We have also credited €7.50 to your account; our receipt for it is pay-credit." in notice.text
    assert "We have also credited €7.50 to your account; our receipt for it is pay-credit." in notice.html
    assert not {"87.40", "87,40"} & set(re.findall(r"[\d.,]*\d", notice.subject + notice.text))
    assert lint.lint_text(notice.text) == []


def test_in_german_too() -> None:
    notice = mail(owed(7990), goodwill(750), Remedy("coupon", goodwill(500).amount), locale="de")

    assert "79,90\xa0€" in notice.text
    assert "Unser Beleg dafür ist pay-refund." in notice.text
    assert "Außerdem haben wir Ihrem Konto 7,50\xa0€ gutgeschrieben; unser Beleg dafür ist pay-credit." in notice.text
    assert (
        "Außerdem haben wir Ihnen einen Gutschein über 5,00\xa0€ ausgestellt; sein Code ist pay-coupon." in notice.text
    )
    assert "92,40" not in notice.subject + notice.text
    assert lint.lint_text(notice.text) == []


@pytest.mark.parametrize("locale", ["en", "de"])
def test_texts_of_before_that_have_no_place_for_it_tell_it_all_the_same(settings: Any, locale: str) -> None:
    for path in (settings.AMENDS.directory / "notices").glob("*.md"):
        path.write_text(path.read_text().replace("? {also}\n", ""))
    notice = mail(owed(7990), goodwill(750), locale=locale)

    says = {"en": "also credited €7.50 to", "de": "Konto 7,50\xa0€ gutgeschrieben"}[locale]
    assert says in notice.text
    assert says in notice.html.replace("&nbsp;", "\xa0")
    assert not {"87.40", "87,40"} & set(re.findall(r"[\d.,]*\d", notice.subject + notice.text))


def test_of_one_kind_what_is_owed_and_goodwill_are_one_amount() -> None:
    notice = mail(owed(7990), goodwill(750, "refund"))

    assert "We have paid back €87.40 to the card" in notice.text
    assert "Our receipt for it is pay-refund and pay-refund-goodwill." in notice.text
    assert "also" not in notice.text


def test_a_mail_is_about_what_was_given_and_not_about_what_still_waits(limits: Write) -> None:
    limits("approval: {nobody_up_to: 5.00 EUR, one_up_to: 20.00 EUR}")
    notice = mail(goodwill(750), owed(7990))

    assert "We have paid back €79.90" in notice.subject
    assert "credited" not in notice.text
