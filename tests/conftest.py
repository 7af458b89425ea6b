"""Every test begins with nothing landed and nothing remembered."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings

from amends.recoveries import budgets, opening
from amends.remedies import settling
from amends.signals import door, steps
from amends.web import keys
from tests.reports.town import town
from tests.web.report.krems import krems

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hard to guess is slow to make


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Every test begins with nothing landed and nothing remembered."""
    shutil.rmtree(settings.AMENDS.var / "landing", ignore_errors=True)
    shutil.rmtree(settings.AMENDS.var / "telemetry", ignore_errors=True)
    door.log.cache_clear()
    steps.open_reports.cache_clear()
    door._recent.__init__()  # type: ignore[misc]
    keys._known.clear()
    settling.forget_place()


@pytest.fixture
def limits() -> Iterator[Callable[[str], None]]:
    """A way to write budgets.yaml; it is gone after the test."""
    path = settings.AMENDS.directory / budgets.FILE

    def write(text: str) -> None:
        path.write_text(text)
        opening._limits.cache_clear()

    yield write
    path.unlink(missing_ok=True)


@pytest.fixture
def in_town() -> Iterator[None]:
    """A small town of categories, bodies and promises."""
    with town():
        yield


@pytest.fixture
def in_krems() -> Iterator[None]:
    """The same with a map: streets, houses, areas and lamps."""
    with krems():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long is begun first, so that no core waits for one long test at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
