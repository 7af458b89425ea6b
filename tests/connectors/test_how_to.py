"""The how-to tells the truth: both its listings are run as they stand there, and stay short."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests import forked

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/how-to/write-a-connector.md"


def listings() -> tuple[str, str]:
    connector, test = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    return connector, test


def run(folder: Path, connector: str, test: str) -> subprocess.CompletedProcess[str]:
    (folder / "cinema.py").write_text(connector, "utf-8")
    (folder / "test_cinema.py").write_text(test, "utf-8")
    words = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:django", "test_cinema.py"]
    return forked.run(words, module="pytest", cwd=folder)


def test_the_connector_of_the_how_to_is_short_and_keeps_the_contract(tmp_path: Path) -> None:
    connector, test = listings()

    assert len(connector.splitlines()) < 60
    done = run(tmp_path, connector, test)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\d\d passed", done.stdout), done.stdout


@pytest.mark.slow
def test_the_contract_catches_what_a_hasty_author_would_write(tmp_path: Path) -> None:
    """Each of these mistakes has cost somebody money; a suite that lets one pass would be worth nothing."""
    connector, test = listings()
    mistakes = {
        "a new key for every try": (
            'headers={"idempotency-key": order.key}',
            'headers={"idempotency-key": str(id(object())) + str(now) + __import__("secrets").token_hex(4)}',
        ),
        "a time-out taken for a no": (
            "        return self.wire.answer(reply,",
            '        if not isinstance(reply, Reply):\n            return Refused("it failed")\n'
            "        return self.wire.answer(reply,",
        ),
        "any answer taken for a receipt": (
            'return receipt(found, "voucher", key=order.key, seats=order.payload["seats"])',
            "from amends.outbox.records import Done\n        return Done(str(found)[:300])",
        ),
        "a look-up that fails taken for not done": (
            'return Unknown(f"cannot be looked up: {reply.reason}")',
            "return NotDone()",
        ),
        "secrets told": ("secrets=(token,)", "secrets=()"),
    }
    for name, (right, wrong) in mistakes.items():
        assert right in connector, name
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        assert run(folder, connector.replace(right, wrong), test).returncode == 1, f"not caught: {name}"
