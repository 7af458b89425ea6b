"""The files that `amends init` writes: a working example to change, not a form to fill in."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

IGNORED = "# What amends writes itself: database, landing segments, keys. Back it up, do not commit it.\nvar/\n"
KEPT = ("amends.toml", "promises", "policies", "notices")


def write(directory: Path) -> list[Path]:
    """Write the starter files that are not there yet; what exists is left as it is. The paths written."""
    written = []
    for source, relative in _starter_files():
        target = directory / relative
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        written.append(target)
    ignore = directory / ".gitignore"
    if not ignore.exists():
        ignore.write_text(IGNORED, "utf-8")
        written.append(ignore)
    return written


def _starter_files() -> Iterator[tuple[Traversable, Path]]:
    root = files("amends.scenarios.starter")
    for name in KEPT:
        yield from _walk(root / name, Path(name))


def _walk(node: Traversable, relative: Path) -> Iterator[tuple[Traversable, Path]]:
    if node.is_file():
        yield node, relative
    elif node.is_dir():
        for child in sorted(node.iterdir(), key=lambda child: child.name):
            yield from _walk(child, relative / child.name)
