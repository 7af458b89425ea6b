"""The scenarios that `amends serve` can serve: each writes its files, then prepares its database and answers a key."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pathlib import Path

SERVED = {"conformance-town": "amends.scenarios.conformance_town"}


def write(name: str, directory: Path) -> None:
    """Write the files of a scenario that are not there yet; works before Django is set up."""
    import_module(f"{SERVED[name]}.files_of").write(directory)


def prepare(name: str, now: datetime) -> str:
    """Give it its past, once; its API key."""
    key: str = import_module(f"{SERVED[name]}.town").prepare(now)
    return key
