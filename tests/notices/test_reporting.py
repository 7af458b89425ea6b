"""Who is behind a report hears of it once: what the record knows, in their language, and nothing where nobody asked."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from tests.reports.town import ANONYMOUS, ann, at, intake, town

from amends.closure import reports as closure
from amends.connectors.smtp.mailer import SmtpMailer, build
from amends.customers.models import CustomerRow
from amends.notices import lint, reporting, tokens
from amends.outbox.models import ActRow
from amends.outbox.records import Done, Order
from amends.reports import asking, following, merging, risking, steps
from amends.reports.follows import What, Wish
from amends.reports.models import AskedRow, PhotoRow
from amends.reports.records import Report, Reporter, State
from amends.scenarios import demo_mailbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")  # a Monday; a lamp is promised for Thursday, 18:00
DUE = at("2026-11-26T18:00:00")
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
CY, BOB = Reporter(email="cy@example.org"), Reporter(name="Bob", email="bob@example.org", locale="de-AT")


def lamp(form: str = "a", **more: Any) -> Report:
    return steps.receive(intake(form, address="Ringstraße 4", **{"reporter": ann()} | more), NOW)


def order(row: ActRow) -> Order:
    return Order(row.key, row.kind, row.connector, "", row.customer_id, row.payload)


def mails(now: datetime, to: str = "") -> list[EmailMessage]:
    """What is new since the last look, as a mail server is handed it; to one address, or to all."""
    before = set(ActRow.objects.values_list("pk", flat=True))
    reporting.tell(now + timedelta(seconds=5))
    new = ActRow.objects.exclude(pk__in=before).order_by("created_at", "key")
    found = [email.message_from_bytes(build(order(row), "Town <town@example.org>", now), policy=default) for row in new]
    return [mail for mail in found if to in str(mail["To"]).lower()]  # type: ignore[misc]


def text(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def move(report: Report, to: State, now: datetime, words: str = "", who: str = "op", **more: Any) -> None:
    steps.move(report.number, to, who=who, now=now, words=words, **more)


def test_who_reports_hears_the_number_the_day_and_has_a_secret_link() -> None:
    report = lamp()

    (mail,) = mails(NOW)

    assert (mail["To"], mail["Auto-Submitted"], mail["List-Unsubscribe"]) == ("Ann@example.org", "auto-generated", None)
    assert mail["Subject"] == f"We have your report: Street light, Ringstraße 4 (report {report.number})"
    assert "Dear Ann," in text(mail)
    assert "We promise to have it mended by Thursday, 26 November 2026." in text(mail)
    (token,) = re.findall(r"/yours/(\S+)", text(mail))
    assert tokens.read(token) == f"report:{report.number}"
    assert token in text(mail, "html")


def test_where_nothing_is_promised_the_mail_says_so() -> None:
    steps.receive(intake("t", "tree", reporter=ann()), NOW)

    (mail,) = mails(NOW)

    assert "we promise you no day" in text(mail)
    assert "2026" not in text(mail)


def test_nothing_is_written_twice_nor_to_the_anonymous_nor_without_an_address() -> None:
    lamp("b", privacy=ANONYMOUS)
    lamp("c", reporter=Reporter(phone="0660 1234567"))
    lamp("d", reporter=Reporter())
    lamp("e")

    assert len(mails(NOW)) == 1
    assert mails(NOW + AN_HOUR) == []
    reporting.reading.read(reporting.TELLER, 0)  # as after a restore of an older database
    assert mails(NOW + AN_HOUR) == []


def test_who_does_not_want_mail_gets_none() -> None:
    report = lamp()
    CustomerRow.objects.filter(pk=report.customer_id).update(contact={"mail": False})

    assert mails(NOW) == []


def test_a_batch_report_is_told_of_when_it_has_its_number() -> None:
    steps.receive(intake("w", "batch", reporter=ann()), NOW)
    assert mails(NOW) == []

    steps.accept_pending(NOW + AN_HOUR)

    assert len(mails(NOW + AN_HOUR)) == 1


def test_german_is_spoken_to_who_reports_in_german_and_every_mail_of_a_report_is_one_thread() -> None:
    report = lamp(reporter=BOB, locale="de")
    (first,) = mails(NOW)
    move(report, State.FIXED, DUE - AN_HOUR, "Neue Birne.")
    (second,) = mails(DUE - AN_HOUR)

    assert first["Subject"].startswith("Ihre Meldung ist da: Straßenlampe, Ringstraße 4")
    assert "bis Donnerstag, 26. November 2026 behoben" in text(first)
    assert second["Subject"].startswith("Behoben: Straßenlampe")
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"]
    assert second["Message-ID"] != first["Message-ID"]
    assert "We " not in text(first) + text(second)


def test_before_the_day_passes_the_new_date_is_told_with_an_apology_and_the_reason() -> None:
    report = lamp()
    steps.me_too(report.number, "m", CY, NOW)
    mails(NOW)
    new = at("2026-12-01T18:00:00")
    steps.promise_anew(report.number, new, "A part has not come.", who="op", now=DUE - A_DAY)

    ours, theirs = sorted(mails(DUE - A_DAY), key=lambda mail: str(mail["To"]))

    assert (ours["To"], theirs["To"]) == ("Ann@example.org", "cy@example.org")
    assert ours["Subject"].startswith("It takes longer: ")
    assert "by Thursday, 26 November 2026, and we now see that we will not make it." in text(ours)
    assert "> A part has not come." in text(ours)
    assert "The new date is Tuesday, 1 December 2026." in text(ours)
    assert "we are sorry" in text(ours)
    assert "which affects you too" in text(theirs)
    assert "policy" not in text(ours)  # there is none for this promise: nothing is said of one


def test_after_the_day_the_mail_does_not_pretend_and_a_second_date_is_called_one() -> None:
    report = lamp()
    mails(NOW)
    steps.promise_anew(report.number, DUE + 2 * A_DAY, risking.PASSED, who="amends", now=DUE + AN_HOUR)
    (slipped,) = mails(DUE + AN_HOUR)
    steps.promise_anew(report.number, DUE + 5 * A_DAY, risking.PASSED, who="amends", now=DUE + 3 * A_DAY)
    (again,) = mails(DUE + 3 * A_DAY)

    assert slipped["Subject"].startswith("We did not keep the date: ")
    assert "We did not keep that." in text(slipped)
    assert again["Subject"].startswith("A new date again: ")
    assert "that one does not hold either" in text(again)


def test_a_published_policy_is_named_only_where_there_is_one() -> None:
    policy = "policy: m\npromise: mended\nversions: [{from: 2020-01-01, rows: [{id: a, when: {}, then: [apology]}]}]\n"
    with town(policies__m=policy):
        report = lamp()
        mails(NOW)
        steps.promise_anew(report.number, DUE + A_DAY, "Ice.", who="op", now=DUE - AN_HOUR)
        (mail,) = mails(DUE - AN_HOUR)

    assert "stands in a published policy" in text(mail)


def test_a_question_stops_the_clock_and_says_so_and_the_day_that_moved_is_told() -> None:
    report = lamp()
    mails(NOW)
    move(report, State.WAITING, NOW + AN_HOUR, "Which lamp is it?")
    (asked,) = mails(NOW + AN_HOUR)
    closure.reply(report.number, "The third one.", "", NOW + A_DAY + AN_HOUR)
    (moved,) = mails(NOW + A_DAY + AN_HOUR)

    assert asked["Subject"].startswith("A question: ")
    assert "> Which lamp is it?" in text(asked)
    assert "the clock of our promise stands still" in text(asked)
    assert "now Friday, 27 November 2026; at first it was Thursday, 26 November 2026" in text(moved)


def test_a_pause_is_told_with_its_reason_and_a_better_promise_too() -> None:
    report = lamp()
    mails(NOW)
    steps.pause(report.number, "weather", "Ice on the road.", who="op", now=NOW + 10 * AN_HOUR)
    (paused,) = mails(NOW + 10 * AN_HOUR)
    steps.resume(report.number, who="op", now=NOW + 11 * AN_HOUR)
    assert mails(NOW + 11 * AN_HOUR) == []  # nobody works at night: no day has moved
    steps.change(report.number, who="op", now=NOW + A_DAY, severity="severe")
    (better,) = mails(NOW + A_DAY)

    assert "has stood still since Monday, 23 November 2026" in text(paused)
    assert "> Ice on the road." in text(paused)
    assert better["Subject"].startswith("An earlier date: ")
    assert "by Wednesday, 25 November 2026" in text(better)


def test_mended_says_how_the_promise_stands_shows_that_there_is_a_photo_and_asks_in_one_click() -> None:
    report = lamp()
    mails(NOW)
    PhotoRow.objects.create(name="p1", width=1, height=1, at=NOW)
    move(report, State.FIXED, DUE - AN_HOUR, "New bulb.", who="north", photos=["p1"])

    (mail,) = mails(DUE - AN_HOUR)

    assert "We had promised it by Thursday, 26 November 2026, and kept that." in text(mail)
    assert "A photo of the finished work is on your page." in text(mail)
    assert re.findall(r"^(\w+): \S+\?answer=(\w+)$", text(mail), re.M) == [
        ("Yes", "yes"),
        ("Partly", "partly"),
        ("No", "no"),
    ]
    assert text(mail, "html").count("?answer=") == 3


def test_mended_late_is_not_called_kept_and_closing_without_repair_is_never_called_mended() -> None:
    late, closed = lamp("a"), lamp("b")
    mails(NOW)
    move(late, State.FIXED, DUE + AN_HOUR)
    move(closed, State.NOT_FIXED, DUE + AN_HOUR, "The lamp is taken away.")

    mended, without = mails(DUE + AN_HOUR)

    assert "We did not keep that, and we are sorry." in text(mended)
    assert "photo" not in text(mended)
    assert without["Subject"].startswith("Closed without repair: ")
    assert "> The lamp is taken away." in text(without)
    assert "mended" not in text(without) + text(without, "html") + without["Subject"]


def test_opening_again_says_why_and_by_whom_as_a_role_and_what_is_promised_now() -> None:
    report = lamp()
    steps.me_too(report.number, "m", CY, NOW)
    move(report, State.FIXED, DUE - AN_HOUR)
    mails(DUE - AN_HOUR)
    closure.reopen(report.number, "It is dark again.", "somebody who passed by", DUE + 20 * AN_HOUR)

    ours, theirs = sorted(mails(DUE + 20 * AN_HOUR), key=lambda mail: str(mail["To"]))

    for mail in (ours, theirs):
        assert "It was opened again on Friday, 27 November 2026 by somebody who passed by." in text(mail)
        assert "> It is dark again." in text(mail)
        assert "and we are sorry" in text(mail)
        assert "We promise to have it mended by Wednesday, 2 December 2026." in text(mail)


def test_a_duplicate_is_told_which_report_stands_for_it_and_hears_of_that_one() -> None:
    first, second = lamp("a"), lamp("b", reporter=BOB, locale="en")
    mails(NOW)
    merging.merge(second.number, first.number, who="op", now=NOW + AN_HOUR)
    (told,) = mails(NOW + AN_HOUR)
    move(first, State.FIXED, DUE - AN_HOUR)

    assert told["To"] == "bob@example.org"
    assert f"the same as report {first.number}: Street light, Ringstraße 4. That one now stands for both." in text(told)
    assert "by Thursday, 26 November 2026" in text(told)
    assert sorted(str(mail["To"]) for mail in mails(DUE - AN_HOUR)) == ["Ann@example.org", "bob@example.org"]


def test_who_follows_the_report_is_not_written_to_twice() -> None:
    report = lamp()
    steps.me_too(report.number, "m", CY, NOW)
    wish = Wish(What.REPORT, report=report.number)
    following.ask(wish, "cy@example.org", "en", NOW)
    following.confirm(wish.follow_id(steps.resident(CY)), NOW)
    mails(NOW)
    move(report, State.FIXED, DUE - AN_HOUR)

    assert [mail["To"] for mail in mails(DUE - AN_HOUR)] == ["Ann@example.org"]


def test_what_later_moves_have_overtaken_is_not_written() -> None:
    report = lamp()
    move(report, State.WAITING, NOW + AN_HOUR, "Which one?")
    move(report, State.FIXED, NOW + 2 * AN_HOUR)

    assert [mail["Subject"].split(":")[0] for mail in mails(NOW + 3 * AN_HOUR)] == ["Mended"]


def test_news_of_long_ago_and_reports_brought_in_from_elsewhere_are_not_mailed() -> None:
    old = lamp("a")
    lamp("b", requested_at=NOW - 30 * A_DAY)
    assert old.is_open

    assert len(mails(NOW)) == 1
    move(old, State.FIXED, NOW + A_DAY)
    assert mails(NOW + 9 * A_DAY) == []


def test_who_has_not_answered_is_asked_once_more_four_weeks_later_and_never_again() -> None:
    report, answered = lamp("a"), lamp("b", reporter=BOB)
    steps.me_too(report.number, "m", CY, NOW)
    for one in (report, answered):
        move(one, State.FIXED, DUE - AN_HOUR)
    mails(DUE - AN_HOUR)
    closing = asking.closing_of(answered.number)
    assert closing is not None
    closure.answer(answered.number, "", closing.number, "yes", "", DUE)

    assert mails(DUE + 27 * A_DAY) == []
    asked = mails(DUE + 28 * A_DAY)
    assert sorted(str(mail["To"]) for mail in asked) == ["Ann@example.org", "cy@example.org"]
    assert asked[0]["Subject"].startswith("Has it lasted? ")
    assert [mails(DUE + days * A_DAY) for days in (29, 40, 90)] == [[], [], []]


def test_what_was_opened_again_meanwhile_is_not_asked_about() -> None:
    report = lamp()
    move(report, State.FIXED, DUE - AN_HOUR)
    closure.reopen(report.number, "Dark.", "somebody who passed by", DUE)
    mails(DUE)

    assert mails(DUE + 28 * A_DAY) == []


def test_what_people_were_told_is_on_record() -> None:
    report = lamp()
    mails(NOW)
    move(report, State.FIXED, DUE - AN_HOUR)
    mails(DUE - AN_HOUR)

    told = AskedRow.objects.filter(report=report.number).order_by("pk").values_list("what", flat=True)
    assert list(told) == ["received", "mended"]


def test_words_of_strangers_are_text_in_the_mail_and_a_subject_has_one_line() -> None:
    steps.receive(
        intake(
            "x", description="<script>alert(1)</script>\nBcc: x@y", address="A\r\nBcc: evil@example.org", reporter=ann()
        ),
        NOW,
    )

    (mail,) = mails(NOW)

    assert "<script>" not in text(mail, "html")
    assert mail["Bcc"] is None


@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_mail_is_free_of_weaselly_words(locale: str) -> None:
    policy = "policy: m\npromise: mended\nversions: [{from: 2020-01-01, rows: [{id: a, when: {}, then: [apology]}]}]\n"
    with town(policies__m=policy):
        written = [mail for step in every_occasion(locale) for mail in mails(step)]
    found = [(f.rule, f.text) for mail in written for f in lint.lint_text(text(mail), whole=False)]

    assert len({row["what"] for row in AskedRow.objects.values("what")}) >= 13
    assert found == []


def every_occasion(locale: str) -> Iterator[datetime]:
    """One report that lives through all that can be told; each moment after something happened."""
    report, other = lamp("a", locale=locale), lamp("b", reporter=BOB, locale=locale)
    n, t = report.number, NOW
    yield t
    for to, words in ((State.WAITING, "Which?"), (State.SCHEDULED, "Soon.")):
        move(report, to, t := t + A_DAY, words)
        yield t
    steps.pause(n, "weather", "Ice.", who="op", now=(t := t + AN_HOUR))
    yield t
    steps.resume(n, who="op", now=(t := t + 2 * A_DAY))
    yield t
    steps.change(n, who="op", now=(t := t + AN_HOUR), severity="severe")
    yield t
    found = steps.queries.one(n)
    assert found is not None
    assert found.due_at is not None
    for days, when in ((2, found.due_at - AN_HOUR), (4, found.due_at + 2 * A_DAY + AN_HOUR)):
        steps.promise_anew(n, found.due_at + days * A_DAY, risking.LIKELY, who="amends", now=when)
        yield (t := when)
    for to in (State.NOT_FIXED, State.REOPENED, State.NOT_OURS, State.REOPENED, State.FIXED, State.REOPENED):
        move(report, to, t := t + AN_HOUR, "Because.", who="who reported it" if to is State.REOPENED else "op")
        yield t
    merging.merge(other.number, n, who="op", now=(t := t + AN_HOUR))
    yield t
    move(report, State.FIXED, t := t + AN_HOUR)
    yield t
    yield t + 28 * A_DAY + AN_HOUR


def test_a_real_mail_server_takes_them(tmp_path: Path) -> None:
    report = lamp()
    mails(NOW)
    move(report, State.FIXED, DUE - AN_HOUR, "Neue Birne – läuft.")
    mails(DUE - AN_HOUR)
    box = demo_mailbox.DemoMailbox(tmp_path / "mails", durable=False)
    server, url, _ = demo_mailbox.start(box)
    try:
        mailer = SmtpMailer(url, "Town <town@example.org>")
        answers = [mailer.act(order(row), NOW) for row in ActRow.objects.order_by("created_at")]
    finally:
        server.stop()

    assert [type(answer) for answer in answers] == [Done, Done]
    kept = [
        email.message_from_bytes(path.read_bytes(), policy=default)
        for path in sorted((tmp_path / "mails").glob("*.eml"))
    ]
    assert kept[1]["References"] == kept[0]["Message-ID"]
    assert "> Neue Birne – läuft." in text(kept[1])  # type: ignore[arg-type]


def test_what_amends_writes_by_itself_is_in_the_readers_language_and_nobodys_quote() -> None:
    one, other = lamp("a", reporter=BOB), lamp("b", reporter=CY)
    merging.merge(other.number, one.number, who="eva", now=NOW)
    mails(NOW)
    merging.unmerge(other.number, who="eva", now=NOW + AN_HOUR)

    (told,) = mails(NOW + AN_HOUR, "bob@")

    assert f"Meldung {other.number} ist doch etwas anderes." in text(told)
    assert "In den Worten" not in text(told)
    assert "> " not in text(told)
