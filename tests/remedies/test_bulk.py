"""Rows that go past the ORM arrive as they were, whatever stands in them; ids of many are the ids of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from amends.ground import bulk
from amends.ground.ids import derive, derive_all
from amends.ledger.models import HeadRow
from amends.remedies.models import RemedyRow
from amends.remedies.steps import COLUMNS

AWKWARD = [
    "",
    " ",
    "\\",
    "\\N",
    "a\\tb",
    "a\tb",
    "a\nb\r\n",
    '"',
    '","',
    "{}",
    "NULL",
    "%s",
    "ü€😀",
    "\x1d",
    "\x1e",
    "\x1f",
]
AT = datetime(2026, 3, 1, 20, 15, 0, 120, UTC)


def remedy(number: int, text: str) -> tuple[object, ...]:
    amount = (None, "") if number % 2 else (10**12 + number, "EUR")
    ids = (f"rem_{number}", f"rec_{text}", text, "credit", *amount, number % 3 == 0, "under way", text, text)
    return (
        *ids,
        bulk.moment(connection, AT),
        None if number % 2 else bulk.moment(connection, AT + timedelta(days=number)),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("texts", [AWKWARD[:-3], AWKWARD])
def test_rows_arrive_as_they_were(texts: list[str]) -> None:
    """Also where a text holds what stands between cells on their way to PostgreSQL."""
    bulk.insert(connection, RemedyRow, COLUMNS, [remedy(number, text) for number, text in enumerate(texts)])

    found = {row.customer_id: row for row in RemedyRow.objects.all()}
    assert found.keys() == set(texts)
    for number, text in enumerate(texts):
        row = found[text]
        assert (row.recovery_id, row.act_key, row.ref, row.promised_at) == (f"rec_{text}", text, text, AT)
        assert row.amount_minor == (None if number % 2 else 10**12 + number)
        assert row.settled_at == (None if number % 2 else AT + timedelta(days=number))
        assert row.owed is (number % 3 == 0)


@pytest.mark.django_db
def test_bytes_arrive_as_they_were() -> None:
    digest = bytes(range(32))
    bulk.insert(connection, HeadRow, ("name", "seq", "hash"), [("there", 7, digest)])

    assert bytes(HeadRow.objects.get(pk="there").hash) == digest


@pytest.mark.django_db
@pytest.mark.parametrize("texts", [["plain"], ["plain", "more"], AWKWARD, []])
def test_any_texts_can_be_looked_up(texts: list[str]) -> None:
    bulk.insert(connection, RemedyRow, COLUMNS, [remedy(number, text) for number, text in enumerate(AWKWARD)])
    bulk.insert(connection, RemedyRow, COLUMNS, [remedy(99, "plain")])
    sql = f"SELECT customer_id FROM remedies_remedyrow WHERE {bulk.among(connection, 'customer_id')}"
    found = {row[0] for row in bulk.fetch(connection, sql, [bulk.texts(connection, texts)])}

    assert found == {text for text in texts if text in ("plain", *AWKWARD)}


@given(st.lists(st.text()), st.lists(st.text(), max_size=2))
def test_ids_of_many_are_the_ids_of_each(abouts: list[str], rest: list[str]) -> None:
    assert derive_all("rem", abouts, *rest) == [derive("rem", about, *rest) for about in abouts]
