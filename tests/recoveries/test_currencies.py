"""Amounts of two currencies in one policy: refused where nobody could be paid by them, with the line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from amends.failures.records import Failure, Recurrence, Severity
from amends.ground.marked import Mistake
from amends.ground.money import Money, minor_digits
from amends.recoveries import files, rules
from amends.recoveries.policy import currencies, packs, parsing
from amends.recoveries.policy.columns import decide_columns
from amends.recoveries.policy.tree import Table

AT = datetime(2026, 7, 1, 20, tzinfo=UTC)

POLICY = """policy: p
promise: any
inputs:
  paid_this_year: {type: number, default: 0}
versions:
  - from: 2026-01-01
    rows:
      - id: large
        when: {severity: severe}
        then: [%s]
      - id: otherwise
        when: {}
        then:
          - credit: 5.00 EUR
"""
ADDED = "{credit: {sum_of: [{fixed: 2.00 EUR}, {fixed: 1.00 USD}]}}"
CAPPED = "{credit: {fixed: 9.00 EUR, cap: 5.00 USD}}"
LEFT = "{credit: {left_of: 25.00 USD, used: paid_this_year}}"
TWO = "{credit: 5.00 EUR}, {refund: 5.00 USD}"


def written(directory: Path, text: str) -> Path:
    path = directory / "p.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("then", "says"),
    [
        (ADDED, "row large speaks of EUR and USD"),
        (CAPPED, "row large speaks of EUR and USD"),
        (TWO, "row large speaks of EUR and USD"),
        (LEFT, "row otherwise pays in EUR, the rest in USD"),
    ],
)
def test_amounts_that_cannot_stand_beside_each_other_are_refused(tmp_path: Path, then: str, says: str) -> None:
    with pytest.raises(Mistake, match=says) as refused:
        files.read(written(tmp_path, POLICY % then))
    assert refused.value.line == (10 if "large" in says else 14)
    assert "when: {price: {'>=': 0.01" in refused.value.hint


def test_another_currency_than_the_policys_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="row large pays in USD, the rest in EUR"):
        files.read(written(tmp_path, "currency: EUR\n" + POLICY % LEFT))


def test_a_row_for_those_who_paid_in_it_may_speak_of_another_currency(tmp_path: Path) -> None:
    text = (POLICY % "{credit: 6.00 USD}").replace("severity: severe", "price: {'>=': 0.01 USD}")

    assert files.read(written(tmp_path, text)).name == "p"


def test_a_condition_and_an_amount_of_two_currencies_never_pay(tmp_path: Path) -> None:
    text = (POLICY % "{credit: 6.00 USD}").replace("severity: severe", "price: {'>=': 0.01 EUR}")

    with pytest.raises(Mistake, match="row large speaks of EUR and USD"):
        files.read(written(tmp_path, text))


@pytest.mark.parametrize("name", packs.names())
def test_every_published_rule_keeps_to_its_currency(name: str) -> None:
    assert list(currencies.check(packs.rule(name))) == []


def test_a_published_rule_pays_in_its_own_currency_only() -> None:
    text = """rule: r
currency: EUR
inputs: {fare: {type: money}}
versions:
  - from: 2026-01-01
    rows:
      - {id: a, when: {fare: {">=": 1.00 USD}}, then: [{credit: 5.00 USD, owed: true}]}
"""
    (found,) = currencies.check(parsing.read_text(text, "r.yaml", {}))
    assert (found.line, found.hint) == (7, "write it in EUR")


NAMED = """policy: p
promise: any
currency: EUR
inputs:
  worth: {type: money, default: 0}
  items: {type: count, default: 2}
  level: {type: number, default: 3}
derive:
  left: {minus: [worth, price]}
  more: {at_least: [left, 0]}
  less: {minus: [worth, half]}
  rate: {by_date: {2026-01-01: 1.50}}
versions:
  - from: 2026-01-01
    parameters: {half: 1.50}
    rows:
      - {id: first, when: {severity: severe}, then: [{credit: AMOUNT}]}
      - {id: otherwise, when: {}, then: [apology]}
"""


@pytest.mark.parametrize("amount", ["half", "{fixed: half}", "{per_unit: half, unit: items}", "rate", "level", "less"])
@pytest.mark.parametrize("paid_in", ["USD", "JPY"])
def test_a_named_amount_is_in_the_policys_currency(tmp_path: Path, amount: str, paid_in: str) -> None:
    policy = files.read(written(tmp_path, NAMED.replace("AMOUNT", amount)))

    assert decided(policy, "EUR")[0] > 0
    minor, person = decided(policy, paid_in)
    assert (minor, f"the policy speaks of EUR, the customer paid in {paid_in}" in person) == (0, True)


@pytest.mark.parametrize("ends", ["cap: half", "floor: half", "cap: {per_unit: half, unit: items}"])
def test_so_are_the_ends_of_an_amount(tmp_path: Path, ends: str) -> None:
    policy = files.read(written(tmp_path, NAMED.replace("AMOUNT", f"{{percent: 100, of: price, {ends}}}")))

    assert decided(policy, "EUR")[0] > 0
    assert decided(policy, "USD")[0] == 0


@pytest.mark.parametrize(("amount", "minor"), [("worth", 700), ("left", 200), ("more", 200)])
def test_the_customers_own_money_is_in_what_they_paid_in(tmp_path: Path, amount: str, minor: int) -> None:
    policy = files.read(written(tmp_path, NAMED.replace("AMOUNT", amount)))

    assert decided(policy, "EUR") == decided(policy, "USD") == (minor, "")


@pytest.mark.parametrize("limit", ["half", "rate", "1.50"])
def test_money_is_compared_in_the_policys_currency_only(tmp_path: Path, limit: str) -> None:
    text = NAMED.replace("AMOUNT", "worth").replace("{severity: severe}", f"{{price: {{'>=': {limit}}}}}")
    policy = files.read(written(tmp_path, text))

    assert [decided(policy, code)[0] for code in ("EUR", "USD")] == [700, 0]


@pytest.mark.parametrize("amount", ["half", "rate", "{percent: 100, of: price, cap: half}"])
def test_a_named_amount_needs_a_currency(tmp_path: Path, amount: str) -> None:
    text = NAMED.replace("currency: EUR\n", "").replace("AMOUNT", amount)

    with pytest.raises(Mistake, match="is an amount without a currency") as refused:
        files.read(written(tmp_path, text))
    assert (refused.value.line, refused.value.hint) == (16, "write currency: EUR at the top")


def decided(policy: Table, paid_in: str) -> tuple[int, str]:
    """(minor units, why a person) for somebody who paid five in a currency; the columns must say the same."""
    facts = {"worth": "7"}
    lived = Failure("f", "any", "ada", "s", AT, Severity.SEVERE, price=Money.parse("5", paid_in), facts=facts)
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 10**9}
    made = rules.decide(lived, Recurrence(), policy, AT.date(), **how)
    minor = sum(one.amount.minor for one in made.remedies if one.amount)
    size = 10 ** minor_digits(paid_in)
    columns = {"severity": ["severe"], "price": [5 * size], "worth": [7 * size], "items": [2], "level": [3.0]}
    answers = decide_columns(policy, columns, currency=paid_in, day=AT.date())
    assert (int(answers.total[0]), bool(answers.person[0])) == (minor, bool(made.person))
    return minor, made.person
