"""What can be reported in some areas only is offered and taken there, and refused elsewhere in words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from tests.web.report.krems import krems, lamp

from amends.reports import queries
from amends.reports.records import Filter
from amends.signals.steps import create_key
from amends.worker.story import clock

pytestmark = pytest.mark.django_db
CATEGORIES = """\
categories:
  lamp: {name: Street light}
  quay: {name: Quay wall, areas: [hafen]}
"""
HARBOUR, OLD_TOWN = {"lat": "48.4129", "long": "15.6422"}, {"lat": "48.4118", "long": "15.6030"}


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    with krems(categories=CATEGORIES):
        yield


def offered(client: Client, **where: str) -> set[str]:
    return {one["service_code"] for one in client.get("/open311/v2/services.json", where).json()}


def sent(client: Client, **fields: str) -> int:
    key = create_key("app", ["reports:write"], clock())
    form = {"api_key": key, "service_code": "quay", "description": "A stone has come off"} | fields
    return client.post("/open311/v2/requests.json", form).status_code


def test_services_at_a_place_are_those_that_are_offered_there(client: Client) -> None:
    assert offered(client) == {"lamp", "quay"}
    assert offered(client, **HARBOUR) == {"lamp", "quay"}
    assert offered(client, **OLD_TOWN) == {"lamp"}


def test_open311_takes_it_within_its_areas_only(client: Client) -> None:
    assert sent(client, **HARBOUR) == 200
    assert sent(client, **OLD_TOWN) == 400
    assert sent(client, service_code="lamp", **OLD_TOWN) == 200
    assert sent(client, address_string="Where the boats lie") == 200  # nobody knows where that is
    assert sent(client, address_string="Obere Landstraße 3, 3500 Krems") == 400  # the map knows this one


def test_what_is_refused_is_told_with_what_to_ask(client: Client) -> None:
    key = create_key("app", ["reports:write"], clock())
    form = {"api_key": key, "service_code": "quay", "description": "A stone", **OLD_TOWN}

    (said,) = client.post("/open311/v2/requests.json", form).json()

    assert "not offered at this place" in said["description"]


@pytest.mark.parametrize(("where", "taken"), [(HARBOUR, 1), (OLD_TOWN, 0)])
def test_the_form_takes_it_within_its_areas_only(client: Client, where: dict[str, str], taken: int) -> None:
    answer = client.post("/report", lamp(category="quay", asset_number="", **where))

    assert len(list(queries.every(Filter()))) == taken
    assert answer.status_code == (302 if taken else 422)
    assert taken or "cannot be reported at this place" in answer.content.decode()
    assert settings.AMENDS.map.outside == "refuse"
