"""Double-entry books: every movement takes one amount from one account to another, so it cannot be out of balance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from amends.ground.money import Money


class Unbalanced(Exception):
    """A movement of nothing, of less than nothing or from an account to itself; nothing was written."""


class Posting(NamedTuple):
    """`amount` is debited to one account and credited to the other; the same kind for the same act is booked once."""

    kind: str  # reserved, settled, released, reversed, overpaid
    act_key: str
    recovery_id: str
    customer_id: str  # the pseudonym: nothing personal stands in the books
    debit: str  # account, such as budget:film-plays
    credit: str  # account, such as owed:ada
    amount: Money
    at: datetime
    statutory: bool = False  # owed by law or contract: it passed budgets and holdouts

    @property
    def posting_id(self) -> str:
        return f"{self.kind}:{self.act_key}"


@dataclass(frozen=True)
class Head:
    """How far the books go: the number of the last posting and its hash, which stands for all before it."""

    seq: int
    digest: str  # hex


@dataclass(frozen=True)
class Flaw:
    """Something wrong in the books, and where: the number of the posting, 0 where it is none in particular."""

    seq: int
    posting_id: str
    says: str
