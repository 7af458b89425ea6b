"""The client `three` from PyPI, written for other cities' servers, drives ours end to end.

Version 0.8.0 is of the days of Python 2: one name that it imports is gone since. It is lent that name; nothing else of
it is touched. Its XML is read by relaxml, which no Python since 3.9 runs; so it asks in JSON, as it does by default.
"""

from __future__ import annotations

import io
import itertools
import time
from typing import Any

import pytest
from PIL import Image

from tests.open311.wire import PIN, Client, word

pytestmark = pytest.mark.xdist_group("open311")
CITY = "conformance-town.example"


@pytest.fixture(scope="module")
def three() -> Any:
    lent = pytest.MonkeyPatch()
    lent.setattr(itertools, "ifilter", filter, raising=False)
    try:
        import three
    finally:
        lent.undo()
    return three


@pytest.fixture
def city(three: Any, town: Client, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("OPEN311_CITY_INFO", raising=False)
    return three.Three(town.base, api_key=town.key, jurisdiction=CITY)


def picture() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "grey").save(out, "JPEG")
    out.seek(0)
    out.name = "hole.jpg"
    return out


def test_it_discovers_the_town(city: Any) -> None:
    (endpoint, *_) = city.discovery()["endpoints"]

    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"].endswith("/open311/v2")


def test_it_discovers_the_town_by_an_address_of_its_own(three: Any, town: Client) -> None:
    known = three.Three(town.base, discovery=f"{town.base}/discovery.json")

    assert known.discovery()["contact"]


def test_it_lists_services_and_what_they_ask(city: Any) -> None:
    assert {"pothole", "street-light"} <= {row["service_code"] for row in city.services()}
    asked = city.services("street-light")
    assert [row["code"] for row in asked["attributes"]][:2] == ["notice", "fault"]


def test_it_reports_with_a_photo_and_finds_it_again(city: Any) -> None:
    words = word()
    (made,) = city.post("pothole", name="Vera Ax", phone="555", description=words, media=picture(), **PIN)
    (row,) = city.request(made["service_request_id"])

    assert (row["description"], row["status"]) == (words, "open")
    assert city.session.get(row["media_url"]).headers["content-type"] == "image/jpeg"
    assert "Vera" not in str(row)
    assert made["service_request_id"] in [row["service_request_id"] for row in city.requests("pothole", count=20)]


def test_it_reports_by_address_and_answers_what_is_asked(city: Any) -> None:
    answers = {"attribute[fault]": "dark", "attribute[around][]": ["school", "stop"]}
    (made,) = city.post("street-light", address="3 Mill Lane", description=word(), **answers)
    (row,) = city.request(made["service_request_id"], extensions="true")

    assert row["address"] == "3 Mill Lane"
    assert [each["value"] for each in row["attributes"]] == ["dark", "school", "stop"]


def test_it_turns_a_token_into_a_number(city: Any) -> None:
    (made,) = city.post("bulky-waste", description=word(), **PIN)
    for _ in range(200):
        (found,) = city.token(made["token"])
        if found["service_request_id"]:
            break
        time.sleep(0.1)

    assert city.request(found["service_request_id"])


def test_it_asks_between_days_and_for_states(city: Any) -> None:
    made = city.post("pothole", description=word(), **PIN)[0]["service_request_id"]

    assert all(row["status"] == "closed" for row in city.requests(status="closed"))
    assert made in [row["service_request_id"] for row in city.requests(status="open", count=50)]
    assert city.requests(between=["01-01-2020", "02-01-2020"]) == []
    assert len(city.requests(count=3)) == 3


def test_it_understands_what_was_wrong(three: Any, city: Any, town: Client) -> None:
    (fault,) = city.post("street-light", description=word(), **PIN)
    assert "fault" in fault["description"]
    (refused,) = three.Three(town.base, api_key="nonsense").post("pothole", description=word(), **PIN)
    assert refused["code"] == 403
    (unknown,) = three.Three(town.base, jurisdiction="elsewhere.example").services()
    assert unknown["code"] == 404
