"""In which of its kinds a notice speaks, and what it may say of people and pictures: only what the record knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amends.customers.records import Customer
from amends.ground.money import Money
from amends.notices import phrases
from amends.recoveries.records import Recovery

CONTEXT = ("in_touch", "before", "time_line", "first_on", "given", "also", "reason")
KINDS = ("credit", "refund", "cash", "coupon", "coupons")
WORDS = {
    "en": {
        "phone": "One of us will call you.",
        "mail": "One of us will write to you.",
        "before": "It has happened to you before.",
        "given": "we have {given}",
        "also": "We have also {given}.",
        "receipt": "{given}; our receipt for it is {receipt}",
        "credit": "credited {amount} to your account",
        "refund": "paid back {amount} to the card or account you paid with",
        "cash": "paid {amount} out to you",
        "coupon": "made out a coupon to you that is worth {amount}; its code is {receipt}",
        "coupons": "made out coupons to you that are worth {amount} in all; their codes are {receipt}",
        "other": "given you {amount}",
    },
    "de": {
        "phone": "Jemand von uns ruft Sie an.",
        "mail": "Jemand von uns schreibt Ihnen.",
        "before": "Es ist Ihnen nicht zum ersten Mal geschehen.",
        "given": "haben wir {given}",
        "also": "Außerdem haben wir {given}.",
        "receipt": "{given}; unser Beleg dafür ist {receipt}",
        "credit": "Ihrem Konto {amount} gutgeschrieben",
        "refund": "Ihnen {amount} zurückgezahlt, dorthin, wo Sie bezahlt haben",
        "cash": "Ihnen {amount} ausgezahlt",
        "coupon": "Ihnen einen Gutschein über {amount} ausgestellt; sein Code ist {receipt}",
        "coupons": "Ihnen Gutscheine über zusammen {amount} ausgestellt; ihre Codes sind {receipt}",
        "other": "Ihnen {amount} zukommen lassen",
    },
}


@dataclass(frozen=True)
class Given:
    """What was given of one kind: all of it, owed or goodwill, is the same thing to the customer."""

    kind: str
    amount: Money
    receipts: tuple[str, ...]


def call_key(recovery: Recovery) -> str:
    """The act by which a person is asked to be in touch."""
    return f"call:{recovery.recovery_id}"


def call_is_open(recovery: Recovery, done: bool) -> bool:
    """Whether a person has still to be in touch."""
    wanted = bool(recovery.decision.person) or any(remedy.kind == "call" for remedy in recovery.decision.remedies)
    return wanted and not done


def kind(recovery: Recovery, first: str, *, calling: bool) -> str:
    """`again` only of what happened before and was paid back; `call` where being in touch is all there is.

    `first` is the kind of what was given, empty where nothing was: the notice is about that, and names the rest beside.
    """
    if not first:
        return "call" if calling else "apology"
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


def given(parts: Sequence[Given], lang: str, locale: str) -> dict[str, str]:
    """How something came in addition, each kind with its amount; a coupon's receipt is its code and stands there."""
    last = sorted(parts, key=lambda part: part.kind == "coupon")
    said = phrases.listed([_said(part, lang, locale) for part in last], lang)
    receipts = [ref for part in parts if part.kind != "coupon" for ref in part.receipts]
    return {"given": WORDS[lang]["given"].format(given=said), "receipt": phrases.listed(receipts, lang)}


def also(parts: Sequence[Given], lang: str, locale: str) -> str:
    """What was given beside what the notice is about: a sentence for each kind, with its own amount and receipt."""
    words, said = WORDS[lang], []
    for part in parts:
        one = _said(part, lang, locale)
        if part.kind != "coupon":
            one = words["receipt"].format(given=one, receipt=phrases.listed(part.receipts, lang))
        said.append(words["also"].format(given=one))
    return " ".join(said)


def _said(part: Given, lang: str, locale: str) -> str:
    name = "coupons" if part.kind == "coupon" and len(part.receipts) > 1 else part.kind
    words = WORDS[lang][name if name in KINDS else "other"]
    return words.format(amount=part.amount.words(locale), receipt=phrases.listed(part.receipts, lang))


def by_phone(customer: Customer) -> bool:
    """Whether we may and can ring this customer."""
    return bool(customer.phone) and customer.contact.get("phone", True) is not False


def _before(recovery: Recovery) -> bool:
    earlier = recovery.decision.inputs.get("recurrence")
    return isinstance(earlier, int | float) and earlier >= 1
