"""What a hostile or clumsy sender does: nothing breaks, nothing leaks, and the answer says what is wrong."""

from __future__ import annotations

import io
import socket
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.open311.wire import FORMS, PIN, Client, faults, word

pytestmark = pytest.mark.xdist_group("open311")
both = pytest.mark.parametrize("form", FORMS)
PERSONAL = {"email": "vera.secret@example.org", "phone": "+43123456789", "device_id": "dev-secret"}
NAMES = {"first_name": "Vera", "last_name": "Secretova", "account_id": "acc-secret"}


def picture(kind: str = "JPEG", size: tuple[int, int] = (320, 240), **more: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **more)
    return out.getvalue()


@pytest.mark.parametrize(
    ("lat", "long"),
    [
        *(("nan", "15"), ("1e999", "15"), ("0x10", "15"), ("inf", "15"), ("-inf", "15"), ("48,41", "15"), ("x", "15")),
        *(("91", "15"), ("-91", "15"), ("48", "181"), ("48", "-181"), ("1_0", "15"), ("٤٨", "15"), ("48 N", "15")),
    ],
)
def test_what_is_no_position_is_refused(town: Client, lat: str, long: str) -> None:
    answer = town.post(lat=lat, long=long)

    assert answer.status_code == 400
    faults(answer)


@pytest.mark.parametrize("at", [("0", "0"), ("-90", "180"), ("90", "-180"), ("48.410203040506", "15.6")])
def test_the_ends_of_the_earth_are_places(town: Client, at: tuple[str, str]) -> None:
    row = town.one(town.report(lat=at[0], long=at[1]))

    assert (row["lat"], row["long"]) == (float(at[0]), float(at[1]))


def test_swapped_coordinates_are_told(town: Client) -> None:
    answer = town.post(lat=PIN["long"], long=PIN["lat"])

    assert answer.status_code == 400
    assert "swapped" in faults(answer)[0]["description"]


def test_control_characters_never_break_the_list(town: Client) -> None:
    every = "".join(map(chr, (*range(32), 127, 0xFFFE, 0xFFFF)))
    number = town.report(description=f"a{every}b", first_name=every, address_string=f"c{every}d")

    ElementTree.fromstring(town.get("requests.xml").content)
    assert town.one(number)["description"].startswith("a")
    ElementTree.fromstring(town.get(f"requests/{number}.xml", extensions="true").content)


@both
def test_markup_stays_text(town: Client, form: str) -> None:
    words = '<script>alert(1)</script> & <b>"x"</b> ]]> <![CDATA[ y ]]> &lt; \''
    number = town.report(description=words, address_string="<i>Main</i> & Co")
    row = town.one(number, form)

    assert (row["description"], row["address"]) == (words, "<i>Main</i> & Co")


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "file:///etc/passwd", "//example.org/x"),
        *(
            "ftp://example.org/a",
            "http://",
            "https://exa mple.org/",
            'https://e.org/"onerror="x',
            "x",
            "java\nscript:x",
        ),
    ],
)
def test_what_is_no_web_address_is_no_media(town: Client, url: str) -> None:
    answer = town.post(media_url=url)

    assert answer.status_code == 400
    assert "media_url" in faults(answer)[0]["description"]


@both
@pytest.mark.parametrize("extensions", ["", "true"])
def test_nobody_who_reported_is_told(town: Client, form: str, extensions: str) -> None:
    number = town.report(**PERSONAL, **NAMES)
    told = town.get(f"requests/{number}.{form}", extensions=extensions).text

    assert not [secret for secret in (*PERSONAL.values(), *NAMES.values()) if secret in told]


def test_nor_in_lists_updates_or_files(town: Client) -> None:
    town.report(**PERSONAL, **NAMES)
    told = "".join(town.get(path).text for path in ("requests.json", "servicerequestupdates.json", "bulk.csv"))

    assert not [secret for secret in (*PERSONAL.values(), *NAMES.values()) if secret in told]


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize(
    "date",
    ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "0", "9" * 30],
)
def test_dates_need_to_be_moments_with_a_zone(town: Client, name: str, date: str) -> None:
    answer = town.get("requests.json", **{name: date})

    assert answer.status_code == 400
    assert name in faults(answer)[0]["description"]


@pytest.mark.parametrize(
    "date", ["2026-01-01T00:00:00+02:00", "2026-01-01T00:00:00 02:00", "2026-01-01T00:00:00-05:00"]
)
def test_a_plus_that_became_a_space_is_one_again(town: Client, date: str) -> None:
    answer = town.wire.get(f"{town.base}/requests.json?start_date={date}")

    assert answer.status_code == 200


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
def test_the_ends_of_time_break_nothing(town: Client, date: str) -> None:
    for name in ("start_date", "end_date", "updated_after", "updated_before"):
        assert town.get("requests.json", **{name: date}).status_code in (200, 400)


def test_dates_the_wrong_way_round_are_said(town: Client) -> None:
    swapped = {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z"}

    assert town.get("requests.json", **swapped).status_code == 400


def test_unknown_filters_are_ignored(town: Client) -> None:
    assert town.get("requests.json", no_such="1", callback="alert").status_code == 200


def test_nothing_is_called_back(town: Client) -> None:
    for name in ("callback", "jsonp", "jsoncallback"):
        assert town.get("services.json", **{name: "alert"}).text.startswith("[")


def test_unknown_fields_are_ignored(town: Client) -> None:
    assert town.post(no_such="1", **{"attribute[no_such]": "x"}).status_code == 200


@pytest.mark.parametrize("text", ["'; DROP TABLE reports; --", "%", "_", "\\", "\0", "%00", '"', "(" * 50, "é" * 5000])
def test_odd_texts_in_filters_break_nothing(town: Client, text: str) -> None:
    for name in ("service_code", "q", "service_request_id", "jurisdiction_id"):
        assert town.get("requests.json", **{name: text}).status_code in (200, 400, 404)


@pytest.mark.parametrize("code", ["../../etc/passwd", "%2e%2e%2f", "a" * 5000, "<script>", "%00", "'"])
def test_odd_paths_are_not_found(town: Client, code: str) -> None:
    for path in (f"services/{code}.json", f"requests/{code}.xml", f"tokens/{code}.json", f"media/{code}.jpg"):
        answer = town.wire.get(f"{town.base}/{path}")
        assert answer.status_code in (400, 404, 414)
        assert "root:" not in answer.text


def test_words_never_find_persons(town: Client) -> None:
    name = word().replace("check ", "n")
    town.report(first_name=name, email=f"{name}@example.org", device_id=name)

    assert town.requests(q=name) == []


def test_addresses_of_media_are_not_fetched_by_us(town: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inner:
        inner.settimeout(1)
        town.report(media_url=f"http://127.0.0.1:{inner.getsockname()[1]}/a.jpg")
        with pytest.raises(TimeoutError):
            inner.accept()


def test_ten_megabytes_of_description_are_refused_in_words(town: Client) -> None:
    answer = town.post(description="lamp " * 2_000_000)

    assert answer.status_code == 400
    assert "4,000" in faults(answer)[0]["description"]


@both
def test_fifty_megabytes_are_too_large(town: Client, form: str) -> None:
    answer = town.post(form, description="x" * 50_000_000)

    assert answer.status_code == 413
    faults(answer)


def test_fifty_megabytes_without_a_length_are_too_large(town: Client) -> None:
    pieces = (b"x" * 1_000_000 for _ in range(50))
    head = {"Content-Type": "application/x-www-form-urlencoded"}

    assert town.wire.post(f"{town.base}/requests.json", content=pieces, headers=head).status_code == 413


BOMB = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1 if n else str()};' * 10}'>" for n in range(9)
)


@pytest.mark.parametrize("kind", ["text/xml", "application/xml", "application/json", "text/plain", "image/png"])
def test_other_bodies_are_never_parsed(town: Client, kind: str) -> None:
    xxe = f"{BOMB}<!ENTITY f SYSTEM 'file:///etc/passwd'>]><request><api_key>{town.key}</api_key>&f;&a8;</request>"
    answer = town.wire.post(f"{town.base}/requests.xml", content=xxe, headers={"Content-Type": kind})

    assert answer.status_code in (400, 403, 415)
    assert "root:" not in answer.text
    faults(answer)


def test_entities_in_text_stay_text(town: Client) -> None:
    words = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>&f;'

    assert town.one(town.report(description=words), "xml")["description"] == words


def test_a_thousand_and_one_fields_are_too_many(town: Client) -> None:
    body = {f"f{n}": "x" for n in range(3000)} | {"api_key": town.key}

    assert town.wire.post(f"{town.base}/requests.json", data=body).status_code == 400


def test_bytes_that_are_no_utf8_break_nothing(town: Client) -> None:
    body = f"api_key={town.key}&service_code=pothole&lat=1&long=2&description=%FF%FE%C3".encode() + b"\xff"
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = town.wire.post(f"{town.base}/requests.json", content=body, headers=head)

    assert answer.status_code in (200, 400)
    ElementTree.fromstring(town.get("requests.xml").content)


def test_a_broken_multipart_form_is_refused(town: Client) -> None:
    head = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b"--x\r\nno form\r\n", b"\0" * 1000):
        answer = town.wire.post(f"{town.base}/requests.json", content=body, headers=head)
        assert answer.status_code in (400, 403)
    bare = town.wire.post(f"{town.base}/requests.json", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert bare.status_code in (400, 403)


def bomb() -> bytes:
    """A PNG of a few kilobytes that wants to be gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big") * 2
    data = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size + b"\x08\x02\0\0\0") + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("a.jpg", b"no picture at all"),
        ("a.html", b"<html><script>alert(1)</script>"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 200),
        ("a.png", bomb()),
        ("a.gif", picture("GIF")),
        ("a.pdf", b"%PDF-1.7"),
    ],
)
def test_what_is_no_photo_is_refused(town: Client, name: str, data: bytes) -> None:
    answer = town.post(files={"media": (name, data, "image/jpeg")})

    assert answer.status_code == 400
    assert "media" in faults(answer)[0]["description"]


def test_twenty_times_from_an_impatient_phone_is_one_report(town: Client) -> None:
    words = word()

    def send(_: int) -> str:
        return town.report(description=words, device_id="phone-1")

    with ThreadPoolExecutor(8) as many:
        assert len(set(many.map(send, range(20)))) == 1


def test_an_idempotency_key_makes_it_one_report(town: Client) -> None:
    body = {"api_key": town.key, "service_code": "pothole", "lat": "1", "long": "2", "description": word()}
    head = {"Idempotency-Key": word()}
    found = {
        town.wire.post(f"{town.base}/requests.json", data=body, headers=head).json()[0]["service_request_id"]
        for _ in "123"
    }

    assert len(found) == 1


def test_two_people_with_the_same_words_are_two_reports(town: Client) -> None:
    words = word()
    first = town.report(description=words, email="a@example.org")

    assert town.report(description=words, email="b@example.org") != first


def test_two_reports_of_a_gateway_that_names_nobody_are_two(town: Client) -> None:
    words = word()

    assert town.report(description=words) != town.report(description=words)


def test_many_at_once_are_all_taken(town: Client) -> None:
    with ThreadPoolExecutor(8) as many:
        found = list(many.map(lambda _: town.report(), range(40)))

    assert len(set(found)) == 40


def test_the_key_is_never_told(town: Client) -> None:
    told = town.post(lat="x").text + town.post(service_code="no-such").text + town.post(api_key="amk_wrong").text

    assert town.key not in told
    assert "amk_wrong" not in told


def test_an_unfinished_body_takes_nothing(town: Client) -> None:
    words, at = word(), urlsplit(town.base)
    body = f"api_key={town.key}&service_code=pothole&lat=1&long=2&description={words}".replace(" ", "+")
    head = f"Host: {at.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body) + 9}"
    with socket.create_connection((at.hostname or "", at.port or 80)) as wire:
        wire.sendall(f"POST {at.path}/requests.json HTTP/1.1\r\n{head}\r\n\r\n{body}".encode())
    time.sleep(0.2)

    assert town.requests(q=words) == []


@pytest.mark.parametrize("field", ["email", "phone", "first_name", "device_id", "account_id", "address_string"])
def test_very_long_fields_break_nothing(town: Client, field: str) -> None:
    assert town.post(**{field: "x" * 100_000}).status_code in (200, 400)


def test_no_answer_is_a_page_of_ours(town: Client) -> None:
    for path in ("", "no-such", "requests", "x/y/z.xml"):
        assert "<html" not in town.get(path).text.lower()
