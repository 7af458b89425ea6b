"""The own page of somebody behind a report: opening it changes nothing, a POST does, and it hides nothing from them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.reports.town import ann, intake, town

import amends.recoveries.steps
from amends.failures import repairs
from amends.notices import reporting, tokens
from amends.reports import album, asking, merging, queries, risking, steps
from amends.reports.models import PhotoRow, ReportRow
from amends.reports.records import Report, Reporter, State

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
CY = Reporter(email="cy@example.org")
POLICY = "policy: m\npromise: mended\nversions: [{from: 2020-01-01, rows: [{id: a, when: {}, then: [apology]}]}]\n"


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    with town(policies__m=POLICY):
        yield


def lamp(form: str = "a", at: datetime = NOW, **more: Any) -> Report:
    return steps.receive(intake(form, address="Ringstraße 4", **{"reporter": ann()} | more), at)


def link(report: Report, who: str = "") -> str:
    return f"/yours/{tokens.make(reporting.subject(report.number, who))}"


def page(client: Client, address: str, **more: Any) -> str:
    response = client.get(address, **more)
    assert response.status_code == 200, response.content
    assert response.headers["Cache-Control"] == "private, no-store"
    return re.sub(r"\s+", " ", response.content.decode())


def mended(at: datetime = NOW) -> Report:
    report = lamp(at=at - A_DAY)
    return steps.move(report.number, State.FIXED, who="north", now=at, words="New bulb.")


def round_of(report: Report) -> int:
    closing = asking.closing_of(report.number)
    assert closing is not None
    return closing.number


def now_of(report: Report) -> Report:
    found = queries.one(report.number)
    assert found is not None
    return found


def test_it_says_what_was_reported_how_it_stands_and_what_is_promised(client: Client) -> None:
    text = page(client, link(lamp()))

    assert "Your report" in text
    assert "Ringstraße 4" in text
    assert "We promise to have it mended by" in text
    assert "It is dark here" in text
    assert "noindex" in text


def test_a_link_that_is_cut_off_or_of_a_report_that_is_not_there_leads_nowhere(client: Client) -> None:
    report = lamp()

    assert client.get(link(report)[:-3]).status_code == 404
    for subject in ("report:999999", "report:x", "report:", f"report:{report.number}:nobody", "report:1e3"):
        assert client.get(f"/yours/{tokens.make(subject)}").status_code == 404, subject


def test_opening_a_link_with_an_answer_chooses_it_and_changes_nothing(client: Client) -> None:
    report = mended()
    moves = len(queries.history([report.number])[report.number])

    text = page(client, f"{link(report)}?answer=no")

    assert 'value="no" required checked' in text
    assert "it counts when you send it" in text
    client.head(f"{link(report)}?answer=no")
    assert now_of(report).state is State.FIXED
    assert len(queries.history([report.number])[report.number]) == moves
    assert asking.answer_of(report.number, "", round_of(report)) is None


def test_no_opens_it_again_with_its_reason_and_a_promise(client: Client) -> None:
    report = mended()
    form = {"do": "answer", "round": round_of(report), "answer": "no", "words": "It flickers <b>badly</b>."}

    response = client.post(link(report), form)

    assert (response.status_code, now_of(report).state) == (302, State.REOPENED)
    text = page(client, link(report))
    assert "It flickers &lt;b&gt;badly&lt;/b&gt;." in text
    assert "· by you" in text
    client.post(link(report), form)  # the same form again
    assert now_of(report).reopened == 1


def test_yes_is_thanked_for_and_can_be_changed(client: Client) -> None:
    report = mended()
    client.post(link(report), {"do": "answer", "round": round_of(report), "answer": "yes"})

    assert "You said: Yes" in page(client, link(report))

    client.post(link(report), {"do": "answer", "round": round_of(report), "answer": "partly"})
    assert now_of(report).status_notes == "It is mended in part only."


def test_a_form_without_an_answer_from_elsewhere_or_with_nonsense_changes_nothing(client: Client) -> None:
    report = mended()
    right = {"do": "answer", "round": round_of(report), "answer": "no"}

    assert client.post(link(report), right | {"answer": ""}).status_code == 422
    assert client.post(link(report), right, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(link(report), right | {"round": "9" * 30}).status_code == 302
    assert client.post(link(report), {"do": "reopen", "words": " "}).status_code == 422
    assert now_of(report).state is State.FIXED


def test_a_question_of_ours_is_answered_on_the_page(client: Client) -> None:
    report = lamp(at=NOW - A_DAY)
    steps.move(report.number, State.WAITING, who="op", now=NOW, words="Which lamp is it?")
    text = page(client, link(report))
    assert "Which lamp is it?" in text
    assert "clock stands still" in text

    client.post(link(report), {"do": "reply", "words": "The third one."})

    assert now_of(report).state is State.INVESTIGATING
    assert "The third one." in page(client, link(report))


def test_a_promise_that_slipped_is_owned_up_to_with_both_dates_and_what_was_done(client: Client) -> None:
    report = lamp(at=NOW - 10 * A_DAY)
    risking.reckon(NOW)
    repairs.take(NOW)
    amends.recoveries.steps.decide(NOW + AN_HOUR)

    text = page(client, link(report))

    assert "We had promised it by" in text
    assert "The new date is" in text
    assert "We are sorry that you wait longer than we said." in text
    assert "It was not done by the day that we had promised." in text
    assert "What we did because we did not keep it" in text
    recovery = re.search(r'href="(/yours/[^"/]+)">More about that', text)
    assert recovery is not None
    assert client.get(recovery[1]).status_code == 200


def test_closed_without_repair_shows_the_reason_and_never_says_mended(client: Client) -> None:
    report = lamp(at=NOW - A_DAY)
    steps.move(report.number, State.NOT_FIXED, who="op", now=NOW, words="It is taken away.")

    text = page(client, link(report))

    assert "It is taken away." in text
    assert "does not count as kept" in text
    assert "Is it mended" not in text
    client.post(link(report), {"do": "reopen", "words": "But people walk here."})
    assert now_of(report).state is State.REOPENED


def test_somebody_affected_has_a_page_of_their_own_that_does_not_take_them_for_who_reported_it(client: Client) -> None:
    report = lamp(at=NOW - A_DAY)
    steps.me_too(report.number, "m", CY, NOW - A_DAY)
    steps.move(report.number, State.FIXED, who="north", now=NOW)
    address = link(report, steps.resident(CY))

    assert "which affects you too" in page(client, address)

    client.post(address, {"do": "answer", "round": round_of(report), "answer": "no", "words": "Not here."})
    assert queries.history([report.number])[report.number][-1].who == "somebody who is affected"
    assert "· by somebody who is affected" in page(client, address)


def test_a_duplicate_points_to_the_report_that_stands_for_it(client: Client) -> None:
    first, second = lamp("a"), lamp("b", reporter=CY)
    merging.merge(second.number, first.number, who="op", now=NOW)

    text = page(client, link(second))

    assert f"the same as report {first.number}" in text
    assert f'href="/reports/{first.number}"' in text


def test_it_speaks_as_the_report_was_made_else_as_wished_or_as_the_browser_asks(client: Client) -> None:
    german, other = lamp("a", locale="de"), lamp("b")

    assert "Unsere Zusage" in page(client, link(german))
    assert 'lang="de"' in page(client, link(german))
    assert "Our promise" in page(client, f"{link(german)}?lang=en")
    assert "Unsere Zusage" in page(client, link(other), headers={"Accept-Language": "de-AT"})


def test_photos_are_shown_before_and_after_behind_the_link_only(client: Client) -> None:
    report = mended()
    for name, kind in (("b4", "before"), ("aft", "after")):
        PhotoRow.objects.create(name=name, report=report.number, kind=kind, width=1, height=1, at=NOW)
        album.path(name).parent.mkdir(parents=True, exist_ok=True)
        album.path(name).write_bytes(b"\xff\xd8jpeg")
    ours, theirs = link(report), link(lamp("other"))

    text = page(client, ours)

    addresses = re.findall(r'<img class="photo" src="([^"]+)"', text)
    assert [client.get(address).status_code for address in addresses] == [200, 200]
    assert "Photo after the repair" in text
    assert client.get(addresses[0].replace(ours, theirs)).status_code == 404
    PhotoRow.objects.filter(pk="b4").update(visible=False)
    assert sorted(client.get(address).status_code for address in addresses) == [200, 404]
    for name in ("b4", "aft"):
        album.path(name).unlink()


def test_notes_of_staff_and_what_is_not_public_stay_away(client: Client) -> None:
    report = lamp(at=NOW - A_DAY)
    steps.move(
        report.number, State.SCHEDULED, who="op", now=NOW, words="Secret words", note="Secret note", public=False
    )

    assert "Secret" not in page(client, link(report))


def test_anybody_may_open_a_report_again_who_says_why(client: Client) -> None:
    report = mended()
    address = f"/reports/{report.number}/reopen"
    assert "Why is it to be opened again?" in client.get(address).content.decode()
    assert now_of(report).state is State.FIXED

    assert client.post(address, {"words": " "}).status_code == 422
    assert client.post(address, {"words": "Dark.", "leave_this_empty": "x"}).status_code == 422
    assert client.post(address, {"words": "Dark."}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 422
    response = client.post(address, {"words": "It is dark again."})

    assert (response.status_code, response.headers["Location"]) == (302, f"/reports/{report.number}")
    assert (now_of(report).state, now_of(report).status_notes) == (State.REOPENED, "It is dark again.")
    assert queries.history([report.number])[report.number][-1].who == "somebody who passed by"


def test_long_after_its_end_a_new_report_is_the_way(client: Client) -> None:
    report = mended(NOW - 61 * A_DAY)
    address = f"/reports/{report.number}/reopen"

    assert "Report it anew" in client.get(address).content.decode()
    assert client.post(address, {"words": "Dark."}).status_code == 410
    assert now_of(report).state is State.FIXED


def test_it_is_the_way_for_who_is_affected_too(client: Client) -> None:
    old, new = mended(NOW - 61 * A_DAY), steps.receive(intake("new"), NOW)
    steps.move(new.number, State.FIXED, who="north", now=NOW, words="New bulb.")
    form = {"form": "m" * 16, "words": "Dark again."}

    answer = client.post(f"/reports/{old.number}/me-too", form)
    assert (answer.status_code, "Report it anew" in answer.content.decode()) == (422, True)
    assert (now_of(old).state, now_of(old).affected) == (State.FIXED, 1)
    client.post(f"/reports/{new.number}/me-too", form)
    assert (now_of(new).state, now_of(new).affected) == (State.REOPENED, 2)


def test_one_address_cannot_open_reports_again_without_end(client: Client) -> None:
    report = mended()
    address = f"/reports/{report.number}/reopen"
    client.defaults["REMOTE_ADDR"] = "203.0.113.77"
    for n in range(20):
        assert client.post(address, {"words": f"Dark {n}."}).status_code == 302
        steps.move(report.number, State.FIXED, who="north", now=NOW + n * timedelta(minutes=1))

    assert client.post(address, {"words": "Dark."}).status_code == 429


def test_a_hidden_report_cannot_be_opened_by_anybody_and_has_its_page_for_who_reported_it(client: Client) -> None:
    report = mended()
    ReportRow.objects.filter(pk=report.number).update(visible=False)

    assert client.get(f"/reports/{report.number}/reopen").status_code == 404
    assert "Others do not see this report." in page(client, link(report))
