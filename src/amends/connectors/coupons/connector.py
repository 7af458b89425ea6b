"""Coupons of our own: the outside system is a table of ours, so nothing is ever in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta

from amends.connectors.coupons import queries, steps
from amends.connectors.coupons.codes import show
from amends.connectors.coupons.records import Coupon
from amends.ground.moments import parse_moment
from amends.ground.money import Money, MoneyError
from amends.outbox.records import Answer, Declaration, Done, Found, NotDone, Order, Refused, Unknown

REVERSAL = "remedy.reversal"


class OwnCoupons:
    """Issues a coupon per act; its code is the receipt."""

    name = "coupons"
    can_find = True
    declaration = Declaration("coupons", can_find=True, key_window=timedelta.max, batch=200)

    def __init__(self, valid_days: int = 365) -> None:
        self.valid = timedelta(days=valid_days)

    def act(self, order: Order, now: datetime) -> Answer:
        if order.kind == REVERSAL:
            return _revoke(order, now)
        try:
            _check(order)
            expires_at = self._expires_at(order, now)
        except (ValueError, OverflowError) as error:
            return Refused(f"no such coupon can be made: {error}")
        coupon, new = steps.issue(order, expires_at, now)
        done = _receipt(order, coupon)
        return Done(done.ref, already=not new) if isinstance(done, Done) else done

    def find(self, order: Order) -> Found:
        if order.kind == REVERSAL:
            ended = queries.by_act(_reversed(order))
            return Done(_ended(ended)) if ended and ended.revoked_at else NotDone()
        coupon = queries.by_act(order.key)
        return _receipt(order, coupon) if coupon else NotDone()

    def _expires_at(self, order: Order, now: datetime) -> datetime:
        given = order.payload.get("expires_at")
        ends = parse_moment(str(given)) if given else now + self.valid
        if ends <= now:
            raise ValueError(f"it would have ended on {given}")
        return ends


def _reversed(order: Order) -> str:
    return str((order.payload.get("reverses") or {}).get("key", ""))


def _ended(coupon: Coupon) -> str:
    return f"{show(coupon.code)} revoked"


def _revoke(order: Order, now: datetime) -> Answer:
    """A coupon is taken back while nobody has used it."""
    coupon = steps.revoke(_reversed(order), str(order.payload.get("reason", "")), now)
    if coupon is None:
        return Refused(f"{_reversed(order) or 'nothing'} is no coupon of ours")
    if coupon.revoked_at is None:
        return Refused("the coupon was used before it could be taken back; a person decides")
    return Done(_ended(coupon), already=coupon.revoked_at < now)


def _check(order: Order) -> None:
    """An amount of money, or a percentage: one of them, and more than nothing."""
    minor, percent = order.payload.get("amount_minor"), order.payload.get("percent")
    if (minor is None) == (percent is None):
        raise ValueError("a coupon is worth an amount or a percentage")
    if minor is not None and Money(int(minor), str(order.payload.get("currency"))).minor <= 0:
        raise MoneyError(f"{minor} is nothing")
    if percent is not None and not 1 <= int(percent) <= 100:
        raise ValueError(f"{percent} % is no part of a price")


def _receipt(order: Order, coupon: Coupon) -> Done | Unknown:
    wanted = (order.payload.get("amount_minor"), order.payload.get("percent"))
    if (coupon.amount_minor, coupon.percent) != wanted or coupon.currency != (order.payload.get("currency") or ""):
        return Unknown("under this key there is a coupon of another worth; a person must look")
    return Done(show(coupon.code))
