"""What others offer beyond the standard: pages, updates since, boxes, words, photos, all that is known, any origin."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from tests.open311.test_robustness import picture
from tests.open311.wire import FORMS, Client, moment, stamp, word

pytestmark = pytest.mark.xdist_group("open311")
both = pytest.mark.parametrize("form", FORMS)


@both
def test_pages_follow_each_other_without_gap_or_overlap(town: Client, form: str) -> None:
    words = word()
    made = [town.report(description=f"{words} {n}") for n in range(5)]
    asked = {"q": words, "page_size": "2"}
    pages = [[row["service_request_id"] for row in town.requests(form, page=str(n), **asked)] for n in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [number for page in pages for number in page] == made[::-1]


def test_a_full_page_says_where_the_next_is(town: Client) -> None:
    answer = town.get("requests.json", page_size="1")
    link = answer.headers["link"]

    assert 'rel="next"' in link
    assert town.wire.get(link.split(">")[0].strip("<")).json()[0] != answer.json()[0]


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "²"])
def test_what_is_no_page_is_refused(town: Client, name: str, value: str) -> None:
    assert town.get("requests.json", **{name: value}).status_code == 400


def test_a_page_far_beyond_is_empty(town: Client) -> None:
    assert town.requests(page="99999999999999999999") == []


@both
def test_what_changed_since_is_found(town: Client, form: str) -> None:
    number = town.report()
    at = moment(town.one(number)["updated_datetime"])

    assert number in [row["service_request_id"] for row in town.requests(form, updated_after=stamp(at))]
    assert number not in [
        row["service_request_id"] for row in town.requests(form, updated_after=stamp(at + timedelta(seconds=5)))
    ]
    assert number in town.ids(updated_before=stamp(at), updated_after=stamp(at))


def test_what_changed_lately_is_found_however_old_it_is(town: Client) -> None:
    now = datetime.now(UTC)
    old = town.ids(start_date=stamp(now - timedelta(days=160)), end_date=stamp(now - timedelta(days=91)), status="open")
    assert old
    before = stamp()
    town.update(old[0])

    assert old[0] in town.ids(updated_after=before)


def test_a_box_is_a_filter(town: Client) -> None:
    number = town.report(lat="10.5", long="20.5")

    assert number in town.ids(bbox="20,10,21,11")
    assert number not in town.ids(bbox="21,10,22,11")
    assert number in town.ids(bbox="20.5,10.5,20.5,10.5")


def test_a_box_may_cross_the_180th_meridian(town: Client) -> None:
    east, west = town.report(lat="-17", long="179.9"), town.report(lat="-17", long="-179.9")

    assert {east, west} <= set(town.ids(bbox="179,-18,-179,-16"))


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "20,11,21,10", "nan,1,2,3", "1,2,3,4,5", "-500,0,500,0"])
def test_what_is_no_box_is_refused(town: Client, box: str) -> None:
    assert town.get("requests.json", bbox=box).status_code == 400


def test_a_radius_around_a_place_is_a_filter(town: Client) -> None:
    number = town.report(lat="30", long="40")
    near = {"lat": "30.001", "long": "40"}

    assert number in town.ids(**near, radius="200")
    assert number not in town.ids(lat="30.1", long="40", radius="200")


@both
def test_words_are_a_filter(town: Client, form: str) -> None:
    words = word()
    number = town.report(description=f"The {words} is broken")

    assert [row["service_request_id"] for row in town.requests(form, q=words.upper())] == [number]


def test_signs_in_words_mean_themselves(town: Client) -> None:
    number = town.report(description="100%_sure\\ of it")

    assert number in town.ids(q="100%_sure\\")
    assert number not in town.ids(q="100%__")


@both
def test_all_that_is_known_is_told_where_asked_for(town: Client, form: str) -> None:
    answers = {"attribute[fault]": "dark", "attribute[around][]": ["school", "stop"]}
    row = town.one(town.report(service_code="street-light", **answers), form, extensions="true")

    assert row["extended_attributes"]["state"] == "received"
    assert {(each["code"], each["value"]) for each in row["attributes"]} == {
        *(("fault", "dark"), ("around", "school"), ("around", "stop"))
    }
    assert {"datetime", "type", "description"} <= row["notes"][0].keys()


def test_without_asking_only_the_standard_is_told(town: Client) -> None:
    assert not {"extended_attributes", "attributes", "notes"} & town.one(town.report()).keys()


def test_the_history_of_a_request_is_told_in_order(town: Client) -> None:
    closed = next(row for row in town.requests(status="closed", extensions="true") if len(row["notes"]) > 3)
    told = [moment(note["datetime"]) for note in closed["notes"]]

    assert told == sorted(told)


@both
def test_a_photo_is_taken_with_the_report(town: Client, form: str) -> None:
    number = town.report(files={"media": ("a.jpg", picture(), "image/jpeg")})
    url = town.one(number, form)["media_url"]
    answer = town.wire.get(url)

    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert shown.width * 3 == shown.height * 4


def test_no_metadata_of_a_photo_is_served(town: Client) -> None:
    exif = Image.Exif()
    exif[0x010F] = "secret camera"
    number = town.report(files={"media": ("a.jpg", picture(exif=exif), "image/jpeg")})
    served = town.wire.get(town.one(number)["media_url"]).content

    assert b"secret camera" not in served
    assert not Image.open(io.BytesIO(served)).getexif()


def test_a_photo_is_served_upright_and_without_what_hangs_behind_it(town: Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = picture(exif=exif) + b"PK\x03\x04<script>behind</script>"
    served = town.wire.get(town.one(town.report(files={"media": ("a.jpg", data, "image/jpeg")}))["media_url"]).content

    assert b"behind" not in served
    with Image.open(io.BytesIO(served)) as shown:
        assert shown.width * 4 == shown.height * 3


def test_several_photos_are_taken(town: Client) -> None:
    files = [(name, ("a.png", picture("PNG"), "image/png")) for name in ("media", "media", "photo1")]
    row = town.one(town.report(files=files), extensions="true")

    assert len(row["extended_attributes"]["photos"]) == 3


def test_several_media_urls_are_taken(town: Client) -> None:
    urls = ["https://example.org/1.jpg", "https://example.org/2.jpg"]
    number = town.report(media_url=urls)
    told = town.rows("servicerequestupdates.json", service_request_id=number)

    assert town.one(number)["media_url"] == urls[0]
    assert urls[1] in [update["media_url"] for update in told]


@both
@pytest.mark.parametrize("path", ["services", "requests", "discovery", "services/none", "servicerequestupdates"])
def test_pages_of_any_origin_may_read(town: Client, path: str, form: str) -> None:
    answer = town.wire.get(f"{town.base}/{path}.{form}", headers={"Origin": "https://map.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["requests.json", "services.xml", "servicerequestupdates.json"])
def test_a_browser_may_ask_beforehand(town: Client, path: str) -> None:
    head = {"Origin": "https://map.example", "Access-Control-Request-Method": "POST"}
    answer = town.wire.options(f"{town.base}/{path}", headers=head)

    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]


def test_services_of_a_place_are_told(town: Client) -> None:
    assert town.rows("services.json", lat="48.41", long="15.6")
    assert town.get("services.json", lat="nan", long="15.6").status_code == 400


def test_names_are_told_in_the_language_asked_for(town: Client) -> None:
    assert town.rows("services/street-light.json", locale="de")["attributes"][1]["description"] == "Was fehlt ihr?"
    assert "Schlagloch" in [service["service_name"] for service in town.rows("services.json", locale="de")]


def test_the_order_may_be_chosen(town: Client) -> None:
    oldest = [row["requested_datetime"] for row in town.requests(sort="+requested_datetime")]
    changed = [row["updated_datetime"] for row in town.requests(sort="updated_datetime")]

    assert oldest == sorted(oldest)
    assert changed[0] == max(changed)
    assert town.get("requests.json", sort="no-such").status_code == 400


@pytest.mark.parametrize("path", ["requests/99999999.json", "no-such.json", "requests.json?status=odd"])
def test_pages_of_any_origin_may_read_what_went_wrong(town: Client, path: str) -> None:
    answer = town.wire.get(f"{town.base}/{path}", headers={"Origin": "https://elsewhere.example"})

    assert answer.status_code >= 400
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
