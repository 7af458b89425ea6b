"""Customers as told last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from amends.customers import queries, steps
from amends.customers.records import Customer

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_an_older_telling_never_overwrites_a_newer_one() -> None:
    steps.upsert_many([(Customer("ada", name="Ada"), NOON)])

    assert steps.upsert_many([(Customer("ada", name="Old"), NOON - timedelta(hours=1))]) == 0
    assert queries.by_id(["ada"])["ada"].name == "Ada"


@pytest.mark.django_db
def test_within_one_batch_the_newest_telling_counts() -> None:
    steps.upsert_many([(Customer("ada", name="New"), NOON), (Customer("ada", name="Old"), NOON - timedelta(1))])

    assert queries.by_id(["ada"])["ada"].name == "New"


@pytest.mark.django_db
def test_erasing_leaves_a_pseudonym() -> None:
    steps.upsert_many([(Customer("ada", name="Ada", email="ada@example.org"), NOON)])
    steps.erase("ada", NOON)

    assert queries.by_id(["ada"])["ada"] == Customer("ada")
