"""Money at Stripe, through the official client, against our strict stand-in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from amends.connectors.stripe.amounts import from_stripe, to_stripe
from amends.connectors.stripe.connector import StripeConnector
from amends.ground.money import Money, MoneyError
from amends.outbox.records import Connector, Done, Later, NotDone, Order, Refused, Unknown
from amends.testing import ConnectorContract, StandIn
from amends.testing.contract import NOW
from amends.testing.stripe import StripeStandIn

SECRET = "sk_test_51Amends0nlyForTests"
PAYLOAD = {"payment_ref": "pi_1", "reason": "film-plays", "decided_at": "2026-11-24T12:00:00Z"}


def order(kind: str = "refund", key: str = "refund:a", minor: int = 499, currency: str = "EUR", **more: Any) -> Order:
    money = {"amount_minor": minor, "currency": currency}
    return Order(key, f"remedy.{kind}", "stripe", "rec_1", "ada", PAYLOAD | money | more)


class StripeContract(ConnectorContract):
    kind = "refund"
    secrets = (SECRET,)
    moves_money = True
    more: dict[str, Any] = {}

    def make_standin(self) -> StandIn:
        standin = StripeStandIn(SECRET)
        standin.paid("pi_1", 100_000, "eur")
        standin.invoice("in_1", 100_000, "eur", paid=True)
        return standin

    def make_connector(self, url: str) -> Connector:
        return StripeConnector(url, SECRET, timeout_s=0.5)

    def make_order(self, key: str) -> Order:
        return order(self.kind, key, **self.more)

    def may_wait(self, fault: str) -> bool:
        return fault == "before"  # Stripe saves its own 500 and gives it again for 24 hours


class TestRefund(StripeContract): ...


class TestCredit(StripeContract):
    kind = "credit"


class TestReversalOfACredit(StripeContract):
    kind = "reversal"
    more = {"reverses": {"kind": "remedy.credit", "key": "credit:a", "ref": "cbtxn_1"}}


class TestCreditNote(StripeContract):
    kind = "credit_note"
    more = {"payment_ref": "in_1"}


class TestCoupon(StripeContract):
    kind = "coupon"
    moves_money = False  # its receipt is a code

    def may_wait(self, fault: str) -> bool:
        return fault in ("before", "after")  # the first of its two steps: the same


@pytest.fixture
def standin() -> Any:
    with StripeStandIn(SECRET) as standin:
        standin.paid("pi_1", 1_999, "eur")
        standin.invoice("in_open", 5_000, "eur", paid=False)
        yield standin


@pytest.fixture
def stripe(standin: StripeStandIn) -> StripeConnector:
    return StripeConnector(standin.url, SECRET, timeout_s=2.0)


def test_no_more_is_paid_back_than_was_paid(stripe: StripeConnector, standin: StripeStandIn) -> None:
    assert isinstance(stripe.act(order(minor=1_500), NOW), Done)
    again = stripe.act(order(key="refund:b", minor=500), NOW)

    assert isinstance(again, Refused)
    assert "greater than unrefunded amount" in again.reason
    assert [effect["amount"] for effect in standin.journal] == [1_500]


def test_a_saved_500_is_outlived_and_the_money_moves_once(stripe: StripeConnector, standin: StripeStandIn) -> None:
    """The same key for ever: while Stripe repeats its own error, nothing moves; once forgotten, it moves once."""
    clock = [NOW]
    standin.clock = lambda: clock[0]
    standin.fault = lambda key, times: "before" if times == 1 else ""

    for _ in range(3):
        assert isinstance(stripe.act(order(), NOW), Unknown)
        assert isinstance(stripe.find(order()), NotDone)
    clock[0] += timedelta(hours=25)
    assert isinstance(stripe.act(order(), NOW), Done)
    assert len(standin.journal) == 1


def test_a_key_that_stripe_has_forgotten_pays_again_so_the_look_up_comes_first(
    stripe: StripeConnector, standin: StripeStandIn
) -> None:
    clock = [NOW]
    standin.clock = lambda: clock[0]
    first = stripe.act(order(), NOW)
    clock[0] += timedelta(hours=25)

    assert stripe.find(order()) == first
    stripe.act(order(), NOW)
    assert len(standin.journal) == 2, "the stand-in forgets keys, as Stripe does: this is why the outbox looks first"


def test_two_workers_with_one_act_move_the_money_once(stripe: StripeConnector, standin: StripeStandIn) -> None:
    middle, go = threading.Event(), threading.Event()
    standin.slow = lambda: (middle.set(), go.wait(5))[0]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(stripe.act, order(), NOW)
        middle.wait(5)
        second = stripe.act(order(), NOW)
        go.set()

    assert isinstance(second, Unknown), "409: in use, so it may be happening"
    assert isinstance(first.result(), Done)
    assert len(standin.journal) == 1


def test_a_key_known_with_other_words_is_not_taken_for_a_no(stripe: StripeConnector) -> None:
    stripe.act(order(), NOW)

    assert isinstance(stripe.act(order(minor=500), NOW), Unknown)
    assert isinstance(stripe.find(order(minor=500)), Unknown), "what is listed under the key has another amount"


def test_a_wrong_key_of_ours_makes_acts_wait_instead_of_failing(standin: StripeStandIn) -> None:
    answer = StripeConnector(standin.url, "sk_test_wrong").act(order(), NOW)

    assert isinstance(answer, Later)
    assert "credentials" in answer.reason
    assert isinstance(StripeConnector("", "").act(order(), NOW), Later)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (order(payment_ref="pay_7"), "no payment of Stripe"),
        (order(payment_ref=None), "no payment of Stripe"),
        (order(payment_ref="pi_unknown"), "404"),
        (order("credit", payment_ref=None), "nobody at Stripe"),
        (order("credit", currency="USD"), "currency"),
        (order("credit_note"), "no invoice"),
        (order("reversal"), "cannot take back a nothing"),
        (order("reversal", reverses={"kind": "remedy.refund", "key": "refund:a", "ref": "re_1"}), "take back a refund"),
        (order("exchange"), "cannot do"),
        (order(minor=0), "no amount"),
        (order(minor=-5), "no amount"),
        (order(minor=1255, currency="KWD"), "steps of 0.010"),
        (order(minor=5, currency="UGX"), "two units"),
        (order("coupon", decided_at="yesterday"), "cannot be told"),
    ],
)
def test_what_cannot_be_stands_before_a_person(
    stripe: StripeConnector, standin: StripeStandIn, act: Order, why: str
) -> None:
    answer = stripe.act(act, NOW)

    assert isinstance(answer, Refused), answer
    assert why in answer.reason
    assert standin.journal == []


def test_a_credit_finds_its_customer_by_the_payment(stripe: StripeConnector, standin: StripeStandIn) -> None:
    assert isinstance(stripe.act(order("credit"), NOW), Done)

    assert (standin.journal[0]["customer"], standin.journal[0]["amount"]) == ("cus_ada", -499)


def test_a_credit_taken_back_is_added_to_the_next_invoice_again(
    stripe: StripeConnector, standin: StripeStandIn
) -> None:
    done = stripe.act(order("credit", "credit:a"), NOW)
    assert isinstance(done, Done)
    back = order("reversal", "reversal:a", reverses={"kind": "remedy.credit", "key": "credit:a", "ref": done.ref})

    assert isinstance(stripe.find(back), NotDone)
    assert stripe.find(order("credit", "credit:a")) == done
    assert stripe.act(back, NOW) == stripe.find(back)
    assert [effect["amount"] for effect in standin.journal] == [-499, 499]


def test_an_open_invoice_is_lowered_and_a_paid_one_credited(stripe: StripeConnector, standin: StripeStandIn) -> None:
    stripe.act(order("credit_note", payment_ref="in_open"), NOW)

    (sent,) = [request.form() for request in standin.requests if request.method == "POST"]
    assert sent["amount"] == "499"
    assert "credit_amount" not in sent


def test_a_coupon_half_made_is_finished_under_the_same_keys(stripe: StripeConnector, standin: StripeStandIn) -> None:
    """The coupon came, its code did not, and a day later Stripe knows neither key any more."""
    clock = [NOW]
    standin.clock = lambda: clock[0]
    standin.fault = lambda key, times: "cut" if key.endswith(":code") and times == 1 else ""
    assert isinstance(stripe.act(order("coupon"), NOW), Unknown)
    assert isinstance(stripe.find(order("coupon")), NotDone)
    clock[0] += timedelta(hours=25)

    done = stripe.act(order("coupon"), NOW)
    assert isinstance(done, Done)
    assert [effect["code"] for effect in standin.journal] == [done.ref]
    assert len(standin.made["/v1/coupons"]) == 1


def test_a_refund_is_found_behind_more_than_a_page_of_others(stripe: StripeConnector, standin: StripeStandIn) -> None:
    standin.paid("pi_1", 10_000, "eur")
    first = stripe.act(order(minor=1), NOW)
    for n in range(101):
        stripe.act(order(key=f"refund:{n}", minor=1), NOW)

    assert stripe.find(order(minor=1)) == first


def test_stripes_own_list_is_read_for_reconciliation(stripe: StripeConnector, standin: StripeStandIn) -> None:
    done = stripe.act(order(), NOW)

    assert isinstance(done, Done)
    (row,) = stripe.reconcile(NOW - timedelta(days=1))
    assert (row["key"], row["ref"], row["amount_minor"], row["currency"]) == ("refund:a", done.ref, 499, "EUR")


@pytest.mark.parametrize(
    ("money", "units"),
    [
        (Money(499, "EUR"), 499),
        (Money(500, "JPY"), 500),
        (Money(5120, "KWD"), 5120),
        (Money(5, "ISK"), 500),
        (Money(499, "HUF"), 499),
        (Money(5, "MGA"), 5),
        (Money(7, "LAK"), 700),
    ],
)
def test_amounts_are_what_stripe_counts_in(money: Money, units: int) -> None:
    assert to_stripe(money) == units
    assert from_stripe(units, money.currency.lower()) == money


def test_what_stripe_cannot_move_exactly_is_never_rounded() -> None:
    for money in (Money(1251, "KWD"), Money(5, "UGX")):
        with pytest.raises(MoneyError):
            to_stripe(money)


def test_yen_arrive_as_yen(stripe: StripeConnector, standin: StripeStandIn) -> None:
    standin.paid("pi_jp", 500, "jpy")

    assert isinstance(stripe.act(order(minor=500, currency="JPY", payment_ref="pi_jp"), NOW), Done)
    assert standin.journal[0]["amount"] == 500
