"""The report page as a browser without scripts, a phone with bad manners and a stranger with bad intentions use it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.web.report.krems import LAMP, lamp, picture

import amends.customers.queries
from amends.reports import clusters, queries
from amends.reports.models import AffectedRow, PhotoRow, ReportRow
from amends.reports.records import Privacy

pytestmark = pytest.mark.django_db


def fields(html: str) -> dict[str, list[str]]:
    """The hidden fields of a page, as a browser sends them back."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html):
        found.setdefault(unescape(name), []).append(unescape(value))
    return found


def send(browser: Client, **form: Any) -> Any:
    return browser.post("/report", lamp(**form))


def test_without_categories_there_is_no_report_page(browser: Client, settings: Any) -> None:
    (settings.AMENDS.directory / "categories.yaml").unlink()
    assert browser.get("/report").status_code == 404


def test_a_lamp_is_reported_by_its_number_without_script_map_or_cookie(browser: Client) -> None:
    first = browser.get("/report")
    mark = fields(first.content.decode())["form"][0]
    asked = browser.post("/report", {"form": mark, "category": "lamp", "go": "questions"})
    assert "What is wrong with it?" in asked.content.decode()
    checked = browser.post("/report", lamp(form=mark, go="check"))
    assert "we promise to be done by" in checked.content.decode()
    sent = browser.post("/report", fields(checked.content.decode()) | {"go": "send"}, follow=True)

    page = sent.content.decode()
    number = ReportRow.objects.get().number
    assert f"has the number {number}" in page
    assert "/yours/" in page
    assert "Lamps are mended by day." in page
    report = queries.one(number)
    assert report is not None
    assert (report.asset, report.lat, report.long) == (LAMP["id"], LAMP["lat"], LAMP["long"])
    assert not browser.cookies


def test_several_places_are_a_question_with_answers_to_choose(browser: Client) -> None:
    page = send(browser, asset_number="", where="Landstrasse", go="find").content.decode()
    choices = re.findall(r'name="place" value="([\d.,]+)"', page)
    assert len(choices) > 1

    send(browser, asset_number="", where="Landstrasse", asked="Landstrasse", place=choices[0])
    report = ReportRow.objects.get()
    assert f"{report.lat:.6f},{report.long:.6f}" == choices[0]


def test_everything_that_is_missing_is_named_at_once_beside_its_field(browser: Client) -> None:
    answer = browser.post("/report", {"category": "pothole", "privacy": "named", "email": "no", "go": "send"})
    page = answer.content.decode()

    assert answer.status_code == 422
    summary = page.split('id="problems"')[1].split("</div>")[0]
    for field in ("where", "answer-deep", "answer-sign", "name", "email"):
        assert f'href="#{field}"' in summary
        assert f'id="{field}"' in page
    assert "autofocus" in page.split('id="problems"')[0][-120:]


def test_photos_stay_when_something_else_is_wrong(browser: Client) -> None:
    photo = SimpleUploadedFile("a.jpg", picture(gps=(48.413, 15.6423)), "image/jpeg")
    answer = send(browser, category="", photo=photo)
    names = fields(answer.content.decode())["photos"]

    assert answer.status_code == 422
    send(browser, photos=names)
    report = ReportRow.objects.get()
    assert [photo.name for photo in queries.photos_of([report.number])[report.number]] == names


def test_where_the_photo_was_taken_is_offered_as_the_place(browser: Client) -> None:
    photo = SimpleUploadedFile("a.jpg", picture(gps=(48.41297, 15.64228)), "image/jpeg")
    page = send(browser, asset_number="", photo=photo).content.decode()

    assert "Is it where the photo was taken?" in page
    at = fields(page)["photo_at"][0]
    assert at.startswith("48.41297")
    send(browser, asset_number="", photo_at=at, place=at)
    assert ReportRow.objects.get().lat == pytest.approx(48.41297, abs=1e-5)


def test_no_served_photo_says_where_when_or_with_what_it_was_taken(browser: Client) -> None:
    photo = SimpleUploadedFile("a.jpg", picture(gps=(48.41297, 15.64228)), "image/jpeg")
    name = browser.post("/report/photos", {"photo": photo}).json()["name"]
    for address in (f"/photos/{name}.jpg", f"/photos/{name}.small.jpg"):
        served = browser.get(address)
        assert served.headers["Content-Type"] == "image/jpeg"
        assert b"Exif" not in served.content
        assert b"Secretphone" not in served.content


def test_a_photo_is_public_only_as_long_as_its_report_is(browser: Client) -> None:
    photo = SimpleUploadedFile("a.jpg", picture(), "image/jpeg")
    send(browser, photo=photo)
    name = PhotoRow.objects.get().name

    assert "immutable" in browser.get(f"/photos/{name}.jpg").headers["Cache-Control"]
    ReportRow.objects.update(visible=False)
    assert browser.get(f"/photos/{name}.jpg").status_code == 404
    assert browser.get(f"/photos/{name}.small.jpg").status_code == 404


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("a.jpg", b"<html><script>alert(1)</script></html>"),
        ("a.jpg", picture()[:300]),
        ("a.gif", b"GIF89a" + bytes(64)),
        ("../../etc/passwd", b"root:x:0:0"),
    ],
)
def test_what_is_no_photo_is_refused_in_words_and_the_rest_stays(browser: Client, name: str, data: bytes) -> None:
    answer = send(browser, photo=SimpleUploadedFile(name, data, "image/jpeg"))

    assert answer.status_code == 422
    assert 'id="photo-wrong"' in answer.content.decode()
    assert "Dark since Sunday" in answer.content.decode()
    assert not PhotoRow.objects.exists()


def test_a_picture_that_is_also_a_page_comes_out_as_a_picture_only(browser: Client) -> None:
    both = picture() + b"<script>alert(1)</script>"
    name = browser.post("/report/photos", {"photo": SimpleUploadedFile("a.jpg", both)}).json()["name"]
    served = browser.get(f"/photos/{name}.jpg")

    assert b"<script>" not in served.content
    assert served.headers["X-Content-Type-Options"] == "nosniff"


def test_the_same_form_sent_twenty_times_is_one_report(browser: Client) -> None:
    answers = {send(browser).headers["Location"].split("/")[3].split("~")[0] for _ in range(20)}

    assert ReportRow.objects.count() == 1
    assert len(answers) == 1


def test_floods_from_one_address_are_told_to_wait(browser: Client) -> None:
    answers = [send(browser, form=f"{n:032x}") for n in range(22)]

    assert [answer.status_code for answer in answers] == [302] * 20 + [429] * 2
    assert answers[-1].headers["Retry-After"]
    assert "too many reports" in answers[-1].content.decode()
    assert send(browser, form=f"{3:032x}").status_code == 302  # what was taken in is still answered


def test_another_address_behind_our_proxy_is_counted_by_itself(browser: Client) -> None:
    for n in range(21):
        send(browser, form=f"{n:032x}")
    other = browser.post("/report", lamp(form="f" * 32), headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.9"})
    assert other.status_code == 302


def test_a_form_of_another_site_and_a_filled_trap_are_refused(browser: Client) -> None:
    assert browser.post("/report", lamp(), headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert send(browser, leave_this_empty="buy").status_code == 422
    assert not ReportRow.objects.exists()


@pytest.mark.parametrize("lat", ["nan", "1e999", "0x10", "inf", "٤٨.٤١", "48,41", "1_0", " "])
def test_what_is_no_number_of_degrees_is_no_place(browser: Client, lat: str) -> None:
    answer = send(browser, asset_number="", where="", lat=lat, long="15.6")

    assert answer.status_code == 422
    assert 'href="#lat"' in answer.content.decode()


def test_swapped_and_far_away_coordinates_are_told_as_such(browser: Client, settings: Any) -> None:
    settings.AMENDS = replace(settings.AMENDS, map=replace(settings.AMENDS.map, bounds="15.5,48.3,15.7,48.5"))
    assert "look swapped" in send(browser, asset_number="", lat="15.6", long="48.41").content.decode()
    assert "lies outside" in send(browser, asset_number="", lat="40.0", long="15.6").content.decode()


def test_scripts_in_every_field_come_back_as_text(browser: Client) -> None:
    evil = '"><script>alert(1)</script>'
    texts = ("category", "description", "where", "asked", "place", "lat", "long", "asset", "asset_number")
    form = dict.fromkeys((*texts, "name", "email", "phone", "form", "photos", "photo_at", "privacy"), evil)
    form |= {f"answer-{evil}": evil, "answer-what": evil, evil: evil}
    for go in ("check", "change", "find", "send", evil):
        assert "<script>alert" not in browser.post("/report", form | {"go": go}).content.decode()
        assert "<script>alert" not in browser.post("/report", lamp(go=go, description=evil)).content.decode()
    send(browser, description=evil, form="e" * 32, privacy="named", name=evil)
    for path in ("/reports", f"/reports/{ReportRow.objects.latest('number').number}", f"/reports?words={evil}"):
        assert "<script>alert" not in browser.get(path).content.decode()


def test_control_characters_do_not_come_in(browser: Client) -> None:
    send(browser, description="dark\x00\x0b here\x1b[31m", privacy="named", name="A\x00nn\x08")

    assert ReportRow.objects.get().description == "dark here[31m"


def test_a_description_of_ten_megabytes_is_refused_clearly(browser: Client) -> None:
    answer = send(browser, description="x" * 10_000_000)

    assert answer.status_code == 413
    assert "Shorten the description" in answer.content.decode()
    assert "at most 4000 characters" in send(browser, description="x" * 5000).content.decode()


def test_of_the_anonymous_nothing_is_kept_whatever_the_form_says(browser: Client) -> None:
    page = send(browser, privacy="anonymous", name="Ann", email="ann@example.org", go="check").content.decode()
    assert "ann@example.org" not in page
    send(browser, privacy="anonymous", name="Ann", email="ann@example.org", phone="0123")

    report = queries.one(ReportRow.objects.get().number)
    assert report is not None
    assert (report.customer_id, report.privacy) == ("", Privacy.ANONYMOUS)
    assert not amends.customers.queries.by_id([report.customer_id])


def test_only_who_wants_it_is_named_in_public(browser: Client) -> None:
    send(browser, privacy="private", name="Quiet Ann", email="a@example.org")
    send(browser, form="b" * 32, privacy="named", name="Loud Bob", email="b@example.org")

    first, second = (browser.get(f"/reports/{row.number}").content.decode() for row in ReportRow.objects.order_by("pk"))
    assert "Quiet Ann" not in first
    assert "Loud Bob" in second
    assert "b@example.org" not in second


def test_what_is_reported_nearby_is_shown_before_it_is_sent_again(browser: Client) -> None:
    send(browser, photo=SimpleUploadedFile("a.jpg", picture(), "image/jpeg"))
    page = send(browser, form="c" * 32, asset_number="0002", go="check").content.decode()

    assert "Is it one of these?" in page
    assert "Dark since Sunday" in page
    assert "reported today" in page
    assert "Promised" in page
    assert f"/photos/{PhotoRow.objects.get().name}.small.jpg" in page


def test_me_too_counts_a_person_once_and_offers_to_follow(browser: Client) -> None:
    send(browser)
    number = ReportRow.objects.get().number
    for _ in range(3):
        answer = browser.post(f"/reports/{number}/me-too", {"form": "d" * 32}, follow=True)

    assert "2 people are affected" in answer.content.decode()
    assert f"/reports/{number}/follow" in answer.content.decode()
    assert AffectedRow.objects.count() == 1


def test_a_hidden_report_is_on_no_public_page(browser: Client) -> None:
    sent = send(browser, category="graffiti", asset_number="", lat="48.41", long="15.64", privacy="private")
    number = ReportRow.objects.get().number

    assert "Somebody looks at it before" in browser.get(sent.headers["Location"]).content.decode()
    assert browser.get(f"/reports/{number}").status_code == 404
    assert browser.get(f"/reports/{number}/me-too").status_code == 404
    assert "Dark since" not in browser.get("/reports").content.decode()


def test_the_list_is_narrowed_by_category_state_and_words(browser: Client) -> None:
    send(browser)
    send(browser, form="b" * 32, category="tree", description="A branch hangs low")

    assert "Dark since Sunday" not in browser.get("/reports?category=tree").content.decode()
    assert "A branch" not in browser.get("/reports?words=sunday").content.decode()
    assert "Nothing is reported here" in browser.get("/reports?state=mended").content.decode()
    assert browser.get("/reports?state=x&category=y&page=99999999&words=%01").status_code == 200


def test_pins_come_together_where_they_are_close(browser: Client) -> None:
    for n, number in enumerate(("0001", "0002", "0003")):
        send(browser, form=f"{n:032x}", asset_number=number)
    clusters.follow(datetime.now(UTC) + timedelta(seconds=3))  # PostgreSQL lets young moves wait

    far = browser.get("/reports/pins.geojson?bbox=15.5,48.3,15.8,48.5&zoom=10").json()["features"]
    near = browser.get("/reports/pins.geojson?bbox=15.5,48.3,15.8,48.5&zoom=19").json()["features"]
    assert [one["properties"]["count"] for one in far] == [3]
    assert len(near) == 3
    assert browser.get("/reports/pins.geojson?bbox=nan,0,0,0&zoom=3").status_code == 400


def test_a_phone_that_was_offline_is_told_the_number_and_promised_from_when_it_was_written(browser: Client) -> None:
    answer = browser.post("/report", lamp(waited_s="7200"), headers={"Accept": "application/json"})
    told = answer.json()

    assert answer.status_code == 201
    assert told["number"] == ReportRow.objects.get().number
    assert told["url"].startswith("/report/sent/")
    wrong = browser.post("/report", lamp(category="", form="b" * 32), headers={"Accept": "application/json"})
    assert [problem["field"] for problem in wrong.json()["problems"]] == ["category"]


def test_german_is_spoken_throughout_and_other_languages_can_run_from_right_to_left(settings: Any) -> None:
    german = Client(HTTP_ACCEPT_LANGUAGE="de-AT,de;q=0.9")
    page = german.get("/report").content.decode()
    assert '<html lang="de" dir="ltr">' in page
    assert "Straßenlampe" in page
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "العربية")]
    assert '<html lang="ar" dir="rtl">' in german.get("/report?lang=ar").content.decode()


def test_pieces_of_the_map_are_cut_to_their_square_and_asked_once(browser: Client) -> None:
    answer = browser.get("/report/map/15/17806/11352", headers={"Accept-Encoding": "gzip"})
    layers = browser.get("/report/map/15/17806/11352").json()

    assert set(layers) == {"land", "buildings", "streets"}
    assert answer.headers["Content-Encoding"] == "gzip"
    again = browser.get(
        "/report/map/15/17806/11352", headers={"If-None-Match": answer.headers["ETag"].removeprefix("W/")}
    )
    assert again.status_code == 304
    assert browser.get("/report/map/3/99/0").status_code == 404


def test_tiles_of_a_server_are_let_in_only_where_one_is_set(browser: Client, settings: Any) -> None:
    assert "tiles" not in browser.get("/report").headers["Content-Security-Policy"]
    given = replace(settings.AMENDS.map, tiles="https://tiles.example/{z}/{x}/{y}.png")
    settings.AMENDS = replace(settings.AMENDS, map=given)
    policy = browser.get("/report").headers["Content-Security-Policy"]
    assert "img-src 'self' data: blob: https://tiles.example;" in policy


def test_the_place_of_a_phone_is_asked_for_on_this_page_only(browser: Client) -> None:
    assert "geolocation=(self)" in browser.get("/report").headers["Permissions-Policy"]
    assert "geolocation=()" in browser.get("/reports").headers["Permissions-Policy"]
