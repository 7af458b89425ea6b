"""Coupons of our own: unguessable, used once, ending, revocable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Coupon:
    """A coupon as it stands. It is worth an amount or a percentage, never both."""

    code: str
    act_key: str
    recovery_id: str
    customer_id: str
    amount_minor: int | None
    currency: str
    percent: int | None
    issued_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None
    redemption_id: str | None
    order_id: str
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """open, redeemed, revoked or expired."""
        if self.redeemed_at:
            return "redeemed"
        if self.revoked_at:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


class NotRedeemable(Exception):
    """This code cannot be redeemed; `why` is misread, unknown, redeemed, revoked, expired or another."""

    def __init__(self, why: str, says: str) -> None:
        super().__init__(says)
        self.why = why
