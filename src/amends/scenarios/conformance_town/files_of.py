"""The files of the town."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def write(directory: Path) -> None:
    """Write the town's files that are not there yet; what is said when a promise breaks is the starter's."""
    (directory / "var").mkdir(parents=True, exist_ok=True)
    _copy(files("amends.scenarios.conformance_town") / "files", directory)
    for folder in ("policies", "notices"):
        _copy(files("amends.scenarios.starter") / folder, directory / folder, only="any.")


def _copy(source: Traversable, target: Path, only: str = "") -> None:
    target.mkdir(parents=True, exist_ok=True)
    for each in source.iterdir():
        if each.is_dir():
            _copy(each, target / each.name)
        elif each.name.startswith(only) and not (target / each.name).exists():
            (target / each.name).write_bytes(each.read_bytes())
