"""Every test begins with nothing landed and nothing remembered."""

from __future__ import annotations

import shutil

import pytest
from django.conf import settings

from amends.signals import door, steps
from amends.web import keys


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Every test begins with nothing landed and nothing remembered."""
    shutil.rmtree(settings.AMENDS.var / "landing", ignore_errors=True)
    shutil.rmtree(settings.AMENDS.var / "telemetry", ignore_errors=True)
    door.log.cache_clear()
    steps.open_reports.cache_clear()
    door._recent.__init__()  # type: ignore[misc]
    keys._known.clear()
