"""What somebody meets who runs the demo: beside another server, or by a wrong name."""

from __future__ import annotations

import re
import socket
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console

from amends.ground.money import Money
from amends.scenarios import stories, tally
from amends.scenarios.buffering_evening import demo

README = Path(__file__).resolve().parents[2] / "README.md"
EXPECTED = tomllib.loads((files("amends.scenarios.buffering_evening") / "expected.toml").read_text("utf-8"))


def test_a_taken_port_is_left_to_whoever_has_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as granian listens
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        evening = demo.Demo(tmp_path, taken, Console(width=200))

    assert evening.port not in (0, taken)
    assert f"port {taken} is taken" in capsys.readouterr().out


def test_a_free_port_is_used_as_wished(tmp_path: Path) -> None:
    free = demo.Demo(tmp_path, 0, Console(quiet=True)).port

    assert demo.Demo(tmp_path, free, Console(quiet=True)).port == free


def test_an_unknown_story_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert stories.run("freezing-morning", headless=True, directory=None, port=0) == 2
    assert "buffering-evening" in capsys.readouterr().err


def test_what_came_out_otherwise_is_named() -> None:
    found = EXPECTED["outcome"] | {"refunds": 1}

    assert tally.compare(EXPECTED["outcome"], EXPECTED) == []
    assert tally.compare(found, EXPECTED) == [f"refunds: expected {EXPECTED['outcome']['refunds']}, found 1"]


def test_the_readme_shows_the_evening_as_it_comes_out() -> None:
    shown = README.read_text("utf-8").partition("$ make demo")[2].partition("```")[0]
    lines = dict(re.findall(r"^\s*(\S+)  (\S.*)$", shown, re.MULTILINE)[::-1])
    numbers = {words: number for number, words in lines.items()}
    assert len(numbers) >= 8

    for name, value in EXPECTED["outcome"].items():
        words = demo.Demo.tally.words[name]
        if words in numbers:
            assert numbers[words] == (Money(value, "EUR").words("en") if name.endswith("_minor") else f"{value:,}")


def test_another_outcome_counts_only_as_a_whole() -> None:
    expected = {
        "outcome": {"credits": 7, "credited_minor": 780, "mails": 3},
        "or": {"credits": 8, "credited_minor": 930},
    }

    assert tally.compare({"credits": 8, "credited_minor": 930, "mails": 3}, expected) == []
    assert tally.compare({"credits": 8, "credited_minor": 780, "mails": 3}, expected) == [
        "credits: expected 7, found 8"
    ]
    assert tally.compare({"credits": 8, "credited_minor": 930, "mails": 4}, expected) == ["mails: expected 3, found 4"]
