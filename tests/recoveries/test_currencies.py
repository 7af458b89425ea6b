"""Amounts of two currencies in one policy: refused where nobody could be paid by them, with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from amends.ground.marked import Mistake
from amends.recoveries import files
from amends.recoveries.policy import currencies, packs, parsing

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
