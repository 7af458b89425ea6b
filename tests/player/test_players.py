"""A real player before a real origin that grows slow: the film stalls, and its customer has the money and a mail."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from amends.scenarios.buffering_evening.demo import Demo
from tests import forked
from tests.player import origin as origins

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--autoplay-policy=no-user-gesture-required", "--disable-features=BlockInsecurePrivateNetworkRequests"),
]
MISSING = [tool for tool in ("ffmpeg", CHROMIUM) if not shutil.which(tool)]
pytestmark = [
    *(pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("players")),
    pytest.mark.skipif(bool(MISSING), reason=f"{MISSING} missing; `make test` installs what is needed"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("players"), 0, Console(quiet=True))
    demo.set_up()
    yield demo
    demo.stop()


@pytest.fixture(scope="module")
def origin(server: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[origins.Origin]:
    absent = [path for path in origins.PLAYERS.values() if not (origins.HERE / path).is_file()]
    assert not absent, f"{absent} missing: run `make test`, or `npm ci --ignore-scripts` in tests/player"
    folder = tmp_path_factory.mktemp("film")
    origins.make_film(folder)
    started = origins.Origin(folder, f"{server.url}/v1/cmcd?key={server.key}")
    yield started
    started.server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)


def rented(server: Demo, session_id: str, customer_id: str) -> None:
    """Tell amends who watches what, as a shop would when the film starts."""
    now = datetime.now(UTC).isoformat()
    head = {"specversion": "1.0", "source": "test", "time": now}
    customer = {
        "customer_id": customer_id,
        "name": "Ada Novak",
        "email": f"{customer_id}@viewers.example",
        "locale": "en",
    }
    film = {"session_id": session_id, "customer_id": customer_id, "title": "Sixteen Seconds", "product": "rental"}
    paid = {"price_minor": 499, "currency": "EUR", "payment_ref": f"pay-{session_id}"}
    events = [
        head | {"id": f"c-{customer_id}", "type": "com.amends.customer.upserted", "data": customer},
        head | {"id": f"p-{session_id}", "type": "com.amends.playback.started", "data": film | paid},
    ]
    keyed = {"Authorization": f"Bearer {server.key}"}
    assert httpx.post(f"{server.url}/v1/signals", json=events, headers=keyed).json()["accepted"] == 2


def watch(browser: Browser, origin: origins.Origin, player: str, session_id: str) -> None:
    origin.restart_clock()
    page = browser.new_page()
    page.goto(f"{origin.url}/play/{player}?sid={session_id}")
    page.wait_for_function("document.title === 'ended'", timeout=75_000)
    page.wait_for_timeout(500)
    page.close()


def mail_to(server: Demo, customer_id: str) -> str:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        for path in sorted((server.place / "demo-mails").glob("*.eml")):
            text = path.read_text().replace("=\n", "").replace("=3D", "=")
            if f"{customer_id}@viewers.example" in text:
                return text
        time.sleep(0.3)
    raise AssertionError(f"no mail to {customer_id} within 40 s")


@pytest.mark.parametrize("player", ["dash", "hls"])
def test_a_film_that_stalled_is_paid_back_and_told(
    server: Demo, origin: origins.Origin, browser: Browser, player: str, tmp_path: Path
) -> None:
    session_id, customer_id = f"real-{player}-{time.time_ns()}", f"ada-{player}"
    rented(server, session_id, customer_id)
    watch(browser, origin, player, session_id)
    log = tmp_path / "origin.jsonl"
    origins.write_log(origin, log)
    done = forked.run(["ingest", str(log), "--dir", str(server.place), "--json"], env=server.environment)
    assert json.loads(done.stdout)["reports"] > 5

    mail = mail_to(server, customer_id)
    assert "Sixteen Seconds" in mail
    assert "4.99" in mail
    page = browser.new_page()
    page.goto(f"{server.url}/yours/{mail.split('/yours/')[1].split()[0]}")
    assert page.locator("rect.stall").count() >= 1
    page.get_by_text("We have paid back €4.99").wait_for()
    page.close()
