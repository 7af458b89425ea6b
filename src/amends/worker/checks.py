"""`amends check`: every file of an installation, with file, line and what to write instead."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

import amends.promises.calendars
import amends.promises.files
import amends.recoveries.files
import amends.reports.checking
from amends.ground.config import Config, ConfigError, read_config
from amends.ground.counts import counted
from amends.ground.marked import Mistake
from amends.notices import lint
from amends.promises.records import Promise
from amends.promises.repairs import RepairPromise
from amends.recoveries import budgets
from amends.recoveries.policy import checking
from amends.recoveries.policy.tree import Table
from amends.reports import categories, places, routing_files
from amends.worker import sums, wording


def check(directory: Path, *, as_json: bool) -> int:
    """Print what is wrong; 1 when something is an error, 2 when there is nothing to check."""
    if not (directory / "amends.toml").exists():
        print(f"{directory} has no amends.toml; `amends init {directory}` makes one")
        return 2
    found = findings(directory, datetime.now(UTC).date())
    if as_json:
        print(json.dumps([vars_of(mistake) for mistake in found]))
    else:
        _tell(found)
    return int(any(mistake.severity == "error" for mistake in found))


def vars_of(mistake: Mistake) -> dict[str, object]:
    return {name: getattr(mistake, name) for name in ("file", "line", "severity", "says", "hint")}


def findings(directory: Path, today: date) -> list[Mistake]:
    """Everything that can be seen wrong, file by file."""
    return list(_all(directory, today))


def _all(directory: Path, today: date) -> Iterator[Mistake]:
    config = Config(directory)
    try:
        config = read_config(directory, os.environ)
    except ConfigError as error:
        yield Mistake(error.file or str(directory / "amends.toml"), error.line, error.says)
    else:
        yield from wording.check(config)
    yield from amends.promises.calendars.read_all(directory)[1]
    promises, wrong = amends.promises.files.read_all(directory)
    yield from wrong
    yield from amends.reports.checking.check(directory, config)
    works, (catalogue, unreadable) = amends.promises.calendars.read_all(directory)[0], categories.read_all(directory)
    if not unreadable:  # a mistake in categories.yaml is told once, not again for each name that it makes unknown
        known = places.read_all(directory)[0]
        yield from routing_files.check(directory, catalogue, known, works)
        yield from amends.reports.checking.promised(directory, catalogue, known)
    policies, mistaken = amends.recoveries.files.read_all(directory)
    yield from mistaken
    for policy in policies:
        yield from checking.check(policy)
        yield from sums.check(policy, config.company.currency)
    yield from budgets.check(directory, {policy.name for policy in policies})
    unread = {Path(mistake.file) for mistake in (*wrong, *mistaken)}
    yield from _together(directory, promises, policies, unread)
    yield from _not_yet(directory, promises, policies, today)
    yield from _not_read(directory)
    for path in sorted((directory / "notices").glob("*.md")):
        for finding in lint.lint_file(path):
            yield Mistake(finding.file, finding.line, f"{finding.rule}: {finding.text}", finding.hint, finding.severity)


def _together(
    directory: Path, promises: Sequence[Promise | RepairPromise], policies: Sequence[Table], unread: set[Path]
) -> Iterator[Mistake]:
    """Whether each promise has its policy, each policy its promise, and only one of each."""
    answered: dict[str, str] = {}
    for policy in policies:
        if policy.promise in answered:
            says = f"{answered[policy.promise]} answers {policy.promise} already; only one of them is used"
            yield Mistake(policy.file, 1, says, "put the rows into one policy")
        answered[policy.promise] = Path(policy.file).name
        if policy.promise != "any" and policy.promise not in {p.name for p in promises} and not unread:
            says = f"no file in promises/ is called {policy.promise}"
            hint = "right where other systems report such failures themselves; otherwise mend the name"
            yield Mistake(policy.file, 1, says, hint, "warning")
    for promise in promises:
        if promise.name in answered or unread & set((directory / "policies").glob("*")):
            continue
        if "any" not in answered:
            yield Mistake(str(directory / "policies"), 1, f"no policy covers {promise.name}", "add one, or one for any")
        else:
            says = f"no policy of its own for {promise.name}: its failures fall to the policy for any"
            hint = f"add one with promise: {promise.name}, or leave it so"
            yield Mistake(str(directory / "policies" / answered["any"]), 1, says, hint, "warning")


def _not_yet(
    directory: Path, promises: Sequence[Promise | RepairPromise], policies: Sequence[Table], today: date
) -> Iterator[Mistake]:
    for kind, found in (("promise", promises), ("policy", policies)):
        for one in found:
            since = min(version.since for version in one.versions)
            if since > today:
                file = one.file if isinstance(one, Table) else str(directory / "promises" / f"{one.name}.yaml")
                says = f"{kind} {one.name} begins on {since}: until then it says nothing"
                yield Mistake(file, 1, says, "write an earlier from: where it holds already", "warning")


def _not_read(directory: Path) -> Iterator[Mistake]:
    """Files that look as if they counted and do not."""
    for folder in ("promises", "calendars", "policies"):
        for path in sorted((directory / folder).glob("*.yml")):
            yield Mistake(str(path), 1, "not read: only *.yaml is", f"rename it to {path.stem}.yaml", "warning")


def _tell(found: list[Mistake]) -> None:
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for mistake in found:
        colour = "red" if mistake.severity == "error" else "yellow"
        console.print(f"{mistake.file}:{mistake.line}", style="bold", end=" ")
        console.print(mistake.severity, style=colour, end=" ")
        console.print(mistake.says)
        if mistake.hint:
            console.print(f"    {mistake.hint}", style="dim")
    errors = sum(mistake.severity == "error" for mistake in found)
    console.print(
        f"{counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}" if found else "Everything is in order."
    )
