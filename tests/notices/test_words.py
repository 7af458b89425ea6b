from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.customers.records import Customer
from amends.failures.records import Failure, Severity
from amends.ground.config import Config
from amends.ground.money import Money
from amends.notices import compose, lint, phrases, templates

STARTER = Path(templates.__file__).parents[1] / "scenarios/starter/notices"
FACTS = {"title": "Winter Harbour", "stall_count": 3, "stall_s": 84.0}
CONFIG = Config(directory=Path())


def said(
    template: templates.Template, amount: Money | None = None, facts: dict[str, object] | None = None
) -> compose.Said:
    at = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    failure = Failure("f", "film-plays", "ada", "s", at, Severity.SEVERE, facts=FACTS | (facts or {}))
    customer = Customer("ada", name="Ada", locale=template.locale, time_zone="Europe/Vienna")
    paid = compose.Paid(owed=(amount,), receipts=("re_9",)) if amount else compose.Paid()
    lang, values = compose.values_of(failure, customer, paid, "https://amends.example/yours/7EUR~9", CONFIG)
    return compose.compose(template, values, paid, lang)


def starter(name: str) -> templates.Template:
    template, findings = templates.read(STARTER / name)
    assert template
    assert not findings
    return template


@pytest.mark.parametrize("path", sorted(STARTER.glob("*.md")), ids=lambda path: path.name)
def test_what_we_ship_has_every_slot_and_no_weasel(path: Path) -> None:
    assert lint.lint_file(path) == []


@given(minor=st.integers(1, 10**9), name=st.sampled_from(["film-plays.refund.en.md", "film-plays.refund.de.md"]))
def test_the_amount_in_the_mail_is_the_amount_in_the_books(minor: int, name: str) -> None:
    amount = Money(minor, "EUR")

    message = said(starter(name), amount)
    assert message.may_be_sent
    assert amount.words("de" if ".de." in name else "en") in message.text


def test_an_amount_that_is_not_the_records_stops_the_mail() -> None:
    text = (STARTER / "film-plays.refund.en.md").read_text().replace("{amount}, in full", "€500.00, in full")
    template, _ = templates.parse(text, "t", "film-plays.refund", "en")

    assert template
    assert [f.rule for f in said(template, Money(499, "EUR")).findings] == ["amount-mismatch"]


def test_what_is_owed_and_goodwill_are_told_apart_and_add_up() -> None:
    both = compose.Paid((Money(20000, "GBP"),), (Money(2500, "GBP"),), ("re_1", "re_2"), date(2026, 12, 8))
    failure = Failure("f", "power", "ada", "s", datetime(2026, 11, 20, tzinfo=UTC), Severity.SEVERE)
    _, values = compose.values_of(failure, Customer("ada", locale="en-GB"), both, "https://amends.example/x", CONFIG)

    assert (values["amount"], values["owed"], values["goodwill"]) == ("£225.00", "£200.00", "£25.00")
    assert (values["pay_by"], values["receipt"]) == ("8 December 2026", "re_1 and re_2")


def test_what_was_not_paid_is_not_named() -> None:
    owed = compose.Paid((Money(20000, "GBP"),), (), ("re_1",))
    failure = Failure("f", "power", "ada", "s", datetime(2026, 11, 20, tzinfo=UTC), Severity.SEVERE)
    _, values = compose.values_of(failure, Customer("ada"), owed, "https://amends.example/x", CONFIG)

    assert (values["goodwill"], values["pay_by"]) == ("", "")


def test_a_missing_slot_stops_the_mail() -> None:
    text = (STARTER / "film-plays.refund.en.md").read_text().replace("## ours", "## theirs")
    template, findings = templates.parse(text, "t", "film-plays.refund", "en")

    assert {finding.rule for finding in findings} >= {"missing-slot", "unknown-slot"}
    assert template
    assert not said(template, Money(499, "EUR")).may_be_sent


def test_a_title_with_markup_is_inert() -> None:
    message = said(
        starter("film-plays.refund.en.md"), Money(499, "EUR"), {"title": "<script>x</script> [a](javascript:b)\nBcc: c"}
    )

    assert "<script>" not in message.html
    assert 'href="javascript' not in message.html
    assert "\n" not in message.subject


@pytest.mark.parametrize(
    ("seconds", "lang", "words"),
    [
        (1, "en", "1 second"),
        (84, "en", "1 minute and 24 seconds"),
        (3661, "en", "1 hour and 1 minute"),
        (84, "de", "1 Minute und 24 Sekunden"),
        (0.2, "de", "1 Sekunde"),
    ],
)
def test_lengths_of_time_have_their_plural(seconds: float, lang: str, words: str) -> None:
    assert phrases.span(seconds, lang) == words


def test_an_evening_in_the_night_of_the_clock_change_is_told_by_the_customers_clock() -> None:
    day, time = phrases.moment(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Vienna", "UTC", "de")

    assert (day, time) == ("Sonntag, 25. Oktober", "02:30")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("You may have experienced buffering last night.", "conditional-impact"),
        ("Some users were unable to watch.", "conditional-impact"),
        ("We are sorry for any inconvenience this may have caused.", "conditional-apology"),
        ("We apologize if you were affected.", "conditional-apology"),
        ("Click here to claim your credit.", "claim-burden"),
        ("Redeem your coupon within 7 days.", "claim-burden"),
        ("Upgrade now and save!", "selling"),
        ("This was due to a third-party provider.", "blame"),
        ("An issue occurred with our service.", "agentless"),
        ("Thank you for your patience.", "thanks-for-patience"),
        ("Wir bedauern etwaige Unannehmlichkeiten.", "conditional-apology"),
        ("Einige Kunden hatten Probleme.", "conditional-impact"),
    ],
)
def test_weasel_words_are_found(text: str, rule: str) -> None:
    assert rule in {finding.rule for finding in lint.lint_text(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Your film stopped 14 times. That was our fault, and we are sorry. We have paid back the EUR 4.99.",
        "You may write to us at any time. We are sorry.",
        "We cannot see whether you were watching. We are sorry, and have credited you anyway.",
        "Es war unser Fehler, und es tut uns leid. Sie brauchen nichts zu tun.",
    ],
)
def test_honest_words_pass(text: str) -> None:
    assert [finding for finding in lint.lint_text(text) if finding.severity == "error"] == []


def test_the_link_in_the_mail_can_be_followed() -> None:
    message = said(starter("film-plays.refund.en.md"), Money(499, "EUR"))

    assert '<a href="https://amends.example/yours/7EUR~9" rel="noopener noreferrer">your own page</a>' in message.html
    assert "https://amends.example/yours/7EUR~9" in message.text
