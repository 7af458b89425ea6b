"""In which of its kinds a notice speaks, and what it may say of people and pictures: only what the record knows."""

from __future__ import annotations

from collections.abc import Sequence

from amends.customers.records import Customer
from amends.recoveries.records import Recovery

CONTEXT = ("in_touch", "before", "time_line", "first_on", "given", "reason")
WORDS = {
    "en": {
        "phone": "One of us will call you.",
        "mail": "One of us will write to you.",
        "before": "It has happened to you before.",
        "credit": "we have credited {amount} to your account",
        "refund": "we have paid back {amount} to the card or account you paid with",
        "coupon": "we have made out a coupon to you that is worth {amount}; its code is {code}",
        "other": "we have given you {amount}",
    },
    "de": {
        "phone": "Jemand von uns ruft Sie an.",
        "mail": "Jemand von uns schreibt Ihnen.",
        "before": "Es ist Ihnen nicht zum ersten Mal geschehen.",
        "credit": "haben wir Ihrem Konto {amount} gutgeschrieben",
        "refund": "haben wir Ihnen {amount} zurückgezahlt, dorthin, wo Sie bezahlt haben",
        "coupon": "haben wir Ihnen einen Gutschein über {amount} ausgestellt; sein Code ist {code}",
        "other": "haben wir Ihnen {amount} zukommen lassen",
    },
}


def call_key(recovery: Recovery) -> str:
    """The act by which a person is asked to be in touch."""
    return f"call:{recovery.recovery_id}"


def call_is_open(recovery: Recovery, done: bool) -> bool:
    """Whether a person has still to be in touch."""
    wanted = bool(recovery.decision.person) or any(remedy.kind == "call" for remedy in recovery.decision.remedies)
    return wanted and not done


def kind(recovery: Recovery, *, paid: bool, calling: bool) -> str:
    """`again` only of what happened before and was paid back; `call` where being in touch is all there is."""
    if not paid:
        return "call" if calling else "apology"
    first = next(remedy.kind for remedy in recovery.decision.remedies if remedy.amount)
    return "again" if calling and first == "refund" and _before(recovery) else first


def values(recovery: Recovery, customer: Customer, lang: str, *, calling: bool, pictured: str) -> dict[str, str]:
    """What may be said: that we will ring only with a number to ring, that it happened before only if it did."""
    words = WORDS[lang]
    by = words["phone" if by_phone(customer) else "mail"]
    return {
        "in_touch": by if calling else "",
        "before": words["before"] if _before(recovery) else "",
        "time_line": pictured,
    }


def given(kinds: Sequence[str], amount: str, receipts: Sequence[str], lang: str) -> dict[str, str]:
    """How something came in addition; a coupon's receipt is its code and stands there as such."""
    kind = kinds[0] if len(set(kinds)) == 1 and kinds[0] in WORDS[lang] else "other"
    if kind == "coupon" and len(receipts) > 1:
        kind = "other"
    said = WORDS[lang][kind].format(amount=amount, code=receipts[0] if receipts else "")
    return {"given": said} | ({"receipt": ""} if kind == "coupon" else {})


def by_phone(customer: Customer) -> bool:
    """Whether we may and can ring this customer."""
    return bool(customer.phone) and customer.contact.get("phone", True) is not False


def _before(recovery: Recovery) -> bool:
    earlier = recovery.decision.inputs.get("recurrence")
    return isinstance(earlier, int | float) and earlier >= 1
