"""Double-entry books: every movement is a posting whose entries sum to zero in its currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from amends.ground.money import Money


class Unbalanced(Exception):
    """The entries of a posting do not sum to zero; nothing was written."""


@dataclass(frozen=True)
class Entry:
    """One line: positive is a debit, negative a credit of `account`, such as `budget:film-plays`."""

    account: str
    amount: Money


@dataclass(frozen=True)
class Posting:
    """A balanced movement; its id follows from what it books, so booking twice is booking once."""

    posting_id: str
    kind: str  # reserved, settled, released, reversed
    recovery_id: str
    customer_id: str
    act_key: str
    at: datetime
    entries: tuple[Entry, ...]
    statutory: bool = False
