from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from amends.ground.money import Money
from amends.ledger import queries, rules, steps
from amends.ledger.records import Entry, Posting, Unbalanced

NOW = datetime(2026, 11, 24, tzinfo=UTC)
IDS = ("refund:rec_1", "rec_1", "ada")


@given(minor=st.integers(1, 2**62), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_every_movement_sums_to_zero(minor: int, currency: str) -> None:
    amount = Money(minor, currency)

    for posting in (
        rules.reserve(*IDS, "film-plays", amount, NOW),
        rules.settle(*IDS, "billing", amount, NOW),
        rules.release(*IDS, "film-plays", amount, NOW),
    ):
        rules.check_balanced(posting)


@pytest.mark.django_db
def test_booked_twice_is_booked_once_and_what_was_owed_is_paid() -> None:
    amount = Money(499, "EUR")
    for _ in range(2):
        steps.post([rules.reserve(*IDS, "film-plays", amount, NOW), rules.settle(*IDS, "billing", amount, NOW)])

    assert queries.balances("owed:") == {("owed:ada", "EUR"): 0}
    assert queries.paid() == {"EUR": 499}
    assert queries.out_of_balance() == {}


@pytest.mark.django_db
def test_a_posting_that_does_not_balance_is_refused_whole() -> None:
    good = rules.reserve(*IDS, "film-plays", Money(499, "EUR"), NOW)
    bad = Posting("x", "reserved", "r", "c", "k", NOW, (Entry("a", Money(1, "EUR")), Entry("b", Money(-1, "USD"))))

    with pytest.raises(Unbalanced, match="x"):
        steps.post([good, bad])
    assert queries.balances() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("statement", ["UPDATE ledger_entryrow SET minor = 1", "DELETE FROM ledger_entryrow"])
def test_the_database_itself_keeps_the_books_from_being_changed(statement: str) -> None:
    steps.post([rules.reserve(*IDS, "film-plays", Money(499, "EUR"), NOW)])

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
