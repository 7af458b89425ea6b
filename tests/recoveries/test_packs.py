"""Every published rule that is shipped answers worked cases to the cent, with reason, deadline and days."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from amends.recoveries.policy import packs
from amends.recoveries.policy.answering import answer
from amends.recoveries.policy.applying import apply

CASES = [
    case
    for path in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(path.read_text("utf-8"))["cases"]
]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_published_rule_answers_to_the_cent(case: dict[str, Any]) -> None:
    found = answer(case)

    assert {name: found.get(name, found) for name in case["expected"]} == case["expected"]


def test_every_shipped_rule_has_worked_cases() -> None:
    assert {case["rule"] for case in CASES} == set(packs.names())


EXCUSES = ("extraordinary", "passenger_fault", "third_party")


@pytest.mark.parametrize("excuse", EXCUSES)
@pytest.mark.parametrize(("on", "paid"), [("2009-12-03", 4000), ("2023-06-06", 4000), ("2023-06-07", 0), ("", 0)])
def test_a_railway_has_excuses_since_7_june_2023_only(excuse: str, on: str, paid: int) -> None:
    day = date.fromisoformat(on) if on else None

    found = apply(packs.rule("eu_rail"), {"ticket_price": "80.00", "delay_min": 120, excuse: True}, day)

    assert (found.amount.minor, found.reason == "ok") == (paid, paid > 0)


def test_a_railway_pays_the_same_by_both_laws_and_each_is_named_in_its_time() -> None:
    cases = [("80.00", 59), ("80.00", 60), ("79.90", 119), ("79.90", 120), ("14.90", 75), ("7.99", 130)]
    rail = packs.rule("eu_rail")
    for price, delay in cases:
        given = {"ticket_price": price, "delay_min": delay}
        before, after = (apply(rail, given, date(2023, 6, day)) for day in (6, 7))
        assert (before.amount, before.reason) == (after.amount, after.reason)
        assert not before.eligible or ("1371/2007" in before.claim and "2021/782" in after.claim)
    told = {"ticket_price": "80.00", "delay_min": 120, "informed_before_purchase": True}
    assert {apply(rail, told, date(2023, 6, day)).reason for day in (6, 7)} == {"informed_before_purchase"}


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        ("eu261", {"distance_km": 900}),
        ("att_guarantee", {"service": "wireless", "monthly_rate": "60.00", "outage_min": 90}),
        ("ny_psc_cable", {"monthly_rate": 90, "outage_h": 30, "subscribers_affected": 500, "power_loss": True}),
    ],
)
def test_where_nobody_knows_what_decides_a_person_finds_out(rule: str, given: dict[str, Any]) -> None:
    found = apply(packs.rule(rule), given)

    assert next(row.person for row in packs.rule(rule).versions[-1].rows if row.row_id == found.row)


def test_who_was_not_refunded_is_not_decided_without_the_delay() -> None:
    found = answer({"id": 1, "rule": "ca_appr", "inputs": {"carrier": "large"}})

    assert found["error"] == {"field": "amount", "reason": "arrival_delay_h is not known"}
