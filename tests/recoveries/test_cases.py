"""Alike failures are decided once, and each as if it had been decided by itself."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amends.failures.records import Recurrence, Ripe
from amends.recoveries import cases, files, rules
from amends.recoveries.budgets import Limits
from amends.recoveries.cases import Cases, Ways
from amends.recoveries.policy.parsing import read_text
from amends.recoveries.policy.tree import Kind, Table
from amends.recoveries.queries import decision_to_json
from tests.recoveries.given import NOW
from tests.recoveries.made_tables import tables

WAYS = Ways("Europe/Berlin", "EUR", ("salt", 0.5), 100, Limits())
VALUES: dict[Kind, tuple[Any, ...]] = {
    Kind.FLAG: (True, False, 1, None),
    Kind.COUNT: (0, 1, 12, "3"),
    Kind.NUMBER: (0, 1, True, 1.0, 24, 0.5, "12", "not a number"),
    Kind.MONEY: (0, 1, 9.99, "20.00"),
    Kind.DAY: ("2020-02-29", "2022-01-01", "yesterday"),
    Kind.SEVERITY: ("minor", "major", "severe"),
    Kind.NUMBERS: ([1, 30], []),
    Kind.DAYS: (["2022-01-03"], []),
    Kind.CHOICE: ("a", "b", "x"),
    Kind.TEXT: ("a", 'with "quotes"', None),
}


def evening(policy: Table, seed: int) -> list[Ripe]:
    """Failures of few enough values that many are alike."""
    chance = random.Random(seed)
    made = []
    for number in range(60):
        facts = {one.name: chance.choice(VALUES[one.kind]) for one in policy.inputs.values() if chance.random() < 0.9}
        priced = chance.choice([(None, ""), (499, "EUR"), (500, "JPY")])
        said = (
            chance.choice(["minor", "severe"]),
            True,
            False,
            "money",
            chance.random() < 0.5,
            "observed",
            "",
            *priced,
        )
        ids = (f"fail_{number}", "any", f"c{number}", f"s-{number}", NOW)
        made.append(Ripe._make((*ids, *said, "", json.dumps(facts))))
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables(), st.integers(0, 2**32))
def test_each_is_decided_as_if_it_stood_alone(policy: Table, seed: int) -> None:
    failures, past = evening(policy, seed), {"fail_3": Recurrence(2, 1.5)}

    opened = list(Cases(WAYS).decide(failures, past, policy))

    for ripe, one in zip(failures, opened, strict=True):
        day = cases.local_day(ripe.started_at, WAYS.zone)
        recurrence = past.get(ripe.failure_id, Recurrence())
        how: dict[str, Any] = {"currency": "EUR", "holdout": WAYS.holdout, "approve_up_to": WAYS.approve_up_to}
        alone = rules.decide(ripe.failure(json.loads(ripe.facts)), recurrence, policy, day, **how)
        assert json.loads(f"{one.terms.head}{one.inputs}{one.terms.tail}") == json.loads(
            json.dumps(decision_to_json(alone))
        )


def test_what_no_row_looks_at_tells_no_cases_apart() -> None:
    from tests.recoveries.test_deciding import POLICY

    known = Cases(WAYS)
    failures = [
        Ripe._make((f"fail_{n}", "any", "ada", "s", NOW, *said, json.dumps({"stall_s": n, "watched_s": 2 * n})))
        for n in range(50)
        for said in [("severe", True, False, "money", False, "observed", "", 499, "EUR", "")]
    ]

    opened = list(known.decide(failures, {}, POLICY))

    assert len(known.known) == 1
    assert [json.loads(one.inputs)["stall_s"] for one in opened] == list(range(50))


KEPT_ONLY = """
policy: p
promise: any
currency: EUR
inputs:
  order: {type: text}
  value: {type: money, default: 0.00}
versions:
  - from: 2020-01-01
    rows: [{id: all, when: {}, then: [{credit: 1.00 EUR}]}]
"""


def test_what_must_be_given_tells_cases_apart_even_where_no_row_looks_at_it() -> None:
    policy = read_text(KEPT_ONLY, "p.yaml", files.INPUTS)
    told = [{"order": "a"}, {"order": "b"}, {}, {"order": "a", "value": "5 USD"}, {"order": "a", "value": "5 EUR"}]
    failures = [
        Ripe._make((f"fail_{n}", "any", "ada", "s", NOW, *said, json.dumps(facts)))
        for n, facts in enumerate(told)
        for said in [("severe", True, False, "money", False, "observed", "", 499, "EUR", "")]
    ]

    known = Cases(WAYS)
    opened = list(known.decide(failures, {}, policy))

    assert [one.terms.decision.person for one in opened] == ["", "", "the order is not known", "", ""]
    assert [json.loads(one.inputs)["value"] for one in opened] == [0, 0, 0, None, 5]
    assert len(known.known) == 2
