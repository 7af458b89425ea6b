"""The verbs of coupons: issue, redeem, revoke. Each may be repeated and changes nothing the second time."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from amends.connectors.coupons.codes import Misread, make_code, read_code
from amends.connectors.coupons.models import CouponRow
from amends.connectors.coupons.queries import coupon
from amends.connectors.coupons.records import Coupon, NotRedeemable
from amends.ground.moments import format_moment
from amends.outbox.records import Order


def issue(order: Order, expires_at: datetime, now: datetime) -> tuple[Coupon, bool]:
    """The coupon of an act, and whether it is new; an act has one coupon however often it is asked for."""
    worth = {name: order.payload.get(name) for name in ("amount_minor", "percent")}
    row, new = CouponRow.objects.get_or_create(
        act_key=order.key,
        defaults={
            "code": make_code(),
            "recovery_id": order.recovery_id,
            "customer_id": order.customer_id,
            "currency": order.payload.get("currency") or "",
            "issued_at": now,
            "expires_at": expires_at,
            **worth,
        },
    )
    return coupon(row), new


@transaction.atomic
def redeem(text: str, redemption_id: str, order_id: str, now: datetime) -> Coupon:
    """Use a coupon up, once: the same redemption asked for again gets the same answer, any other NotRedeemable."""
    try:
        code = read_code(text)
    except Misread as error:
        raise NotRedeemable("misread", str(error)) from error
    usable = CouponRow.objects.filter(code=code, redemption_id=None, revoked_at=None, expires_at__gt=now)
    try:
        with transaction.atomic():
            usable.update(redemption_id=redemption_id, redeemed_at=now, order_id=order_id)
    except IntegrityError as error:
        raise NotRedeemable("another", "this redemption_id has used up another coupon") from error
    row = CouponRow.objects.filter(code=code).first()
    if row is None:
        raise NotRedeemable("unknown", "there is no such coupon")
    if row.redemption_id == redemption_id:
        return coupon(row)
    raise _why_not(coupon(row), now)


def _why_not(found: Coupon, now: datetime) -> NotRedeemable:
    state = found.state(now)
    moment = {"redeemed": found.redeemed_at, "revoked": found.revoked_at}.get(state) or found.expires_at
    return NotRedeemable(state, f"this coupon {'was ' if state != 'expired' else ''}{state} on {format_moment(moment)}")


@transaction.atomic
def revoke(act_key: str, why: str, now: datetime) -> Coupon | None:
    """End a coupon that was not used; one that was stays as it is. None when the act has no coupon."""
    usable = CouponRow.objects.filter(act_key=act_key, redemption_id=None, revoked_at=None)
    usable.update(revoked_at=now, revoked_why=why[:400])
    row = CouponRow.objects.filter(act_key=act_key).first()
    return coupon(row) if row else None
