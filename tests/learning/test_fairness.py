from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recoveries.given import NOW, decision, failure, goodwill, open_all, owed
from typer.testing import CliRunner

from amends.cli import studies
from amends.cli.main import app
from amends.learning import queries
from amends.learning.fairness import NONE_TOLD, Cell, Moments, compare, mantel_haenszel, roomy, stratified_gap
from amends.recoveries import approval, steps
from amends.recoveries.models import RecoveryRow
from amends.recoveries.records import Goodwill, RecoveryState

# UC Berkeley admissions 1973 by department: men admitted and rejected, women admitted and rejected (Bickel and others,
# Science 187 (1975) 398; the six largest departments).
BERKELEY = [
    (512, 313, 89, 19),
    (353, 207, 17, 8),
    (120, 205, 202, 391),
    (138, 279, 131, 244),
    (53, 138, 94, 299),
    (22, 351, 24, 317),
]


def test_berkeley_favoured_nobody_once_departments_are_told_apart() -> None:
    odds = mantel_haenszel(BERKELEY)

    assert odds is not None
    assert odds.crude == pytest.approx(1.84, abs=0.005)
    assert odds.ratio == pytest.approx(0.9047, abs=0.0001)
    assert odds.p == pytest.approx(0.232, abs=0.0005)
    assert (odds.low, odds.high) == pytest.approx((0.772, 1.060), abs=0.001)


def test_tables_that_tell_nothing_give_no_ratio() -> None:
    assert mantel_haenszel([]) is None
    assert mantel_haenszel([(3, 0, 5, 0), (0, 0, 1, 2)]) is None


@given(st.lists(st.tuples(*[st.integers(1, 50)] * 4), min_size=1, max_size=6))
def test_swapping_the_groups_turns_the_ratio_over(tables: list[tuple[int, int, int, int]]) -> None:
    odds, other = mantel_haenszel(tables), mantel_haenszel([(c, d, a, b) for a, b, c, d in tables])

    assert odds is not None
    assert other is not None
    assert odds.ratio == pytest.approx(1 / other.ratio)
    assert odds.p == pytest.approx(other.p)


def moments(*values: float) -> Moments:
    return Moments(len(values), sum(values), sum(value**2 for value in values))


def test_worse_failures_explain_a_gap_away_and_a_real_one_stays() -> None:
    mild, bad = moments(1, 1, 1, 1), moments(9, 9, 9, 9)

    unequal_mix = stratified_gap([(moments(1, 1, 1, 1), moments(1)), (moments(9), moments(9, 9, 9))])
    assert unequal_mix is not None
    assert unequal_mix.difference == 0
    real = stratified_gap([(mild, moments(3, 3, 3)), (bad, moments(11, 11))])
    assert real is not None
    assert real.difference == -2
    assert real.high < 0


def cell(severity: str, segment: str, count: int, granted: int, euro: float) -> Cell:
    amount = Moments(granted, granted * euro, granted * euro**2 + granted)
    return Cell(
        ("film-plays", severity), segment, count, granted, amount, Moments(granted, granted * 2.0, granted * 5.0)
    )


def test_a_segment_that_gets_less_for_the_same_stands_out() -> None:
    cells = [cell("severe", "gold", 200, 180, 500), cell("severe", "basic", 200, 100, 500)]
    cells += [cell("minor", "gold", 50, 5, 100), cell("minor", "basic", 400, 40, 100)]

    found = {one.segment: one for one in compare(cells)}
    assert found["basic"].stands_out
    assert found["basic"].odds is not None
    assert found["basic"].odds.high < 1
    assert found["gold"].granted_share == pytest.approx(185 / 250)


def test_a_few_are_too_few_to_tell_and_enough_are_told() -> None:
    many = cell("severe", "basic", 200, 100, 500)

    for number, few in ((1, True), (19, True), (20, False)):
        found = {one.segment: one for one in compare([cell("severe", "gold", number, number, 900), many])}
        assert (found["gold"].too_few, found["gold"].stands_out) == (few, not few)
        assert (found["basic"].too_few, found["basic"].stands_out) == (few, not few)


def test_only_what_lies_in_the_same_strata_counts() -> None:
    cells = [
        cell("severe", "gold", 3, 3, 900),
        cell("minor", "gold", 500, 100, 500),
        cell("severe", "basic", 90, 9, 500),
    ]

    assert all(one.too_few and not one.stands_out for one in compare(cells))


def test_one_grant_among_many_says_nothing_of_amounts() -> None:
    found = compare([cell("severe", "gold", 30, 1, 9999), cell("severe", "basic", 300, 30, 500)])

    assert [(one.amount, one.hours, one.odds, one.too_few) for one in found] == [(None, None, None, True)] * 2


def test_those_without_a_segment_are_compared_as_others_only() -> None:
    cells = [cell("severe", NONE_TOLD, 200, 20, 500), cell("severe", "gold", 200, 180, 500)]

    gold, none_told = compare(cells)
    assert (gold.stands_out, none_told.stands_out, none_told.odds, none_told.too_few) == (True, False, None, False)


def test_a_segment_that_never_gets_anything_stands_out() -> None:
    never = next(one for one in compare([cell("severe", "a", 50, 0, 0), cell("severe", "b", 50, 50, 500)]))

    assert never.stands_out
    assert never.odds is not None
    assert never.odds.high < 1


def test_berkeley_is_enough_to_tell() -> None:
    assert roomy(BERKELEY)


def test_what_still_waits_is_counted_apart_and_in_no_share() -> None:
    cells = [replace(cell("severe", "gold", 10, 5, 500), waiting=30), cell("severe", "basic", 10, 5, 500)]

    gold = next(one for one in compare(cells) if one.segment == "gold")
    assert (gold.count, gold.granted_share, gold.waiting) == (10, 0.5, 30)
    assert not gold.stands_out


@pytest.mark.django_db
def test_a_proposed_credit_is_neither_granted_nor_a_remedy() -> None:
    large = decision(goodwill(999_999))
    lived = [decision(goodwill(500)), large, large, decision(owed(300), goodwill(999_999))]
    given_, proposed, declined, partly = open_all([(failure(n), one) for n, one in enumerate(lived)])
    approval.decline(declined, "ada", "not ours", NOW)
    steps.move([given_], RecoveryState.UNDER_WAY, who="w", why="", now=NOW)
    steps.move([given_], RecoveryState.MADE_RIGHT, who="w", why="", now=NOW + timedelta(hours=3))

    (found,) = queries.cells(None, None)
    assert (found.count, found.granted, found.waiting) == (3, 2, 1)
    assert found.amount == moments(500, 300)
    assert found.hours == moments(3.0)
    assert RecoveryRow.objects.get(pk=proposed).state == RecoveryState.PROPOSED
    assert RecoveryRow.objects.get(pk=partly).goodwill == Goodwill.WAITING


@pytest.mark.django_db
def test_the_command_says_how_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_all([(failure(1), decision(goodwill(999_999)))])
    monkeypatch.setattr(studies, "existing", lambda directory: None)

    told = CliRunner().invoke(app, ["audit", "fairness", "--dir", str(tmp_path)])
    assert (told.exit_code, "1 still waiting for a person" in told.output) == (0, True)
    found = CliRunner().invoke(app, ["audit", "fairness", "--dir", str(tmp_path), "--json"])
    assert [(one["waiting"], one["count"]) for one in json.loads(found.output)] == [(1, 0)]
