"""Whether books balance, and how money moves through the accounts.

Accounts: `budget:POLICY` (what a policy may spend), `owed:CUSTOMER` (granted and not yet paid), `provider:NAME` (paid
by that provider). Granting debits the budget and credits what is owed; a receipt debits what was owed and credits the
provider; a refusal or a decline releases the grant.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from amends.ground.money import Money
from amends.ledger.records import Entry, Posting, Unbalanced


def check_balanced(posting: Posting) -> None:
    """Raise Unbalanced unless the entries sum to zero in every currency and there are at least two."""
    sums: Counter[str] = Counter()
    for entry in posting.entries:
        sums[entry.amount.currency] += entry.amount.minor
    off = {currency: minor for currency, minor in sums.items() if minor}
    if off or len(posting.entries) < 2:
        raise Unbalanced(f"{posting.posting_id}: entries must sum to zero, they are off by {off or 'having one side'}")


def _move(
    kind: str, act_key: str, recovery_id: str, customer_id: str, debit: str, credit: str, amount: Money, at: datetime
) -> Posting:
    entries = (Entry(debit, amount), Entry(credit, Money(-amount.minor, amount.currency)))
    return Posting(f"{kind}:{act_key}", kind, recovery_id, customer_id, act_key, at, entries)


def reserve(act_key: str, recovery_id: str, customer_id: str, policy: str, amount: Money, at: datetime) -> Posting:
    """Money is granted: it leaves the policy's budget and is owed to the customer."""
    return _move("reserved", act_key, recovery_id, customer_id, f"budget:{policy}", f"owed:{customer_id}", amount, at)


def settle(act_key: str, recovery_id: str, customer_id: str, provider: str, amount: Money, at: datetime) -> Posting:
    """A receipt came: it is owed no more, the provider has paid it."""
    return _move(
        "settled", act_key, recovery_id, customer_id, f"owed:{customer_id}", f"provider:{provider}", amount, at
    )


def release(act_key: str, recovery_id: str, customer_id: str, policy: str, amount: Money, at: datetime) -> Posting:
    """The grant is taken back: the money returns to the budget."""
    return _move("released", act_key, recovery_id, customer_id, f"owed:{customer_id}", f"budget:{policy}", amount, at)
