"""`amends check`: every file of an installation, with file, line and what to write instead."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

import amends.promises.files
import amends.recoveries.budgets
import amends.recoveries.checks
import amends.recoveries.files
from amends.ground.config import ConfigError, read_config
from amends.ground.marked import Mistake
from amends.notices import lint


def check(directory: Path, *, as_json: bool) -> int:
    """Print what is wrong; 1 when something is an error, 2 when there is nothing to check."""
    if not (directory / "amends.toml").exists():
        print(f"{directory} has no amends.toml; `amends init {directory}` makes one")
        return 2
    found = list(_all(directory))
    if as_json:
        print(json.dumps([vars_of(mistake) for mistake in found]))
    else:
        _tell(found)
    return int(any(mistake.severity == "error" for mistake in found))


def vars_of(mistake: Mistake) -> dict[str, object]:
    return {name: getattr(mistake, name) for name in ("file", "line", "severity", "says", "hint")}


def _all(directory: Path) -> Iterator[Mistake]:
    try:
        read_config(directory, os.environ)
    except ConfigError as error:
        yield Mistake(str(directory / "amends.toml"), 1, str(error))
    promises, wrong = amends.promises.files.read_all(directory)
    yield from wrong
    policies, wrong = amends.recoveries.files.read_all(directory)
    yield from wrong
    for policy in policies:
        yield from amends.recoveries.checks.check(policy)
    yield from amends.recoveries.budgets.check(directory, {policy.name for policy in policies})
    covered = {policy.promise for policy in policies}
    for promise in promises:
        if promise.name not in covered and "any" not in covered:
            yield Mistake(str(directory / "policies"), 1, f"no policy covers {promise.name}", "add one, or one for any")
    for path in sorted((directory / "notices").glob("*.md")):
        for finding in lint.lint_file(path):
            yield Mistake(finding.file, finding.line, f"{finding.rule}: {finding.text}", finding.hint, finding.severity)


def _tell(found: list[Mistake]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for mistake in found:
        colour = "red" if mistake.severity == "error" else "yellow"
        console.print(f"[bold]{mistake.file}:{mistake.line}[/] [{colour}]{mistake.severity}[/] {mistake.says}")
        if mistake.hint:
            console.print(f"    {mistake.hint}", style="dim")
    errors = sum(mistake.severity == "error" for mistake in found)
    console.print(f"{errors} error(s), {len(found) - errors} warning(s)" if found else "Everything is in order.")
