"""How money moves through the accounts, and how each posting is chained to the one before it.

Accounts: `budget:POLICY` (what a policy may spend), `owed:CUSTOMER` (granted and not yet paid), `provider:NAME` (paid
by that provider). Granting debits the budget and credits what is owed; a receipt debits what was owed and credits the
provider; a decline releases the grant; what a provider took back is reversed, and then owed again or released. What
a provider paid beyond what was granted is debited to `excess:NAME` until the provider has taken it back.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from amends.ground.money import Money
from amends.ledger.records import Posting, Unbalanced

START = bytes(32)  # what the first posting is chained to
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """A moment as whole microseconds since 1970: the same number in every database."""
    return (at - EPOCH) // MICROSECOND


def moment(at_us: int) -> datetime:
    return EPOCH + at_us * MICROSECOND


def check_balanced(posting: Posting) -> None:
    """Raise Unbalanced unless something moves from one account to another."""
    if posting.amount.minor <= 0:
        raise Unbalanced(f"{posting.posting_id}: the amount must be above zero, it is {posting.amount}")
    if posting.debit == posting.credit:
        raise Unbalanced(f"{posting.posting_id}: both sides are {posting.debit}")


def link(
    before: bytes,
    seq: int,
    kind: str,
    act_key: str,
    recovery_id: str,
    customer_id: str,
    debit: str,
    credit: str,
    currency: str,
    minor: int,
    statutory: int,
    at_us: int,
) -> bytes:
    """The hash of a posting: of the hash before it and of all that it says, each text with its length.

    Migration 0003 says the same to PostgreSQL (`amends_chain`).
    """
    ids = f"{len(act_key)}:{act_key}|{len(recovery_id)}:{recovery_id}|{len(customer_id)}:{customer_id}"
    sides = f"{len(debit)}:{debit}|{len(credit)}:{credit}|{len(currency)}:{currency}"
    said = f"{seq}|{minor}|{int(statutory)}|{at_us}|{len(kind)}:{kind}|{ids}|{sides}"  # a million times an evening
    return hashlib.sha256(before + said.encode()).digest()


def reserve(
    act_key: str, recovery_id: str, customer_id: str, policy: str, amount: Money, at: datetime, statutory: bool = False
) -> Posting:
    """Money is granted: it leaves the policy's budget and is owed to the customer."""
    sides = (f"budget:{policy}", f"owed:{customer_id}")
    return Posting("reserved", act_key, recovery_id, customer_id, *sides, amount, at, statutory)


def settle(
    act_key: str,
    recovery_id: str,
    customer_id: str,
    provider: str,
    amount: Money,
    at: datetime,
    statutory: bool = False,
) -> Posting:
    """A receipt came: it is owed no more, the provider has paid it."""
    sides = (f"owed:{customer_id}", f"provider:{provider}")
    return Posting("settled", act_key, recovery_id, customer_id, *sides, amount, at, statutory)


def release(
    act_key: str, recovery_id: str, customer_id: str, policy: str, amount: Money, at: datetime, statutory: bool = False
) -> Posting:
    """The grant is taken back: the money returns to the budget."""
    sides = (f"owed:{customer_id}", f"budget:{policy}")
    return Posting("released", act_key, recovery_id, customer_id, *sides, amount, at, statutory)


def overpay(act_key: str, recovery_id: str, customer_id: str, provider: str, amount: Money, at: datetime) -> Posting:
    """A provider paid more than was granted: its account says what it paid, and the rest is to come back from there."""
    sides = (f"excess:{provider}", f"provider:{provider}")
    return Posting("overpaid", act_key, recovery_id, customer_id, *sides, amount, at)


def reverse(settled: Posting, at: datetime) -> Posting:
    """What the provider had paid came back: the same movement the other way; the first stays as it is."""
    if settled.kind not in ("settled", "overpaid"):
        raise Unbalanced(f"{settled.posting_id}: only what was settled can be reversed; release what was reserved")
    ids = (settled.act_key, settled.recovery_id, settled.customer_id)
    return Posting("reversed", *ids, settled.credit, settled.debit, settled.amount, at, settled.statutory)
