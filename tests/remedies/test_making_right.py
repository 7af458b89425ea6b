"""Deciding and starting in one transaction writes what deciding, and starting a moment later, would have written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from tests.recoveries.given import NOW, Write

from amends.failures.models import FailureRow
from amends.ledger import queries as books
from amends.ledger.models import PostingRow
from amends.outbox.models import ActRow
from amends.recoveries import queries, stopping
from amends.recoveries import steps as recoveries
from amends.recoveries.models import MoveRow, RecoveryRow
from amends.recoveries.opening import MOVE
from amends.recoveries.records import Goodwill, RecoveryState
from amends.remedies import steps
from amends.remedies.models import RemedyRow

POLICY = """
policy: line-works
promise: line-works
currency: EUR
inputs:
  off_h: {type: number, unit: hours, default: 0, most: 1000}
  title: {type: text}
versions:
  - from: 2026-01-01
    hit: collect
    stacking: sum
    memory: {days: 90, half_life_days: 30}
    rows:
      - id: unclear
        when: {used_anyway: true}
        then: []
        person: look at it
      - id: long
        when: {off_h: {">=": 2}}
        then: [{credit: {per_unit: 1.00 EUR, unit: off_h}}]
        person: call them
      - id: owed
        when: {off_h: {">=": 8}}
        then:
          - refund: 3.00 EUR
            owed: true
      - id: always
        when: {}
        then: [apology]
"""
BUDGETS = """
budgets:
  - {name: goodwill, per: incident, cap: 30.00 EUR}
approval: {nobody_up_to: 9.00 EUR, one_up_to: 99.00 EUR}
"""
TABLES: dict[Any, str] = {RecoveryRow: "recovery_id", RemedyRow: "remedy_id", ActRow: "key", PostingRow: "act_key"}
BY_ORDER = ("seq", "hash", "canary")  # who comes first in a batch is nobody's right


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    path = settings.AMENDS.directory / "policies" / "line-works.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(POLICY)
    yield
    path.unlink()


def lived(number: int) -> None:
    """Lines that were off for 0 to 9 hours, told in texts that a database must not stumble over."""
    FailureRow.objects.create(
        failure_id=f"fail_{number:03}",
        promise="line-works",
        customer_id=f"c\\{number}" if number % 5 else f'c\t"{number}"\n',
        subject="line",
        started_at=NOW,
        severity="severe",
        facts={"off_h": number % 10, "title": ["", "a\\b", "tab\there", "\x1f", None][number % 5]},
        used_anyway=number % 11 == 0,
        incident="storm",
        payment_ref=f"pay_{number}",
        recorded_at=NOW,
        revised_at=NOW,
    )


def written(step: Callable[[], object]) -> dict[str, Any]:
    """All that a step writes, and then nothing of it is left."""
    with transaction.atomic():
        step()
        rows: dict[str, Any] = {
            model.__name__: [
                {name: value for name, value in row.items() if name not in BY_ORDER}
                for row in model.objects.order_by(key).values()
            ]
            for model, key in TABLES.items()
        }
        rows["moves"] = list(MoveRow.objects.order_by("recovery_id", "pk").values(*MOVE))
        rows["flaws"] = [list(books.flaws()), queries.budget_flaws()]
        transaction.set_rollback(True)
    return rows


def decide_and_provide() -> None:
    recoveries.decide(NOW)
    steps.provide(NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("stopped", [None, "line-works", ""])
def test_both_ways_write_the_same(limits: Write, stopped: str | None) -> None:
    limits(BUDGETS)
    for number in range(40):
        lived(number)
    if stopped is not None:
        stopping.stop(stopped, "for the test", "ada", NOW)
    at_once, apart = written(lambda: steps.make_right(NOW)), written(decide_and_provide)

    assert at_once == apart
    assert at_once["flaws"] == [[], []]
    states = {row["state"] for row in at_once["RecoveryRow"]}
    waiting = set() if stopped is None else {RecoveryState.APPROVED}
    assert states == {RecoveryState.UNDER_WAY, RecoveryState.PROPOSED, *waiting}
    assert {row["goodwill"] for row in at_once["RecoveryRow"]} == {Goodwill.WITH_THE_REST, Goodwill.WAITING}


@pytest.mark.django_db
def test_what_is_there_already_is_an_error_and_nothing_is_written() -> None:
    """An act of a recovery that is opened now cannot be there: silence would lose it."""
    lived(2)
    ActRow.objects.create(**written(lambda: steps.make_right(NOW))["ActRow"][0])

    with pytest.raises(Exception, match=r"(?i)unique constraint"):
        steps.make_right(NOW)
    assert not RecoveryRow.objects.exists()
