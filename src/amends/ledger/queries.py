"""What the books say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Sum

from amends.ground.money import Money
from amends.ledger.models import HeadRow, PostingRow
from amends.ledger.records import Flaw, Head, Posting
from amends.ledger.rules import START, link, microseconds, moment

SAID = (
    *("seq", "kind", "act_key", "recovery_id", "customer_id", "debit", "credit", "currency"),
    *("minor", "statutory", "at_us"),
)


def balances(prefix: str = "") -> dict[tuple[str, str], int]:
    """Balance by (account, currency), in minor units; debits are positive."""
    found: Counter[tuple[str, str]] = Counter()
    for side, sign in (("debit", 1), ("credit", -1)):
        rows = PostingRow.objects.filter(**{f"{side}__startswith": prefix}).values_list(side, "currency")
        for account, currency, minor in rows.annotate(Sum("minor")).order_by():
            found[account, currency] += sign * minor
    return dict(found)


def paid(since: datetime | None = None) -> dict[str, int]:
    """What providers have paid and not taken back, by currency, in minor units."""
    found: Counter[str] = Counter()
    for side, sign in (("credit", 1), ("debit", -1)):
        rows = PostingRow.objects.filter(**{f"{side}__startswith": "provider:"})
        if since is not None:
            rows = rows.filter(at_us__gte=microseconds(since))
        for currency, minor in rows.values_list("currency").annotate(Sum("minor")).order_by():
            found[currency] += sign * minor
    return dict(found)


def out_of_balance() -> dict[str, int]:
    """Currencies whose accounts do not sum to zero: empty when the books are right, which they cannot help being."""
    sums: Counter[str] = Counter()
    for (_, currency), minor in balances().items():
        sums[currency] += minor
    return {currency: minor for currency, minor in sums.items() if minor}


def postings(act_keys: Collection[str], kind: str = "") -> list[Posting]:
    """What is booked for these acts, in the order of booking."""
    rows = PostingRow.objects.filter(act_key__in=act_keys).order_by("seq")
    return [_posting(row) for row in (rows.filter(kind=kind) if kind else rows)]


def _posting(row: PostingRow) -> Posting:
    ids = (row.kind, row.act_key, row.recovery_id, row.customer_id, row.debit, row.credit)
    return Posting(*ids, Money(row.minor, row.currency), moment(row.at_us), row.statutory)


def head() -> Head:
    """The last posting: its number and hash. Kept outside, it proves later that nothing before it was changed."""
    row = HeadRow.objects.first()
    return Head(row.seq, bytes(row.hash).hex()) if row else Head(0, START.hex())


def digest_at(seq: int) -> str:
    """The hash of that posting, in hex; empty when there is none of that number."""
    row = PostingRow.objects.filter(pk=seq).values_list("hash", flat=True).first()
    return START.hex() if seq == 0 else bytes(row).hex() if row is not None else ""


def flaws() -> Iterator[Flaw]:
    """Walk the whole chain and every account: what is wrong, and where. Nothing when the books are right."""
    last, seq = START, 0
    for *said, digest in PostingRow.objects.order_by("seq").values_list(*SAID, "hash").iterator(5000):
        name = f"{said[1]}:{said[2]}"
        if said[0] != seq + 1:
            yield Flaw(said[0], name, f"postings {seq + 1} to {said[0] - 1} are missing")
        elif link(last, *said) != bytes(digest):
            yield Flaw(said[0], name, "it, or the hash before it, is not what was booked: its hash does not fit")
        if said[8] <= 0 or said[5] == said[6]:
            yield Flaw(said[0], name, f"{said[8]} from {said[5]} to {said[6]} is no movement")
        seq, last = said[0], bytes(digest)
    at = head()
    if (at.seq, at.digest) != (seq, last.hex()):
        yield Flaw(at.seq, "", f"the head stands at posting {at.seq}, the last one is {seq}: some are gone or new")
    yield from _wrong_lives()


def _wrong_lives() -> Iterator[Flaw]:
    """Acts whose postings contradict each other, and customers who were paid more than was granted."""
    acts: dict[str, dict[str, tuple[int, int]]] = {}
    rows = PostingRow.objects.order_by("act_key").values_list("act_key", "kind", "minor", "seq").iterator(5000)
    current = ""
    for key, kind, minor, seq in rows:
        if key != current and acts:
            yield from _wrong_life(current, acts.pop(current))
        current = key
        acts.setdefault(key, {})[kind] = (minor, seq)
    if acts:
        yield from _wrong_life(current, acts[current])
    for (account, currency), minor in balances("owed:").items():
        if minor > 0:
            yield Flaw(0, "", f"{account} was paid {minor} minor units of {currency} more than was granted")


def _wrong_life(key: str, life: dict[str, tuple[int, int]]) -> Iterator[Flaw]:
    granted = life.get("reserved") or life.get("overpaid")
    for kind, (minor, seq) in life.items():
        if granted is None:
            yield Flaw(seq, f"{kind}:{key}", "nothing was granted for it")
        elif minor != granted[0]:
            yield Flaw(seq, f"{kind}:{key}", f"{minor} minor units, though {granted[0]} were granted")
    if "released" in life and "settled" in life and "reversed" not in life:
        yield Flaw(life["released"][1], f"released:{key}", "it was settled and released: paid, and back in the budget")


def export_rows() -> Iterator[dict[str, Any]]:
    """Both sides of every posting, in the order of booking; the sides of a currency sum to zero."""
    for row in PostingRow.objects.order_by("seq").values(*SAID, "hash").iterator(5000):
        shared = {
            "seq": row["seq"],
            "posting_id": f"{row['kind']}:{row['act_key']}",
            "kind": row["kind"],
            "recovery_id": row["recovery_id"],
            "customer_id": row["customer_id"],
            "act_key": row["act_key"],
            "at": moment(row["at_us"]),
            "statutory": row["statutory"],
            "currency": row["currency"],
            "hash": bytes(row["hash"]).hex(),
        }
        yield shared | {"account": row["debit"], "minor": row["minor"]}
        yield shared | {"account": row["credit"], "minor": -row["minor"]}
