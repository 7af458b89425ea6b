"""Forms that are too much, broken or longer than is kept: each page of residents and crews says so in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.reports.town import ann, intake
from tests.web.report.krems import lamp, picture

from amends.notices import reporting, tokens
from amends.reports import crews, moderation, queries, steps
from amends.reports.models import PhotoRow, ReportRow
from amends.reports.records import Filter, State
from amends.signals.steps import create_key

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
DOORS = ("report", "report/photos", "yours", "me-too", "reopen", "crew")


def door(name: str) -> str:
    """The address of a page that takes forms, of a report that was mended."""
    if name.startswith("report"):
        return f"/{name}"
    report = steps.receive(intake("mended", reporter=ann(), address="Ringstraße 4"), NOW)
    number = steps.change(report.number, who="eva", now=NOW, crew="north").number
    steps.move(number, State.FIXED, who="north", now=NOW, words="New bulb.")
    return {
        "yours": f"/yours/{tokens.make(reporting.subject(number))}",
        "crew": f"/crew/{crews.renew('north', who='eva', now=NOW)}/{number}",
    }.get(name, f"/reports/{number}/{name}")


def moves() -> Sequence[Any]:
    return [
        move for every in queries.history([one.number for one in queries.every(Filter())]).values() for move in every
    ]


@pytest.mark.parametrize("name", DOORS)
def test_more_text_or_files_or_fields_than_can_be_are_refused_in_words(browser: Client, name: str) -> None:
    address = door(name)
    before = moves()
    files = [SimpleUploadedFile(f"{n}.jpg", b"x", "image/jpeg") for n in range(101)]
    for form in ({"words": "x" * 10_000_000}, {"photo": files}, dict.fromkeys(map(str, range(1200)), "x")):
        answer = browser.post(address, form)
        assert answer.status_code == 413
        assert "That is more than we can take at once" in answer.content.decode()
    assert moves() == before
    assert not PhotoRow.objects.exists()


@pytest.mark.parametrize("name", DOORS)
def test_a_body_larger_than_all_photos_is_not_even_read(browser: Client, name: str) -> None:
    length = str(settings.AMENDS.map.photos * settings.AMENDS.map.photo_mb * 1_000_000 + 3_000_000)
    answer = browser.generic("POST", door(name), b"x", "multipart/form-data; boundary=x", CONTENT_LENGTH=length)

    assert answer.status_code == 413
    assert "Nothing was taken in" in answer.content.decode()


def test_who_speaks_german_is_told_so_in_german() -> None:
    answer = Client(HTTP_ACCEPT_LANGUAGE="de").post(door("yours"), {"words": "x" * 10_000_000})

    assert "Das konnte nicht angenommen werden" in answer.content.decode()
    assert '<html lang="de"' in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "form"), [("yours", {"do": "reopen"}), ("reopen", {}), ("me-too", {"form": "m" * 16})]
)
def test_words_are_not_cut_off_in_silence(browser: Client, name: str, form: dict[str, str]) -> None:
    address = door(name)
    answer = browser.post(address, form | {"words": "x" * 4001})
    assert (answer.status_code, "at most 4000 characters" in answer.content.decode()) == (422, True)
    assert ReportRow.objects.get().state == State.FIXED

    browser.post(address, form | {"words": "x" * 4000})
    assert (ReportRow.objects.get().state, len(ReportRow.objects.get().status_notes)) == (State.REOPENED, 4000)


@pytest.mark.parametrize("name", ["yours", "reopen", "me-too"])
def test_scripts_and_what_xml_cannot_carry_are_text_or_gone_everywhere(browser: Client, name: str) -> None:
    address = door(name)
    evil = "<script>alert(1)</script>\x00\x0b"
    browser.post(address, {"do": "reopen", "form": "m" * 16, "words": evil})
    report = ReportRow.objects.get()
    assert report.status_notes == "<script>alert(1)</script>"

    for path in (address, f"/reports/{report.number}", "/reports", "/feeds/reports.atom", "/feeds/reports.rss"):
        assert "<script>alert" not in browser.get(path).content.decode(), path


def test_xml_and_json_are_no_form_and_are_never_parsed(browser: Client) -> None:
    for kind in ("text/xml", "application/json"):
        xxe = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><category>&f;</category>'
        answer = browser.generic("POST", "/report", xxe, kind)
        assert (answer.status_code, "root:" in answer.content.decode()) == (422, False)
    assert not ReportRow.objects.exists()


def test_who_is_banned_is_refused_at_every_door_also_through_a_gateway_without_limit(browser: Client) -> None:
    moderation.ban("vera@example.org", "threats", until=None, who="eva", now=NOW)
    key = create_key("gateway", ["reports:write", "reports:unlimited"], NOW)
    form = {"api_key": key, "service_code": "tree", "description": "A branch", "lat": "48.4129", "long": "15.6422"}
    answer = browser.post("/open311/v2/requests.json", form | {"email": "Vera@example.org"})
    assert (answer.status_code, "No reports are taken" in answer.json()[0]["description"]) == (403, True)
    assert browser.post("/report", lamp(email="vera@example.org")).status_code == 403
    assert not ReportRow.objects.exists()

    sent = [form | {"email": "a@example.org", "description": f"Branch {n}"} for n in range(15)]
    codes = {browser.post("/open311/v2/requests.json", each).status_code for each in sent}
    assert codes == {200}  # floods are the gateway's own matter


def test_a_crew_that_taps_twenty_times_has_told_it_once(browser: Client) -> None:
    report = steps.receive(intake("crew", address="Ringstraße"), NOW)
    steps.change(report.number, who="eva", now=NOW, crew="north")
    address = f"/crew/{crews.renew('north', who='eva', now=NOW)}/{report.number}"
    mark = browser.get(address).content.decode().split('name="form" value="')[1].split('"')[0]

    def tap(words: str) -> int:
        photo = SimpleUploadedFile("a.jpg", picture(), "image/jpeg")
        return browser.post(address, {"form": mark, "do": "take", "words": words, "photo": photo}).status_code

    assert {tap("We come") for _ in range(20)} == {302}
    told = [move.words for move in queries.history([report.number])[report.number] if move.words]
    assert (told, len(queries.photos_of([report.number])[report.number])) == (["We come"], 1)
    tap("We are here")  # other words of the same page are news
    assert [move.words for move in queries.history([report.number])[report.number] if move.words][1:] == ["We are here"]


FIELDS = (
    *(
        "form",
        "do",
        "go",
        "words",
        "answer",
        "round",
        "category",
        "description",
        "where",
        "asked",
        "place",
        "lat",
        "long",
    ),
    *(
        "asset",
        "asset_number",
        "privacy",
        "name",
        "email",
        "phone",
        "photos",
        "drop",
        "answer-what",
        "waited_s",
        "what",
    ),
    *("at", "radius", "area", "service_code", "address_string", "address_id", "first_name", "device_id", "account_id"),
    *("media_url", "jurisdiction_id", "attribute[what]", "update_id", "service_request_id", "status", "api_key"),
    *("updated_datetime", "external_status_code", "photo_at", "as_written", "leave_this_empty"),
)
PROGRAMS = ("open311/v2/requests", "open311/v2/servicerequestupdates")


@pytest.mark.parametrize("name", [*DOORS, "follow", *PROGRAMS])
def test_a_nul_in_any_field_breaks_nothing(browser: Client, name: str) -> None:
    address = f"/{name}.json" if name in PROGRAMS else f"/{name}" if name == "follow" else door(name)
    good = {"api_key": create_key("app", ["reports:write", "reports:update"], NOW), "form": "m" * 16, "go": "send"}
    good |= {"do": "reopen", "service_code": "tree", "category": "tree", "lat": "48.4129", "long": "15.6422"}
    good |= {"status": "FIXED", "update_id": "1", "updated_datetime": "2026-01-01T00:00:00Z", "service_request_id": "1"}
    for field in FIELDS:
        answer = browser.post(address, good | {field: "a\0b"})
        assert answer.status_code < 500, field


HUGE = 2**63
ODD = (
    *(f"/reports/{HUGE}", f"/reports/{HUGE}/me-too", f"/reports/{HUGE}/reopen", f"/feeds/reports/{HUGE}.atom"),
    *("/reports?area=%27&state=x&category=y&words=%25&page=99999999", "/reports?area=&state=&page=&words="),
    *("/reports/pins.geojson?bbox=nan,1,2,3&zoom=5", "/reports/pins.geojson?bbox=1,1,2,2&zoom=1e9"),
    *("/reports/pins.geojson?bbox=1e999,1,2,3&zoom=5", "/reports/pins.geojson", "/reports/cards?around=0x10,1"),
    *("/report?lat=nan&long=1e999&category=x", "/report/around?lat=1e999&long=1", "/report/map/15/99999999999999/1"),
    *("/report/things/%3Cscript%3E", "/report/questions/%27", f"/report/places?text={'a' * 5000}", "/photos/x.jpg"),
    *("/feeds/places/nan,1,500.atom", "/report/sent/x", "/yours/x", "/crew/x", f"/crew/x/{HUGE}", "/reports?words=%00"),
)


@pytest.mark.parametrize("address", ODD)
def test_addresses_that_ask_for_nonsense_break_nothing(browser: Client, address: str) -> None:
    answer = browser.get(address)

    assert answer.status_code in (200, 400, 404)
    assert "<script>" not in answer.content.decode()
