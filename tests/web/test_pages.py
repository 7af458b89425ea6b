"""Pages: who may see them, what they may do, and that a link opened changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, get_resolver

import amends.failures.steps
import amends.recoveries.queries
import amends.recoveries.steps
import amends.signals.steps
from amends.closure import queries as closure
from amends.ground.moments import to_ms
from amends.notices import tokens
from amends.outbox import queries as outbox
from amends.recoveries.records import RecoveryState
from amends.remedies import steps as remedies
from amends.scenarios.starter import files
from amends.signals import door
from amends.signals.models import SignalRow

NOW = datetime.now(UTC)


@pytest.fixture
def recovery_id(db: None, settings: Any) -> str:
    """A recovery made right, from a failure that another system told us."""
    files.write(settings.AMENDS.directory)
    data = {
        "customer_id": "ada",
        "promise": "film-plays",
        "subject": "s-1",
        "started_at": NOW.isoformat(),
        "severity": "minor",
        "facts": {"title": "<script>alert(1)</script>", "startup_s": 12.0},
    }
    SignalRow.objects.create(source="t", event_id="1", type=amends.failures.steps.OBSERVED, data=data, received_at=NOW)
    amends.failures.steps.take_observed(NOW)
    amends.recoveries.steps.decide(NOW + timedelta(seconds=1))
    remedies.provide(NOW)
    remedies.settle(NOW)
    (recovery,) = amends.recoveries.queries.recent(1)
    assert recovery.state is RecoveryState.MADE_RIGHT
    return recovery.recovery_id


def operator(client: Client, *, care: bool = True) -> Client:
    user = User.objects.create_user("op", password="a long password", is_staff=True)
    if care:
        user.groups.add(Group.objects.create(name="care"))
    client.force_login(user)
    return client


def desk_paths() -> list[str]:
    patterns = [p for p in get_resolver().url_patterns if isinstance(p, URLPattern)]
    paths = [str(p.pattern) for p in patterns if str(p.pattern).startswith("desk/")]
    filled = [
        p.replace("<str:recovery_id>", "x").replace("<str:key>", "x").replace("<str:session_id>", "x") for p in paths
    ]
    return ["/" + p.replace("<int:number>", "1").replace("<str:notice_id>", "x") for p in filled]


@pytest.mark.django_db
@pytest.mark.parametrize("path", desk_paths())
def test_the_desk_is_closed_to_strangers(client: Client, path: str) -> None:
    for reply in (client.get(path), client.post(path)):
        assert reply.status_code in (302, 405, 200)
        if reply.status_code == 200:
            assert b'name="password"' in reply.content
        elif reply.status_code == 302:
            assert "/desk/sign-in" in reply.headers["Location"]


def test_every_page_forbids_scripts_from_elsewhere(client: Client, recovery_id: str) -> None:
    for path in ("/", "/desk/sign-in", f"/yours/{tokens.make(recovery_id)}", "/v1/docs", "/nowhere"):
        assert "script-src 'self'" in client.get(path).headers["Content-Security-Policy"]


def test_opening_the_customers_link_changes_nothing(client: Client, recovery_id: str) -> None:
    path = f"/yours/{tokens.make(recovery_id)}"

    assert client.get(path).status_code == client.head(path).status_code == 200
    assert closure.answers_of([recovery_id]) == {}
    assert client.get(path).headers["Cache-Control"] == "private, no-store"
    assert client.get(path).headers["Referrer-Policy"] == "no-referrer"


def test_a_no_opens_the_recovery_again_and_stands_before_a_person(client: Client, recovery_id: str) -> None:
    path = f"/yours/{tokens.make(recovery_id)}"

    client.post(path, {"form": "f\x001", "answer": "no", "words": "\x00still <b>stops</b>"})
    client.post(path, {"form": "f\x001", "answer": "no", "words": "\x00still <b>stops</b>"})
    assert len(closure.answers_of([recovery_id])[recovery_id]) == 1
    found = amends.recoveries.queries.one(recovery_id)
    assert found
    assert found.state is RecoveryState.REOPENED
    assert [act.kind for act in outbox.for_a_person(5)] == ["person.follow_up"]
    page = operator(client).get(f"/desk/recoveries/{recovery_id}").content.decode()
    assert "still &lt;b&gt;stops&lt;/b&gt;" in page
    assert "<script>alert" not in page


def test_a_yes_closes_it(client: Client, recovery_id: str) -> None:
    client.post(f"/yours/{tokens.make(recovery_id)}", {"form": "f1", "answer": "yes"})

    found = amends.recoveries.queries.one(recovery_id)
    assert found
    assert found.state is RecoveryState.CLOSED


@pytest.mark.parametrize("token", ["x", "rec_1~a~b", "😀", "../../etc/passwd"])
def test_a_link_that_is_not_ours_says_so(client: Client, db: None, token: str) -> None:
    assert client.get(f"/yours/{token}").status_code == 404


def test_only_care_may_move_money(client: Client, recovery_id: str) -> None:
    reply = operator(client, care=False).post(f"/desk/recoveries/{recovery_id}/close", {"why": "x"})

    assert reply.status_code == 403


def test_a_form_from_elsewhere_is_refused(recovery_id: str) -> None:
    strict = operator(Client(enforce_csrf_checks=True))

    assert strict.post(f"/desk/recoveries/{recovery_id}/close", {"why": "x"}).status_code == 403


def test_declining_needs_a_reason(client: Client, recovery_id: str) -> None:
    operator(client).post(f"/desk/recoveries/{recovery_id}/decline", {"why": "  "})

    found = amends.recoveries.queries.one(recovery_id)
    assert found
    assert found.state is RecoveryState.MADE_RIGHT


@pytest.mark.django_db
def test_guessing_passwords_is_slowed(client: Client) -> None:
    for _ in range(10):
        client.post("/desk/sign-in", {"username": "op", "password": "wrong"})

    assert client.post("/desk/sign-in", {"username": "op", "password": "wrong"}).status_code == 429


@pytest.mark.django_db
def test_the_quarantine_is_read_and_mended_over_the_api(client: Client, settings: Any) -> None:
    key = amends.signals.steps.create_key("k", ["signals:write", "quarantine:write"], NOW)
    head = {"Authorization": f"Bearer {key}"}
    body = '{"specversion":"1.0","id":"q1","source":"t","type":"com.amends.unknown","data":{}}'
    client.post("/v1/signals", body, content_type="application/json", headers=head)
    amends.signals.steps.absorb(NOW)

    (item,) = client.get("/v1/quarantine", headers=head).json()["items"]
    assert item["field"] == "type"
    assert client.get("/v1/quarantine").status_code == 401
    done = client.post(f"/v1/quarantine/{item['number']}/dismiss", headers=head)
    assert done.json()["state"] == "dismissed"
    assert client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")


@pytest.mark.django_db
def test_long_lists_go_on_behind_the_first_page(client: Client) -> None:
    desk, at = operator(client), to_ms(NOW)
    reports = [f'sid="session-{n:03d}",e=ps,sta=p,ts={at - 1000 * n},v=2'.encode() for n in range(60)]
    door.log().append("cmcd", b"\n".join(reports), at)
    amends.signals.steps.absorb(NOW)

    assert 'href="?page=2"' in desk.get("/desk/sessions").content.decode()
    assert desk.get("/desk/sessions?page=2").content.count(b">session-0") == 10
    assert desk.get("/desk/sessions?q=session-007").content.count(b">session-007<") == 1
    assert desk.get("/desk/sessions?page=zero").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/desk/sign-in?next=%00", "/reports?q=a%00b", "/yours/%00", "/feed?lat=%00"])
def test_an_address_with_a_nul_is_told_so_on_any_database(path: str) -> None:
    response = Client().get(path)

    assert response.status_code == 400
    assert "NUL" in response.content.decode()
