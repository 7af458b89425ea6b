from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.failures.records import Evidence, Failure, Recurrence, Severity
from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.recoveries import files, rules
from amends.recoveries.policy.checking import check
from amends.recoveries.queries import decision_from_json, decision_to_json
from amends.recoveries.records import Decision

STARTER = Path(files.__file__).parents[1] / "scenarios/starter"
POLICY = files.read(STARTER / "policies/film-plays.yaml")
DAY = date(2026, 11, 24)


def failure(severity: Severity = Severity.SEVERE, price: Money | None = Money(499, "EUR"), **more: Any) -> Failure:
    at = datetime(2026, 11, 24, 20, tzinfo=UTC)
    return Failure("fail_1", "film-plays", "ada", "s-1", at, severity, price=price, **more)


def decide(lived: Failure, prior: int = 0, share: float = 0.0, limit: int = 5000) -> Decision:
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("salt", share), "approve_up_to": limit}
    return rules.decide(lived, Recurrence(prior, float(prior)), POLICY, DAY, **how)


def worth(decision: Decision) -> int:
    return sum(remedy.amount.minor for remedy in decision.remedies if remedy.amount)


@given(minor=st.integers(1, 5000), prior=st.integers(0, 5), used=st.booleans())
def test_a_worse_evening_never_earns_less(minor: int, prior: int, used: bool) -> None:
    lived = [failure(severity, Money(minor, "EUR"), used_anyway=used) for severity in Severity]

    worths = [worth(decide(one, prior)) for one in lived]
    assert worths == sorted(worths)


@given(minor=st.integers(1, 2**62), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_a_spoiled_film_is_paid_back_to_the_last_minor_unit(minor: int, currency: str) -> None:
    decision = decide(failure(price=Money(minor, currency)))

    assert worth(decision) == minor
    assert not decision.needs_approval  # what is owed waits for nobody


@pytest.mark.parametrize(
    ("lived", "prior", "row", "kinds"),
    [
        (failure(), 0, "spoiled", ["refund", "apology"]),
        (failure(), 1, "spoiled-again", ["refund", "apology"]),
        (failure(used_anyway=True), 0, "watched-anyway", ["credit", "apology"]),
        (failure(Severity.MINOR), 0, "otherwise", ["apology"]),
        (failure(price=None), 0, "otherwise", ["apology"]),
        (failure(evidence=Evidence.CLAIMED), 0, "only-claimed", []),
        (failure(facts={"disputed": True}), 0, "disputed", []),
    ],
)
def test_the_first_row_that_holds_decides(lived: Failure, prior: int, row: str, kinds: list[str]) -> None:
    decision = decide(lived, prior)

    assert (decision.row, [remedy.kind for remedy in decision.remedies]) == (row, kinds)


def test_a_holdout_withholds_goodwill_and_never_what_is_owed() -> None:
    owed, goodwill = decide(failure(), share=1.0), decide(failure(used_anyway=True), share=1.0)

    assert (worth(owed), owed.holdout) == (499, False)
    assert (worth(goodwill), goodwill.holdout) == (0, True)


@pytest.mark.parametrize("price", [16_000, 17_000])
def test_goodwill_above_the_limit_waits_for_a_person(price: int) -> None:
    decision = decide(failure(price=Money(price, "EUR"), used_anyway=True))

    assert decision.needs_approval == (worth(decision) > 5000)


def test_the_same_inputs_give_the_same_decision_and_it_survives_being_kept() -> None:
    decision = decide(failure(facts={"stall_s": 84.2}))

    assert decide(failure(facts={"stall_s": 84.2})) == decision
    assert decision_from_json(decision_to_json(decision)) == decision


@given(st.text(max_size=40), st.text(max_size=40))
def test_who_somebody_is_decides_nothing(customer: str, title: str) -> None:
    other = replace(failure(), customer_id=customer, facts={"title": title, "name": customer})

    assert worth(decide(other)) == worth(decide(failure()))


def test_an_amount_in_another_currency_goes_before_a_person(tmp_path: Path) -> None:
    policy = files.read(written(tmp_path, ROW.replace("{percent: 100, of: price}", "5.00 USD")))

    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 5000}
    decision = rules.decide(failure(), Recurrence(), policy, DAY, **how)
    assert "the customer paid in EUR" in decision.person
    assert decision.needs_approval


ROW = """
policy: p
promise: film-plays
versions:
  - from: 2026-01-01
    rows:
      - id: one
        when: {severity: severe}
        then: [{refund: {percent: 100, of: price}}]
      - id: rest
        when: {}
        then: [apology]
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "p.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("severity: severe", "severety: severe", 8, "no input"),
        ("severity: severe", "email: x", 8, "personal"),
        ("severity: severe", "severity: awful", 8, "never happens"),
        ("of: price", "of: stall_s", 9, "no amount of money"),
        ("percent: 100", "percent: lots", 9, "no number"),
        ("refund:", "gift:", 9, "not known"),
        ("from: 2026-01-01", "from: soon", 5, "no day"),
        ("policy: p", "policy: p\npolicy: q", 3, "twice"),
    ],
)
def test_a_mistake_is_shown_with_its_line(tmp_path: Path, before: str, after: str, line: int, says: str) -> None:
    with pytest.raises(Mistake, match=says) as caught:
        files.read(written(tmp_path, ROW.replace(before, after, 1)))
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("      - id: rest\n        when: {}\n        then: [apology]\n", "", "no row fits"),
        ("percent: 100", "percent: 200", "150 %"),
        ("{severity: severe}", "{severity: severe, recurrence: {'>=': 1}}", "without a person"),
        ("{severity: severe}", "{}", "never be reached"),
    ],
)
def test_a_table_that_would_be_unfair_is_found_before_anybody_is_paid(
    tmp_path: Path, before: str, after: str, says: str
) -> None:
    policy = files.read(written(tmp_path, ROW.replace(before, after, 1)))

    assert any(says in mistake.says for mistake in check(policy))


def test_the_starter_policies_are_in_order() -> None:
    policies, mistakes = files.read_all(STARTER)

    assert not mistakes
    assert [found for policy in policies for found in check(policy)] == []


PARCELS = """
policy: parcels
promise: parcel-arrives
currency: EUR
statute: [eu_rail]
inputs:
  promised_on: {type: day}
  arrived_on: {type: day, default: null}
  order_value: {type: money, also: [worth]}
  shipping: {type: money, default: 0.00}
derive:
  days_late: {days: [promised_on, arrived_on]}
versions:
  - from: 2026-01-01
    rows:
      - {id: late, when: {days_late: {">=": 1}}, then: [{refund: {percent: 10, of: order_value}}]}
      - {id: otherwise, when: {}, then: []}
"""
LATE = {"promised_on": "2026-11-01", "arrived_on": "2026-11-04", "order_value": "50.00"}


def parcel(directory: Path, text: str = PARCELS.replace("statute: [eu_rail]\n", ""), **facts: Any) -> Decision:
    policy = files.read(written(directory, text))
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 5000}
    return rules.decide(failure(facts=facts), Recurrence(), policy, DAY, **how)


UNKNOWN = "the promised is not known"
NO_DAY = "the promised cannot be right: expected a day such as 2024-06-03, not 'soon'"


@pytest.mark.parametrize(
    ("told", "why"), [({}, UNKNOWN), ({"promised_on": None}, UNKNOWN), ({"promised_on": "soon"}, NO_DAY)]
)
def test_what_must_be_given_and_is_not_known_brings_a_person_in(tmp_path: Path, told: dict[str, Any], why: str) -> None:
    decision = parcel(tmp_path, arrived_on="2026-11-04", order_value="50.00", **told)

    assert (decision.needs_approval, decision.row, decision.remedies) == (True, "", ())
    assert decision.reasons == (f"{why}: a person decides",)
    assert decision.version == "2026-01-01"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"arrived_on": "later"}, "the arrived cannot be right: expected a day such as 2024-06-03, not 'later'"),
        ({"order_value": "much"}, "the order value cannot be right: expected an amount such as 4.99, not 'much'"),
        (
            {"order_value": -50},
            "the order value cannot be right: -50 is out of range; expected 0 to 92233720368547758.07",
        ),
        ({"order_value": "4.905"}, "the order value cannot be right: 4.905 has more digits than EUR has (2)"),
        ({"order_value": 1e300}, "the order value cannot be right: 1e+300 has more digits than anything"),
        ({"order_value": float("nan")}, "the order value cannot be right: expected a finite number, not nan"),
        ({"order_value": [50]}, "the order value cannot be right: expected an amount such as 4.99, not [50]"),
        ({"stall_s": -3}, "the time spent waiting cannot be right: -3 is out of range"),
        ({"parcels": 1.5}, "the parcels cannot be right: expected a whole number, not 1.5"),
        ({"parcels": 12}, "the parcels cannot be right: 12 is out of range; expected 1 to 9"),
        ({"gift": "no"}, "whether the gift cannot be right: expected true or false, not 'no'"),
        ({"way": "drone"}, "the way cannot be right: 'drone' is not known; expected one of post, van"),
        ({"weights": [1, "x"]}, "the weights cannot be right: expected a number, not 'x'"),
        ({"holidays": "Mars"}, "the holidays cannot be right: "),
        ({"holidays": ["2026-11-31"]}, "the holidays cannot be right: expected a day such as"),
    ],
)
def test_what_was_told_and_cannot_be_brings_a_person_in_where_a_row_looks_at_it(
    tmp_path: Path, told: dict[str, Any], why: str
) -> None:
    text = PARCELS.replace("statute: [eu_rail]\n", "").replace("derive:\n", f"{MORE}derive:\n{DERIVED}")
    looks = "{stall_s: {'>=': 0}, parcels: {'>=': 1}, gift: false, way: [post, van], heavy: {'>=': 0}, due: {not: null}"
    decision = parcel(tmp_path, text.replace("when: {}", f"when: {looks}}}"), **LATE | told)

    assert decision.person.startswith(why)
    assert (decision.needs_approval, decision.remedies) == (True, ())


MORE = """\
  parcels: {type: count, least: 1, most: 9, default: 1}
  gift: {type: flag, default: false}
  way: {type: choice, of: [post, van], default: post}
  weights: {type: numbers, default: []}
  holidays: {type: days, default: GB-ENG}
"""
DERIVED = """\
  heavy: {total: weights}
  due: {working_days_after: promised_on, count: 2, holidays: holidays}
"""


def test_what_cannot_be_is_let_alone_where_no_row_looks_at_it(tmp_path: Path) -> None:
    decision = parcel(tmp_path, **LATE | {"stall_s": "long", "shipping": "5 USD", "product": "boat"})

    assert (decision.person, worth(decision)) == ("", 500)
    assert [decision.inputs[name] for name in ("stall_s", "shipping", "product")] == [None, None, None]


def test_what_may_stay_unknown_does_not(tmp_path: Path) -> None:
    decision = parcel(tmp_path, promised_on="2026-11-01", worth=50)

    assert (decision.needs_approval, decision.row, decision.person) == (False, "otherwise", "")


@pytest.mark.parametrize("told", ["50.00 EUR", "EUR 50.00", "50.00", 50])
def test_money_may_name_its_currency(tmp_path: Path, told: Any) -> None:
    assert worth(parcel(tmp_path, **LATE | {"order_value": told})) == 500


@pytest.mark.parametrize("told", ["50.00 USD", "50.00 EURO"])
def test_money_in_another_currency_goes_before_a_person(tmp_path: Path, told: str) -> None:
    decision = parcel(tmp_path, **LATE | {"order_value": told})

    assert decision.person == f"the order value is in {told[6:]}, the customer pays in EUR"
    assert (decision.needs_approval, decision.remedies) == (True, ())


LISTS = """
policy: parcels
promise: parcel-arrives
currency: EUR
inputs:
  promised_on: {type: day}
  arrived_on: {type: day}
  holidays: {type: days}
  scratches: {type: numbers}
derive:
  due: {working_days_after: promised_on, count: 2, holidays: holidays}
  late: {days: [due, arrived_on]}
  all: {total: scratches}
versions:
  - from: 2026-01-01
    rows:
      - {id: late, when: {late: {">=": 1}}, then: [{refund: {per_unit: 1.00 EUR, unit: late}}]}
      - {id: scratched, when: {all: {">=": 3}}, then: [{refund: 7.00 EUR}]}
      - {id: otherwise, when: {}, then: []}
"""


@pytest.mark.parametrize(
    ("told", "row", "minor"),
    [
        ({"holidays": []}, "late", 100),  # promised on Sunday 1 November: due on the 3rd
        ({"holidays": ["2026-11-02"]}, "otherwise", 0),
        ({"holidays": ["2026-11-02"], "scratches": [1, 2.5]}, "scratched", 700),
        ({"holidays": "GB-ENG"}, "late", 100),
        ({"scratches": None}, "", 0),
    ],
)
def test_lists_are_read_as_they_were_told(tmp_path: Path, told: dict[str, Any], row: str, minor: int) -> None:
    facts = {"promised_on": "2026-11-01", "arrived_on": "2026-11-04", "holidays": [], "scratches": []} | told
    decision = parcel(tmp_path, LISTS, **facts)

    assert (decision.row, worth(decision)) == (row, minor)
    assert decision.inputs["holidays"] == facts["holidays"]


def test_the_statute_underneath_reads_money_with_its_currency(tmp_path: Path) -> None:
    journey = {"delay_min": 75, "ticket_price": "79.90 EUR"}

    assert worth(parcel(tmp_path, PARCELS, **LATE, **journey)) == 1998
    assert "is in USD" in parcel(tmp_path, PARCELS, **LATE, **journey | {"ticket_price": "79.90 USD"}).person


def test_what_a_published_rule_leaves_to_a_person_a_policy_above_it_does_too(tmp_path: Path) -> None:
    text = PARCELS.replace("eu_rail", "ofcom_delayed_repair")
    told = {"reported_on": "2026-11-04", "fixed_on": "2026-11-01"}

    decision = parcel(tmp_path, text, **LATE, **told)
    assert "the repair is dated before the report" in decision.person
    assert decision.reasons[-1] == f"a person is needed: {decision.person}"
    assert parcel(tmp_path, text, **LATE, **told | {"fixed_on": "2026-11-04"}).person == ""


RATED = """
policy: p
promise: any
currency: GBP
statute: [uk261]
versions:
  - from: 2015-01-01
    rows: [{id: all, when: {}, then: [apology]}]
"""


@pytest.mark.parametrize(("day", "minor"), [(date(2021, 1, 1), 22000), (date(2020, 12, 31), 0)])
def test_a_published_rule_underneath_is_that_of_the_day(tmp_path: Path, day: date, minor: int) -> None:
    policy, flight = files.read(written(tmp_path, RATED)), {"distance_km": 900, "arrival_delay_h": 4}
    how: dict[str, Any] = {"currency": "GBP", "holdout": ("s", 0.0), "approve_up_to": 10**9}
    decision = rules.decide(failure(price=None, facts=flight), Recurrence(), policy, day, **how)

    assert worth(decision) == minor
    assert bool(minor) != ("uk261 has no version for 2020-12-31" in decision.person)


@pytest.mark.parametrize("price", [None, Money(499, "GBP")])
def test_a_failure_is_paid_in_the_currency_that_was_told_with_it(tmp_path: Path, price: Money | None) -> None:
    text = PARCELS.replace("statute: [eu_rail]\n", "").replace("currency: EUR", "currency: GBP")
    policy = files.read(written(tmp_path, text))
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 5000}
    decision = rules.decide(replace(failure(facts=LATE), price=price, currency="GBP"), Recurrence(), policy, DAY, **how)

    assert [str(one.amount) for one in decision.remedies] == ["GBP 5.00"]


BESIDE = """
policy: p
promise: any
currency: EUR
statute: [de_tkg58_outage]
inputs:
  monthly_fee: {type: money, default: 40.00}
  outage_days: {type: number, default: 0}
versions:
  - from: 2026-01-01
    stacking: STACKING
    rows:
      - {id: all, when: {}, then: [{refund: 12.00}, {coupon: 4.00}, apology]}
"""


@pytest.mark.parametrize(
    ("stacking", "days", "gives"),
    [
        ("max", 2, ["refund EUR 12.00", "coupon EUR 4.00", "apology"]),
        ("set_off", 2, ["refund EUR 12.00", "coupon EUR 4.00", "apology"]),
        ("max", 3, ["credit EUR 5.00 owed", "refund EUR 7.00", "coupon EUR 4.00", "apology"]),
        ("set_off", 3, ["credit EUR 5.00 owed", "refund EUR 7.00", "coupon EUR 4.00", "apology"]),
        ("max", 5, ["credit EUR 20.00 owed", "apology"]),
        ("sum", 3, ["credit EUR 5.00 owed", "refund EUR 12.00", "coupon EUR 4.00", "apology"]),
    ],
)
def test_all_that_a_row_gives_stands_beside_what_the_law_owes(
    tmp_path: Path, stacking: str, days: int, gives: list[str]
) -> None:
    decision = parcel(tmp_path, BESIDE.replace("STACKING", stacking), monthly_fee="40.00", outage_days=days)

    told = [f"{one.kind} {one.amount}{' owed' * one.owed}" if one.amount else one.kind for one in decision.remedies]
    assert sorted(told) == sorted(gives)


def test_the_law_underneath_takes_a_moment_for_a_day_as_the_policy_does(tmp_path: Path) -> None:
    text = PARCELS.replace("eu_rail", "ofcom_delayed_repair").replace("currency: EUR", "currency: GBP")
    told = {"reported_on": "2026-07-01T09:00:00+01:00", "fixed_on": "2026-07-13T09:00:00Z"}
    policy = files.read(written(tmp_path, text))
    how: dict[str, Any] = {"currency": "GBP", "holdout": ("s", 0.0), "approve_up_to": 10**9}

    by_moment, by_day = (
        rules.decide(replace(failure(facts=LATE | facts), price=None, currency="GBP"), Recurrence(), policy, DAY, **how)
        for facts in (told, {name: moment[:10] for name, moment in told.items()})
    )
    assert worth(by_moment) == worth(by_day) > 500
    assert by_moment.person == ""
