"""Columns against the reference: the same to the minor unit, the same rows, reasons, refusals, deadlines and traces."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amends.failures.records import Evidence, Failure, LossKind, Recurrence, Severity
from amends.ground.money import Money, MoneyError
from amends.recoveries import files, rules
from amends.recoveries.policy import applying, column_terms, packs
from amends.recoveries.policy.column_answers import BEYOND, NO_AMOUNT, NO_VERSION, Decided
from amends.recoveries.policy.columns import decide_columns
from amends.recoveries.policy.given import WrongInput
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.reckoning import NoAmount
from amends.recoveries.policy.tree import Table
from tests.recoveries.made_tables import tables
from tests.recoveries.policy_records import record_of, records

STARTER = Path(files.__file__).parents[1] / "scenarios/starter"
SAMPLE = 1_500
Said = tuple[int, int, str, str, date | None, Any]


def by_reference(table: Table, given: dict[str, Any]) -> Said:
    """Refusal, minor units, reason, row, deadline, rows looked at."""
    try:
        outcome = applying.apply(table, given)
    except WrongInput as wrong:
        missing = "has no version" in wrong.reason
        return NO_VERSION if missing else [*table.inputs].index(wrong.field) + 1, 0, "no_row", "", None, None
    except (NoAmount, MoneyError) as error:
        return NO_AMOUNT if isinstance(error, NoAmount) else BEYOND, 0, "no_row", "", None, None
    return 0, outcome.amount.minor, outcome.reason, outcome.row, outcome.pay_by, outcome.trace["rows"]


def by_columns(out: Decided, record: int) -> Said:
    row, refused = out.row_of(record), int(out.refused[record])
    reason, until = out.reason[record].as_py(), out.pay_by[record].as_py()
    looked = None if refused else out.looked(record)
    return refused, int(out.total[record]), reason, row.row_id if row else "", until, looked


def differing(table: Table, data: pa.Table, sample: Any) -> list[Any]:
    out = decide_columns(table, data)
    given = [(int(one), record_of(table, data, int(one), table.currency)) for one in sample]
    return [
        (g, by_columns(out, n), by_reference(table, g))
        for n, g in given
        if by_columns(out, n) != by_reference(table, g)
    ]


@pytest.mark.parametrize("rule", packs.names())
def test_a_published_rule_says_the_same_by_column(rule: str) -> None:
    table, count = packs.rule(rule), 70_001
    data = records(table, count, seed=7)

    sample = np.random.default_rng(1).permutation(count)[:SAMPLE]
    assert differing(table, data, sample) == []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables(), seed=st.integers(0, 2**30), tame=st.booleans())
def test_any_table_says_the_same_by_column(table: Table, seed: int, tame: bool) -> None:
    assert differing(table, records(table, 40, seed, tame=tame), range(40)) == []


def test_another_rounding_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    table = packs.rule("uk_delay_repay")
    data = records(table, 2_000, seed=3, tame=True)
    assert differing(table, data, range(400)) == []

    down = lambda exact, wide: (exact.over // exact.under, False)  # noqa: E731
    monkeypatch.setattr("amends.recoveries.policy.column_deciding.rounded", down)
    assert differing(table, data, range(400)) != []


def test_huge_amounts_are_exact_beyond_64_bits() -> None:
    table = packs.rule("ny_psc_cable")
    rate = 2**63 - 1
    given = {"monthly_rate": [rate, rate], "outage_h": [24 * 30, 24 * 31], "subscribers_affected": [100, 100]}

    out = decide_columns(table, given)
    assert [int(out.total[0]), int(out.refused[1])] == [rate, BEYOND]
    assert "2^63" in out.why(1)


def test_one_record_is_a_batch_of_one() -> None:
    out = decide_columns(packs.rule("uk261"), {"distance_km": [2000.5], "arrival_delay_h": [3.0]})

    assert (int(out.total[0]), out.reason[0].as_py(), out.row_of(0).row_id) == (35000, "ok", "medium")  # type: ignore[union-attr]
    assert out.trace(0)["amounts"][0]["exact"] == "350"


def test_what_cannot_be_is_refused_and_the_rest_goes_through() -> None:
    given = {"distance_km": [500.0, -1.0, float("nan"), 1e13, None], "arrival_delay_h": [4.0] * 5}

    out = decide_columns(packs.rule("uk261"), given)
    assert out.refused.tolist() == [0, 1, 1, 1, 0]
    assert out.total.tolist() == [22000, 0, 0, 0, 52000]
    assert "out of range" in out.why(1)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ({"how_far": [1.0]}, "no such input"),
        ({"arrival_delay_h": [1.0]}, "missing"),
        ({"distance_km": ["far"], "arrival_delay_h": [1.0]}, "column of numbers"),
    ],
)
def test_a_column_that_cannot_be_stops_the_batch(column: dict[str, Any], says: str) -> None:
    with pytest.raises(WrongInput, match=says):
        decide_columns(packs.rule("uk261"), column)


def test_each_record_is_judged_by_the_version_of_its_own_day() -> None:
    days = [date(2019, 3, 31), date(2019, 4, 1), date(2024, 3, 31), date(2024, 4, 1)]

    out = decide_columns(packs.rule("ofcom_missed_appointment"), {"on": days})
    assert out.refused.tolist() == [NO_VERSION, 0, 0, 0]
    assert out.total.tolist() == [0, 2500, 2915, 3049]


def test_no_batch_is_too_small() -> None:
    assert len(decide_columns(packs.rule("uk261"), records(packs.rule("uk261"), 0, seed=1)).row) == 0


# ---------------------------------------------------------------- a company's policy, against `rules.decide`


POLICY = """
policy: p
promise: film-plays
derive:
  over: {minus: [stall_s, 60]}
  long: {at_least: [over, 0]}
versions:
  - from: 2026-01-01
    rows:
      - {id: claimed, when: {evidence: claimed}, then: [], person: look at it}
      - {id: no-price, when: {price: null, severity: severe}, then: [{credit: 5.00 EUR}, apology]}
      - id: dear
        when: {price: {">=": 10.00 EUR}, severity: {">=": major}}
        then:
          - {refund: {percent: 100, of: price}, owed: true}
          - {credit: {per_unit: 0.01 EUR, unit: long, cap: 3.00 EUR}}
      - id: again
        when: {recurrence: {">=": 1}}
        then: [{credit: {percent: 12.5, of: price, halve: true}}]
        person: call
        pay_by: {days: 14}
      - {id: rest, when: {}, then: [apology]}
  - from: 2026-07-01
    hit: collect
    stacking: set_off
    rows:
      - {id: owed, when: {severity: [major, severe]}, then: [{refund: {percent: 50, of: price}, owed: true}]}
      - id: kind
        when: {used_anyway: false}
        then: [{credit: {max_of: [2.00 EUR, {percent: 60, of: price}]}}]
        pay_by: {days: 3}
      - {id: kinder, when: {recurrence: {">=": 2}}, then: [{credit: {percent: 75, of: price}}, apology], person: call}
"""


def failure_of(given: dict[str, Any], currency: str, record: int) -> tuple[Failure, Recurrence]:
    """The failure behind one record of columns."""
    names = ("stall_s", "stall_count", "longest_stall_s", "startup_s", "watched_s", "played_s", "product", "disputed")
    facts = {name: given[name] for name in names if given.get(name) is not None}
    price = Money(int(given["price"].scaleb(2)), currency) if given.get("price") is not None else None
    lived = Failure(
        f"fail_{record}",
        "film-plays",
        "ada",
        f"s-{record}",
        datetime(2026, 5, 1, tzinfo=UTC),
        Severity(given["severity"]),
        controllable=given["controllable"],
        stable_cause=given["stable_cause"],
        loss_kind=LossKind(given["loss_kind"]),
        used_anyway=given["used_anyway"],
        evidence=Evidence(given["evidence"]),
        price=price,
        facts=facts,
    )
    return lived, Recurrence(int(given["recurrence"]), given["recurrence_decayed"])


def lived_records(table: Table, count: int, seed: int) -> pa.Table:
    """Records as failures have them: what every failure knows is known."""
    data = records(table, count, seed, tame=True, currency="EUR")
    chance = np.random.default_rng(seed)
    always = {
        "severity": [one.value for one in Severity],
        "loss_kind": [one.value for one in LossKind],
        "evidence": [one.value for one in Evidence],
        "controllable": [True, False],
        "stable_cause": [True, False],
        "used_anyway": [True, False],
        "disputed": [True, False, False, False],
        "recurrence": [0, 0, 1, 2, 5],
        "recurrence_decayed": [0.0, 0.5, 1.25],
    }
    for name, pool in always.items():
        column = pa.array([pool[n] for n in chance.integers(0, len(pool), count)])
        data = data.set_column(data.column_names.index(name), name, column)
    return data


def policies() -> list[Table]:
    return [*files.read_all(STARTER)[0], read_text(POLICY, "p.yaml", files.INPUTS)]


@pytest.mark.parametrize("policy", policies(), ids=lambda policy: policy.name)
def test_a_companys_policy_says_the_same_as_deciding_one_failure(policy: Table) -> None:
    count = 600
    data = lived_records(policy, count, seed=5)
    chance = np.random.default_rng(6)
    currency = chance.choice(["EUR", "USD"], count)
    day = [date(2026, 1, 1 + int(n)) if n % 2 else date(2026, 8, 1) for n in chance.integers(0, 27, count)]

    out = decide_columns(policy, data, currency=pa.array(currency.astype(object), pa.string()), day=pa.array(day))
    kinds = out.by_kind()
    for record in range(count):
        lived, prior = failure_of(record_of(policy, data, record, currency[record]), currency[record], record)
        how: dict[str, Any] = {"currency": str(currency[record]), "holdout": ("s", 0.0), "approve_up_to": 10**9}
        said = rules.decide(lived, prior, policy, day[record], **how)
        paid = [remedy for remedy in said.remedies if remedy.amount]
        assert int(out.total[record]) == sum(remedy.amount.minor for remedy in paid if remedy.amount), (record, said)
        assert int(out.owed[record]) == sum(one.amount.minor for one in paid if one.amount and one.owed)
        row = out.row_of(record)
        assert (row.row_id if row else "", bool(out.person[record])) == (said.row, bool(said.person) and bool(said.row))
        assert out.looked(record) == said.trace["rows"]
        until = out.pay_by[record].as_py()
        assert (until.isoformat() if until else "") == said.pay_by
        for kind, amounts in kinds.items():
            assert amounts[record] == sum(one.amount.minor for one in paid if one.amount and one.kind == kind)


def test_amounts_know_what_happened_to_them() -> None:
    assert set(column_terms.MARKS.values()) == {"capped", "halved", "floored"}
    out = decide_columns(packs.rule("house_example"), {"severity": [3, 3], "monthly_price": [1_000, 100_000]})

    assert [out.marks_of(0), out.marks_of(1)] == [[], ["capped"]]
    assert out.reason.to_pylist() == ["ok", "capped"]


def test_numbers_that_no_column_holds_exactly_go_to_the_reference() -> None:
    exact = pa.array([Decimal("3.00000000000000000001"), Decimal(3)], pa.decimal128(38, 20))
    given = {"distance_km": [100.0, 100.0], "arrival_delay_h": exact}

    out = decide_columns(packs.rule("uk261"), given)
    assert out.total.tolist() == [22000, 22000]
    below = {"distance_km": [100.0], "arrival_delay_h": [2.9999999999999996]}
    assert decide_columns(packs.rule("uk261"), below).total.tolist() == [0]


def test_the_same_table_and_records_give_the_same_columns() -> None:
    table = packs.rule("eu261")
    data = records(table, 5_000, seed=2)
    one, other = decide_columns(table, data), decide_columns(table, data)

    for field in dataclasses.fields(Decided):
        left, right = getattr(one, field.name), getattr(other, field.name)
        assert not isinstance(left, np.ndarray) or np.array_equal(left, right)


def test_a_count_above_something_unknown_is_unknown() -> None:
    text = packs_text("count_above: outage_hours_by_day, least: cycle_days")
    table = read_text(text, "trai.yaml", {})
    data = records(table, 500, seed=9, tame=True)
    days = pa.array([None, 12] * 250, pa.int64())

    assert (
        differing(table, data.set_column(data.column_names.index("cycle_days"), "cycle_days", days), range(500)) == []
    )


def packs_text(counted: str) -> str:
    """The rule of TRAI, with another way of counting days."""
    text = (Path(packs.__file__).parents[1] / "packs/trai_outage.yaml").read_text("utf-8")
    assert "count_above: outage_hours_by_day, least: 12" in text
    return text.replace("count_above: outage_hours_by_day, least: 12", counted)


def test_a_spark_worker_needs_no_django() -> None:
    asked = "import sys; from amends.recoveries.policy import columns, sparksql; print('django' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "False"
