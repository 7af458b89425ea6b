from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from amends.recoveries import budgets, opening
from tests.recoveries.given import Write


@pytest.fixture
def limits() -> Iterator[Write]:
    """A way to write budgets.yaml; it is gone after the test."""
    path = settings.AMENDS.directory / budgets.FILE

    def write(text: str) -> None:
        path.write_text(text)
        opening._limits.cache_clear()

    yield write
    path.unlink(missing_ok=True)
