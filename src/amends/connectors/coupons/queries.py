"""What others may ask about coupons."""

from __future__ import annotations

from amends.connectors.coupons.codes import Misread, read_code
from amends.connectors.coupons.models import CouponRow
from amends.connectors.coupons.records import Coupon


def by_act(act_key: str) -> Coupon | None:
    row = CouponRow.objects.filter(act_key=act_key).first()
    return coupon(row) if row else None


def by_code(text: str) -> Coupon | None:
    """The coupon that somebody typed; None when there is none, or it is misread."""
    try:
        row = CouponRow.objects.filter(code=read_code(text)).first()
    except Misread:
        return None
    return coupon(row) if row else None


def coupon(row: CouponRow) -> Coupon:
    """A row as a record."""
    return Coupon(
        code=row.code,
        act_key=row.act_key,
        recovery_id=row.recovery_id,
        customer_id=row.customer_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        percent=row.percent,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        redeemed_at=row.redeemed_at,
        redemption_id=row.redemption_id,
        order_id=row.order_id,
        revoked_at=row.revoked_at,
    )
