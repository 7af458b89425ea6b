"""Commands that a story calls beside itself are forked here: the same command line for half the price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from tests import forked

from amends.scenarios import commands


@pytest.fixture(autouse=True)
def cheap_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "amends", amends)


def amends(words: Sequence[str], environment: Mapping[str, str]) -> str:
    done = forked.run(words, env=environment, timeout=300)
    if done.returncode:
        raise RuntimeError(f"amends {' '.join(words[:2])} failed: {done.stderr[-2000:]}")
    return done.stdout
