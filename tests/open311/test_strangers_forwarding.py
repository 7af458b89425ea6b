"""Two installations: ours hands reports to another amends over HTTP, through a wire that fails after the effect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import amends.outbox.queries
from amends.connectors.open311 import far
from amends.connectors.open311.connector import Open311Forwarder
from amends.outbox.records import ActState
from amends.reports import forwarding, forwards, queries, steps
from amends.reports.records import Privacy, Report, State
from amends.testing import StandIn, StandInReply, StandInRequest
from amends.worker import fetching, wires
from tests.open311.wire import Client, word
from tests.outbox.working import work
from tests.reports.town import CATEGORIES, ann, intake
from tests.reports.town import town as files_of

pytestmark = pytest.mark.xdist_group("open311")
KEY_ENV = "AMENDS_TEST_FAR_KEY"
YOUNG = timedelta(seconds=5)  # on PostgreSQL moves that young are not read yet
THERE = """\
  roads:
    name: Road office
    open311:
      url: {url}/open311/v2
      key_env: {key}
      jurisdiction: conformance-town.example
      services: {{lamp: street-light, batch: bulky-waste, tree: noise}}
      format: {form}
      listed_within_s: 0
      idempotent: {keys}
      every_s: 1
"""
in_both = pytest.mark.parametrize("near", ["json", "xml"], indirect=True)
FAULTS = ("after", "hang", "drop", "html", "truncated")


class Between(StandIn):
    """A wire to another server that may fail once the other side has done what was asked."""

    def __init__(self, there: str) -> None:
        super().__init__(hang_s=2.0)
        self.there = there
        self.stripped = False  # True: like a server of the standard, which knows no keys

    def key_of(self, request: StandInRequest) -> str:
        return request.headers.get("idempotency-key", "")

    def handle(self, request: StandInRequest) -> StandInReply:
        passed = {
            name: request.headers[name] for name in ("content-type", "idempotency-key") if name in request.headers
        }
        if self.stripped:
            passed.pop("idempotency-key", None)
        answer = httpx.request(
            request.method,
            f"{self.there}{request.path}",
            params=request.query,
            content=request.body,
            headers=passed,
            timeout=60,
        )
        if self.changes(request):
            self.effect(self.key_of(request), status=answer.status_code)
        return StandInReply(answer.status_code, answer.content, {"Content-Type": answer.headers["content-type"]})


@pytest.fixture
def between(town: Client) -> Iterator[Between]:
    with Between(town.base.removesuffix("/open311/v2")) as wire:
        yield wire


@pytest.fixture(params=["json"])
def near(
    request: pytest.FixtureRequest, between: Between, town: Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Between]:
    monkeypatch.setenv(KEY_ENV, town.key)
    monkeypatch.setattr(fetching, "asking", fetching.Asking())
    with files_of(categories=categories(between.url, request.param)):
        yield between


def categories(url: str, form: str = "json", keys: str = "false") -> str:
    there = THERE.format(url=url, key=KEY_ENV, form=form, keys=keys)
    return CATEGORIES.replace("  roads: {name: Road office}\n", there).replace(
        "type: batch, body: works", "body: roads"
    )


def now() -> datetime:
    return datetime.now(UTC)


def report(category: str = "pothole", **more: Any) -> Report:
    place = {"lat": 48.41, "long": 15.61, "description": word()} | more
    made = steps.receive(intake(word(), category, **place), now())
    forwarding.send(now() + YOUNG)
    return made


def deliver(report: Report, turns: Iterable[int] = range(6)) -> Any:
    """What a worker does, with a year for every wait: tried, looked up, tried again."""
    (body,) = forwarding.bodies()
    assert body.open311
    there = far.of("Road office", body.open311, timeout_s=30)
    for turn in turns:
        if work(Open311Forwarder(forwards.connector(body.code), there), now().replace(year=2027 + turn)) == []:
            break
    forwarding.settle(now())
    found = amends.outbox.queries.act(forwards.key(report.number, "roads"))
    assert found
    return found


def over_there(town: Client, report: Report) -> list[dict[str, Any]]:
    return [row for row in town.requests(q=report.description) if report.description in row["description"]]


def listed(town: Client, report: Report) -> list[dict[str, Any]]:
    """What is there once the town has given numbers, as it does when it comes to it."""
    last = time.monotonic() + 60
    while not (rows := over_there(town, report)) and time.monotonic() < last:
        time.sleep(0.1)
    return rows


def of(report: Report) -> Report:
    found = queries.one(report.number)
    assert found
    return found


@pytest.mark.django_db
@in_both
def test_a_report_arrives_with_all_that_may_be_known(near: Between, town: Client) -> None:
    answers = (("fault", ("dark",)), ("around", ("school", "stop")), ("extra", ("ours alone",)))
    made = report("lamp", reporter=ann(), privacy=Privacy.NAMED, answers=answers, address="3 Mill Lane")
    assert forwards.key(made.number, "roads")
    steps.change(made.number, who="eva", now=now(), body="roads")
    forwarding.send(now() + YOUNG)
    done = deliver(made)
    assert done.state is ActState.DONE, done.last_answer
    (row,) = town.rows(f"requests/{done.ref}.json", extensions="true")

    assert (done.state, row["service_code"], row["address"]) == (ActState.DONE, "street-light", "3 Mill Lane")
    assert (row["lat"], row["long"]) == (48.41, 15.61)
    assert row["attributes"] == [
        {"code": "fault", "value": "dark"},
        {"code": "around", "value": "school"},
        {"code": "around", "value": "stop"},
    ]
    assert row["description"].splitlines()[:2] == [made.description, "extra ours alone"]
    assert of(made).external_id == row["service_request_id"]


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stripped", [True, False])
def test_whatever_happens_after_the_effect_it_is_there_once(
    near: Between, town: Client, fault: str, stripped: bool
) -> None:
    near.stripped, near.fault = stripped, lambda key, times: fault if times == 1 else ""
    made = report()
    done = deliver(made)

    assert (done.state, len(near.journal)) == (ActState.DONE, 1)
    assert [row["service_request_id"] for row in over_there(town, made)] == [done.ref]


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["before", "cut", "busy", "closed"])
def test_what_had_no_effect_is_tried_again(near: Between, town: Client, fault: str) -> None:
    near.fault = lambda key, times: fault if times == 1 else ""
    made = report()

    assert deliver(made).state is ActState.DONE
    assert len(over_there(town, made)) == 1


@pytest.mark.django_db
@in_both
def test_a_batch_service_gives_a_token_and_later_a_number(near: Between, town: Client) -> None:
    made = report("batch")
    done = deliver(made)
    assert done.ref.startswith("token:")
    heard(until=lambda: not of(made).external_id.startswith("token:"))

    assert [row["service_request_id"] for row in over_there(town, made)] == [of(made).external_id]


@pytest.mark.django_db
def test_a_blackbox_service_is_taken_at_its_word(near: Between, town: Client) -> None:
    made = report("tree")
    steps.change(made.number, who="eva", now=now(), body="roads")
    forwarding.send(now() + YOUNG)
    done = deliver(made)

    assert (done.state, done.ref) == (ActState.DONE, forwards.UNNUMBERED)


@pytest.mark.django_db
@pytest.mark.parametrize("keys", [True, False])
def test_a_lost_token_is_asked_for_under_the_key_or_by_a_person(
    between: Between, town: Client, keys: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch services list when they like. That nothing is listed proves nothing, unless the server knows our key."""
    monkeypatch.setenv(KEY_ENV, town.key)
    between.stripped, between.fault = not keys, lambda key, times: "drop" if times == 1 else ""
    with files_of(categories=categories(between.url, keys=str(keys).lower())):
        made = report("batch")
        lost = deliver(made, turns=[0])
        if not keys:
            listed(town, made)
        done = deliver(made, turns=range(1, 6))

    assert lost.state is not ActState.DONE
    assert len(listed(town, made)) == 1
    assert done.state is ActState.DONE, "in the list by its mark, or by its key"


@pytest.mark.django_db
@in_both
def test_errors_come_in_their_words(near: Between) -> None:
    made = report("lamp")
    steps.change(made.number, who="eva", now=now(), body="roads")
    forwarding.send(now() + YOUNG)
    refused = deliver(made)

    assert refused.state is ActState.REFUSED
    assert "fault" in refused.last_answer


def heard(until: Any) -> None:
    last = time.monotonic() + 60
    while time.monotonic() < last:
        fetching.go_on(now())
        if until():
            return
        time.sleep(0.05)
    raise AssertionError("nothing was heard")


@pytest.mark.django_db
@in_both
@pytest.mark.parametrize(
    ("status", "state"),
    [("ACTION_SCHEDULED", State.SCHEDULED), ("FIXED", State.FIXED), ("CLOSED", State.NOT_FIXED)],
)
def test_what_happens_there_is_told_here(near: Between, town: Client, status: str, state: State) -> None:
    made = report()
    number, words = deliver(made).ref, word()
    town.update(number, status=status, description=words)
    heard(until=lambda: of(made).state is state)

    assert words in of(made).status_notes
    assert of(made).due == made.due
    moves = queries.history([made.number])[made.number]
    heard(until=lambda: True)
    assert queries.history([made.number])[made.number] == moves, "once"


@pytest.mark.django_db
def test_their_expected_date_is_told_beside_ours(near: Between, town: Client) -> None:
    made = report()
    number = deliver(made).ref
    heard(until=lambda: any("expects" in move.words for move in queries.history([made.number])[made.number]))

    assert town.one(number)["expected_datetime"]
    assert of(made).due_at == made.due_at


@pytest.mark.django_db
def test_the_worker_knows_the_body(near: Between, settings: Any) -> None:
    assert "open311:roads" in wires.connect(settings.AMENDS)
    assert ("body roads", f"{near.url}/open311/v2") in [
        (name, url) for name, url, _ in wires.asked_for(settings.AMENDS)
    ]


# Real processes

TAKE_IN = """\
import django; django.setup()
from datetime import UTC, datetime
from amends.reports import steps
from amends.reports.records import Intake
place = {"lat": 48.41, "long": 15.61}
print(steps.receive(Intake("one", "pothole", "WORDS", **place), datetime.now(UTC)).number)
"""
SHOW = """\
import django; django.setup()
from amends.reports import queries
print(queries.one(1).external_id)
"""


@pytest.mark.slow
def test_a_worker_killed_after_the_effect_leaves_one_report_there(
    between: Between, town: Client, tmp_path: Path
) -> None:
    said = word()
    ours = Installation(tmp_path / "near", categories(between.url), town.key)
    between.stripped, between.fault = True, lambda key, times: "hang" if times == 1 else ""
    ours.python(TAKE_IN.replace("WORDS", said))
    worker = ours.start("worker")
    until = time.monotonic() + 60
    while not between.journal and time.monotonic() < until:
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    assert len(between.journal) == 1, "it has taken effect, and nobody here knows"
    again = ours.start("drain", "--until-idle", "--timeout", "90")

    assert again.wait(120) == 0
    (row,) = [row for row in town.requests(q=said) if said in row["description"]]
    assert ours.python(SHOW) == row["service_request_id"]


class Installation:
    """Another installation than that of the tests, with processes of its own."""

    def __init__(self, place: Path, text: str, key: str) -> None:
        place.mkdir()
        (place / "amends.toml").write_text('[company]\nname = "Near Town"\n')
        (place / "categories.yaml").write_text(text)
        self.place = place
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
        self.environment |= {"AMENDS_DIR": str(place), KEY_ENV: key, "DJANGO_SETTINGS_MODULE": "amends.settings"}
        assert self.start("migrate").wait(60) == 0

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.place / "log").open("ab")
        whole = [sys.executable, "-m", "amends", *command, "--dir", str(self.place)]
        return subprocess.Popen(whole, stdout=log, stderr=log, env=self.environment)

    def python(self, text: str) -> str:
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
