"""The provider's own list held against our books."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.recoveries.given import NOW, decision, failure, open_all, owed

import amends.outbox.steps
from amends.ledger import queries as books
from amends.outbox import queries as outbox
from amends.outbox.models import ActRow
from amends.outbox.records import ActState, Done, Found, NotDone, Order
from amends.remedies import reconciling, steps
from amends.remedies.queries import differences
from amends.remedies.reconciling import Report

SINCE = NOW - timedelta(days=1)


def line(key: str, ref: str, minor: int = 300, currency: str = "EUR") -> dict[str, Any]:
    return {"key": key, "ref": ref, "amount_minor": minor, "currency": currency, "at": "2026-11-24T20:00:00Z"}


def nothing_found(order: Order) -> Found:
    return NotDone()


def check(rows: Any, find: reconciling.Find = nothing_found) -> Report:
    return reconciling.reconcile("billing", rows, find, SINCE, NOW + timedelta(hours=1))


@pytest.fixture
def keys(db: None) -> list[str]:
    """Two refunds paid with receipts r0 and r1, and one whose fate we do not know."""
    ids = open_all([(failure(n), decision(owed(300))) for n in range(3)])
    steps.provide(NOW)
    keys = [f"refund:{one}" for one in ids]
    for n, key in enumerate(keys[:2]):
        amends.outbox.steps.settle_by_person(key, f"r{n}", "provider", NOW)
    ActRow.objects.filter(pk=keys[2]).update(state=ActState.UNKNOWN, attempts=1)
    steps.settle(NOW)
    return keys


def test_where_the_two_agree_nothing_is_left(keys: list[str]) -> None:
    report = check([line(keys[0], "r0"), line(keys[1], "r1"), line(keys[1], "r1")])

    assert (report.agree, report.mended, report.left) == (2, (), ())


def test_what_we_hold_as_unknown_and_they_list_is_done_with_their_receipt(keys: list[str]) -> None:
    report = check([line(keys[0], "r0"), line(keys[1], "r1"), line(keys[2], "r2")])

    assert (report.mended, report.left) == ((keys[2],), ())
    act = outbox.act(keys[2])
    assert act is not None
    assert (act.state, act.ref) == (ActState.DONE, "r2")
    assert (books.paid(), list(books.flaws())) == ({"EUR": 900}, [])


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        (lambda k: [line(k[0], "r0")], "missing", "done by our books as r1"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1"), line(k[1], "r9")], "doubled", "r1, r9"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1", 301)], "different", "EUR 3.00, they list EUR 3.01"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1", 300, "USD")], "different", "they list USD 3.00"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r7")], "different", "our receipt is r1, theirs r7"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1"), line("refund:x", "r5")], "unknown", "no such act"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1"), line(k[2], "r2", 999)], "different", "EUR 9.99"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1"), line(k[2], "r1")], "doubled", "one receipt r1 for 2 acts"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1"), {"key": "x"}], "unreadable", "cannot be read"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1"), line("x", "y", True)], "unreadable", "whole number"),
        (lambda k: [line(k[0], "r0"), line(k[1], "r1"), "<html>"], "unreadable", "cannot be read"),
    ],
)
def test_what_does_not_agree_goes_before_a_person(keys: list[str], change: Any, kind: str, says: str) -> None:
    report = check(change(keys))

    assert report.mended == ()
    assert kind in [one.kind for one in report.left]
    assert says in " ".join(one.says for one in report.left)
    assert [one.kind for one in differences(9)] == [one.kind for one in report.left]
    assert list(books.flaws()) == []


def test_what_is_not_on_the_list_is_asked_for_by_its_key_first(keys: list[str]) -> None:
    refs = dict(zip(keys, ("r0", "r1", "r2"), strict=True))

    assert check([], lambda order: Done(refs[order.key])).left == ()


def test_a_difference_stands_once_and_is_settled_when_it_is_none_any_more_or_a_person_says_why(keys: list[str]) -> None:
    for _ in range(2):
        check([line(keys[0], "r0"), line("refund:x", "r5")])
    assert sorted(one.kind for one in differences(9)) == ["missing", "unknown"]

    unknown = next(one for one in differences(9) if one.kind == "unknown")
    with pytest.raises(ValueError, match="record"):
        reconciling.settle_difference(unknown.difference_id, "", "ada", NOW)
    assert reconciling.settle_difference(unknown.difference_id, "booked by hand before we came", "ada", NOW)
    report = check([line(keys[0], "r0"), line(keys[1], "r1"), line("refund:x", "r5")])
    assert (report.left, differences(9)) == ((), [])


@pytest.mark.parametrize("answer", [{"error": "down"}, "<html>", None])
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(keys: list[str], answer: Any) -> None:
    with pytest.raises(ValueError, match="no list"):
        check(answer)
    assert differences(9) == []
