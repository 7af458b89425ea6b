"""GeoReport v2, core: every resource in both formats, as the standard writes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.open311.wire import FORMS, PIN, TYPES, Client, faults, moment, read, stamp, word

pytestmark = pytest.mark.xdist_group("open311")
both = pytest.mark.parametrize("form", FORMS)
REQUIRED = ("service_request_id", "status", "service_name", "service_code", "requested_datetime", "updated_datetime")


@both
@pytest.mark.parametrize("above", ["", "/.."])
def test_discovery_stands_beside_the_endpoint_and_above_it(town: Client, form: str, above: str) -> None:
    answer = town.wire.get(f"{town.base}{above}/discovery.{form}")
    found = read(answer)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPES[form]
    assert {"changeset", "contact", "key_service", "endpoints"} <= found.keys()
    assert len(found["endpoints"]) >= 2


@both
def test_discovery_names_this_endpoint(town: Client, form: str) -> None:
    ends = town.rows(f"discovery.{form}")["endpoints"]
    ours = next(end for end in ends if end["specification"] == "http://wiki.open311.org/GeoReport_v2")

    assert ours["url"].rstrip("/") == town.base
    assert ours["type"] in ("production", "test")
    assert set(ours["formats"]) == {"text/xml", "application/json"}
    moment(ours["changeset"])


@both
def test_every_service_has_its_fields(town: Client, form: str) -> None:
    for service in town.rows(f"services.{form}"):
        assert {
            "service_code",
            "service_name",
            "description",
            "metadata",
            "type",
            "keywords",
            "group",
        } <= service.keys()
        assert service["type"] in ("realtime", "batch", "blackbox")
        assert service["metadata"] in (True, False, "true", "false")


def test_there_is_a_service_of_each_kind(town: Client) -> None:
    assert {service["type"] for service in town.rows("services.json")} == {"realtime", "batch", "blackbox"}


@both
def test_a_definition_has_every_datatype(town: Client, form: str) -> None:
    found = town.rows(f"services/street-light.{form}")
    kinds = {attribute["datatype"] for attribute in found["attributes"]}

    assert found["service_code"] == "street-light"
    assert kinds == {"string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"}


@both
def test_every_attribute_has_its_fields_and_an_order_of_its_own(town: Client, form: str) -> None:
    found = town.rows(f"services/street-light.{form}")["attributes"]
    fields = {"variable", "code", "datatype", "required", "datatype_description", "order", "description"}

    assert all(fields <= attribute.keys() for attribute in found)
    assert sorted(int(attribute["order"]) for attribute in found) == list(range(1, len(found) + 1))


@both
def test_lists_have_keys_and_names(town: Client, form: str) -> None:
    found = town.rows(f"services/street-light.{form}")["attributes"]
    listed = [attribute for attribute in found if attribute["datatype"].endswith("list")]

    assert listed
    assert all(value["key"] and value["name"] for attribute in listed for value in attribute["values"])


def test_what_is_only_read_is_never_required(town: Client) -> None:
    shown = [each for each in town.rows("services/street-light.json")["attributes"] if not each["variable"]]

    assert shown
    assert not any(each["required"] for each in shown)


@both
def test_a_service_without_questions_has_an_empty_definition(town: Client, form: str) -> None:
    assert town.rows(f"services/pothole.{form}")["attributes"] == []


@both
def test_an_unknown_service_is_not_found(town: Client, form: str) -> None:
    answer = town.get(f"services/no-such.{form}")

    assert answer.status_code == 404
    assert int(faults(answer)[0]["code"]) == 404


@both
def test_a_realtime_report_gets_its_id_at_once(town: Client, form: str) -> None:
    answer = town.post(form)
    (row,) = read(answer)

    assert answer.status_code in (200, 201)
    assert row["service_request_id"]
    assert "token" not in row


@both
def test_a_new_report_is_read_at_once(town: Client, form: str) -> None:
    words = word()
    number = town.report(description=words)
    row = town.one(number, form)

    assert row["description"] == words
    assert row["status"] == "open"
    assert (float(row["lat"]), float(row["long"])) == (48.41, 15.61)
    assert number in town.ids()


@both
def test_a_batch_report_gets_a_token_and_soon_an_id(town: Client, form: str) -> None:
    (row,) = read(town.post(form, service_code="bulky-waste"))
    assert "service_request_id" not in row

    for _ in range(100):
        (told,) = town.rows(f"tokens/{row['token']}.{form}")
        assert told["token"] == row["token"]
        if told["service_request_id"]:
            break
        time.sleep(0.1)
    assert town.one(told["service_request_id"])["service_code"] == "bulky-waste"


@both
def test_a_blackbox_report_gets_neither(town: Client, form: str) -> None:
    (row,) = read(town.post(form, service_code="noise"))

    assert not {"service_request_id", "token"} & {name for name, value in row.items() if value}


@both
def test_an_unknown_token_is_not_found(town: Client, form: str) -> None:
    assert town.get(f"tokens/no-such.{form}").status_code == 404


@both
def test_answers_to_questions_are_taken(town: Client, form: str) -> None:
    answers: dict[str, Any] = {
        "attribute[fault]": "flickers",
        "attribute[around][]": ["school", "stop"],
        "attribute[number]": "L-99",
        "attribute[how_many]": "2",
        "attribute[since]": "2026-01-02T03:04:05+01:00",
        "attribute[remarks]": "first line\nsecond line",
    }

    assert town.post(form, service_code="street-light", **answers).status_code == 200


@both
def test_a_missing_answer_is_named(town: Client, form: str) -> None:
    answer = town.post(form, service_code="street-light")

    assert answer.status_code == 400
    assert any("fault required" in fault["description"] for fault in faults(answer))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attribute[fault]", "no-such"),
        ("attribute[around][]", "no-such"),
        ("attribute[how_many]", "several"),
        ("attribute[since]", "yesterday"),
        ("attribute[since]", "2026-01-02T03:04:05"),
        ("attribute[number]", "two\nlines"),
    ],
)
def test_a_wrong_answer_is_refused_by_name(town: Client, field: str, value: str) -> None:
    answer = town.post(service_code="street-light", **({"attribute[fault]": "dark"} | {field: value}))

    assert answer.status_code == 400
    assert any(field.split("[")[1].rstrip("]") in fault["description"] for fault in faults(answer))


@both
def test_all_that_is_wrong_is_said_at_once(town: Client, form: str) -> None:
    answer = town.post(form, service_code="street-light", lat="nan", description="x" * 4001, media_url="javascript:x")

    assert answer.status_code == 400
    assert len(faults(answer)) >= 4


@both
@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_without_a_key_nothing_is_taken(town: Client, form: str, key: str | None) -> None:
    answer = town.post(form, api_key=key)

    assert answer.status_code == 403
    assert int(faults(answer)[0]["code"]) == 403


@both
def test_an_unknown_service_code_is_not_found(town: Client, form: str) -> None:
    assert town.post(form, service_code="no-such").status_code == 404


@both
@pytest.mark.parametrize("code", [None, ""])
def test_a_service_code_is_needed(town: Client, form: str, code: str | None) -> None:
    answer = town.post(form, service_code=code)

    assert answer.status_code == 400
    assert "service_code" in faults(answer)[0]["description"]


@both
def test_a_place_is_needed(town: Client, form: str) -> None:
    assert town.post(form, lat=None, long=None).status_code == 400


@pytest.mark.parametrize("missing", ["lat", "long"])
def test_half_a_position_is_none(town: Client, missing: str) -> None:
    answer = town.post(**{missing: None})

    assert answer.status_code == 400
    assert missing in faults(answer)[0]["description"]


def test_an_address_alone_is_a_place(town: Client) -> None:
    row = town.one(town.report(lat=None, long=None, address_string="1 Nowhere Road"))

    assert (row["address"], row["lat"], row["long"]) == ("1 Nowhere Road", None, None)


def test_an_address_id_alone_is_refused_in_words(town: Client) -> None:
    answer = town.post(lat=None, long=None, address_id="4711")

    assert answer.status_code == 400
    assert "address_id" in faults(answer)[0]["description"]


def test_an_address_id_beside_a_position_does_no_harm(town: Client) -> None:
    assert town.post(address_id="#NOTPINPOINTED#").status_code == 200


@both
def test_every_request_has_its_fields(town: Client, form: str) -> None:
    for row in town.requests(form):
        assert all(row[name] for name in REQUIRED)
        assert row["status"] in ("open", "closed")
        assert {"lat", "long", "address", "media_url", "expected_datetime", "zipcode", "address_id"} <= row.keys()
        moment(row["requested_datetime"])
        moment(row["updated_datetime"])


@both
def test_ids_are_asked_for_in_a_list_and_override_all_else(town: Client, form: str) -> None:
    first, second = town.report(), town.report()
    asked = {"status": "closed", "start_date": "2001-01-01T00:00:00Z", "end_date": "2001-01-02T00:00:00Z"}
    found = town.requests(form, service_request_id=f"{first},{second},99999999,no-such", **asked)

    assert {row["service_request_id"] for row in found} == {first, second}


@both
@pytest.mark.parametrize("codes", ["pothole", "pothole,street-light"])
def test_services_are_a_filter(town: Client, form: str, codes: str) -> None:
    found = {row["service_code"] for row in town.requests(form, service_code=codes)}

    assert found
    assert found <= set(codes.split(","))


@both
@pytest.mark.parametrize("status", ["open", "closed", "open,closed"])
def test_status_is_a_filter(town: Client, form: str, status: str) -> None:
    assert {row["status"] for row in town.requests(form, status=status)} == set(status.split(","))


@both
def test_an_unknown_status_is_refused(town: Client, form: str) -> None:
    assert town.get(f"requests.{form}", status="fixed").status_code == 400


def test_the_last_90_days_are_the_default(town: Client) -> None:
    since = datetime.now(UTC) - timedelta(days=90, minutes=1)

    assert all(moment(row["requested_datetime"]) >= since for row in town.requests())


def test_older_requests_are_found_by_dates(town: Client) -> None:
    now = datetime.now(UTC)
    found = town.requests(start_date=stamp(now - timedelta(days=160)), end_date=stamp(now - timedelta(days=91)))

    assert found
    assert any(row["status"] == "closed" for row in found)


def test_both_dates_are_included(town: Client) -> None:
    number = town.report()
    at = town.one(number)["requested_datetime"]

    assert number in town.ids(start_date=at, end_date=at)


def test_one_date_alone_reaches_90_days(town: Client) -> None:
    now = datetime.now(UTC)
    old = town.requests(start_date=stamp(now - timedelta(days=200)))
    recent = town.requests(end_date=stamp(now - timedelta(days=110)))

    assert old
    assert recent
    assert all(moment(row["requested_datetime"]) <= now - timedelta(days=109) for row in (*old, *recent))


@pytest.mark.parametrize("days", [91, 400])
def test_more_than_90_days_are_refused_in_words(town: Client, days: int) -> None:
    now = datetime.now(UTC)
    answer = town.get("requests.json", start_date=stamp(now - timedelta(days=days)), end_date=stamp(now))

    assert answer.status_code == 400
    assert "90" in faults(answer)[0]["description"]


def test_exactly_90_days_are_answered(town: Client) -> None:
    now = datetime.now(UTC)

    assert town.get("requests.json", start_date=stamp(now - timedelta(days=90)), end_date=stamp(now)).status_code == 200


@both
def test_one_request_is_a_list_of_one(town: Client, form: str) -> None:
    number = town.report(**PIN)
    found = town.rows(f"requests/{number}.{form}")

    assert [row["service_request_id"] for row in found] == [number]


@both
@pytest.mark.parametrize("number", ["99999999", "no-such", "0", "-1", "1e3", "9" * 40])
def test_an_unknown_request_is_not_found(town: Client, form: str, number: str) -> None:
    answer = town.get(f"requests/{number}.{form}")

    assert answer.status_code == 404
    faults(answer)


@both
def test_media_urls_come_back(town: Client, form: str) -> None:
    number = town.report(media_url="https://example.org/a.jpg")

    assert town.one(number, form)["media_url"] == "https://example.org/a.jpg"


def test_a_jurisdiction_of_ours_and_none_are_accepted(town: Client) -> None:
    assert town.get("requests.json", jurisdiction_id="conformance-town.example").status_code == 200
    assert town.get("requests.json", jurisdiction_id="").status_code == 200


@both
def test_an_unknown_jurisdiction_is_not_found(town: Client, form: str) -> None:
    for path in (f"services.{form}", f"requests.{form}", f"services/pothole.{form}"):
        assert town.get(path, jurisdiction_id="elsewhere.example").status_code == 404
    assert town.post(form, jurisdiction_id="elsewhere.example").status_code == 404


@both
@pytest.mark.parametrize(("path", "lacks"), [("services", "service_code"), ("requests", "service_request_id")])
def test_an_address_that_lacks_its_code_says_so(town: Client, form: str, path: str, lacks: str) -> None:
    answer = town.get(f"{path}/.{form}")

    assert answer.status_code == 400
    assert lacks in faults(answer)[0]["description"]
