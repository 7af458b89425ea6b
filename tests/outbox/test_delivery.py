"""Acts against real servers of our own that misbehave: at most one effect, and nothing is lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.outbox.working import begin, work

from amends.connectors.billing.webhook import BillingWebhook
from amends.connectors.smtp.mailer import SmtpMailer
from amends.outbox import answering, claiming, queries, rules, steps
from amends.outbox.records import Act, ActState, Connector, Order, declared
from amends.scenarios import demo_billing, demo_mailbox

SECRET = "whsec_" + "QUJD" * 10
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONEY = {"amount_minor": 499, "currency": "EUR", "payment_ref": "pay_1", "reason": "film-plays", "decided_at": "x"}
MAIL = {
    "to": "ada@viewers.example",
    "subject": "We are sorry",
    "text": "Hello",
    "html": "<p>Hello</p>",
    "message_id": "<m1@amends.example>",
    "references": [],
    "locale": "en",
}


@pytest.fixture
def billing(tmp_path: Path) -> Iterator[tuple[demo_billing.DemoBilling, BillingWebhook]]:
    service = demo_billing.DemoBilling(tmp_path / "effects.jsonl", hang_s=0.2)
    server, url = demo_billing.start(service)
    yield service, BillingWebhook(url, SECRET)
    server.shutdown()


def order(key: str = "refund:rec_1", **more: object) -> Order:
    return Order(key, "remedy.refund", "billing", "rec_1", "ada", MONEY | more)


def deliver(connector: Connector, rounds: int = 12) -> Act:
    """Work like a worker does, an hour later each round, until the act has come to an end."""
    for hour in range(rounds):
        work(connector, NOW + timedelta(hours=hour))
    (act,) = queries.recent(1)
    return act


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["", "before", "after", "hang", "drop", "busy", "html", "wrong-key"])
def test_whatever_billing_does_once_the_money_moves_once(
    billing: tuple[demo_billing.DemoBilling, BillingWebhook], fault: str
) -> None:
    service, connector = billing
    service.fault = lambda key, times: fault if times == 1 else ""
    steps.enqueue([order()], NOW)

    act = deliver(connector)
    assert act.state is ActState.DONE
    assert [effect["amount_minor"] for effect in service.effects.values()] == [499]
    assert act.ref == "demo_000001"


@pytest.mark.django_db
def test_a_refusal_stands_before_a_person(billing: tuple[demo_billing.DemoBilling, BillingWebhook]) -> None:
    service, connector = billing
    service.fault = lambda key, times: "refuse"
    steps.enqueue([order()], NOW)

    assert deliver(connector).state is ActState.REFUSED
    assert [act.key for act in queries.for_a_person(5)] == ["refund:rec_1"]
    assert not service.effects


@pytest.mark.django_db
def test_an_answer_about_another_amount_is_no_receipt(
    billing: tuple[demo_billing.DemoBilling, BillingWebhook],
) -> None:
    service, connector = billing
    service.take_effect(
        {"type": "x", "data": {"key": "refund:rec_1", "customer_id": "a", "amount_minor": 1, "currency": "USD"}}
    )
    steps.enqueue([order()], NOW)

    assert deliver(connector, rounds=3).state is ActState.UNKNOWN


@pytest.mark.django_db
def test_enqueued_twice_is_one_act() -> None:
    steps.enqueue([order(), order()], NOW)
    steps.enqueue([order(amount_minor=1)], NOW)

    (act,) = queries.recent(5)
    assert act.payload["amount_minor"] == 499


@pytest.mark.django_db
def test_a_worker_that_died_on_the_wire_is_looked_up_and_a_mail_is_never_guessed() -> None:
    steps.enqueue([order(), Order("mail:n", "mail.apology", "smtp", "rec_1", "ada", MAIL)], NOW)
    connectors = {c.name: declared(c) for c in (BillingWebhook("", SECRET), SmtpMailer("", "a@b.example"))}
    for declaration in connectors.values():
        begin(declaration, NOW)

    claiming.sweep("another", connectors, lambda name: False, NOW + timedelta(minutes=2))
    states = {act.key: act.state for act in queries.recent(5)}
    assert states == {"refund:rec_1": ActState.UNKNOWN, "mail:n": ActState.IN_DOUBT}


@pytest.mark.django_db
@pytest.mark.parametrize("moved", [(), (0,), (0, 1, 2)])
def test_answers_find_their_rows_also_where_these_were_moved_since_the_claim(moved: Collection[int]) -> None:
    steps.enqueue([order(f"refund:rec_{n}") for n in range(3)], NOW)
    claims = begin(declared(BillingWebhook("", SECRET)), NOW, "w")
    told = []
    for n, claimed in enumerate(claims):
        after = rules.Next(ActState.DONE, NOW, f"ref of {claimed.order.key}", "done")
        place = claims[n - 1].place if n in moved else claimed.place  # a vacuum gave it to another row
        told.append(answering.Answered(claimed.order.key, claimed.attempt, "act", after, place))

    assert answering.record("w", told, NOW) == set()
    assert {act.ref for act in queries.recent(5)} == {f"ref of {claimed.order.key}" for claimed in claims}
    assert {act.state for act in queries.recent(5)} == {ActState.DONE}


@pytest.mark.django_db
def test_a_late_answer_counts_only_if_it_says_done() -> None:
    steps.enqueue([order()], NOW)
    connector = BillingWebhook("", SECRET)
    (claimed,) = begin(declared(connector), NOW, "old")
    later = NOW + timedelta(minutes=2)
    claiming.sweep("another", {"billing": declared(connector)}, lambda name: False, later)

    for state, ref in ((ActState.REFUSED, ""), (ActState.DONE, "ref_9")):
        after = rules.Next(state, later, ref, "late")
        answering.record("old", [answering.Answered("refund:rec_1", claimed.attempt, "act", after)], later)
        assert queries.recent(1)[0].state is (ActState.DONE if ref else ActState.UNKNOWN)
    assert queries.recent(1)[0].ref == "ref_9"


@pytest.mark.django_db
def test_of_a_group_only_those_that_came_too_late_are_told_so() -> None:
    connector = BillingWebhook("", SECRET)
    steps.enqueue([order("refund:rec_late")], NOW)
    claims = begin(declared(connector), NOW, "old")
    later = NOW + timedelta(minutes=2)
    claiming.sweep("another", {"billing": declared(connector)}, lambda name: False, later)
    steps.enqueue([order("refund:rec_again"), order("refund:rec_good")], later)
    claims += [c for c in begin(declared(connector), later, "old") if c.order.key != "refund:rec_late"]
    told = [
        answering.Answered(c.order.key, c.attempt, "act", rules.Next(ActState.REFUSED, later, "", "no"), c.place)
        for c in claims
    ]

    assert answering.record("old", told, later) == {"refund:rec_late"}
    said = {key: [detail for *_, detail in queries.tries(key)] for key in ("refund:rec_late", "refund:rec_good")}
    assert said["refund:rec_good"] == ["no"]
    assert said["refund:rec_late"][-1] == "too late to count: no"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "kept"),
    [
        ("", ActState.DONE, 1),
        ("451 later", ActState.DUE, 0),
        ("550 no such person", ActState.REFUSED, 0),
        ("drop", ActState.IN_DOUBT, 1),
    ],
)
def test_a_mail_is_sent_once_or_stands_before_a_person(tmp_path: Path, answer: str, state: ActState, kept: int) -> None:
    box = demo_mailbox.DemoMailbox(tmp_path / "mails", lambda to, times: answer)
    controller, smtp, _ = demo_mailbox.start(box)
    steps.enqueue([Order("mail:n", "mail.apology", "smtp", "rec_1", "ada", MAIL)], NOW)

    act = deliver(SmtpMailer(smtp, "Care <care@amends.example>"), rounds=3)
    controller.stop()
    assert (act.state, len(box.mails())) == (state, kept)


def test_a_mail_says_that_a_machine_sent_it_and_nothing_can_be_slipped_into_its_head(tmp_path: Path) -> None:
    box = demo_mailbox.DemoMailbox(tmp_path / "mails")
    controller, smtp, _ = demo_mailbox.start(box)
    evil = MAIL | {"subject": "Hello\r\nBcc: everybody@x.example", "text": ".\r\n.leading dots\r\n"}

    SmtpMailer(smtp, "Care <care@amends.example>").act(Order("mail:n", "m", "smtp", "r", "c", evil), NOW)
    controller.stop()
    (mail,) = box.mails()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<m1@amends.example>"
    assert mail["Bcc"] is None
    assert mail.get_body(("plain",)).get_content().startswith(".")  # type: ignore[union-attr]


def test_nothing_listening_is_certainly_not_done() -> None:
    connector = BillingWebhook("http://127.0.0.1:9", SECRET)

    assert type(connector.act(order(), NOW)).__name__ == "Later"


def test_the_signature_is_what_the_standards_own_library_makes(
    billing: tuple[demo_billing.DemoBilling, BillingWebhook],
) -> None:
    from standardwebhooks import Webhook

    from amends.connectors.billing.webhook import _body, sign

    now, body = datetime.now(UTC), _body(order())
    headers = sign(billing[1].secret, "refund:rec_1", now, body)
    assert Webhook(SECRET).verify(body, headers)
