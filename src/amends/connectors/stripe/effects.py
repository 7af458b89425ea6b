"""What can be done at Stripe: each kind says how it is made, where it is listed, and what proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import stripe

from amends.connectors.stripe.amounts import to_stripe
from amends.ground.ids import derive
from amends.ground.moments import parse_moment
from amends.ground.money import Money
from amends.outbox.records import Done, Order, Refused, Unknown

PAGE = 100
VALID = timedelta(days=365)
Verdict = Done | Refused | Unknown | None


class CannotBe(Exception):
    """This act can never be done at Stripe; the message says why and what to do instead."""


@dataclass(frozen=True)
class Effect:
    """One kind of act: `make` it under its key, or find it among those `listed`."""

    make: Callable[[stripe.StripeClient, Order], Any]
    listed: Callable[[stripe.StripeClient, Order], Iterable[Any]]
    proof: Callable[[Mapping[str, Any], int], Verdict]


def amount_of(order: Order) -> int:
    """The act's amount in Stripe's units."""
    minor, currency = order.payload.get("amount_minor"), order.payload.get("currency")
    if not isinstance(minor, int) or not isinstance(currency, str) or minor <= 0:
        raise CannotBe(f"{minor} {currency} is no amount that can be paid")
    return to_stripe(Money(minor, currency))


def _metadata(order: Order) -> dict[str, str]:
    return {"amends_key": order.key, "amends_recovery": order.recovery_id, "amends_customer": order.customer_id}


def _once(order: Order, step: str = "") -> Any:
    """The one key of an act, the same for every try; a second step has its own."""
    return {"idempotency_key": order.key + step}


def _payment(order: Order) -> dict[str, str]:
    ref = str(order.payload.get("payment_ref") or "")
    for start, field in (("pi_", "payment_intent"), ("ch_", "charge"), ("py_", "charge")):
        if ref.startswith(start):
            return {field: ref}
    raise CannotBe(f"{ref or 'no payment_ref'!r} is no payment of Stripe (pi_…, ch_…); credit the customer instead")


def _refund(client: stripe.StripeClient, order: Order) -> Any:
    wish: Any = {**_payment(order), "amount": amount_of(order), "metadata": _metadata(order)}
    return client.v1.refunds.create(wish, _once(order))


def _refunds(client: stripe.StripeClient, order: Order) -> Iterable[Any]:
    wish: Any = {**_payment(order), "limit": PAGE}
    return client.v1.refunds.list(wish).auto_paging_iter()


def _is_refund(found: Mapping[str, Any], amount: int) -> Verdict:
    if found.get("amount") != amount:
        return None
    status = found.get("status")
    if status in ("failed", "canceled"):
        return Refused(f"Stripe's refund {found['id']} is {status}: {found.get('failure_reason') or 'no reason given'}")
    if status == "requires_action":
        return Unknown(f"Stripe's refund {found['id']} waits for the customer's bank details")
    return Done(str(found["id"])) if status in ("succeeded", "pending") else None


def _customer(client: stripe.StripeClient, order: Order) -> str:
    """Whose balance it is: named in the payload, our own id where it is Stripe's, or the payer of the payment."""
    for given in (order.payload.get("stripe_customer"), order.customer_id):
        if isinstance(given, str) and given.startswith("cus_"):
            return given
    ref = str(order.payload.get("payment_ref") or "")
    look: Mapping[str, Callable[[str], Any]] = {
        "pi_": client.v1.payment_intents.retrieve,
        "ch_": client.v1.charges.retrieve,
        "in_": client.v1.invoices.retrieve,
    }
    payer = look[ref[:3]](ref).to_dict().get("customer") if ref[:3] in look else None
    if not isinstance(payer, str):
        raise CannotBe(f"nobody at Stripe is known as {order.customer_id}; put stripe_customer into the payload")
    return payer


def _credit(client: stripe.StripeClient, order: Order) -> Any:
    wish: Any = {
        "amount": -amount_of(order),  # negative: owed to the customer, taken off their next invoice
        "currency": str(order.payload["currency"]).lower(),
        "description": str(order.payload.get("reason", ""))[:350],
        "metadata": _metadata(order),
    }
    return client.v1.customers.balance_transactions.create(_customer(client, order), wish, _once(order))


def _credits(client: stripe.StripeClient, order: Order) -> Iterable[Any]:
    listed = client.v1.customers.balance_transactions.list(_customer(client, order), {"limit": PAGE})
    return listed.auto_paging_iter()


def _reversed(order: Order) -> None:
    """CannotBe unless what is to be taken back is a credit: nothing else can be taken back at Stripe by itself."""
    kind = str((order.payload.get("reverses") or {}).get("kind", "nothing")).removeprefix("remedy.")
    if kind != "credit":
        raise CannotBe(f"Stripe cannot take back a {kind}, only credit on a customer's balance; a person decides")


def _debit(client: stripe.StripeClient, order: Order) -> Any:
    """What was credited is added to the next invoice again."""
    _reversed(order)
    wish: Any = {
        "amount": amount_of(order),
        "currency": str(order.payload["currency"]).lower(),
        "description": str(order.payload.get("reason", ""))[:350],
        "metadata": _metadata(order),
    }
    return client.v1.customers.balance_transactions.create(_customer(client, order), wish, _once(order))


def _debits(client: stripe.StripeClient, order: Order) -> Iterable[Any]:
    _reversed(order)
    return _credits(client, order)


def _is_debit(found: Mapping[str, Any], amount: int) -> Verdict:
    return Done(str(found["id"])) if found.get("amount") == amount else None


def _is_credit(found: Mapping[str, Any], amount: int) -> Verdict:
    return Done(str(found["id"])) if found.get("amount") == -amount else None


def _invoice(order: Order) -> str:
    ref = str(order.payload.get("invoice") or order.payload.get("payment_ref") or "")
    if not ref.startswith("in_"):
        raise CannotBe(f"{ref or 'no payment_ref'!r} is no invoice of Stripe (in_…)")
    return ref


def _credit_note(client: stripe.StripeClient, order: Order) -> Any:
    amount = amount_of(order)
    wish: Any = {"invoice": _invoice(order), "amount": amount, "metadata": _metadata(order)}
    if client.v1.invoices.retrieve(_invoice(order)).to_dict().get("status") == "paid":
        wish["credit_amount"] = amount  # to the balance: what was paid is not sent back
    return client.v1.credit_notes.create(wish, _once(order))


def _credit_notes(client: stripe.StripeClient, order: Order) -> Iterable[Any]:
    return client.v1.credit_notes.list({"invoice": _invoice(order), "limit": PAGE}).auto_paging_iter()


def _is_credit_note(found: Mapping[str, Any], amount: int) -> Verdict:
    if found.get("status") == "void":
        return Refused(f"Stripe's credit note {found['id']} was voided")
    return Done(str(found["id"])) if found.get("amount") == amount else None


def expires_at(order: Order) -> datetime:
    """When a coupon ends: as the payload says, or a year after the decision; the same for every try."""
    try:
        if order.payload.get("expires_at"):
            return parse_moment(str(order.payload["expires_at"]))
        return parse_moment(str(order.payload["decided_at"])) + VALID
    except (KeyError, ValueError) as error:
        raise CannotBe(f"when this coupon ends cannot be told: {error}") from error


def _coupon_id(order: Order) -> str:
    return derive("amends", order.key)


def _coupon(client: stripe.StripeClient, order: Order) -> Any:
    """A coupon with an id of our own, so that it cannot come twice, and one code that can be used once."""
    ends = int(expires_at(order).timestamp())
    coupon: Any = {
        "id": _coupon_id(order),
        "amount_off": amount_of(order),
        "currency": str(order.payload["currency"]).lower(),
        "duration": "once",
        "max_redemptions": 1,
        "redeem_by": ends,
        "metadata": _metadata(order),
    }
    try:
        client.v1.coupons.create(coupon, _once(order))
    except stripe.InvalidRequestError as error:
        if error.code != "resource_already_exists":
            raise
    code: Any = {
        "promotion": {"type": "coupon", "coupon": _coupon_id(order)},
        "max_redemptions": 1,
        "expires_at": ends,
        "metadata": _metadata(order),
    }
    return client.v1.promotion_codes.create(code, _once(order, ":code"))


def _codes(client: stripe.StripeClient, order: Order) -> Iterable[Any]:
    return client.v1.promotion_codes.list({"coupon": _coupon_id(order), "limit": PAGE}).auto_paging_iter()


def _is_code(found: Mapping[str, Any], amount: int) -> Verdict:
    """The receipt is the code: it is what the customer redeems, and what Stripe can be asked for."""
    return Done(str(found["code"])) if found.get("code") else None


EFFECTS: Mapping[str, Effect] = {
    "remedy.refund": Effect(_refund, _refunds, _is_refund),
    "remedy.credit": Effect(_credit, _credits, _is_credit),
    "remedy.reversal": Effect(_debit, _debits, _is_debit),
    "remedy.credit_note": Effect(_credit_note, _credit_notes, _is_credit_note),
    "remedy.coupon": Effect(_coupon, _codes, _is_code),
}
