"""GeoReport v2, to the letter: content types, declarations, types of values, methods, order."""

from __future__ import annotations

from datetime import timedelta, timezone
from xml.etree import ElementTree

import pytest

from tests.open311.wire import FORMS, TYPES, Client, faults, moment

pytestmark = pytest.mark.xdist_group("open311")
both = pytest.mark.parametrize("form", FORMS)
ROOTS = {
    "discovery": "discovery",
    "services": "services",
    "services/street-light": "service_definition",
    "requests": "service_requests",
    "servicerequestupdates": "service_request_updates",
}


@both
@pytest.mark.parametrize("path", ROOTS)
def test_every_answer_has_its_content_type(town: Client, path: str, form: str) -> None:
    assert town.get(f"{path}.{form}").headers["content-type"] == TYPES[form]


@both
def test_errors_have_it_too(town: Client, form: str) -> None:
    for answer in (town.get(f"services/none.{form}"), town.post(form, api_key=None), town.get(f"none.{form}")):
        assert answer.headers["content-type"] == TYPES[form]


@pytest.mark.parametrize(("path", "root"), ROOTS.items())
def test_xml_is_declared_and_plain(town: Client, path: str, root: str) -> None:
    text = town.get(f"{path}.xml").content
    tree = ElementTree.fromstring(text)

    assert text.lower().startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    assert tree.tag == root
    assert not any(element.attrib or "}" in element.tag for element in tree.iter())


@pytest.mark.parametrize("path", ["services", "requests", "servicerequestupdates"])
def test_json_lists_are_bare(town: Client, path: str) -> None:
    assert isinstance(town.get(f"{path}.json").json(), list)


@pytest.mark.parametrize("path", ["discovery", "services/street-light"])
def test_json_objects_have_no_root(town: Client, path: str) -> None:
    found = town.get(f"{path}.json").json()

    assert isinstance(found, dict)
    assert ROOTS[path] not in found


def test_json_errors_are_a_bare_list_with_numbers(town: Client) -> None:
    (fault,) = town.get("services/none.json").json()

    assert fault["code"] == 404


def test_xml_errors_are_wrapped(town: Client) -> None:
    tree = ElementTree.fromstring(town.get("services/none.xml").content)

    assert (tree.tag, tree[0].tag, [child.tag for child in tree[0]]) == ("errors", "error", ["code", "description"])


def test_ids_and_codes_are_text_in_json(town: Client) -> None:
    number = town.report()
    row = town.one(number)

    assert isinstance(row["service_request_id"], str)
    assert isinstance(row["service_code"], str)
    assert all(isinstance(service["service_code"], str) for service in town.rows("services.json"))


def test_numbers_are_numbers_and_booleans_booleans(town: Client) -> None:
    row = town.one(town.report())

    assert isinstance(row["lat"], float)
    assert isinstance(row["long"], float)
    assert all(isinstance(service["metadata"], bool) for service in town.rows("services.json"))
    for attribute in town.rows("services/street-light.json")["attributes"]:
        assert isinstance(attribute["order"], int)
        assert isinstance(attribute["required"], bool)
        assert isinstance(attribute["variable"], bool)


def test_what_is_empty_is_null_in_json_and_empty_in_xml(town: Client) -> None:
    number = town.report()
    tree = ElementTree.fromstring(town.get(f"requests/{number}.xml").content)

    assert town.one(number)["media_url"] is None
    assert tree[0].find("media_url") is not None
    assert tree[0].findtext("media_url") == ""


def test_both_formats_say_the_same(town: Client) -> None:
    number = town.report()
    plain = {name: str(value) for name, value in town.one(number).items() if value is not None}

    assert {name: value for name, value in town.one(number, "xml").items() if value is not None} == plain


def test_metadata_says_whether_there_are_questions(town: Client) -> None:
    for service in town.rows("services.json"):
        asked = town.rows(f"services/{service['service_code']}.json")["attributes"]
        assert bool(asked) is service["metadata"]


def test_no_byte_order_mark(town: Client) -> None:
    assert not town.get("services.json").content.startswith(b"\xef\xbb\xbf")
    assert not town.get("services.xml").content.startswith(b"\xef\xbb\xbf")


def test_the_newest_come_first(town: Client) -> None:
    told = [moment(row["requested_datetime"]) for row in town.requests()]

    assert told == sorted(told, reverse=True)


def test_never_more_than_a_thousand(town: Client) -> None:
    assert len(town.requests(page_size="5000")) <= 1000


def test_closed_requests_were_updated_when_they_were_closed(town: Client) -> None:
    for row in town.requests(status="closed", extensions="true"):
        assert row["updated_datetime"] == row["extended_attributes"]["closed_datetime"]


@both
@pytest.mark.parametrize("path", ["services", "discovery", "services/pothole", "tokens/x", "requests/1"])
def test_what_is_read_only_is_not_posted_to(town: Client, path: str, form: str) -> None:
    answer = town.wire.post(f"{town.base}/{path}.{form}", data={"api_key": town.key})

    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    faults(answer)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_requests_are_not_put_patched_or_deleted(town: Client, method: str) -> None:
    answer = town.wire.request(method, f"{town.base}/requests.json")

    assert answer.status_code == 405
    assert {"GET", "POST"} <= {each.strip() for each in answer.headers["allow"].split(",")}


@both
@pytest.mark.parametrize("path", ["services", "requests", "discovery"])
def test_head_is_get_without_its_body(town: Client, path: str, form: str) -> None:
    answer = town.wire.head(f"{town.base}/{path}.{form}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPES[form]
    assert answer.content == b""


@pytest.mark.parametrize("path", ["requests.yaml", "requests", "services.csv", "requests/1.html", "nothing.xml", ""])
def test_other_formats_and_resources_do_not_exist(town: Client, path: str) -> None:
    answer = town.get(path)

    assert answer.status_code in (404, 406)
    faults(answer)


@both
@pytest.mark.parametrize("name", ["service_code", "status", "start_date", "end_date", "service_request_id", "page"])
def test_given_empty_is_not_given(town: Client, name: str, form: str) -> None:
    assert town.get(f"requests.{form}", **{name: ""}).status_code == 200


def test_posted_empty_is_not_given(town: Client) -> None:
    empty = dict.fromkeys(
        ("email", "device_id", "account_id", "first_name", "last_name", "phone", "media_url", "address_id"), ""
    )

    assert town.post(address_string="", **empty).status_code == 200


def test_a_post_is_answered_with_id_notice_and_account_only(town: Client) -> None:
    (row,) = town.post().json()

    assert set(row) <= {"service_request_id", "service_notice", "account_id"}


def test_a_service_with_a_notice_gives_it(town: Client) -> None:
    (row,) = town.post(service_code="street-light", **{"attribute[fault]": "dark"}).json()

    assert row["service_notice"]


def test_status_is_only_open_or_closed(town: Client) -> None:
    assert {row["status"] for row in town.requests()} == {"open", "closed"}


@pytest.mark.parametrize("n", [3999, 4000])
def test_a_description_may_have_4000_characters(town: Client, n: int) -> None:
    number = town.report(description="ä" * n)

    assert len(town.one(number)["description"]) == n


def test_a_description_of_4001_is_refused(town: Client) -> None:
    answer = town.post(description="ä" * 4001)

    assert answer.status_code == 400
    assert "4,000" in faults(answer)[0]["description"]


def test_line_breaks_are_kept(town: Client) -> None:
    assert town.one(town.report(description="one\r\ntwo"))["description"] == "one\ntwo"
    assert town.one(town.report(description="one\ntwo"), "xml")["description"] == "one\ntwo"


def test_every_language_is_written(town: Client) -> None:
    words = "Straße, Škoda, 道路の穴, رصيف, 🕳️ e\u0301"
    number = town.report(description=words)

    assert town.one(number)["description"] == words
    assert town.one(number, "xml")["description"] == words


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=UTF-8"])
def test_forms_are_read_with_and_without_charset(town: Client, charset: str) -> None:
    body = f"api_key={town.key}&service_code=pothole&lat=1&long=2&description=Stra%C3%9Fe{charset.strip('; ')}"
    head = {"Content-Type": f"application/x-www-form-urlencoded{charset}"}
    answer = town.wire.post(f"{town.base}/requests.json", content=body, headers=head)

    assert town.one(answer.json()[0]["service_request_id"])["description"].startswith("Straße")


def test_a_trailing_slash_is_forgiven(town: Client) -> None:
    assert town.get("services.json/").status_code == 200


def test_a_wrong_key_does_not_matter_to_who_reads(town: Client) -> None:
    assert town.get("requests.json", api_key="wrong").status_code == 200


def test_the_same_id_twice_and_spaces_between_ids_do_no_harm(town: Client) -> None:
    first, second = town.report(), town.report()

    assert sorted(town.ids(service_request_id=f"{first}, {second},{first}")) == sorted([first, second])


def test_a_request_is_found_by_its_own_moment_in_another_zone(town: Client) -> None:
    number = town.report()
    at = moment(town.one(number)["requested_datetime"]).astimezone(timezone(timedelta(hours=-5))).isoformat()

    assert number in town.ids(start_date=at, end_date=at)


def test_the_missing_key_weighs_more_than_what_else_is_wrong(town: Client) -> None:
    assert town.post(api_key=None, service_code="no-such", lat=None, long=None).status_code == 403
