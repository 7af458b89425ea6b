"""The shop's side of coupons: look at one, redeem it once, end it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from amends.connectors.coupons import queries, steps
from amends.connectors.coupons.codes import show
from amends.connectors.coupons.records import Coupon, NotRedeemable
from amends.ground.moments import format_moment
from amends.web import keys
from amends.web.problems import Problem

router = Router(tags=["coupons"])
STATUS = {"misread": 422, "unknown": 404, "redeemed": 409, "another": 409, "revoked": 410, "expired": 410}


class Redeeming(Schema):
    """`redemption_id` is the caller's own: the same one again gets the same answer."""

    code: str = Field(max_length=100)
    redemption_id: str = Field(min_length=1, max_length=200)
    order_id: str = Field("", max_length=200)


class Looking(Schema):
    code: str = Field(max_length=100)


class Revoking(Schema):
    act_key: str = Field(max_length=120)
    why: str = Field(min_length=1, max_length=400)


@router.post("/redeem", summary="Use a coupon up: exactly once, however often it is asked for")
def redeem(request: HttpRequest, asked: Redeeming) -> Any:
    keys.require(request, "coupons:redeem")
    now = datetime.now(UTC)
    try:
        return _shown(steps.redeem(asked.code, asked.redemption_id, asked.order_id, now), now)
    except NotRedeemable as error:
        raise Problem(STATUS[error.why], str(error), why=error.why) from error


@router.post("/look", summary="What a code is worth, without using it up")
def look(request: HttpRequest, asked: Looking) -> Any:
    keys.require(request, "coupons:redeem")
    found = queries.by_code(asked.code)
    if found is None:
        raise Problem(404, "there is no such coupon", why="unknown")
    return _shown(found, datetime.now(UTC))


@router.post("/revoke", summary="End a coupon that was not used; one that was stays as it is")
def revoke(request: HttpRequest, asked: Revoking) -> Any:
    keys.require(request, "coupons:revoke")
    now = datetime.now(UTC)
    found = steps.revoke(asked.act_key, asked.why, now)
    if found is None:
        raise Problem(404, f"the act {asked.act_key} has no coupon", why="unknown")
    return _shown(found, now)


def _shown(coupon: Coupon, now: datetime) -> dict[str, Any]:
    return {
        "code": show(coupon.code),
        "state": coupon.state(now),
        "amount_minor": coupon.amount_minor,
        "currency": coupon.currency or None,
        "percent": coupon.percent,
        "customer_id": coupon.customer_id,
        "recovery_id": coupon.recovery_id,
        "expires_at": format_moment(coupon.expires_at),
        "redeemed_at": format_moment(coupon.redeemed_at) if coupon.redeemed_at else None,
        "redemption_id": coupon.redemption_id,
        "order_id": coupon.order_id or None,
    }
