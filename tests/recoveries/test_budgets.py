"""Budgets: reserved before they are spent, given back on a no; what does not fit waits, and what is owed never does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from amends.failures.records import Evidence
from amends.ground.marked import Mistake
from amends.ground.money import Money
from amends.recoveries import approval, budgets, holding, opening, queries, spending
from amends.recoveries.budgets import Limits
from amends.recoveries.records import Goodwill, Recovery, RecoveryState, Remedy
from tests.recoveries.given import NOW, Write, decision, euros, failure, goodwill, open_all, owed

INCIDENT = "budgets: [{name: storm, per: incident, cap: 10.00 EUR}]"


def recoveries(ids: list[str]) -> list[Recovery]:
    found = queries.by_id(ids)
    return [found[one] for one in ids]


def spent() -> dict[str, int]:
    return {budget.name: budget.spent.minor for budget in queries.budgets(50)}


@pytest.mark.django_db
def test_without_a_file_no_budget_limits_and_what_is_owed_never_waits() -> None:
    given = [(failure(1), decision(goodwill(5000))), (failure(2), decision(owed(10**9), goodwill(5001)))]
    small, mixed = recoveries(open_all(given))

    assert (small.state, spent()) == (RecoveryState.APPROVED, {})
    assert (mixed.state, mixed.goodwill) == (RecoveryState.APPROVED, Goodwill.WAITING)
    assert "limits.approve_up_to_minor (5000)" in mixed.held


@pytest.mark.django_db
def test_as_many_as_fit_are_given_and_the_others_wait_with_the_reason(limits: Write) -> None:
    limits(INCIDENT)
    decided = [(failure(n, incident="fire"), decision(goodwill(minor))) for n, minor in enumerate((400, 500, 300, 100))]
    found = recoveries(open_all(decided))

    assert [one.state.value for one in found] == ["approved", "approved", "proposed", "approved"]
    says = "the budget storm of EUR 10.00 for incident fire is too small: EUR 1.00 left, EUR 3.00 needed"
    assert says in found[2].held
    assert spent() == {"storm": 1000}
    assert [one.recovery_id for one in queries.for_a_person(9)] == [found[2].recovery_id]


@pytest.mark.django_db
def test_a_batch_of_one_budget_that_fits_is_reserved_by_one_statement(
    limits: Write, django_assert_max_num_queries: Any
) -> None:
    limits("budgets: [{name: storm, per: incident, cap: 10000.00 EUR}]")
    lived = [failure(n, incident="fire") for n in range(1000)]
    bounds = opening.limits()
    day = opening.spending_day(NOW)
    wishes = [
        holding.wish(one.failure_id, decision(goodwill(100)), one.customer_id, "fire", bounds, day) for one in lived
    ]

    with django_assert_max_num_queries(7):  # savepoints and the row that is opened among them
        fits, held = spending.reserve([wish for wish in wishes if wish], NOW)
    assert (len(fits), held, spent()) == (1000, {}, {"storm": 100_000})


@pytest.mark.django_db
def test_what_is_owed_passes_every_budget_and_the_goodwill_beside_it_waits(limits: Write) -> None:
    limits(
        "budgets: [{name: nothing, per: policy day, cap: 0.00 EUR}]\napproval: {nobody_up_to: 0 EUR, one_up_to: 0 EUR}"
    )
    found = recoveries(
        open_all([(failure(1), decision(owed(99_900))), (failure(2), decision(owed(500), goodwill(100)))])
    )

    assert [(one.state.value, one.goodwill.value) for one in found] == [("approved", ""), ("approved", "waiting")]
    assert spent() == {"nothing": 0}
    assert [one.recovery_id for one in queries.for_a_person(9)] == [found[1].recovery_id]


@pytest.mark.django_db
def test_a_decline_gives_the_budget_back_and_a_later_yes_takes_it_again(limits: Write) -> None:
    limits(INCIDENT)
    first, second = open_all([(failure(n, incident="fire"), decision(goodwill(600))) for n in (1, 2)])
    assert not approval.approve(second, "eve", "", NOW).taken  # no room: a yes does not spend what is not there

    assert approval.decline(first, "ada", "the film played after all", NOW)
    assert spent() == {"storm": 0}
    assert approval.approve(second, "eve", "", NOW).goes_ahead
    assert (spent(), queries.budget_flaws()) == ({"storm": 600}, [])
    assert "too small" in approval.approve(first, "ada", "", NOW + timedelta(seconds=1)).says


@pytest.mark.django_db
def test_a_customers_window_rolls(limits: Write) -> None:
    limits("budgets: [{name: one customer, per: customer, days: 30, cap: 10.00 EUR}]")
    ids = open_all([(failure(n, "ada"), decision(goodwill(400))) for n in (1, 2, 3)])
    ids += open_all([(failure(4, "bob"), decision(goodwill(400)))])
    ids += open_all([(failure(5, "ada"), decision(goodwill(400)))], NOW + timedelta(days=29))
    ids += open_all([(failure(6, "ada"), decision(goodwill(400)))], NOW + timedelta(days=31))

    states = [one.state.value for one in recoveries(ids)]
    assert states == ["approved", "approved", "proposed", "approved", "proposed", "approved"]


@pytest.mark.django_db
def test_every_policy_has_a_new_budget_every_day_of_the_company(limits: Write) -> None:
    limits("budgets: [{name: day, per: policy day, policy: film-plays, cap: 5.00 EUR}]")
    ids = open_all([(failure(1), decision(goodwill(500))), (failure(2), decision(goodwill(1), policy="other"))])
    ids += open_all([(failure(3), decision(goodwill(500)))], NOW + timedelta(hours=3))
    ids += open_all([(failure(4), decision(goodwill(500)))], NOW + timedelta(hours=5))

    assert [one.state.value for one in recoveries(ids)] == ["approved", "approved", "proposed", "approved"]


@pytest.mark.django_db
def test_one_decision_may_not_be_larger_than_its_budget_nor_of_a_currency_without_one(limits: Write) -> None:
    limits("budgets: [{name: each, per: decision, cap: 5.00 EUR}]")
    dollars = decision(Remedy("credit", Money(1, "USD")))
    found = recoveries(open_all([(failure(1), decision(goodwill(501))), (failure(2), dollars)]))

    assert "more than the budget each allows" in found[0].held
    assert "no budget speaks of USD" in found[1].held


def test_a_claim_brings_less_goodwill_than_what_we_saw_and_never_less_of_what_is_owed() -> None:
    caps = Limits(evidence={Evidence.CLAIMED: euros(200)})
    given = decision(owed(500), goodwill(150), goodwill(150, "coupon"))

    seen, claimed = [
        holding.bounded(given, failure(1, evidence=grade), caps) for grade in (Evidence.OBSERVED, Evidence.CLAIMED)
    ]
    assert seen == given
    assert [one.amount.minor for one in claimed.remedies if one.amount] == [500, 150, 50]
    assert "claimed brings at most EUR 2.00 of goodwill" in claimed.reasons[-1]


@pytest.mark.django_db
def test_an_abuse_score_brings_a_person_in_and_denies_nothing(limits: Write) -> None:
    limits("abuse: {person_from: 0.8}")
    lived = [failure(n, facts={"abuse_score": score}) for n, score in enumerate((0.79, 0.8, "high", True))]
    found = recoveries(open_all([(one, decision(goodwill(100))) for one in lived]))
    sure = recoveries(open_all([(failure(9, facts={"abuse_score": 1.0}), decision(owed(100)))]))

    assert [one.state.value for one in found] == ["approved", "proposed", "approved", "approved"]
    assert found[1].decision.remedies == (goodwill(100),)
    assert sure[0].state is RecoveryState.APPROVED


@pytest.mark.django_db
def test_while_the_file_cannot_be_read_goodwill_waits_and_what_is_owed_goes(limits: Write) -> None:
    limits("budgets: lots")
    found = recoveries(open_all([(failure(1), decision(goodwill(1))), (failure(2), decision(owed(1), goodwill(1)))]))

    assert [(one.state.value, one.goodwill) for one in found] == [
        ("proposed", Goodwill.WITH_THE_REST),
        ("approved", Goodwill.WAITING),
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("budget: []", 1, "not known here"),
        ("budgets:\n  - {name: a, per: month, cap: 1.00 EUR}", 2, "per: 'month' is not known"),
        ("budgets:\n  - {name: a, per: incident}", 2, "cap"),
        ("budgets:\n  - {name: a, per: incident, cap: 1.005 EUR}", 2, "more digits"),
        ("budgets:\n  - {name: a, per: incident, cap: 5.00 ZZZ}", 2, "ZZZ"),
        ("budgets:\n  - {name: a, per: incident, cap: -5.00 EUR}", 2, "below zero"),
        ("budgets:\n  - {name: a, per: incident, cap: 99999999999999999999 EUR}", 2, "beyond"),
        ("budgets:\n  - {name: a, per: incident, days: 3, cap: 1.00 EUR}", 2, "window"),
        ("budgets:\n  - {name: a, per: customer, days: 0, cap: 1.00 EUR}", 2, "number of days"),
        ("budgets:\n  - lots", 2, "no budget"),
        (
            "budgets:\n  - &a {name: a, per: incident, cap: 1.00 EUR}\n  - {name: a, per: customer, cap: 1 EUR}",
            3,
            "two",
        ),
        ("approval:\n  nobody_up_to: 5.00 EUR", 2, "ladder"),
        ("approval:\n  nobody_up_to: 5.00 EUR\n  one_up_to: 4.00 EUR", 3, "below"),
        ("approval:\n  policies: six eyes", 2, "six eyes"),
        ("evidence:\n  claimed: 5.00 EUR\n  corroborated: 4.00 EUR", 2, "better proof"),
        ("evidence:\n  guessed: 5.00 EUR", 2, "guessed"),
        ("abuse:\n  person_from: 80", 2, "between 0 and 1"),
        ("approval: yes", 1, "expected fields"),
    ],
)
def test_a_mistake_in_the_file_is_shown_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (tmp_path / budgets.FILE).write_text(text)

    with pytest.raises(Mistake, match=says) as caught:
        budgets.read(tmp_path)
    assert caught.value.line == line


def test_all_mistakes_of_the_file_are_shown_at_once(tmp_path: Path) -> None:
    (tmp_path / budgets.FILE).write_text(ALL_WRONG)

    assert [(mistake.line, mistake.says) for mistake in budgets.check(tmp_path, ["film-plays"])] == [
        (2, "per: 'month' is not known"),
        (3, "the budget b is for a policy 'films' that is not there"),
        (4, "'czp' is not known here"),
        (4, "`cap:` is missing in this budget"),
        (5, "'lots' is no budget"),
        (7, "policies: 'six eyes' is not known"),
        (8, "'evidense' is not known here"),
        (9, "person_from: 80 must lie between 0 and 1"),
    ]


ALL_WRONG = """\
budgets:
  - {name: a, per: month, cap: 1.00 EUR}
  - {name: b, per: incident, cap: 1.00 EUR, policy: films}
  - {name: c, per: incident, czp: 1.00 EUR}
  - lots
approval:
  policies: six eyes
evidense: {claimed: 5.00 EUR}
abuse: {person_from: 80}
"""


def test_a_budget_for_a_policy_that_is_not_there_is_found(tmp_path: Path) -> None:
    text = "budgets:\n  - {name: a, per: incident, policy: film-play, cap: 1.00 EUR}"
    (tmp_path / budgets.FILE).write_text(text)

    (mistake,) = budgets.check(tmp_path, {"film-plays"})
    assert (mistake.line, "film-play" in mistake.says) == (2, True)
