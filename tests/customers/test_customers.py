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

    assert queries.by_id(["ada"])["ada"] == Customer("ada", erased=True)


@pytest.mark.django_db
def test_nothing_is_taken_of_an_erased_customer_until_they_are_readmitted() -> None:
    steps.erase("ada", NOON)
    told = [(Customer("ada", name="Ada"), NOON + timedelta(hours=1))]

    assert steps.upsert_many(told) == 0
    assert (steps.readmit("ada"), steps.readmit("ada")) == (True, False)
    assert steps.upsert_many([(Customer("ada", name="Old"), NOON - timedelta(hours=1))]) == 0
    assert steps.upsert_many(told) == 1
    assert queries.by_id(["ada"])["ada"].name == "Ada"


@pytest.mark.django_db
def test_an_erasure_keeps_what_it_looks_for_only_until_it_is_done() -> None:
    steps.upsert_many([(Customer("ada", name="Ada"), NOON)])
    number = steps.ask_erasure("ada", {"Ada", "ada@example.org"}, "grace", NOON)
    (asked,) = queries.erasures(under_way=True)
    steps.note_erased(number, {"acts": 2}, finished=False, now=NOON)
    steps.note_erased(number, {"acts": 1, "messages": 1}, finished=True, now=NOON)

    assert (asked.told, asked.asked_by) == (("Ada", "ada@example.org"), "grace")
    assert queries.erasures(under_way=True) == []
    assert [(one.told, one.counts) for one in queries.erasures()] == [
        ((), {"customer's own fields": 1, "acts": 3, "messages": 1})
    ]
