"""Atom and RSS that feed readers can rely on: valid, steady, and silent until something happens."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest
from django.test import Client
from tests.reports.town import at, intake

from amends.reports import moderation, steps
from amends.reports.records import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_town")]
NOW = at("2026-11-23T10:00:00")
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def atom(client: Client, path: str) -> ET.Element:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ET.fromstring(answer.content)


def titles(client: Client, path: str) -> list[str]:
    return [str(found.text) for found in atom(client, path).iterfind("a:entry/a:title", ATOM)]


def test_a_feed_has_all_that_rfc_4287_demands_and_its_ids_stay(client: Client) -> None:
    lamp = steps.receive(intake("a", address="Ringstraße 4"), NOW)
    steps.move(lamp.number, State.FIXED, who="x", now=NOW + timedelta(hours=1), words="A new lamp & <b>bulb</b>")

    feed = atom(client, f"/feeds/reports/{lamp.number}.atom")
    for path in ("a:id", "a:title", "a:updated", "a:author/a:name", "a:link[@rel='self']", "a:link[@rel='alternate']"):
        assert feed.find(path, ATOM) is not None, path
    first, second = feed.iterfind("a:entry", ATOM)
    assert first.findtext("a:title", "", ATOM) == f"Street light, Ringstraße 4 ({lamp.number}): mended"
    assert first.findtext("a:updated", "", ATOM) == "2026-11-23T10:00:00+00:00"
    assert "A new lamp &amp; &lt;b&gt;" in first.findtext("a:summary", "", ATOM)
    assert second.findtext("a:id", "", ATOM) == atom(client, "/feeds/reports.atom")[-1].findtext("a:id", "", ATOM)
    assert all(link.get("href", "").startswith("http://127.0.0.1:8000/") for link in feed.iterfind(".//a:link", ATOM))


def test_rss_says_the_same(client: Client) -> None:
    steps.receive(intake("a", address="Ringstraße 4"), NOW)

    answer = client.get("/feeds/reports.rss")
    (item,) = ET.fromstring(answer.content).iterfind("channel/item")

    assert answer.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert item.find("guid").get("isPermaLink") == "false"  # type: ignore[union-attr]
    assert item.findtext("pubDate") == "Mon, 23 Nov 2026 09:00:00 +0000"


def test_who_asks_again_is_answered_304_until_something_happens(client: Client) -> None:
    lamp = steps.receive(intake("a"), NOW)
    first = client.get("/feeds/reports.atom")
    marks = {"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}

    assert [client.get("/feeds/reports.atom", headers=mark).status_code for mark in marks] == [304, 304]
    assert client.get("/feeds/reports.atom", headers=marks[0]).content == b""
    steps.move(lamp.number, State.FIXED, who="x", now=NOW + timedelta(hours=1))
    assert [client.get("/feeds/reports.atom", headers=mark).status_code for mark in marks] == [200, 200]


def test_each_feed_has_its_own_and_nobody_elses(client: Client) -> None:
    near = steps.receive(intake("a", lat=48.41, long=15.60), NOW)
    far = steps.receive(intake("b", lat=48.50, long=15.60), NOW)
    tree = steps.receive(intake("c", "tree"), NOW)

    assert titles(client, "/feeds/places/48.41,15.60,500.atom") == [
        f"Street light ({near.number}): new, promised by 26 November 2026"
    ]
    assert len(titles(client, "/feeds/categories/lamp.atom")) == 2
    assert titles(client, "/feeds/categories/tree.atom?lang=de") == [f"Tree ({tree.number}): neu"]
    moderation.hide(far.number, "spam", who="x", now=NOW)
    assert len(titles(client, "/feeds/reports.atom")) == 2
    assert client.get(f"/feeds/reports/{far.number}.atom").status_code == 404


@pytest.mark.parametrize(
    "place", ["48.41,15.60", "nan,15.6,500", "48.41,15.6,1e9", "48.41,15.6,-5", "48.41,15.6,5001", "a,b,c", ",,"]
)
def test_a_place_that_is_none_is_said_to_be_none(client: Client, place: str) -> None:
    assert client.get(f"/feeds/places/{place}.atom").status_code == 400


def test_what_there_is_no_feed_of_is_not_found(client: Client) -> None:
    for path in ("reports.json", "categories/nothing.atom", "areas/nothing.atom", "reports/99.rss"):
        assert client.get(f"/feeds/{path}").status_code == 404


def test_an_empty_feed_is_a_feed_and_does_not_change(client: Client) -> None:
    first, second = client.get("/feeds/reports.atom"), client.get("/feeds/reports.atom")

    assert ET.fromstring(first.content).findtext("a:updated", "", ATOM) == "1970-01-01T00:00:00+00:00"
    assert first.headers["ETag"] == second.headers["ETag"]


def test_what_xml_cannot_hold_breaks_no_feed(client: Client) -> None:
    lamp = steps.receive(intake("a", address="Ring \x0b\x00 ]]> & 😀"), NOW)
    steps.move(lamp.number, State.SCHEDULED, who="x", now=NOW, words="soon \x01 <script>")

    assert len(titles(client, "/feeds/reports.atom")) == 2


def test_a_feed_ends_after_fifty_entries(client: Client) -> None:
    for n in range(60):
        steps.receive(intake(f"r{n}"), NOW)

    assert len(titles(client, "/feeds/reports.atom")) == 50


def test_a_feed_leads_to_the_list_of_the_same_and_pages_announce_theirs(client: Client) -> None:
    lamp = steps.receive(intake("a", address="Ringstraße 4"), NOW)
    where = {
        "/feeds/reports.atom": "/reports",
        "/feeds/categories/lamp.atom": "/reports?category=lamp",
        f"/feeds/reports/{lamp.number}.atom": f"/reports/{lamp.number}",
    }
    for path, page in where.items():
        link = atom(client, path).find("a:link[@rel='alternate']", ATOM)
        assert link is not None
        assert link.get("href") == f"http://127.0.0.1:8000{page}"
        shown = client.get(page).content.decode()
        assert '<link rel="alternate" type="application/atom+xml" title="' in shown
        assert f'href="{path}"' in shown
        assert 'href="/follow"' in shown
        assert 'href="/promises"' in shown
