"""The desk's pages of incidents: whom each touched, of whom we are certain, and what waits for a person's look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tests.incidents.conftest import START, Tell, served
from tests.incidents.test_incidents import END, PLACE, tried

from amends.incidents import queries


@pytest.fixture
def desk(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_user("op", password="a long password", is_staff=True))
    return client


def shown(desk: Client, path: str) -> str:
    response = desk.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_an_incident_in_full_names_the_certain_and_the_uncertain(tell: Tell, desk: Client) -> None:
    tell("customer.served", *served(["ada", "ben"]))
    tried("ada", 5, failed_start=True)
    tell("outage.started", at=START, cause="<b>a disk</b>", **PLACE)
    tell("outage.ended", at=END, **PLACE)
    (incident,) = queries.recent(1)
    page = shown(desk, f"/desk/incidents/{incident.incident_id}")

    certain, _, uncertain = page.partition("Of whom we cannot tell")
    assert "ada" in certain
    assert "ben" in uncertain
    assert "&lt;b&gt;a disk" in page
    assert "1 h 35 min" in page


def test_the_list_shows_those_that_last_and_ends_that_fit_nothing(tell: Tell, desk: Client) -> None:
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=START - timedelta(hours=1), component="billing", area="north")
    page = shown(desk, "/desk/incidents")

    assert "live-tv, east" in page
    assert "so far" in page
    assert "Ends that fit no outage" in page
    assert "billing, north" in page


def test_an_end_in_doubt_is_shown_where_a_person_looks(tell: Tell, desk: Client) -> None:
    tell("outage.started", at=START, **PLACE)
    tell("outage.ended", at=START + timedelta(minutes=5), **PLACE)
    tell("outage.ended", at=END, **PLACE)
    (incident,) = queries.recent(1)

    assert "look which is true" in shown(desk, f"/desk/incidents/{incident.incident_id}")


@pytest.mark.parametrize("path", ["/desk/incidents", "/desk/incidents/inc_1"])
def test_nobody_else_sees_them(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 302


def test_what_is_not_there_is_not_found(desk: Client) -> None:
    assert desk.get("/desk/incidents/inc_nothing").status_code == 404
