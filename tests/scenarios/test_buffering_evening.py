"""The story comes out as its expected.toml says, also when server and worker are killed in the middle of it."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from amends.scenarios import tally
from amends.scenarios.buffering_evening import demo as story
from amends.scenarios.buffering_evening.demo import Demo

SMALL = {"seed": 7, "sessions": 200}
KILLS = 4
EXPORTED = ("acts", "ledger", "notices", "recoveries", "signals", "quarantine")
together = pytest.mark.xdist_group("buffering-evening")  # one calm evening serves both tests


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Where a calm evening was told, and what came out."""
    place = tmp_path_factory.mktemp("evening") / "calm"
    return place, told(place, 0)


def told(place: Path, kills: int) -> dict[str, Any]:
    """Tell a small evening, killing the server so often meanwhile; what billing, mailbox and books then say."""
    demo = Demo(place, 0, Console(quiet=True))
    stop = threading.Event()
    try:
        demo.set_up()
        killer = threading.Thread(target=_kill, args=(demo, kills, stop))
        killer.start()
        demo.send(SMALL)
        killer.join()
        demo.wait()
        assert demo.tally.one_page(place, demo.environment, demo.url).startswith(f"{demo.url}/yours/")
        exported = {what: tally.export(place, demo.environment, what) for what in EXPORTED}
        return _outside(place) | {"inside": demo.tally.gather(place, demo.environment), "exported": exported}
    finally:
        stop.set()
        demo.stop()


def _kill(demo: Demo, kills: int, stop: threading.Event) -> None:
    chance = random.Random(3)
    for _ in range(kills):
        if stop.wait(chance.uniform(0.2, 1.6)):
            return
        demo.kill_and_start_again()


def _outside(place: Path) -> dict[str, Any]:
    effects = [json.loads(line) for line in (place / "demo-billing.jsonl").read_text().splitlines()]
    mails = [message_from_bytes(p.read_bytes(), policy=policy.default) for p in (place / "demo-mails").glob("*.eml")]
    return {
        "effects": Counter((effect["key"], effect["amount_minor"], effect["currency"]) for effect in effects),
        "mails": Counter(str(mail["Message-ID"]) for mail in mails),
    }


@together
@pytest.mark.slow
def test_killed_again_and_again_it_ends_in_the_same_books_and_mails(
    evening: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    calm, killed = evening[1], told(tmp_path / "killed", KILLS)

    assert killed["effects"] == calm["effects"]
    assert max(killed["effects"].values()) == 1
    assert max(killed["mails"].values()) == 1
    sent, doubtful = sum(killed["mails"].values()), killed["inside"]["in_doubt"]
    assert sum(calm["mails"].values()) - doubtful <= sent <= sum(calm["mails"].values())
    same = ("play_sessions", "failures", "refunds", "credits", "refunded_minor", "credited_minor", "out_of_balance")
    assert {name: killed["inside"][name] for name in same} == {name: calm["inside"][name] for name in same}


@together
@pytest.mark.slow
def test_the_same_evening_again_changes_nothing(evening: tuple[Path, dict[str, Any]]) -> None:
    place, first = evening
    assert first["effects"], "an evening on which nobody was paid proves nothing"
    assert first["mails"]

    assert told(place, 0) == first


@pytest.mark.slow
def test_the_demo_comes_out_as_expected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert story.run(headless=True, directory=tmp_path / "demo", port=0) == 0
    assert "Everything came out as expected" in capsys.readouterr().out
