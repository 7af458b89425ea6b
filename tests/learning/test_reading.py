"""Facts told in several kinds, in the books or in a file, are read as deciding each failure alone reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import amends.recoveries.files
from amends.failures.models import FailureRow
from amends.failures.records import Failure, Recurrence, Severity
from amends.ground import packed
from amends.ground.money import Money
from amends.learning import running
from amends.learning.records import Simulation
from amends.recoveries import rules

AT = datetime(2026, 7, 1, 20, tzinfo=UTC)
POLICY = """policy: parcels
promise: parcel-comes
currency: EUR
inputs:
  shipping: {type: money, default: 0}
  gift: {type: flag, default: false}
  due_on: {type: day, default: null}
  zone: {type: choice, of: ["1", a], default: null}
versions:
  - from: 2026-01-01
    rows:
      - {id: gift, when: {gift: true}, then: [{credit: 3.00 EUR}]}
      - {id: zone, when: {zone: "1"}, then: [{credit: 5.00 EUR}]}
      - {id: due, when: {due_on: {">=": 2026-06-01}}, then: [{credit: 7.00 EUR}]}
      - {id: all, when: {}, then: [{credit: {percent: 100, of: shipping}}]}
"""


def simulated(directory: Path, told: list[dict[str, Any]], *, from_file: bool, **more: Any) -> Simulation:
    """The policy held against itself over failures with these facts."""
    path, file = directory / "parcels.yaml", directory / "history.parquet" if from_file else None
    path.write_text(more.pop("policy", POLICY))
    plain = {"promise": "parcel-comes", "severity": "minor", "price_minor": 4990, "currency": "EUR", **more}
    rows = [plain | {"customer_id": f"c{n}", "started_at": AT + timedelta(days=n)} for n in range(len(told))]
    if file:
        texts = [one | {"facts": json.dumps(facts)} for one, facts in zip(rows, told, strict=True)]
        untold = {"shipping", "gift", "due_on", "zone"} - {name for facts in told for name in facts}
        pq.write_table(pa.Table.from_pylist([one | dict.fromkeys(untold) for one in texts]), file)
    else:
        FailureRow.objects.bulk_create(
            FailureRow(failure_id=f"f{n}", subject="s", recorded_at=AT, revised_at=AT, facts=facts, **one)
            for n, (one, facts) in enumerate(zip(rows, told, strict=True))
        )
    (found,) = running.simulate(path, str(path), directory, (None, None), file)
    return found


def alone(directory: Path, facts: dict[str, Any]) -> int:
    """What the worker grants."""
    policy = amends.recoveries.files.read(directory / "parcels.yaml")
    failure = Failure("f", "parcel-comes", "c", "s", AT, Severity.MINOR, price=Money(4990, "EUR"), facts=facts)
    how: dict[str, Any] = {"currency": "EUR", "holdout": ("s", 0.0), "approve_up_to": 10**9}
    decided = rules.decide(failure, Recurrence(0, 0.0), policy, AT.date(), **how)
    return sum(one.amount.minor for one in decided.remedies if one.amount)


KINDS: dict[str, list[dict[str, Any]]] = {
    "number and text": [{"shipping": "4.90"}, {"shipping": 4.90}, {"shipping": "4.90"}, {"shipping": 5}],
    "flag and text": [{"gift": True}, {"gift": "true"}, {"gift": False, "shipping": 1}, {"gift": 1, "shipping": "2"}],
    "whole number and text": [{"zone": 1}, {"zone": "1"}, {"zone": "a", "shipping": 2}, {"zone": True}],
    "whole numbers": [{"zone": 1}, {"zone": 2, "shipping": 1}, {"zone": 1}],
    "day and number": [{"due_on": "2026-07-01"}, {"due_on": 20260701}, {"due_on": 1, "shipping": 1.5}],
    "nested": [{"shipping": {"amount": 4.9}}, {"shipping": 4.9}, {"shipping": [4.9]}, {"shipping": None}, {}],
}


@pytest.mark.django_db
@pytest.mark.parametrize("from_file", [True, False])
@pytest.mark.parametrize("rows", [2, 10_000])
@pytest.mark.parametrize("told", KINDS.values(), ids=KINDS)
def test_facts_of_several_kinds_give_what_the_worker_grants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[dict[str, Any]], rows: int, from_file: bool
) -> None:
    monkeypatch.setattr(packed, "ROWS", rows)

    found = simulated(tmp_path, told, from_file=from_file)
    assert found.whole.after == sum(alone(tmp_path, facts) for facts in told) > 0


SAID = (
    "told shipping as no amount that there can be in its currency: a person decides",
    "had no shipping: 0 was assumed",
)


@pytest.mark.django_db
@pytest.mark.parametrize("from_file", [True, False])
def test_what_is_nested_is_said(tmp_path: Path, from_file: bool) -> None:
    found = simulated(tmp_path, KINDS["nested"], from_file=from_file)

    assert {note.says: note.failures for note in found.notes if note.says in SAID} == {
        SAID[0]: 2,
        SAID[1]: 2,
    }


@pytest.mark.django_db
@pytest.mark.parametrize("from_file", [True, False])
def test_a_statute_reads_lists_and_asks_a_person_where_it_cannot(tmp_path: Path, from_file: bool) -> None:
    statute = POLICY.replace("currency: EUR", "currency: GBP\nstatute: [ofcom_delayed_repair]").replace("EUR", "GBP")
    plain = {"reported_on": "2026-07-01", "fixed_on": "2026-07-13"}
    told = [plain, plain | {"holidays": ["2026-07-02", "2026-07-03"]}, plain | {"holidays": [7]}, plain]

    with_list, without = (
        simulated(directory, facts, from_file=True, policy=statute, currency="GBP")
        for directory, facts in ((tmp_path, told[:2]), (tmp_path, [plain, plain]))
    )
    assert without.whole.owed_after > with_list.whole.owed_after > without.whole.owed_after // 2
    found = simulated(tmp_path, told, from_file=from_file, policy=statute, currency="GBP")
    assert found.whole.owed_after == with_list.whole.owed_after + without.whole.owed_after // 2
    assert any("(holidays is not known): a person decides" in note.says for note in found.notes)


def test_a_statute_leaves_it_to_a_person_as_the_worker_has_it(tmp_path: Path) -> None:
    statute = POLICY.replace("currency: EUR", "currency: GBP\nstatute: [ofcom_delayed_repair]").replace("EUR", "GBP")
    told = [{"reported_on": "2026-07-02", "fixed_on": fixed} for fixed in ("2026-07-01", "2026-07-02")]

    found = simulated(tmp_path, told, from_file=True, policy=statute, currency="GBP")
    assert found.whole.persons_after == 1
    assert any(
        "was left to a person by" in note.says and "dated before the report" in note.says for note in found.notes
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "bad", ["4,90", "four ninety", "€4.90", "-4.90", "4.90 USD", True, ["4.90"], {"a": 1}, 1e30, 4.905]
)
def test_one_bad_amount_beside_lists_goes_before_a_person(tmp_path: Path, bad: Any) -> None:
    listed = POLICY.replace("inputs:\n", "inputs:\n  holidays: {type: days, default: []}\n")
    told: list[dict[str, Any]] = [{"shipping": "4.90"}, {"shipping": bad}]

    found = simulated(tmp_path, told, from_file=False, policy=listed)
    assert found.whole.after == sum(alone(tmp_path, facts) for facts in told) == 490
    assert found.whole.persons_after == 1
    told = [facts | {"holidays": ["2026-07-02"]} for facts in told]
    assert simulated(tmp_path, told, from_file=True, policy=listed).whole.after == 490


@pytest.mark.django_db
@pytest.mark.parametrize("from_file", [True, False])
def test_amounts_are_read_with_their_currency_where_it_is_the_failures(tmp_path: Path, from_file: bool) -> None:
    texts: list[Any] = ["4.90 EUR", "EUR 1.00", 2, "50.00 USD", "5 EURO"]

    found = simulated(tmp_path, [{"shipping": text} for text in texts], from_file=from_file)
    assert (found.whole.after, found.whole.persons_after) == (790, 2)
    assert {note.says: note.failures for note in found.notes if "currency" in note.says} == {
        "told shipping in another currency: a person decides": 2
    }


def test_what_must_be_given_and_is_not_known_brings_a_person_in(tmp_path: Path) -> None:
    needed = POLICY.replace("{type: money, default: 0}", "{type: money}")
    told: list[dict[str, Any]] = [{"gift": True}, {"gift": True, "shipping": "free"}, {"gift": True, "shipping": 1}]

    found = simulated(tmp_path, told, from_file=True, policy=needed)
    assert found.whole.after == sum(alone(tmp_path, facts) for facts in told) == 300
    assert found.whole.persons_after == 2


@pytest.mark.django_db
@pytest.mark.parametrize("from_file", [True, False])
def test_also_where_no_row_looks_at_it(tmp_path: Path, from_file: bool) -> None:
    needed = POLICY.replace("inputs:\n", "inputs:\n  order: {type: text}\n")
    told: list[dict[str, Any]] = [{"gift": True}, {"gift": True, "order": "a"}, {"gift": True, "order": 7}]

    found = simulated(tmp_path, told, from_file=from_file, policy=needed)
    assert found.whole.after == sum(alone(tmp_path, facts) for facts in told) == 600
    assert found.whole.persons_after == 1


@pytest.mark.django_db
def test_lists_among_the_facts_are_read(tmp_path: Path) -> None:
    listed = POLICY.replace("inputs:\n", "inputs:\n  marks: {type: numbers, default: []}\n")
    listed = listed.replace("versions:\n", "derive:\n  all: {total: marks}\nversions:\n")
    listed = listed.replace("when: {gift: true}", 'when: {all: {">=": 3}}')
    listed = listed.replace("numbers, default: []", "numbers, default: [], most: 80")
    told: list[dict[str, Any]] = [{"marks": [1, 2.5]}, {"marks": [1]}, {}, {"marks": "3"}, {"marks": [9, "x"]}]

    found = simulated(tmp_path, [*told, {"marks": [9, 81]}], from_file=False, policy=listed)
    assert found.whole.after == sum(alone(tmp_path, facts) for facts in told) == 300
    assert found.whole.persons_after == 3
    assert any("told marks as no list of numbers" in note.says for note in found.notes)
