"""In which of its kinds a notice speaks, and what it may say of people and pictures: only what the record knows."""

from __future__ import annotations

from amends.customers.records import Customer
from amends.recoveries.records import Recovery

CONTEXT = ("in_touch", "before", "time_line")
WORDS = {
    "en": {
        "phone": "One of us will call you.",
        "mail": "One of us will write to you.",
        "before": "It has happened to you before.",
    },
    "de": {
        "phone": "Jemand von uns ruft Sie an.",
        "mail": "Jemand von uns schreibt Ihnen.",
        "before": "Es ist Ihnen nicht zum ersten Mal geschehen.",
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


def by_phone(customer: Customer) -> bool:
    """Whether we may and can ring this customer."""
    return bool(customer.phone) and customer.contact.get("phone", True) is not False


def _before(recovery: Recovery) -> bool:
    earlier = recovery.decision.inputs.get("recurrence")
    return isinstance(earlier, int | float) and earlier >= 1
