"""`amends reconcile` where there is no list to be had: it says whether nobody was asked, or what was answered."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tests import forked

NOBODY_ASKED = "is AMENDS_BILLING_URL set?"
PAGE = "docs/how-to/billing-webhook.md"
Reconcile = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def reconcile(tmp_path_factory: pytest.TempPathFactory) -> Reconcile:
    place = tmp_path_factory.mktemp("reconcile") / "shop"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AMENDS_", "DJANGO_"))}

    def run(url: str, *words: str) -> subprocess.CompletedProcess[str]:
        words = words or ("reconcile",)
        return forked.run(words, env=kept | {"AMENDS_DIR": str(place), "AMENDS_BILLING_URL": url})

    assert run("", "init", str(place)).returncode == 0
    assert run("", "drain").returncode == 0
    return run


class _Answers(BaseHTTPRequestHandler):
    status, body = 404, b"{}"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], str]]:
    """A billing side that answers all the same to whatever is asked; its address."""
    servers = []

    def start(status: int, body: bytes) -> str:
        handler = type("Handler", (_Answers,), {"status": status, "body": body})
        servers.append(HTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://us:secret%21@127.0.0.1:{servers[-1].server_address[1]}/hooks"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_where_no_connector_can_list_it_asks_for_the_address(reconcile: Reconcile) -> None:
    done = reconcile("")

    assert (done.returncode, NOBODY_ASKED in done.stdout, done.stderr) == (0, True, "")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (404, b"{}", "it answered 404 to GET http://127.0.0.1"),
        (401, b"{}", "it answered 401 to GET http://127.0.0.1"),
        (200, b'{"acts": []}', "is no list but dict"),
        (200, b"<html>", "Expecting value"),
    ],
)
def test_a_billing_side_without_a_list_is_told_where_it_is_described(
    reconcile: Reconcile, answering: Callable[[int, bytes], str], status: int, body: bytes, says: str
) -> None:
    done = reconcile(answering(status, body))

    assert (done.returncode, NOBODY_ASKED in done.stdout) == (2, False)
    assert says in done.stderr
    assert PAGE in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_billing_side_that_is_down_is_told_no_more_than_that(
    reconcile: Reconcile, answering: Callable[[int, bytes], str]
) -> None:
    for url in (answering(500, b"{}"), "http://127.0.0.1:9"):
        done = reconcile(url)

        assert (done.returncode, NOBODY_ASKED in done.stdout, PAGE in done.stderr) == (2, False, False)
        assert "billing: its list cannot be read" in done.stderr


def test_an_empty_list_is_an_answer(reconcile: Reconcile, answering: Callable[[int, bytes], str]) -> None:
    done = reconcile(answering(200, b"[]"))

    assert (done.returncode, NOBODY_ASKED in done.stdout) == (0, False)
    assert "0 listed" in done.stdout


def test_the_page_that_is_named_has_what_it_is_named_for() -> None:
    text = (Path(__file__).parents[2] / PAGE).read_text("utf-8")

    assert "\n## The list of what was done\n" in text
