"""The pages of following without any script: a link opened changes nothing, a button does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from tests.reports.town import at, intake, town

from amends.notices import digests
from amends.outbox.models import ActRow
from amends.reports import following, moderation, steps
from amends.reports.records import State

pytestmark = pytest.mark.django_db
NOW = at("2026-11-23T10:00:00")
HOUSE = {"street": "Ringstraße", "number": "4"}
SQUARE = [[15.59, 48.40], [15.62, 48.40], [15.62, 48.42], [15.59, 48.42], [15.59, 48.40]]
LAYERS = {
    "addresses": [
        ({"type": "Point", "coordinates": [15.60, 48.41]}, HOUSE | {"city": "Krems"}),
        ({"type": "Point", "coordinates": [15.61, 48.41]}, HOUSE | {"city": "Stein"}),
    ],
    "areas": [({"type": "Polygon", "coordinates": [SQUARE]}, {"code": "old", "name": "Old Town"})],
}


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    with town() as here:
        (here / "places").mkdir(exist_ok=True)
        for name, found in LAYERS.items():
            features = [{"type": "Feature", "geometry": where, "properties": what} for where, what in found]
            said = json.dumps({"type": "FeatureCollection", "features": features})
            (here / "places" / f"{name}.geojson").write_text(said)
        yield
        for name in LAYERS:
            (here / "places" / f"{name}.geojson").unlink()


def ask(client: Client, path: str = "/follow", **given: str) -> int:
    return client.post(path, {"email": "bea@example.org", **given}).status_code


def link(kind: str, last: str, about: str = "") -> str:
    """The path behind a link in the mail of a kind that says this."""
    digests.write(NOW + timedelta(minutes=1))
    (text,) = [row.payload["text"] for row in ActRow.objects.filter(kind=kind) if about in row.payload["text"]]
    found = re.findall(rf"http://127.0.0.1:8000(/follow/{last}/\S+)", text)
    return str(found[0])


def confirm(client: Client, about: str = "", **given: str) -> str:
    """Ask, confirm, and come to the own page."""
    assert ask(client, **given) == 302
    return str(client.post(link(digests.CONFIRM, "confirm", about)).headers["Location"])


def test_opening_the_link_changes_nothing_and_the_button_begins_it(client: Client) -> None:
    assert ask(client, what="category", category="lamp") == 302
    path = link(digests.CONFIRM, "confirm")

    for _ in range(3):  # a mail scanner opens links
        assert client.get(path).status_code == 200
    (asked,) = ActRow.objects.filter(kind=digests.CONFIRM)
    assert following.of_customer(asked.customer_id) == []

    own = client.post(path, follow=True)
    assert "reports of the category Street light" in own.content.decode()
    assert [one.wish.category for one in following.of_customer(asked.customer_id)] == ["lamp"]


def test_ten_impatient_clicks_are_one_mail(client: Client) -> None:
    for _ in range(10):
        assert ask(client, what="area", area="old") == 302
        digests.write(NOW)

    assert ActRow.objects.filter(kind=digests.CONFIRM).count() == 1


def test_a_place_is_found_by_its_address_and_asked_for_where_several_may_be_meant(client: Client) -> None:
    several = client.post(
        "/follow", {"what": "place", "where": "Ringstraße 4", "radius": "250", "email": "bea@example.org"}
    )
    page = several.content.decode()
    assert several.status_code == 422
    (value, *_) = re.findall(r'name="at" value="([^"]+)"', page)

    own = confirm(client, what="place", where="Ringstraße 4", at=value, radius="250")
    assert "reports within 250 m of Ringstraße" in client.get(own).content.decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"what": "place", "lat": "nan", "long": "15.6"}, "This is no place that we look after"),
        ({"what": "place", "lat": "48.41", "long": "1e999"}, "This is no place that we look after"),
        ({"what": "place", "lat": "48.41", "long": "15.6", "radius": "999999"}, "Choose a distance"),
        ({"what": "place", "where": "<script>alert(1)</script>"}, "Our map does not know this place"),
        ({"what": "category", "category": "../../etc"}, "Choose a category"),
        ({"what": "area", "area": "nowhere"}, "Choose an area"),
        ({"what": "everything"}, "Choose what you want to follow"),
        ({"what": "area", "area": "old", "email": "not an address"}, "Write a mail address"),
        ({"what": "area", "area": "old", "email": "a@example.org\r\nBcc: b@example.org"}, "Write a mail address"),
        ({"what": "area", "area": "old", "email": f"{'a' * 300}@example.org"}, "Write a mail address"),
    ],
)
def test_what_cannot_be_followed_is_said_beside_its_field(client: Client, given: dict[str, str], says: str) -> None:
    answer = client.post("/follow", {"email": "bea@example.org"} | given)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


def test_a_report_is_followed_from_its_page_and_a_hidden_one_is_not_there(client: Client) -> None:
    lamp = steps.receive(intake("a", address="Ringstraße 4"), NOW)
    path = f"/reports/{lamp.number}/follow"
    assert "Street light, Ringstraße 4" in client.get(path).content.decode()
    assert ask(client, path) == 302

    moderation.hide(lamp.number, "spam", who="x", now=NOW)
    assert client.get(path).status_code == ask(client, path) == 404


def test_a_network_that_asks_for_everybody_is_told_to_wait(client: Client) -> None:
    codes = [ask(client, what="area", area="old", email=f"p{n}@example.org") for n in range(21)]

    assert codes == [302] * 20 + [429]


def test_one_or_all_are_ended_on_the_own_page(client: Client) -> None:
    confirm(client, "Tree", what="category", category="tree")
    own = confirm(client, "light", what="category", category="lamp")
    first = re.findall(r'name="one" value="([^"]+)"', client.get(own).content.decode())[0]

    assert "Tree" in client.get(own).content.decode()
    assert "Tree" not in client.post(own, {"one": first}, follow=True).content.decode()
    assert "You follow nothing" in client.post(own, {"all": "1"}, follow=True).content.decode()


def test_nobody_ends_what_is_somebody_elses(client: Client) -> None:
    confirm(client, what="category", category="lamp", email="cem@example.org")
    (theirs,) = ActRow.objects.filter(kind=digests.CONFIRM)
    own = confirm(client, "Tree", what="category", category="tree")

    client.post(own, {"one": following.of_customer(theirs.customer_id)[0].follow_id})

    assert len(following.of_customer(theirs.customer_id)) == 1


def test_a_mail_program_ends_it_with_one_click_and_a_person_with_a_button(client: Client) -> None:
    lamp = steps.receive(intake("a"), NOW)
    ask(client, f"/reports/{lamp.number}/follow")
    client.post(link(digests.CONFIRM, "confirm"))
    steps.move(lamp.number, State.FIXED, who="x", now=NOW)
    path = link(digests.FOLLOW, "end")
    customer_id = ActRow.objects.filter(kind=digests.FOLLOW).get().customer_id

    assert "End it" in client.get(path).content.decode()
    assert len(following.of_customer(customer_id)) == 1
    program = Client(enforce_csrf_checks=True)  # no cookie, no token, no redirect (RFC 8058)
    assert program.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert following.of_customer(customer_id) == []
    assert program.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200


def test_a_link_that_is_not_ours_leads_nowhere(client: Client) -> None:
    for path in ("confirm", "end", "yours"):
        assert client.get(f"/follow/{path}/all.resident_x~forged").status_code == 404
    token = following.token(following.ONE, "foll_x")
    assert client.get(f"/follow/confirm/{token}").status_code == 410
    assert client.get(f"/follow/yours/{token}").status_code == 404


def test_the_own_page_is_nobody_elses_business(client: Client) -> None:
    answer = client.get(confirm(client, what="category", category="lamp"))

    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_the_form_speaks_german_too(client: Client) -> None:
    page = client.get("/follow", headers={"Accept-Language": "de"}).content.decode()

    assert '<html lang="de"' in page
    assert "Meldungen abonnieren" in page
