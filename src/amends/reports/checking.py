"""What `amends check` says of categories and places: each file, whether they fit together, and the map's section."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from amends.ground.config import Config, ConfigError
from amends.ground.marked import Marked, Mistake, load
from amends.promises import files as promise_files
from amends.promises.repairs import RepairPromise
from amends.reports import categories, places
from amends.reports.catalogue import Catalogue
from amends.reports.geometry import Box, box
from amends.reports.places import Places


def check(directory: Path, config: Config) -> Iterator[Mistake]:
    """Everything that can be seen wrong, file by file."""
    catalogue, wrong = categories.read_all(directory)
    known, mistaken = places.read_all(directory)
    yield from (*wrong, *mistaken)
    unread = {Path(mistake.file).stem for mistake in mistaken}
    yield from _layers_named(catalogue, known, unread)
    yield from _servers(catalogue)
    yield from _map(config, known, unread)
    yield from _elsewhere(config, known)
    if (directory / "categories.yml").exists():
        says = "not read: only categories.yaml is"
        yield Mistake(str(directory / "categories.yml"), 1, says, "rename it to categories.yaml", "warning")
    for path in sorted((directory / places.FOLDER).glob("*.json")):
        yield Mistake(str(path), 1, "not read: only *.geojson is", f"rename it to {path.stem}.geojson", "warning")


def promised(directory: Path, catalogue: Catalogue, known: Places) -> Iterator[Mistake]:
    """Categories and areas that rows of promises name and nobody knows: such a row holds for nothing."""
    areas = {area.code for area in known.areas().areas}
    for path in sorted((directory / "promises").glob("*.yaml")):
        try:
            repair = promise_files.read(path)
        except Mistake:
            continue
        if isinstance(repair, RepairPromise):
            rows = [row for version in load(path)["versions"] for row in version["rows"]]
            yield from _rows_named(path, rows, "category", set(catalogue.categories))
            yield from _rows_named(path, rows, "area", areas)


def _rows_named(path: Path, rows: list[Marked], key: str, there: set[str]) -> Iterator[Mistake]:
    for row in rows:
        given = row.get(key, [])
        for code in given if isinstance(given, list) else [given]:
            if str(code) not in there:
                says = f"a row promises for {key} {str(code)!r}, which there is not: it holds for no report"
                hint = f"known: {', '.join(sorted(there)) or 'none yet'}"
                yield Mistake(str(path), row.line_of(key), says, hint, "warning")


def _layers_named(catalogue: Catalogue, known: Places, unread: set[str]) -> Iterator[Mistake]:
    """Whether each category's layer of things and its areas are there."""
    codes = {area.code for area in known.areas().areas}
    top = load(Path(catalogue.file))["categories"] if catalogue.categories else Marked()
    for category in catalogue.categories.values():
        if category.assets and category.assets not in known.layers and category.assets not in unread:
            says = f"{category.code}: there is no layer places/{category.assets}.geojson to pick from"
            yield Mistake(
                catalogue.file,
                top[category.code].line_of("assets"),
                says,
                f"known: {', '.join(known.layers) or 'none yet'}",
            )
        strange = [code for code in category.areas if code not in codes and "areas" not in unread]
        if strange:
            says = f"{category.code}: area {strange[0]!r} is not in places/areas.geojson"
            yield Mistake(
                catalogue.file,
                top[category.code].line_of("areas"),
                says,
                f"known: {', '.join(sorted(codes)) or 'none yet'}",
            )


def _servers(catalogue: Catalogue) -> Iterator[Mistake]:
    """Whether the keys of bodies that run a server are there, and whether what goes to them is something of ours."""
    top = load(Path(catalogue.file))["bodies"] if catalogue.bodies else Marked()
    for body in catalogue.bodies.values():
        if (there := body.open311) is None:
            continue
        lines = top[body.code]["open311"]
        for code in there.services:
            if code not in catalogue.categories:
                says = f"{body.code}: services names {code!r}, which is no category"
                yield Mistake(
                    catalogue.file, lines["services"].line_of(code), says, f"known: {', '.join(catalogue.categories)}"
                )
        if there.key_env and not os.environ.get(there.key_env):
            says = f"{body.code}: {there.key_env} is not set in the environment, so nothing that is sent will be taken"
            yield Mistake(catalogue.file, lines.line_of("key_env"), says, "set it where the worker runs", "warning")


def _map(config: Config, known: Places, unread: set[str]) -> Iterator[Mistake]:
    given = config.map
    if given.area and given.area not in known.layers and given.area not in unread:
        says = f"area = {given.area!r}: there is no layer places/{given.area}.geojson"
        yield _at(config, says, "area", f"known: {', '.join(known.layers) or 'none yet'}")
    if given.tiles and not all(part in given.tiles for part in ("{z}", "{x}", "{y}")):
        yield _at(
            config, f"tiles = {given.tiles!r} needs {{z}}, {{x}} and {{y}}", "tiles", "as the tile server tells it"
        )
    if given.tiles and not given.attribution:
        yield _at(config, "tiles are shown without saying whose they are", "tiles", "fill in attribution", "warning")


def _elsewhere(config: Config, known: Places) -> Iterator[Mistake]:
    """Layers that lie wholly outside of the bounds: coordinates the wrong way round, or another town's."""
    if not config.map.bounds:
        return
    ours = box(config.map.bounds, "bounds")
    for layer in known.layers.values():
        theirs = layer.bounds
        if theirs is None or _meet(ours, theirs):
            continue
        turned = Box(theirs.south, theirs.west, theirs.north, theirs.east)
        hint = "longitude comes first in GeoJSON" if _meet(ours, turned) else "another town's, or mend bounds"
        yield Mistake(layer.file, 1, "lies wholly outside of [map] bounds", hint, "warning")


def _meet(one: Box, other: Box) -> bool:
    beside = one.east < other.west or other.east < one.west
    return not beside and one.south <= other.north and other.south <= one.north


def _at(config: Config, says: str, key: str, hint: str, severity: str = "error") -> Mistake:
    found = ConfigError(says, config.directory / "amends.toml", "map", key)
    return Mistake(found.file, found.line, found.says, hint, severity)
