"""Who is behind an open report adds words and photos to it: taken once, seen by those who work on it, and limited."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from tests.reports.town import ann, intake, town
from tests.web.report.krems import picture
from tests.web.yours.test_reports import AN_HOUR, CY, NOW, lamp, link, mended, page, round_of

from amends.notices import reporting
from amends.outbox.models import ActRow
from amends.reports import adding, album, asking, crews, moderation, queries, steps
from amends.reports.models import MoveRow
from amends.reports.records import Report, State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    cache.clear()
    with town():
        yield


def jpeg(name: str = "a.jpg", data: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data or picture(), "image/jpeg")


def add(client: Client, report: Report, who: str = "", **more: object) -> int:
    return client.post(link(report, who), {"do": "add", "form": "f" * 16} | more).status_code


def added(report: Report) -> list[str]:
    return [move.words for move in adding.told(report.number, "") if move.kind == adding.ADDED]


def test_who_said_no_without_words_can_still_say_what_is_not_right(client: Client) -> None:
    report = mended()
    address = f"{link(report)}?lang=en"
    client.post(address, {"do": "answer", "round": round_of(report), "answer": "no"})
    assert "Add something" in page(client, address)

    response = client.post(address, {"do": "add", "form": "f", "words": "It <b>flickers</b>.\0"})

    assert (response.status_code, response.headers["Location"]) == (302, f"{address}&added=1#add")
    text = page(client, response.headers["Location"])
    assert "Thank you. It was added" in text
    assert "<strong>Something was added</strong>" in text
    assert "It &lt;b&gt;flickers&lt;/b&gt;." in text
    assert "· by you" in text
    assert queries.by_numbers([report.number])[report.number].status_notes == "It is not mended."  # ours stay ours


def test_a_photo_is_made_anew_and_shown_on_both_pages_as_added_later(client: Client) -> None:
    report = lamp()
    data = picture(gps=(48.41, 15.6))
    assert b"Exif" in data

    assert add(client, report, photo=jpeg(data=data)) == 302

    (photo,) = queries.photos_of([report.number])[report.number]
    stored = album.path(photo.name).read_bytes()
    assert (b"Exif" in stored, Image.open(io.BytesIO(stored)).format) == (False, "JPEG")
    for address in (link(report), f"/reports/{report.number}"):
        text = client.get(address).content.decode()
        assert "<figcaption>added later</figcaption>" in text
        assert "A photo was added" in text
    assert client.get(f"{link(report)}/photos/{photo.name}.jpg").status_code == 200


def test_the_same_form_again_adds_nothing_and_another_text_does(client: Client) -> None:
    report = lamp()

    taken = [add(client, report, words="Third pole.", photo=jpeg()) for _ in range(3)]

    assert (taken, added(report)) == ([302] * 3, ["Third pole."])
    assert len(queries.photos_of([report.number])[report.number]) == 1
    add(client, report, words="The fourth, sorry.")
    assert added(report) == ["Third pole.", "The fourth, sorry."]


def test_what_is_no_addition_is_refused_in_words_and_the_words_stay_in_the_form(client: Client) -> None:
    report = lamp()

    assert add(client, report, words=" \0 ") == 422
    assert add(client, report, words="x" * 4001) == 422
    wrong = client.post(link(report), {"do": "add", "words": "Third pole.", "photo": jpeg(data=b"<svg></svg>")})
    assert wrong.status_code == 422
    assert "Nothing was added yet. a.jpg: this is no photo" in wrong.content.decode()
    assert ">Third pole.</textarea>" in wrong.content.decode()
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert client.post(link(report), {"do": "add", "words": "a"}, headers=elsewhere).status_code == 403
    assert added(report) == []


def test_a_closed_report_takes_nothing_and_offers_nothing(client: Client) -> None:
    report = mended()

    assert "Add something" not in page(client, link(report))
    assert add(client, report, words="But it was nice.") == 409
    assert added(report) == []


def test_so_much_a_day_from_so_many_and_nothing_from_who_was_banned(client: Client) -> None:
    report, other = lamp("a"), lamp("b")

    assert [add(client, report, words=str(n)) for n in range(adding.MOST_A_DAY + 1)] == [302] * 10 + [429]
    MoveRow.objects.filter(report=report.number).update(at=NOW - 25 * AN_HOUR)
    assert add(client, report, words="a day later") == 302
    moderation.ban("127.0.0.1", "spam", until=None, who="eva", now=NOW)
    assert add(client, other, words="me") == 429


def test_more_photos_than_a_report_holds_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    report = lamp()
    monkeypatch.setattr(adding, "MOST_PHOTOS", 2)

    assert add(client, report, photo=[jpeg("a.jpg"), jpeg("b.jpg")]) == 302
    assert add(client, report, photo=jpeg("c.jpg")) == 429
    assert add(client, report, words="Words are welcome.") == 302


def test_somebody_affected_adds_as_such_and_nobody_is_written_to(client: Client) -> None:
    report = lamp()
    steps.me_too(report.number, "m", CY, NOW)
    who = steps.resident(CY)

    assert add(client, report, who, words="At my door too.") == 302

    (move,) = [one for one in queries.history([report.number])[report.number] if one.kind == adding.ADDED]
    assert (move.who, move.was) == ("somebody who is affected", {"by": asking.mark(who)})
    assert "· by somebody who is affected" in client.get(f"/reports/{report.number}").content.decode()
    reporting.tell(NOW + AN_HOUR)
    assert {key.split(":")[2] for key in ActRow.objects.values_list("key", flat=True)} == {"received"}


def test_where_a_look_comes_first_additions_are_for_staff_crew_and_who_made_them(client: Client) -> None:
    report = steps.receive(intake("g", "graffiti", reporter=ann()), NOW)
    steps.me_too(report.number, "m", CY, NOW)
    moderation.publish(report.number, who="eva", now=NOW)
    steps.change(report.number, who="eva", now=NOW, crew="north")

    assert add(client, report, words="The name is Max.", photo=jpeg()) == 302

    assert "The name is Max." in page(client, link(report))
    assert "The name is Max." not in page(client, link(report, steps.resident(CY)))
    assert "The name is Max." not in client.get(f"/reports/{report.number}").content.decode()
    assert [photo.visible for photo in queries.photos_of([report.number], hidden_too=True)[report.number]] == [False]
    crew = client.get(f"/crew/{crews.renew('north', who='eva', now=NOW)}/{report.number}")
    assert "The name is Max." in crew.content.decode()


def test_a_question_and_an_addition_do_not_share_their_words(client: Client) -> None:
    report = lamp(at=NOW - AN_HOUR)
    steps.move(report.number, State.WAITING, who="op", now=NOW, words="Which lamp is it?")

    wrong = client.post(link(report), {"do": "add", "words": "Third.", "photo": jpeg(data=b"none")}).content.decode()

    assert wrong.count(">Third.</textarea>") == 1
    ids = re.findall(r' id="([^"]+)"', wrong)
    assert len(set(ids)) == len(ids)


def test_it_speaks_german(client: Client) -> None:
    text = page(client, link(lamp(locale="de")))

    assert "Etwas ergänzen" in text
    assert "Add" not in text.replace("address", "")
