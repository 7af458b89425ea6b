"""Money at Stripe: refunds, customer balance, credit notes, coupons; one key per act, looked up where in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import stripe

from amends.connectors.stripe.amounts import from_stripe
from amends.connectors.stripe.client import UNREADABLE, NoReply, connect
from amends.connectors.stripe.effects import EFFECTS, CannotBe, Effect, amount_of
from amends.connectors.wire import CREDENTIALS_WAIT_S, TIMEOUT_S, Reply
from amends.ground.moments import EPOCH, format_moment
from amends.ground.money import MoneyError
from amends.outbox.records import Answer, Declaration, Done, Found, Later, NotDone, Order, Refused, Unknown

NOT_SET = "stripe has no address or no key: set AMENDS_STRIPE_URL and AMENDS_STRIPE_SECRET; the act waits"


class StripeConnector:
    """Stripe keeps keys for 24 hours, and answers to them too, those of its own errors included."""

    name = "stripe"
    can_find = True
    declaration = Declaration(
        "stripe",
        can_find=True,
        key_window=timedelta(hours=24),
        per_s=80,  # Stripe's own limits: 100 a second an account, 25 an endpoint
        per_s_of=dict.fromkeys(EFFECTS, 20.0),
    )

    def __init__(
        self, url: str, secret: str, timeout_s: float = TIMEOUT_S, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.client, self.wire = connect(url, secret, timeout_s, transport)
        self.ready = bool(url and secret)

    def act(self, order: Order, now: datetime) -> Answer:
        if not self.ready:
            return Later(NOT_SET, CREDENTIALS_WAIT_S)
        effect = EFFECTS.get(order.kind)
        if effect is None:
            return Refused(f"Stripe cannot do {order.kind}; a person decides")
        try:
            amount = amount_of(order)
            return _proof(order, effect, effect.make(self.client, order), amount) or _no_receipt(order)
        except (CannotBe, MoneyError) as error:
            return Refused(str(error))
        except NoReply as error:
            return error.answer
        except stripe.IdempotencyError as error:
            return Unknown(self.wire.hide(f"Stripe knows this key with other words: {error.user_message}"))
        except stripe.StripeError as error:
            return self._said(error)
        except UNREADABLE as error:
            return Unknown(f"Stripe's answer cannot be read: {type(error).__name__}")

    def find(self, order: Order) -> Found:
        effect = EFFECTS.get(order.kind)
        if effect is None or not self.ready:
            return Unknown(NOT_SET if effect else f"Stripe cannot do {order.kind}")
        try:
            amount = amount_of(order)
            for listed in effect.listed(self.client, order):
                if _key(listed) == order.key:
                    verdict = _proof(order, effect, listed, amount)
                    return verdict if isinstance(verdict, Done | Unknown) else _contradiction(order, verdict)
            return NotDone()
        except (CannotBe, MoneyError):
            return NotDone()  # refused before anything was sent, now as then
        except (NoReply, stripe.StripeError) as error:
            return Unknown(self.wire.hide(f"cannot be looked up: {error}")[:300])
        except UNREADABLE as error:
            return Unknown(f"Stripe's list cannot be read: {type(error).__name__}")

    def reconcile(self, since: datetime) -> list[dict[str, Any]]:
        """The refunds and credit notes that Stripe has made for us since then; balances are listed by customer only."""
        wish: Any = {"created": {"gte": int(since.timestamp())}, "limit": 100}
        lists = (self.client.v1.refunds.list(wish), self.client.v1.credit_notes.list(wish))
        return [_row(one) for page in lists for one in page.auto_paging_iter() if _key(one)]

    def _said(self, error: stripe.StripeError) -> Answer:
        """What a reply that is no success means: as for every connector."""
        status = error.http_status or 0
        words = (error.user_message or str(error.http_body or ""))[:300]
        headers: Mapping[str, str] = error.headers or {}
        return self.wire.answer(Reply(status, headers, words.encode()), lambda _: None)


def _key(found: Any) -> str:
    return str((found.to_dict().get("metadata") or {}).get("amends_key", ""))


def _proof(order: Order, effect: Effect, found: Any, amount: int) -> Done | Refused | Unknown | None:
    """A receipt, if it is for this act, this amount and this currency."""
    told = found.to_dict()
    if _key(found) != order.key or told.get("currency", order.payload["currency"]).upper() != order.payload["currency"]:
        return None
    return effect.proof(told, amount)


def _no_receipt(order: Order) -> Unknown:
    return Unknown(f"Stripe's answer is no receipt for {order.key}")


def _contradiction(order: Order, verdict: Refused | None) -> Unknown:
    says = verdict.reason if verdict else "what Stripe lists under this key has another amount or currency"
    return Unknown(f"{says}; a person must look at {order.key}")


def _row(found: Any) -> dict[str, Any]:
    told = found.to_dict()
    money = from_stripe(told["amount"], told["currency"])
    at = format_moment(EPOCH + timedelta(seconds=told["created"]))
    return {
        "key": _key(found),
        "ref": told["id"],
        "amount_minor": money.minor,
        "currency": money.currency,
        "at": at,
    }
