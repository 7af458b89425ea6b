"""Coupons of our own: unguessable, used once, ending, revocable."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

import amends.signals.steps
from amends.connectors.coupons import codes, queries, steps
from amends.connectors.coupons.connector import OwnCoupons
from amends.connectors.coupons.models import CouponRow
from amends.connectors.coupons.records import NotRedeemable
from amends.outbox.records import Connector, Done, Order, Refused, Unknown
from amends.testing import FAULTS, ConnectorContract, StandIn
from amends.testing.contract import NOW

WORTH = {"amount_minor": 500, "currency": "EUR"}


def order(key: str = "coupon:a", **payload: Any) -> Order:
    return Order(key, "remedy.coupon", "coupons", "rec_1", "ada", payload or WORTH)


class OurTable(StandIn):
    """The outside system is our own table: the journal is its rows."""

    @property
    def journal(self) -> Any:
        return list(CouponRow.objects.values())

    @journal.setter
    def journal(self, value: Any) -> None:
        """Rows are made by the connector only."""

    def keys(self) -> list[str]:
        return [row["act_key"] for row in self.journal]


@pytest.mark.django_db
class TestOwnCoupons(ConnectorContract):
    cannot_play = frozenset(FAULTS)

    def make_standin(self) -> StandIn:
        return OurTable()

    def make_connector(self, url: str) -> Connector:
        return OwnCoupons()

    def make_order(self, key: str) -> Order:
        return order(key)

    def test_every_try_carries_the_same_key_and_the_same_words(self, connector: Connector, standin: StandIn) -> None:
        first, second = (connector.act(self.make_order("coupon:a"), NOW) for _ in range(2))

        assert isinstance(first, Done)
        assert second == Done(first.ref, already=True)

    def test_nobody_there_is_later(self) -> None:
        """There is always somebody: it is our own database."""

    def test_it_may_be_used_from_many_threads(self, connector: Connector, standin: StandIn) -> None:
        """Shown below, with connections of their own."""


@given(st.integers(0, 16), st.sampled_from(codes.SIGNS))
def test_one_wrong_sign_is_noticed(place: int, sign: str) -> None:
    code = codes.make_code()
    wrong = code[:place] + sign + code[place + 1 :]

    if wrong == code:
        assert codes.read_code(wrong) == code
    else:
        with pytest.raises(codes.Misread):
            codes.read_code(wrong)


@given(st.integers(0, 15))
def test_two_neighbours_in_the_wrong_order_are_noticed(place: int) -> None:
    code = codes.make_code()
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]

    if wrong != code:
        with pytest.raises(codes.Misread):
            codes.read_code(wrong)


def test_codes_are_read_as_people_write_them() -> None:
    code = "0" * 16 + "0"

    assert codes.read_code(" oooooo-OOOOO-ooooo o ") == code
    assert codes.read_code(codes.show(code).lower()) == code
    for text in ("", "😀", "0" * 18, "U" * 17, "0" * 100_000, "00000\x00000000000000"):
        with pytest.raises(codes.Misread):
            codes.read_code(text)


def test_codes_hold_80_bits_of_chance() -> None:
    made = [codes.make_code() for _ in range(5_000)]

    assert codes.RANDOM_SIGNS * 5 >= 80
    assert len(set(made)) == 5_000
    for place in range(codes.RANDOM_SIGNS):
        assert {code[place] for code in made} == set(codes.SIGNS)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "payload",
    [
        {"amount_minor": None, "currency": "EUR"},
        {"amount_minor": 500, "currency": "EUR", "percent": 10},
        {"amount_minor": 0, "currency": "EUR"},
        {"amount_minor": 500, "currency": "XYZ"},
        {"amount_minor": 10**30, "currency": "EUR"},
        {"percent": 101},
        {"amount_minor": 500, "currency": "EUR", "expires_at": "2020-01-01T00:00:00Z"},
        {"amount_minor": 500, "currency": "EUR", "expires_at": "soon"},
    ],
)
def test_a_coupon_that_cannot_be_is_refused_in_words(payload: dict[str, Any]) -> None:
    answer = OwnCoupons().act(order(**payload), NOW)

    assert isinstance(answer, Refused)
    assert CouponRow.objects.count() == 0


@pytest.mark.django_db
def test_another_worth_under_the_same_key_is_no_receipt() -> None:
    OwnCoupons().act(order(), NOW)

    assert isinstance(OwnCoupons().act(order(amount_minor=501, currency="EUR"), NOW), Unknown)
    assert isinstance(OwnCoupons().find(order(amount_minor=501, currency="EUR")), Unknown)


@pytest.mark.django_db
def test_a_coupon_is_used_once_and_the_same_asking_gets_the_same_answer() -> None:
    code = steps.issue(order(), NOW + timedelta(days=1), NOW)[0].code
    first = steps.redeem(code, "till-1", "o-1", NOW)

    assert steps.redeem(codes.show(code).lower(), "till-1", "o-1", NOW + timedelta(days=9)) == first
    with pytest.raises(NotRedeemable) as error:
        steps.redeem(code, "till-2", "o-2", NOW)
    assert error.value.why == "redeemed"


@pytest.mark.django_db
def test_one_redemption_uses_up_one_coupon() -> None:
    a, b = (steps.issue(order(key), NOW + timedelta(days=1), NOW)[0].code for key in ("coupon:a", "coupon:b"))
    steps.redeem(a, "till-1", "", NOW)

    with pytest.raises(NotRedeemable) as error:
        steps.redeem(b, "till-1", "", NOW)
    assert error.value.why == "another"
    assert steps.redeem(b, "till-2", "", NOW).redemption_id == "till-2"


@pytest.mark.django_db
def test_a_coupon_ends_at_its_moment_and_can_be_ended_before() -> None:
    ends = NOW + timedelta(days=1)
    a, b = (steps.issue(order(key), ends, NOW)[0].code for key in ("coupon:a", "coupon:b"))
    steps.revoke("coupon:b", "given by mistake", NOW)

    for code, moment, why in ((a, ends, "expired"), (b, NOW, "revoked"), ("0" * 17, NOW, "unknown")):
        with pytest.raises(NotRedeemable) as error:
            steps.redeem(code, "till-1", "", moment)
        assert error.value.why == why
    assert steps.redeem(a, "till-1", "", ends - timedelta(microseconds=1))


@pytest.mark.django_db
def test_what_was_used_cannot_be_revoked() -> None:
    code = steps.issue(order(), NOW + timedelta(days=1), NOW)[0].code
    steps.redeem(code, "till-1", "", NOW)

    found = steps.revoke("coupon:a", "too late", NOW)
    assert found
    assert (found.revoked_at, found.redemption_id) == (None, "till-1")
    assert steps.revoke("coupon:none", "x", NOW) is None


@pytest.mark.django_db
def test_the_shop_redeems_through_the_api(client: Client) -> None:
    key = amends.signals.steps.create_key("shop", ["coupons:redeem"], NOW)
    head = {"Authorization": f"Bearer {key}"}
    OwnCoupons(valid_days=10_000).act(order(), NOW)
    found = queries.by_act("coupon:a")
    assert found

    def post(path: str, **body: str) -> Any:
        return client.post(f"/v1/coupons/{path}", body, content_type="application/json", headers=head)

    assert post("look", code=found.code).json()["state"] == "open"
    first = post("redeem", code=codes.show(found.code), redemption_id="till-1", order_id="o-1")
    assert (first.status_code, first.json()["amount_minor"], first.json()["currency"]) == (200, 500, "EUR")
    assert post("redeem", code=found.code, redemption_id="till-1", order_id="o-1").json() == first.json()
    again = post("redeem", code=found.code, redemption_id="till-2")
    assert (again.status_code, again.json()["why"]) == (409, "redeemed")
    assert post("redeem", code="K7QW2", redemption_id="x").status_code == 422
    assert post("redeem", code="0" * 17, redemption_id="x").status_code == 404
    assert post("redeem", code=found.code, redemption_id="").status_code == 422
    assert post("revoke", act_key="coupon:a", why="x").status_code == 403, "the till may not end coupons"
    assert client.post("/v1/coupons/redeem", {}, content_type="application/json").status_code in (401, 422)


@pytest.mark.django_db(transaction=True)
def test_many_tills_at_once_use_a_coupon_once() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("shown by processes below")
    code = steps.issue(order(), NOW + timedelta(days=1), NOW)[0].code

    def till(number: int) -> bool:
        try:
            return steps.redeem(code, f"till-{number}", "", NOW).redemption_id == f"till-{number}"
        except NotRedeemable:
            return False
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(till, range(40))) == 1


TILLS = """
import os, sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
os.environ.pop("AMENDS_DATABASE_URL", None)
os.environ |= {"DJANGO_SETTINGS_MODULE": "amends.settings", "AMENDS_DIR": sys.argv[1]}
os.makedirs(sys.argv[1] + "/var", exist_ok=True)
import django, django.db
django.setup()
from django.core.management import call_command
from amends.connectors.coupons import steps
from amends.connectors.coupons.records import NotRedeemable
from amends.outbox.records import Order
NOW = datetime.now(UTC)

def issue(n):
    order = Order(f"coupon:{n % 20}", "remedy.coupon", "coupons", "r", "c", {"amount_minor": 5, "currency": "EUR"})
    return steps.issue(order, NOW + timedelta(days=1), NOW)[0].code

def redeem(n):
    try:
        return steps.redeem(codes[n % 20], f"till-{n}", "", NOW).code
    except NotRedeemable:
        return ""

call_command("migrate", verbosity=0)
django.db.connections.close_all()
with ProcessPoolExecutor(4) as pool:
    codes = sorted(set(pool.map(issue, range(80))))
assert len(codes) == 20, codes
with ProcessPoolExecutor(4) as pool:
    won = [code for code in pool.map(redeem, range(200)) if code]
assert sorted(won) == codes, won
"""


def test_many_processes_on_sqlite_issue_and_redeem_each_coupon_once(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TILLS, str(tmp_path)], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.django_db
def test_a_coupon_is_taken_back_while_unused_and_a_used_one_is_not() -> None:
    made = OwnCoupons()
    for key in ("coupon:a", "coupon:b"):
        made.act(order(key), NOW)
    used = CouponRow.objects.get(act_key="coupon:b").code
    steps.redeem(used, "till-1", "o-1", NOW)
    first, second, none = (
        Order(f"reversal:{key}", "remedy.reversal", "coupons", "rec_1", "ada", WORTH | {"reverses": {"key": key}})
        for key in ("coupon:a", "coupon:b", "coupon:c")
    )

    assert not isinstance(made.find(first), Done)
    done, again = made.act(first, NOW), made.act(first, NOW + timedelta(hours=1))
    assert isinstance(done, Done)
    assert (again, made.find(first)) == (Done(done.ref, already=True), Done(done.ref))
    assert all(isinstance(made.act(one, NOW), Refused) for one in (second, none))
    assert CouponRow.objects.count() == 2
