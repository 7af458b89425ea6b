"""`amends serve` begins where it can, says why where it cannot, and leaves nothing behind."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from tests.worker.shop import Shop, free_port, wait_for

from amends.web import server


def _lines(process: subprocess.Popen[str], until: str, seconds: float = 30) -> list[str]:
    assert process.stderr is not None
    deadline, found = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        line = process.stderr.readline()
        found.append(line)
        if until in line or not line:
            return found
    return found


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_taken_port_is_told_in_one_sentence(shop: Shop, command: str) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = shop.run(command, "--port", str(taken.getsockname()[1]))

    assert done.returncode == 2
    assert "is taken" in done.stderr
    assert done.stderr.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--port", "70000"), "65535"),
        (("--host", "no.such.host.invalid"), "is not known"),
        (("--host", "192.0.2.1"), "192.0.2.1"),
    ],
)
def test_an_address_that_cannot_be_is_told(shop: Shop, words: tuple[str, str], says: str) -> None:
    done = shop.run("serve", *words)

    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_one_directory_is_served_once_and_serving_is_told_when_it_answers(shop: Shop) -> None:
    first = shop.start("serve", "--port", "0", "--processes", "1")
    serving = json.loads(_lines(first, '"serving"')[-1])
    assert httpx.get(serving["url"] + "healthz").status_code == 200

    second = shop.run("serve", "--port", str(free_port()))

    assert second.returncode == 2
    assert "already" in second.stderr


def test_links_follow_the_port_that_is_served(shop: Shop) -> None:
    process = shop.start("serve", "--port", "0", "--processes", "1")
    serving = json.loads(_lines(process, '"serving"')[-1])

    env = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    told = {Path(f"/proc/{pid}/environ").read_text().partition("AMENDS_PUBLIC_URL=")[2].split("\0")[0] for pid in env}

    assert told == {serving["url"].rstrip("/")}


def test_a_secret_that_is_none_stops_it_before_anything_is_sent(shop: Shop) -> None:
    done = shop.run("serve", "--port", str(free_port()), AMENDS_BILLING_SECRET="whsec_not!base64")

    assert done.returncode == 2
    assert "no base64" in done.stderr


def test_a_web_that_ends_at_once_again_and_again_is_given_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is free when `serve` looks, and taken by somebody else when its web comes to it."""
    port = free_port()
    process = shop.start("serve", "--port", str(port), "--processes", "1")
    _lines(process, '"serving"')
    (web, _) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    _kill_and_take(int(web), port, process)

    assert process.returncode == 1


def _kill_and_take(web: int, port: int, process: subprocess.Popen[str]) -> None:
    import os
    import signal

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        os.kill(web, signal.SIGTERM)
        said = _lines(process, "ends at once", 60)
        assert "ends at once" in said[-1]
        assert any("is taken" in line for line in said)
        process.wait(30)


def test_the_port_is_free_again_when_its_server_has_ended() -> None:
    port = free_port()
    assert server.usable("127.0.0.1", port) == ("127.0.0.1", port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(server.NoPlace, match="is taken"):
            server.usable("127.0.0.1", port, patience_s=0.3)


def test_a_typo_while_it_runs_is_told_with_its_line_and_turns_nothing_off(shop: Shop) -> None:
    process = shop.start("serve", "--port", "0", "--processes", "1")
    serving = json.loads(_lines(process, '"serving"')[-1])
    wait_for(serving["url"] + "readyz")
    policy = shop.place / "policies/film-plays.yaml"
    good = policy.read_text("utf-8")
    try:
        policy.write_text(good.replace("severity: [major", "sevrity: [major"), "utf-8")
        told = json.loads(_lines(process, "cannot be used")[-1])
    finally:
        policy.write_text(good, "utf-8")

    assert told["level"] == "error"
    assert (told["file"], "last good version" in told["says"]) == (str(policy), True)
    assert told["line"] > 1
