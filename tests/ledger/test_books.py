"""What the books hold to: once, balanced, chained, and never changed behind their back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from amends.ground.money import Money
from amends.ledger import heads, queries, rules, steps
from amends.ledger.records import Posting, Unbalanced

NOW = datetime(2026, 11, 24, 20, 15, 0, 123456, tzinfo=UTC)
IDS = ("refund:rec_1", "rec_1", "ada")
EUR = Money(499, "EUR")
TABLE = "ledger_postingrow"


def granted(n: int, minor: int = 499) -> Posting:
    return rules.reserve(f"refund:rec_{n}", f"rec_{n}", f"c{n}", "film-plays", Money(minor, "EUR"), NOW)


def paid(n: int, minor: int = 499) -> Posting:
    return rules.settle(f"refund:rec_{n}", f"rec_{n}", f"c{n}", "billing", Money(minor, "EUR"), NOW)


@contextmanager
def forced() -> Iterator[None]:
    """Somebody with the database's password: triggers dropped, and put back afterwards."""
    on = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for verb in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER {TABLE}_no_{verb}{on}")
    yield


def force(statement: str) -> None:
    with forced(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_booked_twice_is_booked_once_and_what_was_owed_is_paid() -> None:
    for _ in range(2):
        steps.post([rules.reserve(*IDS, "film-plays", EUR, NOW), rules.settle(*IDS, "billing", EUR, NOW)])

    assert queries.balances("owed:") == {("owed:ada", "EUR"): 0}
    assert queries.paid() == {"EUR": 499}
    assert queries.out_of_balance() == {}
    assert queries.head().seq == 2


@pytest.mark.django_db
def test_what_came_back_is_reversed_and_the_first_posting_stays() -> None:
    steps.post([granted(1), paid(1)])
    (settled,) = queries.postings(["refund:rec_1"], "settled")
    steps.post([rules.reverse(settled, NOW)])

    assert queries.paid() == {"EUR": 0}
    assert queries.balances("owed:") == {("owed:c1", "EUR"): -499}
    assert [posting.kind for posting in queries.postings(["refund:rec_1"])] == ["reserved", "settled", "reversed"]
    with pytest.raises(Unbalanced, match="only what was settled"):
        rules.reverse(granted(1), NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [granted(2)._replace(amount=Money(0, "EUR")), granted(2)._replace(debit="owed:c2")])
def test_a_movement_of_nothing_is_refused_with_all_beside_it(wrong: Posting) -> None:
    with pytest.raises(Unbalanced, match="rec_2"):
        steps.post([granted(1), wrong])
    assert queries.balances() == {}


@pytest.mark.django_db
@pytest.mark.parametrize(("debit", "minor"), [("owed:c1", 5), ("budget:p", 0), ("budget:p", -5)])
def test_the_database_itself_refuses_what_would_not_balance(debit: str, minor: int) -> None:
    columns = "(seq, kind, act_key, recovery_id, customer_id, debit, credit, currency, minor, statutory, at_us, hash)"
    values = ["reserved", "k", "r", "c1", debit, "owed:c1", "EUR", minor, False, 1, b"x"]
    marks = ", ".join(["%s"] * len(values))

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} {columns} VALUES (1, {marks})", values)


@pytest.mark.django_db
@pytest.mark.parametrize("statement", [f"UPDATE {TABLE} SET minor = 1", f"DELETE FROM {TABLE}"])
def test_the_database_itself_keeps_the_books_from_being_changed(statement: str) -> None:
    steps.post([granted(1)])

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_books_that_nobody_touched_have_no_flaw() -> None:
    steps.post([granted(n) for n in range(1, 6)])
    steps.post([paid(n) for n in range(1, 4)])

    assert list(queries.flaws()) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "seq", "says"),
    [
        ("UPDATE {t} SET minor = 5000 WHERE seq = 3", 3, "not what was booked"),
        ("UPDATE {t} SET customer_id = 'eve' WHERE seq = 4", 4, "not what was booked"),
        ("UPDATE {t} SET at_us = at_us + 1 WHERE seq = 2", 2, "not what was booked"),
        ("UPDATE {t} SET hash = (SELECT hash FROM {t} WHERE seq = 1) WHERE seq = 2", 2, "not what was booked"),
        ("DELETE FROM {t} WHERE seq = 3", 4, "postings 3 to 3 are missing"),
        ("DELETE FROM {t} WHERE seq = 5", 5, "the last one is 4"),
    ],
)
def test_a_change_behind_the_back_of_the_books_is_found_where_it_is(statement: str, seq: int, says: str) -> None:
    steps.post([granted(n) for n in range(1, 6)])
    force(statement.format(t=TABLE))

    flaw = next(queries.flaws())
    assert (flaw.seq, says in flaw.says) == (seq, True)


@pytest.mark.django_db
def test_an_act_that_was_paid_more_than_granted_is_found_though_the_chain_holds() -> None:
    steps.post([granted(1), paid(1, 500), paid(2)])

    says = [flaw.says for flaw in queries.flaws()]
    assert "500 minor units, though 499 were granted" in says
    assert "nothing was granted for it" in says
    assert "owed:c1 was paid 1 minor units of EUR more than was granted" in says


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(left=st.tuples(*[texts] * 7), right=st.tuples(*[texts] * 7), minor=st.integers(1, 2**62))
def test_two_postings_never_read_the_same(left: tuple[str, ...], right: tuple[str, ...], minor: int) -> None:
    hashes = [rules.link(rules.START, 1, *said, minor, 0, 7) for said in (left, right)]

    assert (hashes[0] == hashes[1]) == (left == right)


SELECT = """
SELECT 'reserved' AS kind, 'credit:' || n AS act_key, 'rec_' || n AS recovery_id, who AS customer_id,
       'budget:storm' AS debit, 'owed:' || who AS credit, 'EUR' AS currency, n * 10 AS minor, n = 2 AS statutory
  FROM (SELECT 2 AS n, 'Zoë |3:x' AS who UNION ALL SELECT 3, %s UNION ALL SELECT 1, '名前') AS hit
"""


@pytest.mark.django_db
def test_a_set_is_booked_by_one_statement_into_the_same_chain() -> None:
    steps.post([granted(1)])
    assert [steps.post_selected(SELECT, ["ada"], NOW), steps.post_selected(SELECT, ["ada"], NOW)] == [3, 0]
    steps.post([granted(2)])

    assert list(queries.flaws()) == []
    assert queries.head().seq == 5
    booked = queries.postings(["credit:1", "credit:2", "credit:3"])
    assert [(p.act_key, p.amount.minor, p.statutory) for p in booked] == [
        ("credit:1", 10, False),
        ("credit:2", 20, True),
        ("credit:3", 30, False),
    ]
    assert booked[0].at == NOW


@pytest.mark.django_db
def test_the_export_gives_both_sides_and_they_sum_to_zero() -> None:
    steps.post([granted(1), paid(1)])

    rows = list(queries.export_rows())
    assert [(row["account"], row["minor"]) for row in rows[:2]] == [("budget:film-plays", 499), ("owed:c1", -499)]
    assert sum(row["minor"] for row in rows) == 0
    assert rows[3]["hash"] == queries.head().digest


@pytest.mark.django_db
def test_what_was_paid_since_a_moment_counts_from_that_moment() -> None:
    steps.post([granted(1), paid(1)])

    assert queries.paid(NOW) == {"EUR": 499}
    assert queries.paid(NOW + timedelta(microseconds=1)) == {}


@pytest.mark.parametrize("text", ["{}", "[]", "soon", '{"seq": "x", "hash": "h", "at": "a", "signature": "s"}', "null"])
def test_a_kept_head_that_is_none_is_said_so_in_words(text: str) -> None:
    assert heads.flaws(text) == ["the kept head is none: expected the line that `amends ledger head` printed"]
