"""Who may report by GeoReport, and how fast: scopes, revoked keys, a key's pace, floods of one person or device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from tests.web.report.krems import krems

from amends.reports.models import ReportRow
from amends.signals.steps import create_key, revoke_key
from amends.web import keys
from amends.worker.story import clock

pytestmark = pytest.mark.django_db
FORM = {"service_code": "tree", "lat": "48.4129", "long": "15.6422"}


@pytest.fixture(autouse=True)
def _town() -> Iterator[None]:
    cache.clear()
    with krems():
        yield


def key(*scopes: str) -> str:
    return create_key("app", list(scopes or ("reports:write",)), clock())


def send(client: Client, secret: str, n: int = 0, form: str = "json", **more: str) -> Any:
    said = FORM | {"api_key": secret, "description": f"Branch {n}"} | more
    return client.post(f"/open311/v2/requests.{form}", said)


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("secret", ["", "wrong", "a\0b", "amk_" + "x" * 100_000])
def test_a_wrong_key_takes_nothing(client: Client, secret: str, form: str) -> None:
    assert send(client, secret, form=form).status_code == 403
    assert not ReportRow.objects.exists()


def test_a_key_does_what_its_scopes_say_and_nothing_once_it_is_revoked(client: Client) -> None:
    reads, writes = key("reports:update"), key()
    answer = send(client, reads)
    assert (answer.status_code, "lacks the scope reports:write" in answer.json()[0]["description"]) == (403, True)
    update = {"api_key": writes, "update_id": "1", "service_request_id": "1", "status": "FIXED"}
    assert client.post("/open311/v2/servicerequestupdates.json", update).status_code == 403

    assert send(client, writes).status_code == 200
    revoke_key(writes[:12], clock())
    keys._known.clear()
    assert send(client, writes, 2).status_code == 403


def test_a_key_has_its_pace_and_is_told_when_to_come_again(client: Client, settings: Any) -> None:
    settings.AMENDS = replace(settings.AMENDS, open311=replace(settings.AMENDS.open311, reports_per_minute=5))
    secret, other = key(), key()
    codes = [send(client, secret, n).status_code for n in range(6)]
    last = send(client, secret, 7)

    assert codes == [200] * 5 + [429]
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert "nothing was taken" in last.json()[0]["description"]
    assert send(client, other, 8).status_code == 200
    assert send(client, key("reports:write", "reports:unlimited"), 9).status_code == 200
    assert ReportRow.objects.count() == 7


@pytest.mark.parametrize(("field", "most"), [("email", 10), ("device_id", 20)])
def test_a_flood_of_one_person_or_device_is_dammed_and_others_go_on(client: Client, field: str, most: int) -> None:
    secret = key()
    one, two = ("a@example.org", "b@example.org") if field == "email" else ("phone-1", "phone-2")
    codes = [send(client, secret, n, **{field: one}).status_code for n in range(most + 2)]

    assert codes == [200] * most + [429] * 2
    assert send(client, secret, 99, **{field: two}).status_code == 200


def test_sent_again_it_counts_once_against_the_flood(client: Client) -> None:
    secret = key()
    answers: list[HttpResponse] = [send(client, secret, 1, email="a@example.org") for _ in range(25)]

    assert {answer.status_code for answer in answers} == {200}
    assert ReportRow.objects.count() == 1
