"""A shop as `amends init` makes it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.worker.shop import Shop


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    if os.environ.get("AMENDS_TEST_POSTGRES"):
        pytest.skip("commands run on the database that `amends init` sets up, SQLite, and so in the other pass")
    place = tmp_path_factory.mktemp("shop") / "shop"
    done = Shop(place).run("init", str(place), "--json")
    assert done.returncode == 0, done.stderr
    return place, json.loads(done.stdout)


@pytest.fixture
def shop(made: tuple[Path, dict[str, str]]) -> Iterator[Shop]:
    found = Shop(made[0])
    yield found
    found.stop()
