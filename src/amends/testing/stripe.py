"""A STAND-IN for Stripe, as strict about money and keys as Stripe's documentation says it is. It pays nobody.

It honours idempotency keys (saved answers, 500s included; another body under a known key is an error; a key in use is
409; keys are forgotten after 24 hours of its own clock), refuses more than was paid, other currencies and unknown
parameters, and keeps a journal of its effects.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from amends.testing.standin import StandIn, StandInReply, StandInRequest

KEPT = timedelta(hours=24)
THREE_DECIMAL = ("bhd", "jod", "kwd", "omr", "tnd")
NOT_SAVED = (400, 401, 402, 404, 409, 422, 429, 503)
LISTS = ("/v1/refunds", "/v1/credit_notes", "/v1/promotion_codes")
PARAMETERS: Mapping[str, frozenset[str]] = {
    "refunds": frozenset({"payment_intent", "charge", "amount", "reason", "metadata"}),
    "balance_transactions": frozenset({"amount", "currency", "description", "metadata"}),
    "credit_notes": frozenset({"invoice", "amount", "credit_amount", "refund_amount", "memo", "reason", "metadata"}),
    "coupons": frozenset(
        {"id", "amount_off", "percent_off", "currency", "duration", "max_redemptions", "redeem_by", "name", "metadata"}
    ),
    "promotion_codes": frozenset({"promotion", "code", "customer", "max_redemptions", "expires_at", "metadata"}),
}


@dataclass
class _Saved:
    """What is remembered under a key; `reply` is None while the first request is at work."""

    words: tuple[str, bytes]
    at: datetime
    reply: StandInReply | None = None


class Wrong(Exception):
    def __init__(self, status: int, message: str, code: str = "", kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        error = {"type": kind, "message": message} | ({"code": code} if code else {})
        self.reply = StandInReply(status, {"error": error})


class StripeStandIn(StandIn):
    """`paid` a payment or an `invoice` first; then let the connector do its work. `clock` is its time."""

    def __init__(self, secret: str, hang_s: float = 5.0, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(hang_s)
        self.secret = secret
        self.clock = clock or (lambda: datetime.now(UTC))
        self.saved: dict[str, _Saved] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.made: dict[str, list[dict[str, Any]]] = {}  # by path, oldest first
        self.slow: Callable[[], None] = lambda: None  # called in the middle of an effect

    def paid(self, payment: str, amount: int, currency: str, customer: str = "cus_ada") -> None:
        self.payments[payment] = {"id": payment, "amount": amount, "currency": currency, "customer": customer}

    def invoice(self, invoice: str, amount: int, currency: str, *, paid: bool, customer: str = "cus_ada") -> None:
        status = "paid" if paid else "open"
        self.invoices[invoice] = {
            "id": invoice, "object": "invoice", "total": amount, "currency": currency, "status": status,
            "customer": customer,
        }  # fmt: skip

    def answer(self, request: StandInRequest, fault: str) -> StandInReply:
        if request.headers.get("authorization") != f"Bearer {self.secret}":
            return Wrong(401, "Invalid API Key provided", kind="invalid_request_error").reply
        if request.method != "POST" or not self.key_of(request):
            return super().answer(request, fault)
        key, words = self.key_of(request), (request.path, request.body)
        with self.lock:
            known = self.saved.get(key)
            if known and self.clock() - known.at >= KEPT:
                known = None
            if known is None:
                self.saved[key] = _Saved(words, self.clock())
        return self._again(known, words) if known else self._first(key, request, fault)

    def _again(self, known: _Saved, words: tuple[str, bytes]) -> StandInReply:
        if known.words != words:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            return Wrong(400, message, kind="idempotency_error").reply
        if known.reply is None:
            return Wrong(409, "There is currently another in-progress request using this key.", "lock_timeout").reply
        headers = {**known.reply.headers, "Idempotent-Replayed": "true"}
        return StandInReply(known.reply.status, known.reply.body, headers)

    def _first(self, key: str, request: StandInRequest, fault: str) -> StandInReply:
        reply = super().answer(request, fault)
        with self.lock:
            if reply.status in NOT_SAVED or fault in ("cut", "redirect"):
                del self.saved[key]
            else:
                self.saved[key].reply = reply
        return reply

    def handle(self, request: StandInRequest) -> StandInReply:
        try:
            return StandInReply(200, self._get(request) if request.method == "GET" else self._post(request))
        except Wrong as wrong:
            return wrong.reply

    def _get(self, request: StandInRequest) -> dict[str, Any]:
        *_, collection, name = request.path.split("/")
        known = {"payment_intents": self.payments, "charges": self.payments, "invoices": self.invoices}.get(collection)
        if known is not None:
            if name not in known:
                raise Wrong(404, f"No such {collection}: '{name}'", "resource_missing")
            return known[name]
        if request.path not in LISTS and name != "balance_transactions":
            raise Wrong(404, f"Unrecognized request URL (GET: {request.path})")
        return self._list(request)

    def _list(self, request: StandInRequest) -> dict[str, Any]:
        """Newest first, a page at a time."""
        with self.lock:
            made = self.made.get(request.path, [])[::-1]
        for name in ("payment_intent", "charge", "invoice", "coupon"):
            if name in request.query:
                made = [one for one in made if one.get("_of", {}).get(name) == request.query[name]]
        if "starting_after" in request.query:
            ids = [one["id"] for one in made]
            made = made[ids.index(request.query["starting_after"]) + 1 :]
        limit = int(request.query.get("limit", 10))
        page = [{name: value for name, value in one.items() if name != "_of"} for one in made[:limit]]
        return {"object": "list", "url": request.path, "has_more": len(made) > limit, "data": page}

    def _post(self, request: StandInRequest) -> dict[str, Any]:
        given = nested(request.form())
        collection = request.path.rsplit("/", 1)[-1]
        if collection not in PARAMETERS:
            raise Wrong(404, f"Unrecognized request URL (POST: {request.path})")
        if unknown := set(given) - PARAMETERS[collection]:
            raise Wrong(400, f"Received unknown parameter: {min(unknown)}", "parameter_unknown")
        with self.lock:
            made = getattr(self, f"_make_{collection}")(request, given)
            made |= {"created": int(self.clock().timestamp()), "metadata": given.get("metadata", {})}
            self.made.setdefault(request.path, []).append(made)
            told = {name: value for name, value in made.items() if name != "_of"}
            if collection != "coupons":
                self.effect(made["metadata"].get("amends_key", ""), **{k: told[k] for k in told if k != "metadata"})
        self.slow()
        return told

    def _make_refunds(self, request: StandInRequest, given: dict[str, Any]) -> dict[str, Any]:
        of: dict[str, Any] = {name: given[name] for name in ("payment_intent", "charge") if name in given}
        payment = self.payments.get(next(iter(of.values()), ""))
        if payment is None:
            raise Wrong(404, f"No such payment: {of}", "resource_missing")
        amount = _amount(given.get("amount", ""), payment["currency"])
        before = sum(one["amount"] for one in self.made.get(request.path, []) if one["_of"] == of)
        if before + amount > payment["amount"]:
            left = payment["amount"] - before
            raise Wrong(400, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
        return {
            "id": _id("re"), "object": "refund", "amount": amount, "currency": payment["currency"],
            "status": "succeeded", "_of": of, **of,
        }  # fmt: skip

    def _make_balance_transactions(self, request: StandInRequest, given: dict[str, Any]) -> dict[str, Any]:
        customer = request.path.split("/")[3]
        currencies = {p["currency"] for p in (*self.payments.values(), *self.invoices.values())
                      if p["customer"] == customer}  # fmt: skip
        if not currencies:
            raise Wrong(404, f"No such customer: '{customer}'", "resource_missing")
        if given.get("currency") not in currencies:
            raise Wrong(400, f"The customer's currency is not {given.get('currency')}")
        text = str(given.get("amount", ""))
        amount = _amount(text.removeprefix("-"), given["currency"]) * (-1 if text.startswith("-") else 1)
        return {
            "id": _id("cbtxn"), "object": "customer_balance_transaction", "amount": amount, "customer": customer,
            "currency": given["currency"], "type": "adjustment",
        }  # fmt: skip

    def _make_credit_notes(self, request: StandInRequest, given: dict[str, Any]) -> dict[str, Any]:
        invoice = self.invoices.get(given.get("invoice", ""))
        if invoice is None:
            raise Wrong(404, f"No such invoice: '{given.get('invoice')}'", "resource_missing")
        amount = _amount(given.get("amount", ""), invoice["currency"])
        if invoice["status"] == "paid" and given.get("credit_amount") != str(amount):
            raise Wrong(400, "The sum of credit amount, refund amount and out of band amount must equal the amount")
        of = {"invoice": invoice["id"]}
        before = sum(one["amount"] for one in self.made.get(request.path, []) if one["_of"] == of)
        if before + amount > invoice["total"]:
            raise Wrong(400, "The credit note amount is greater than what is left of the invoice")
        return {
            "id": _id("cn"), "object": "credit_note", "amount": amount, "currency": invoice["currency"],
            "status": "issued", "invoice": invoice["id"], "_of": of,
        }  # fmt: skip

    def _make_coupons(self, request: StandInRequest, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("id") or _id("co")
        if any(one["id"] == name for one in self.made.get(request.path, [])):
            raise Wrong(400, "Coupon already exists.", "resource_already_exists")
        amount = _amount(given.get("amount_off", ""), given.get("currency", ""))
        return {
            "id": name, "object": "coupon", "amount_off": amount, "currency": given["currency"], "valid": True,
            "duration": given.get("duration"), "max_redemptions": int(given.get("max_redemptions", 0)) or None,
        }  # fmt: skip

    def _make_promotion_codes(self, request: StandInRequest, given: dict[str, Any]) -> dict[str, Any]:
        coupon = given.get("promotion", {}).get("coupon", "")
        if not any(one["id"] == coupon for one in self.made.get("/v1/coupons", [])):
            raise Wrong(400, f"No such coupon: '{coupon}'", "resource_missing")
        return {
            "id": _id("promo"), "object": "promotion_code", "active": True,
            "code": given.get("code") or secrets.token_hex(4).upper(), "promotion": given["promotion"],
            "max_redemptions": int(given["max_redemptions"]), "_of": {"coupon": coupon},
        }  # fmt: skip


def _id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(8)}"


def _amount(text: str, currency: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise Wrong(400, f"Invalid positive integer: {text!r}", "parameter_invalid_integer")
    if currency.lower() in THREE_DECIMAL and int(text) % 10:
        raise Wrong(400, f"Invalid amount: the last digit must be 0 in {currency}")
    if currency.lower() == "isk" and int(text) % 100:
        raise Wrong(400, "Invalid amount. ISK must be evenly divisible by 100.")
    return int(text)


def nested(form: Mapping[str, str]) -> dict[str, Any]:
    """`metadata[a]=b` as {"metadata": {"a": "b"}}."""
    found: dict[str, Any] = {}
    for name, value in form.items():
        outer, _, inner = name.rstrip("]").partition("[")
        if inner:
            found.setdefault(outer, {})[inner] = value
        else:
            found[outer] = value
    return found
