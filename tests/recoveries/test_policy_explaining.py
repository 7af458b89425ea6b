"""What is explained can be read to the customer: whole sentences, no names of fields, the amounts of the record."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from amends.failures.records import Failure, Recurrence, Severity
from amends.ground.money import Money
from amends.recoveries import files, rules, texts, versions
from amends.recoveries.policy import packs
from amends.recoveries.policy.describing import Page, describe
from amends.recoveries.policy.explaining import explain
from amends.recoveries.policy.pages import html, markdown
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.recounting import recount
from amends.recoveries.policy.tree import Table
from amends.recoveries.records import Decision

CASES = [
    case
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))["cases"]
]
POLICY = files.read(Path(files.__file__).parents[1] / "scenarios/starter/policies/film-plays.yaml")
NOW = datetime(2026, 11, 24, 20, tzinfo=UTC)


def told(rule: str, **inputs: Any) -> str:
    return explain(packs.rule(rule), inputs).text()


def decided(prior: int = 0, **more: Any) -> Decision:
    lived = Failure(
        "fail_1",
        "film-plays",
        "ada",
        "s-1",
        NOW,
        Severity.SEVERE,
        price=Money(499, "EUR"),
        facts={"stall_count": 14},
        **more,
    )
    return rules.decide(
        lived,
        Recurrence(prior, float(prior)),
        POLICY,
        date(2026, 11, 24),
        currency="EUR",
        holdout=("salt", 0.0),
        approve_up_to=5000,
    )


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_an_explanation_speaks_no_computer_and_names_the_amount(case: dict[str, Any]) -> None:
    found = explain(packs.rule(case["rule"]), case["inputs"])
    text = found.text()

    assert "_" not in text
    assert not re.search(r"\b(None|True|False|null)\b", text)
    assert Money.parse(case["expected"]["amount"], case["expected"]["currency"]).words() in text or (
        "Nothing is due" in found.answer
    )
    assert ("Nothing is due" in found.answer) is not case["expected"]["eligible"]
    assert all(line.rstrip(")").endswith(".") for part in (found.why, found.why_not, found.amount) for line in part)


def test_it_says_what_was_seen_which_line_held_and_why_not_the_others() -> None:
    text = told("eu_rail", ticket_price="79.90", delay_min=75)

    assert "You get €19.98." in text
    assert "The delay on arrival was 75 minutes." in text
    assert "when the delay on arrival is at least 60 minutes, 25 % of the price of the ticket is due" in text
    assert "it holds only when the delay on arrival is at least 120 minutes, and it was 75 minutes" in text
    assert "Nobody told us that the passenger knew of the delay before buying the ticket" in text
    assert "It has to be asked for (Article 19" in text


def test_it_tells_the_amount_before_and_after_its_cap_and_rounding() -> None:
    capped = told("gb_gsop_electricity", version="2023", weather="category2", off_h=400)
    rounded = told("eu_rail", ticket_price="79.90", delay_min=75)

    assert "That comes to £2,400.00." in capped
    assert "At most £2,000.00 is given, so it is £2,000.00." in capped
    assert "That comes to EUR 19.975." in rounded
    assert "Rounded once, half up, it is €19.98." in rounded


def test_it_tells_by_when_and_that_nobody_has_to_ask() -> None:
    text = told("ofcom_delayed_repair", reported_on="2024-06-03", fixed_on="2024-06-07")

    assert "It must reach you by 7 July 2024." in text
    assert "there is nothing you need to do" in text


def test_an_exclusion_says_what_has_to_be_shown() -> None:
    text = told("eu261", distance_km=900, arrival_delay_h=5, extraordinary=True)

    assert "Nothing is due, because extraordinary circumstances caused it" in text
    assert "It has to be shown by this: the event, and that all reasonable measures were taken." in text


def test_a_recovery_is_recounted_from_the_text_it_was_decided_by() -> None:
    text = recount(decided(used_anyway=False), POLICY).text()

    assert "You get €4.99 as money back (owed to you) and an apology." in text
    assert "The price was €4.99." in text
    assert "when the failure is major or severe" in text
    assert "_" not in text


def test_without_that_text_it_is_recounted_from_what_was_kept() -> None:
    text = recount(decided(used_anyway=False), None).text()

    assert "You get €4.99" in text
    assert "The line for “severity is major or severe" in text
    assert "_" not in text


def test_a_repeat_says_that_a_person_calls() -> None:
    text = recount(decided(prior=1), POLICY).text()

    assert "a person looks at it as well: it happened again within 90 days" in text


@pytest.mark.django_db
def test_the_text_of_a_policy_is_found_by_the_digest_that_the_decision_keeps() -> None:
    versions.see({POLICY.promise: POLICY}, four_eyes=False, now=NOW)

    found = texts.table(decided().policy_hash)

    assert found is not None
    assert found.digest == POLICY.digest
    assert texts.table("unknown") is None


PARCELS = read_text(
    """policy: parcels
promise: film-plays
inputs:
  promised_on: {type: day, words: the promised day}
  arrived_on: {type: day, words: the day of arrival}
  order_value: {type: money, words: the order value}
  gift: {type: flag, default: false, words: it was a gift}
  most_days: {type: count, default: 9, words: the number of days that count}
derive:
  days_late: {days: [promised_on, arrived_on], words: the delay, unit: days}
  counted: {at_most: [days_late, most_days], words: the counted delay, unit: days}
versions:
  - from: 2026-01-01
    rows:
      - {id: late, when: {counted: {">=": 1}}, then: [{refund: {percent: 10, of: order_value}}]}
      - {id: otherwise, when: {}, then: []}
""",
    "parcels.yaml",
    files.INPUTS,
)


def parcel(**facts: Any) -> tuple[str, ...]:
    """What was looked at for a parcel, three days late."""
    late = {"promised_on": "2026-11-01", "arrived_on": "2026-11-04", "order_value": "50.00"}
    lived = Failure("f", "film-plays", "ada", "s", NOW, Severity.SEVERE, price=Money(499, "EUR"), facts=late | facts)
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 5000}
    decision = rules.decide(lived, Recurrence(), PARCELS, date(2026, 11, 24), **how)
    return recount(decision, PARCELS).looked_at


def test_only_what_nobody_said_is_called_assumed() -> None:
    given = ("The price was €4.99.", "The promised day was 1 November 2026.", "The day of arrival was 4 November 2026.")
    assumed = "Nobody said otherwise, so we took it that the number of days that count was 9."

    assert parcel() == (*given, "The order value was €50.00.", assumed)
    assert parcel(most_days=2) == (*given, "The order value was €50.00.", "The number of days that count was 2.")
    assert parcel(most_days=9) == (*given, "The order value was €50.00.", "The number of days that count was 9.")


LATE = read_text(
    """policy: late
promise: film-plays
inputs:
  off_h: {type: number, unit: hours, words: the time without service}
versions:
  - from: 2026-01-01
    rows:
      - {id: long, when: {off_h: {">=": 2.0625}}, then: [{credit: {per_unit: 1.20 EUR, unit: off_h}}]}
      - {id: otherwise, when: {}, then: []}
""",
    "late.yaml",
    files.INPUTS,
)


@pytest.mark.parametrize("table", [LATE, None])
@pytest.mark.parametrize(
    ("off_h", "says"),
    [("2.666667", "about 2.67"), ("2.125", "2.125"), ("3", "3")],
)
def test_a_number_with_many_digits_is_told_rounded_and_a_bound_never(
    off_h: str, says: str, table: Table | None
) -> None:
    facts = {"off_h": Decimal(off_h)}
    lived = Failure("f", "film-plays", "ada", "s", NOW, Severity.SEVERE, price=Money(499, "EUR"), facts=facts)
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 5000}
    text = recount(rules.decide(lived, Recurrence(), LATE, date(2026, 11, 24), **how), table).text()

    assert f"The time without service was {says} hours." in text if table else f"Off: {says}." in text
    assert "666667" not in text.partition("What we looked at")[2].partition("Why")[0]
    assert "at least 2.0625 hours" in text or table is None


@pytest.mark.parametrize("table", [PARCELS, None])
def test_where_a_person_decides_first_no_names_of_ours_are_read_out(table: Table | None) -> None:
    lived = Failure("f", "film-plays", "ada", "s", NOW, Severity.SEVERE, facts={"arrived_on": "2026-11-04"})
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 5000}
    decision = rules.decide(lived, Recurrence(), PARCELS, date(2026, 11, 24), **how)
    text = recount(decision, table).text()

    assert "A person looks at it before anything is given" in text
    assert "4 November 2026" in text or "2026-11-04" in text
    assert not re.search("(?i)recurrence|stable cause|loss kind", text)


def test_the_rate_is_that_of_one_day() -> None:
    text = told("ofcom_delayed_repair", reported_on="2026-03-31", fixed_on="2026-04-20")

    assert "for each day the daily rate in force on the day of the report is due" in text
    assert "Here the daily rate was £9.98" in text  # of March, although all the days are in April
    start = told("ofcom_delayed_start", promised_on="2026-03-31", started_on="2026-04-05")
    assert "for each day the daily rate in force on the day that was promised" in start
    assert "the rate in force on the day of the appointment" in told("ofcom_missed_appointment", on="2026-03-31")


def test_the_time_for_asking_is_a_sentence() -> None:
    text = told("eu261", distance_km=900, arrival_delay_h=5)

    assert "The time for that is what the national law of limitation allows." in text


@pytest.mark.parametrize("page", [html, markdown])
def test_a_policy_takes_amounts_in_the_currency_of_the_failure(page: Callable[[Page], str]) -> None:
    in_pounds = page(describe(replace(PARCELS, currency="GBP")))

    assert "An amount in the currency of the failure" in in_pounds
    assert "in the currency of the failure, such as" in in_pounds
    assert "in the currency of the failure" not in page(describe(packs.rule("eu_rail")))
