"""Handing reports to another body's server keeps the contract of connectors, and is careful with every answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.connectors.open311.standin import KEY, FarSide, FarSideInXml

from amends.connectors.open311.connector import Open311Forwarder
from amends.connectors.open311.far import Far
from amends.ground.ids import derive
from amends.outbox.records import Connector, Done, Found, Later, NotDone, Order, Refused, Unknown
from amends.reports import forwards
from amends.reports.catalogue import Open311
from amends.testing import ConnectorContract, StandIn
from amends.testing.contract import NOW


def order(key: str = "forward:12:roads", code: str = "lamp", **more: Any) -> Order:
    mark = f"[12-{derive('mark', key)[5:15]}]"
    fields = {"service_code": code, "lat": "48.41", "long": "15.61", "address_string": "3 Mill Lane"}
    told = {
        "fields": [[name, value] for name, value in (fields | more).items()],
        "said": "The lamp is dark.",
        "answers": [["fault", "What is wrong?", ["dark"], ["It is dark"]], ["pole", "Its number?", ["17"], ["17"]]],
        "page": "https://town.example/reports/12",
        "at": "2026-11-24T12:00:00Z",
        "mark": mark,
    }
    told["answers"].append(["around", "What is near?", ["school", "stop"], ["A school", "A stop"]])  # type: ignore[attr-defined]
    return Order(key, forwards.KIND, "open311:roads", "", "ada", told)


def connector(url: str, form: str = "json", **more: Any) -> Open311Forwarder:
    tick = more.pop("tick", time.monotonic)
    there = Open311(url, key_env="ROADS_KEY", form=form, **({"listed_within_s": 0} | more))
    return Open311Forwarder("open311:roads", Far("the road office", there, KEY, timeout_s=1.0, tick=tick))


class TestForwarding(ConnectorContract):
    secrets = (KEY,)
    form = "json"

    def make_standin(self) -> StandIn:
        return FarSide()

    def make_connector(self, url: str) -> Connector:
        return connector(url, self.form)

    def make_order(self, key: str) -> Order:
        return order(key)


class TestForwardingInXml(TestForwarding):
    form = "xml"
    cannot_play = frozenset({"other"})  # it bends JSON only

    def make_standin(self) -> StandIn:
        return FarSideInXml()


@pytest.fixture
def there() -> Iterator[FarSide]:
    with FarSide() as standin:
        yield standin


def test_all_that_may_be_known_goes_over(there: FarSide) -> None:
    connector(there.url, jurisdiction="roads.example").act(order(first_name="Ann"), NOW)
    form = there.journal[0]["form"]

    assert form["description"] == [
        "The lamp is dark.\nIts number? 17\n\nhttps://town.example/reports/12 " + order().payload["mark"]
    ]
    assert form["attribute[fault]"] == ["dark"]
    assert form["attribute[around][]"] == ["school", "stop"]
    assert not [name for name in form if "pole" in name], "what they do not ask stands in the words"
    assert (form["lat"], form["address_string"], form["first_name"]) == (["48.41"], ["3 Mill Lane"], ["Ann"])
    assert form["jurisdiction_id"] == ["roads.example"]


@pytest.mark.parametrize(("code", "ref"), [("sofa", "token:TSR:1"), ("noise", forwards.UNNUMBERED)])
def test_a_token_and_a_silent_yes_are_receipts_where_they_belong(there: FarSide, code: str, ref: str) -> None:
    assert connector(there.url).act(order(code=code), NOW) == Done(ref)


@pytest.mark.parametrize("more", [{}, {"listed_within_s": None}, {"listed_within_s": 60}])
def test_what_lists_nothing_at_once_is_never_sure(there: FarSide, more: dict[str, Any]) -> None:
    there.types["lamp"] = "batch" if not more else "realtime"
    there.lists = False

    assert isinstance(connector(there.url, **more).find(order()), Unknown)


def test_not_listed_is_not_done_only_after_its_time(there: FarSide) -> None:
    clock = [0.0]
    asked = connector(there.url, listed_within_s=60, tick=lambda: clock[0])
    found = []
    for clock[0] in (10.0, 69.0, 70.0, 71.0):
        found.append(type(asked.find(order())))

    assert found == [Unknown, Unknown, NotDone, Unknown], "once it was tried again, its time begins anew"


def test_a_server_that_honours_keys_is_asked_again_under_the_key(there: FarSide) -> None:
    asked = connector(there.url, idempotent=True)

    assert asked.declaration.key_window == timedelta.max
    assert asked.find(order(code="sofa")) == NotDone()


def test_a_request_that_could_be_it_is_for_a_person(there: FarSide) -> None:
    """Their server cut our mark off, or a neighbour told them the same: nobody here can know which."""
    asked = connector(there.url)
    asked.act(order(), NOW)
    there.journal[0]["said"]["description"] = "The lamp is dark.\nIts number? 17"

    assert isinstance(found := asked.find(order()), Unknown)
    assert "SR:1" in found.reason


def test_other_reports_nearby_do_not_hinder(there: FarSide) -> None:
    asked = connector(there.url)
    asked.act(order("forward:13:roads"), NOW)
    there.effect("x", number="SR:8", code="lamp", said={"description": "A tree", "lat": "48.41", "long": "15.61"})
    there.effect("x", number="SR:9", code="lamp", said={"description": "The lamp is dark. Its number? 17", "lat": "1"})

    assert asked.find(order()) == NotDone()


def test_a_list_that_may_be_cut_proves_nothing(there: FarSide) -> None:
    asked = connector(there.url)
    far_off = {"description": "x", "lat": "1", "long": "1"}
    for n in range(25):
        there.effect("x", number=f"X{n}", code="lamp", said=far_off)

    assert asked.find(order()) == NotDone(), "it has pages, and the last one was seen"
    there.page_size = 20
    assert asked.find(order()) == NotDone()
    there._get, get = lambda path, request: get(path, _first_page(request)), there._get  # type: ignore[method-assign,assignment]
    assert isinstance(asked.find(order()), Unknown), "it knows no pages"


def _first_page(request: Any) -> Any:
    return type(request)(request.method, request.path, {**request.query, "page": "1"}, request.headers, request.body)


def test_without_its_words_a_request_is_known_by_place_and_service(there: FarSide) -> None:
    there.echoes = False

    assert connector(there.url).act(order(), NOW) == Done("SR:1")


@pytest.mark.parametrize("within", [0, 300])
def test_a_number_that_cannot_be_seen_yet_counts_where_that_is_usual(there: FarSide, within: int) -> None:
    there.lists = False
    answer = connector(there.url, listed_within_s=within).act(order(), NOW)

    assert isinstance(answer, Done if within else Unknown), answer


def test_the_number_of_another_request_is_no_receipt(there: FarSide) -> None:
    there.effect("x", number="SR:7", code="17", said={"description": "A hole", "lat": "1", "long": "1"})
    there._post = lambda request: there._list("service_requests", [{"service_request_id": "SR:7"}])  # type: ignore[method-assign]

    assert isinstance(answer := connector(there.url).act(order(), NOW), Unknown)
    assert "another request" in answer.reason


@pytest.mark.parametrize("standin", [FarSide, FarSideInXml])
def test_a_no_comes_in_their_words(standin: type[FarSide]) -> None:
    with standin() as there:
        answer = connector(there.url, there.form).act(order(code="unicorn"), NOW)

    assert answer == Refused("the road office refused it: service_code is not known here")


def test_a_wrong_key_of_ours_refuses_nothing(there: FarSide) -> None:
    asked = connector(there.url)
    asked.far.key = "wrong"

    assert isinstance(asked.act(order(), NOW), Later)


def test_nothing_is_sent_to_who_does_not_say_what_it_asks(there: FarSide) -> None:
    there.lookup_fault = "html"

    assert isinstance(connector(there.url).act(order(), NOW), Later)
    assert not there.keys()


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
ONE = "<service_requests><request><service_request_id>{}</service_request_id></request></service_requests>"


class Saying(httpx.BaseTransport):
    """Answers every POST with these bytes, and everything else as a server without anything."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body, self.status = body, status

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(self.status, stream=httpx.ByteStream(self.body))
        listed = request.url.path.endswith(("services.json", "requests.json"))
        return httpx.Response(200 if listed else 404, stream=httpx.ByteStream(b"[]"))


def said(body: bytes, status: int = 200) -> Any:
    there = Open311("http://far.example", listed_within_s=300)
    return Open311Forwarder("open311:roads", Far("roads", there, KEY, transport=Saying(body, status))).act(order(), NOW)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ONE.format("17").encode(), Done),
        (ONE.format("17").encode("utf-16"), Done),
        ((BOMB + ONE.format("&b;")).encode("utf-16"), Unknown),
        (b'<?xml version="1.0" encoding="nonsense"?>' + ONE.format("17").encode(), Unknown),
        (f"<?xml version='1.0'?>{ONE.format('1&#8;7')}".encode(), Done),
        (ONE.format("17\x08").encode(), Done),
        (BOMB.encode() + ONE.format("&b;").encode(), Unknown),
        (b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + ONE.format("&x;").encode(), Unknown),
        (ONE.format("&x;").encode(), Unknown),
        (("<a>" * 5000).encode(), Unknown),
        (ONE.format("17")[:-20].encode(), Unknown),
        (b"<html><body>Thank you, your number is 17</body></html>", Unknown),
        (b'[{"service_request_id": "17"', Unknown),
        (b'[{"service_request_id": "17"}, {"service_request_id": "18"}]', Unknown),
        (b'{"service_requests": [{"service_request_id": 17}]}', Done),
        (b'[{"service_request_id": 17}]', Done),
        (b'[{"service_request_id": "1,7"}]', Unknown),
        (b'[{"service_request_id": "%s"}]' % (b"9" * 300), Unknown),
        (b'[{"service_request_id": {"a": 1}}]', Unknown),
        (b'[{"service_request_id": null}]', Unknown),
        (b'[{"service_request_id": "(on its way)"}]', Unknown),
        (b"[17]", Unknown),
        (b"[" * 200_000, Unknown),
        (b"", Unknown),
        (b'[{"code": 400, "description": "lat is outside of our area"}]', Refused),
    ],
    ids=range(25),
)
def test_an_answer_is_taken_for_what_it_is(body: bytes, kind: type) -> None:
    assert isinstance(answer := said(body), kind), answer


def test_errors_are_told_all_and_without_our_key() -> None:
    body = json.dumps([{"code": 1, "description": f"key {KEY}\n too old"}, {"code": 400, "description": "lat?"}])
    answer = said(body.encode(), 400)

    assert answer == Refused("roads refused it: key … too old; lat?")


def test_a_page_of_lists_is_read_and_no_more(there: FarSide) -> None:
    found: Found = connector(there.url).find(order())
    assert found == NotDone()
    there.lookup_fault = "huge"

    assert isinstance(connector(there.url).find(order()), Unknown)
