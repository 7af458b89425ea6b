"""The files that `amends init` writes: a working example to change, not a form to fill in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

IGNORED = "# What amends writes itself: database, landing segments, keys. Back it up, do not commit it.\nvar/\n"
STREAMING, TOWN = "streaming", "town"
# For each kind of house: which files of which scenario, by how their paths begin there, and what is cut off from it.
KINDS: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    STREAMING: (("starter", "", ("amends.toml", "promises/", "policies/", "notices/")),),
    TOWN: (
        ("starter", "town/", ("town/",)),
        ("starter", "", ("policies/any.", "notices/any.")),
        ("dead_street_light", "", ("notices/mended.apology.",)),
    ),
}

MARKS = {STREAMING: "promises/film-plays.yaml", TOWN: "categories.yaml"}


def there(directory: Path) -> list[str]:
    """Kinds of examples that a directory holds, by a file that only they have."""
    return [kind for kind, mark in MARKS.items() if (directory / mark).exists()]


def write(directory: Path, kind: str = STREAMING) -> list[Path]:
    """Write the starter files of a kind that are not there yet; what exists is left as it is. The paths written."""
    written = []
    for source, relative in _starter_files(kind):
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


def _starter_files(kind: str) -> Iterator[tuple[Traversable, str]]:
    for scenario, below, beginnings in KINDS[kind]:
        for source, path in _walk(files(f"amends.scenarios.{scenario}"), ""):
            if path.startswith(beginnings):
                yield source, path.removeprefix(below)


def _walk(node: Traversable, path: str) -> Iterator[tuple[Traversable, str]]:
    if node.is_file():
        yield node, path
    elif node.is_dir():
        for child in sorted(node.iterdir(), key=lambda child: child.name):
            yield from _walk(child, f"{path}/{child.name}" if path else child.name)
