"""Whatever is granted, paid, released and reversed, in whatever order: the books balance and the chain holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from amends.ground.money import Money
from amends.ledger import queries, rules, steps
from amends.ledger.records import Posting

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CUSTOMERS = ("ada", "bob", "Zoë |1:x")


class Books(RuleBasedStateMachine):
    """The books beside a plain reckoning of the same movements."""

    granted, settled = Bundle("granted"), Bundle("settled")

    def __init__(self) -> None:
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.n = 0
        self.budget, self.paid, self.booked = 0, 0, queries.head().seq
        self.owed = dict.fromkeys(CUSTOMERS, 0)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    def book(self, *postings: Posting) -> None:
        assert steps.post(postings) == len(postings)
        assert steps.post(postings) == 0  # twice is once
        self.booked += len(postings)

    def at(self) -> datetime:
        return NOW + timedelta(microseconds=self.n)

    @rule(target=granted, who=st.sampled_from(CUSTOMERS), minor=st.integers(1, 10**12), statutory=st.booleans())
    def grant(self, who: str, minor: int, statutory: bool) -> Posting:
        self.n += 1
        ids = (f"refund:rec_{self.n}", f"rec_{self.n}", who)
        posting = rules.reserve(*ids, "p", Money(minor, "EUR"), self.at(), statutory)
        self.book(posting)
        self.budget, self.owed[who] = self.budget + minor, self.owed[who] + minor
        return posting

    @rule(target=settled, grant=consumes(granted))
    def settle(self, grant: Posting) -> Posting:
        posting = rules.settle(
            grant.act_key, grant.recovery_id, grant.customer_id, "billing", grant.amount, self.at(), grant.statutory
        )
        self.book(posting)
        self.paid += grant.amount.minor
        self.owed[grant.customer_id] -= grant.amount.minor
        return posting

    @rule(grant=consumes(granted))
    def release(self, grant: Posting) -> None:
        self._release(grant)

    def _release(self, grant: Posting) -> None:
        ids = (grant.act_key, grant.recovery_id, grant.customer_id)
        self.book(rules.release(*ids, "p", grant.amount, self.at(), grant.statutory))
        self.budget -= grant.amount.minor
        self.owed[grant.customer_id] -= grant.amount.minor

    @rule(paid=consumes(settled), given_up=st.booleans())
    def reverse(self, paid: Posting, given_up: bool) -> None:
        self.book(rules.reverse(paid, self.at()))
        self.paid -= paid.amount.minor
        self.owed[paid.customer_id] += paid.amount.minor
        if given_up:
            self._release(paid)

    @invariant()
    def the_books_say_what_happened(self) -> None:
        balances = queries.balances()
        assert balances.get(("budget:p", "EUR"), 0) == self.budget
        assert queries.paid().get("EUR", 0) == self.paid
        assert {who: -balances.get((f"owed:{who}", "EUR"), 0) for who in CUSTOMERS} == self.owed
        assert sum(balances.values()) == 0

    @invariant()
    def nothing_is_wrong_with_them(self) -> None:
        assert list(queries.flaws()) == []
        assert queries.head().seq == self.booked


@pytest.mark.django_db
def test_the_books_hold_through_any_life() -> None:
    run_state_machine_as_test(Books, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
