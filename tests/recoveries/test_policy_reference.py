"""docs/reference/policy.md: its policies pass the check, and its lines are answered as it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from amends.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs/reference/policy.md").read_text("utf-8")
POLICIES = re.findall(r"```yaml\n(policy: (\S+)\n.*?)```", PAGE, re.DOTALL)
ASKED = re.findall(r"^\$ echo '(.*)' \| amends (.*)\n(.*)$", PAGE, re.MULTILINE)


@pytest.fixture(autouse=True)
def _beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policies").mkdir()
    for text, name in POLICIES:
        for place in (Path(), Path("policies")):
            (place / f"{name}.yaml").write_text(text, "utf-8")


@pytest.mark.parametrize("name", [name for _, name in POLICIES])
def test_its_policies_pass_the_check(name: str) -> None:
    done = CliRunner().invoke(app, ["policy", "check", f"{name}.yaml"])

    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(("line", "command", "answer"), ASKED)
def test_its_lines_are_answered_as_it_says(line: str, command: str, answer: str) -> None:
    done = CliRunner().invoke(app, shlex.split(command), input=line)

    assert (done.exit_code, done.stdout.strip()) == (0, answer)


def test_it_shows_policies_and_lines() -> None:
    assert {"film-plays", "orders"} <= {name for _, name in POLICIES}
    assert len(ASKED) >= 3
