"""What those who follow are written, and what they are not."""

from __future__ import annotations

import email
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default

import pytest
from tests.reports.town import at, intake

from amends.connectors.smtp.mailer import build
from amends.notices import digests
from amends.outbox.models import ActRow
from amends.outbox.records import Order
from amends.reports import following, steps
from amends.reports.follows import What, Wish
from amends.reports.records import Reporter, State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")
SOON, AFTER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)  # PostgreSQL lets a young move wait
MORNING = at("2026-11-24T10:00:00")
LAMPS = Wish(What.CATEGORY, category="lamp")


def follow(wish: Wish, address: str = "bea@example.org", locale: str = "en", now: datetime = NOW) -> str:
    following.ask(wish, address, locale, now)
    found = following.confirm(wish.follow_id(steps.resident(Reporter(email=address))), now)
    assert found is not None
    return found.follow_id


def mails(kind: str) -> list[EmailMessage]:
    """Mails of a kind, as a mail server is handed them."""
    return [email.message_from_bytes(one, policy=default) for one in raw(kind)]  # type: ignore[misc]


def raw(kind: str) -> list[bytes]:
    rows = ActRow.objects.filter(kind=kind).order_by("created_at", "key")
    orders = [Order(row.key, row.kind, row.connector, "", row.customer_id, row.payload) for row in rows]
    return [build(order, "Town <town@example.org>", NOW) for order in orders]


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def subject(mail: EmailMessage) -> str:
    return " ".join(str(mail["Subject"]).split())


def test_asking_ten_times_sends_one_mail_and_its_link_alone_changes_nothing() -> None:
    for _ in range(10):
        following.ask(LAMPS, "bea@example.org", "en", NOW)
        digests.write(NOW)

    (mail,) = mails(digests.CONFIRM)
    assert mail["To"] == "bea@example.org"
    assert subject(mail) == "Please confirm: news of reports of the category Street light"
    assert "/follow/confirm/" in text(mail)
    assert following.of_customer(steps.resident(Reporter(email="bea@example.org"))) == []


def test_the_days_news_comes_once_a_day_and_not_without_news() -> None:
    follow(LAMPS)
    lamp = steps.receive(intake("a", address="Ringstraße 4"), SOON)

    assert digests.write(AFTER) == 0  # the hour has not come
    assert digests.write(MORNING) == 1
    assert digests.write(MORNING + timedelta(hours=5)) == 0
    assert digests.write(MORNING + timedelta(days=1)) == 0  # nothing new

    (mail,) = mails(digests.DIGEST)
    assert f"Street light, Ringstraße 4 ({lamp.number}): new, promised by 26 November 2026" in text(mail)
    assert f"http://127.0.0.1:8000/reports/{lamp.number}" in text(mail)


def test_a_digest_lists_twenty_reports_and_says_how_many_more_there_are() -> None:
    follow(LAMPS)
    for n in range(177):
        steps.receive(intake(f"r{n}"), SOON)

    digests.write(MORNING)

    (mail,) = mails(digests.DIGEST)
    assert subject(mail) == "177 reports with news"
    assert text(mail).count("/reports/") == 20
    assert "and 157 more\nhttp://127.0.0.1:8000/follow/yours/" in text(mail)


def test_what_somebody_follows_in_five_ways_comes_in_one_mail() -> None:
    follow(LAMPS)
    follow(Wish(What.CATEGORY, category="tree"))
    for n, category in enumerate(("lamp", "tree", "pothole")):
        steps.receive(intake(f"r{n}", category), SOON)

    assert digests.write(MORNING) == 1
    assert subject(mails(digests.DIGEST)[0]) == "2 reports with news"


def test_a_followed_report_is_told_of_at_once_when_it_ends_or_has_a_new_date() -> None:
    lamp = steps.receive(intake("a", address="Ringstraße 4"), NOW)
    follow(Wish(What.REPORT, report=lamp.number), now=NOW)
    steps.move(lamp.number, State.SCHEDULED, who="x", now=SOON)
    assert digests.write(AFTER) == 0  # waits for the day's news

    steps.promise_anew(lamp.number, NOW + timedelta(days=14), "Parts are missing", who="x", now=SOON)
    digests.write(AFTER)
    steps.move(lamp.number, State.FIXED, who="x", now=SOON, words="A new lamp")
    digests.write(AFTER)
    steps.move(lamp.number, State.REOPENED, who="somebody", now=SOON, words="buy at evil.example")
    digests.write(AFTER)

    late, fixed, again = mails(digests.FOLLOW)
    assert "new date is 7 December 2026" in text(late)
    assert "Parts are missing" in text(late)
    assert subject(fixed) == f"Report {lamp.number}, mended: Street light, Ringstraße 4"
    assert "A new lamp" in text(fixed)
    assert "opened again" in subject(again)
    assert "evil" not in text(again)  # anybody may open a report again: their words stay on its page


def test_who_reported_it_hears_of_its_end_from_us_once_and_not_as_a_follower_too() -> None:
    ann = Reporter(email="ann@example.org")
    lamp = steps.receive(intake("a", reporter=ann), NOW)
    follow(Wish(What.REPORT, report=lamp.number), "ann@example.org")

    steps.move(lamp.number, State.FIXED, who="x", now=SOON)

    assert digests.write(AFTER) == 0


def test_hidden_reports_are_in_no_mail() -> None:
    from amends.reports import moderation

    follow(LAMPS)
    lamp = steps.receive(intake("a"), SOON)
    follow(Wish(What.REPORT, report=lamp.number))
    moderation.hide(lamp.number, "names a neighbour", who="x", now=SOON)
    steps.move(lamp.number, State.FIXED, who="x", now=SOON)

    assert digests.write(MORNING) == 0


def test_german_is_spoken_to_who_asked_in_german() -> None:
    following.ask(LAMPS, "bea@example.org", "de-AT", NOW)
    follow(LAMPS, "cem@example.org", "de")
    steps.receive(intake("a", address="Ringstraße 4"), SOON)
    digests.write(MORNING)

    assert subject(mails(digests.CONFIRM)[0]) == "Bitte bestätigen: Neues über Meldungen der Art Straßenlampe"
    assert "neu, zugesagt bis 26. November 2026" in text(mails(digests.DIGEST)[0])


def test_one_click_ends_it_by_the_headers_that_mail_programs_look_for() -> None:
    lamp = steps.receive(intake("a"), NOW)
    one = follow(Wish(What.REPORT, report=lamp.number))
    steps.move(lamp.number, State.FIXED, who="x", now=SOON)
    steps.receive(intake("b"), SOON)
    follow(LAMPS, "cem@example.org", now=NOW)
    digests.write(MORNING)

    (about_one,), (digest,) = mails(digests.FOLLOW), mails(digests.DIGEST)
    for mail, whose in (
        (about_one, ("one", one)),
        (digest, ("all", steps.resident(Reporter(email="cem@example.org")))),
    ):
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert following.read_token(mail["List-Unsubscribe"].rpartition("/")[2].rstrip(">")) == whose
    for sent in (*raw(digests.FOLLOW), *raw(digests.DIGEST)):  # not encoded, not folded: nobody reads that
        assert b"\r\nList-Unsubscribe: <http://127.0.0.1:8000/follow/end/" in sent


def test_a_worker_that_was_away_for_a_week_sends_one_digest() -> None:
    follow(LAMPS)
    for day in range(7):
        steps.receive(intake(f"d{day}"), SOON + timedelta(days=day))

    assert digests.write(MORNING + timedelta(days=7)) == 1


def test_nobody_who_was_erased_is_written_to() -> None:
    import amends.customers.steps

    follow(LAMPS)
    steps.receive(intake("a"), SOON)
    amends.customers.steps.erase(steps.resident(Reporter(email="bea@example.org")), SOON)

    assert digests.write(MORNING) == 0
