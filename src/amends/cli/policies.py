"""`amends policy`: decide, explain, check, compare and print tables; only a recovery needs an installation."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from datetime import date
from enum import StrEnum
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import typer

from amends.cli.entering import Dir, Json, clock, existing
from amends.ground.counts import counted
from amends.ground.marked import Mistake

if TYPE_CHECKING:
    from amends.recoveries.policy.answering import Decide
    from amends.recoveries.policy.explaining import Explanation
    from amends.recoveries.policy.tree import Table

app = typer.Typer(help="Published rules and policies: decide, explain, check, compare, print.", no_args_is_help=True)

On = Annotated[str, typer.Option(help="The day of the failure, such as 2026-03-01: it chooses the version.")]
Currency = Annotated[str, typer.Option(help="What the customer paid in, such as EUR, where a policy says nothing.")]
Files = Annotated[list[str] | None, typer.Argument(help="Files; `-`, or none at all, is standard input.")]


@app.command()
def decide(
    files: Files = None,
    json_lines: Annotated[
        bool, typer.Option("--json-lines/--text", help="One JSON answer a line, or in words.")
    ] = True,
    trace: Annotated[bool, typer.Option(help="With every row that was looked at.")] = True,
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A policy or rule file of your own, or a directory of them; repeatable."),
    ] = None,
    directory: Annotated[Path | None, typer.Option("--dir", help="Also by the policies of this installation.")] = None,
    on: On = "",
    currency: Currency = "",
) -> None:
    """Decide lines of `{"id","rule","inputs"}` by published rules, or by policies of your own (`--policy`, `--dir`).

    Exit 1 when a line could not be decided, 2 when a file cannot be read.
    """
    from amends.recoveries.policy import answering

    own = _own(policy or [], directory, currency, on)

    if isinstance(sys.stdout, TextIOWrapper):  # a half of a surrogate pair comes out as JSON escapes it
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    failed = False
    for name in files or ["-"]:
        with _opened(name) as lines:
            for line in answering.answers(lines, trace=trace and json_lines, own=own):
                failed = failed or "error" in line
                sys.stdout.write((answering.as_json(line) if json_lines else answering.as_text(line)) + "\n")
    raise typer.Exit(int(failed))


def _own(files: list[str], directory: Path | None, currency: str, on: str) -> Mapping[str, Decide]:
    """How lines are decided that name a policy of one's own; exit 2 with all that is wrong in one."""
    from amends.recoveries import trying

    installed = sorted((directory / "policies").glob("*.yaml")) if directory else []
    tables = [_readable(path, currency=False) for path in (*_paths(files), *map(str, installed))]
    try:
        return trying.deciders(tables, currency or _company_currency(directory), _day(on) or clock().date())
    except trying.TwoOfOneName as error:
        _fail(str(error), 2)


def _company_currency(directory: Path | None) -> str:
    from amends.ground.config import ConfigError, read_config

    if directory and not (directory / "amends.toml").exists():
        _fail(f"{directory} has no amends.toml. `amends init {directory}` makes one.", 2)
    try:
        return read_config(directory, os.environ).company.currency if directory else ""
    except ConfigError as error:
        _fail(str(error), 2)


def _day(text: str) -> date | None:
    from amends.recoveries.policy.given import WrongInput, day

    try:
        return day("--on", text) if text else None
    except WrongInput as error:
        _fail(str(error), 2)


def _opened(name: str) -> AbstractContextManager[BinaryIO]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(name).open("rb")
    except OSError as error:
        typer.secho(f"{name}: {error.strerror}", fg="red", err=True)
        raise typer.Exit(2) from error


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(help="Policy files, rule files, directories, names of published rules.")
    ],
    json_: Json = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also which rows overlap.")] = False,
) -> None:
    """Find unreachable rows, gaps, overlaps and unfair amounts, with file, line and a hint. Exit 1 on errors."""
    from amends.recoveries.policy import checking

    check_ = partial(checking.check, notes=verbose)
    found = [one for table in _tables(files) for one in (table if isinstance(table, list) else check_(table))]
    if json_:
        typer.echo(json.dumps([_mistake(one) for one in found], ensure_ascii=False))
    else:
        _tell(found)
    raise typer.Exit(int(any(one.severity == "error" for one in found)))


def _tables(names: list[str]) -> list[Table | list[Mistake]]:
    """The table of each file or published rule; in the place of one that cannot be read, what is wrong in it."""
    return [_table(path) for path in _paths(names)]


def _paths(names: list[str]) -> list[str]:
    """Files and names of rules as they are; of a directory every policy in it."""
    return [path for name in names for path in (list(map(str, sorted(Path(name).glob("*.yaml")))) or [name])]


def _table(name: str) -> Table | list[Mistake]:
    from amends.recoveries import files
    from amends.recoveries.policy import packs

    if name in packs.names():
        return packs.rule(name)
    if not Path(name).exists():
        return [Mistake(name, 1, "is no file", f"a policy file, or one of {', '.join(packs.names())}")]
    if Path(name).is_dir():
        return [Mistake(name, 1, "has no policy in it", "policies are files whose names end in .yaml")]
    try:
        return files.read(Path(name))
    except Mistake as first:
        return files.wrong(Path(name)) or [first]


def _mistake(one: Mistake) -> dict[str, object]:
    return {"file": one.file, "line": one.line, "severity": one.severity, "text": one.says, "hint": one.hint}


def _tell(found: list[Mistake]) -> None:
    colours = {"error": "red", "warning": "yellow"}
    for one in found:
        severity = typer.style(one.severity, fg=colours.get(one.severity, "blue"))
        typer.echo(f"{one.file}:{one.line} {severity} {one.says}" + (f"\n    {one.hint}" if one.hint else ""))
    errors, warnings = (sum(one.severity == kind for one in found) for kind in ("error", "warning"))
    said = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
    typer.echo(said if errors or warnings else "Everything is in order.")


@app.command()
def explain(
    recovery: Annotated[str, typer.Argument(help="Id of a recovery.")] = "",
    directory: Dir = Path(),
    rule: Annotated[str, typer.Option(help="A published rule, or a file, instead of a recovery.")] = "",
    inputs: Annotated[str, typer.Option(help="The rule's inputs as a JSON object.")] = "{}",
    on: On = "",
    currency: Currency = "",
    json_: Json = False,
) -> None:
    """Say why, in sentences that can be read to the customer: a recovery's decision, or a rule on some inputs."""
    found = _explain_rule(rule, inputs, on, currency) if rule else _explain_recovery(recovery, directory)
    typer.echo(json.dumps(found.as_json(), ensure_ascii=False) if json_ else found.text())


def _explain_rule(rule: str, text: str, on: str, currency: str) -> Explanation:
    from amends.recoveries import trying
    from amends.recoveries.policy import answering, explaining

    table, given, day = _readable(rule, currency=False), answering.read_inputs(text), _day(on)
    explained: list[Explanation] = []

    def explain(inputs: Mapping[str, Any]) -> dict[str, Any]:
        paid = replace(table, currency=trying.currency_of(table, inputs, currency))
        explained.append(explaining.explain(paid, inputs, day))
        return {}

    answer = answering.guarded(None, given, explain)
    if "error" in answer:
        _fail(f"{answer['error']['field'] or '--inputs'}: {answer['error']['reason']}", 1)
    return explained[0]


def _explain_recovery(recovery_id: str, directory: Path) -> Explanation:
    if not recovery_id:
        _fail("give the id of a recovery, or --rule and --inputs", 2)
    existing(directory)
    from amends.recoveries import approval, queries, texts
    from amends.recoveries.policy import recounting
    from amends.remedies.queries import fates

    found = queries.one(recovery_id)
    if found is None:
        _fail(f"no recovery {recovery_id}; `amends export recoveries` lists them", 1)
    before = texts.table(found.decision.policy_hash), queries.formers(recovery_id)
    now, unfounded = (found, fates(recovery_id)), approval.is_unfounded(found)
    return recounting.recount(found.decision, *before, *now, unfounded=unfounded)


def _readable(name: str, *, currency: bool = True) -> Table:
    """A table that has to be readable; exit 2 with what is wrong when it is not."""
    from amends.recoveries.policy import sampling

    found = _table(name)
    if isinstance(found, list):
        _fail("\n".join(map(str, found)), 2)
    return sampling.with_currency(found) if currency else found


def _fail(says: str, code: int) -> NoReturn:
    typer.secho(says, fg="red", err=True)
    raise typer.Exit(code)


@app.command()
def diff(
    old: str,
    new: str,
    samples: Annotated[int, typer.Option(min=0, help="Also decide so many tried records by both.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed tries the same records.")] = 1,
    json_: Json = False,
) -> None:
    """Compare two policies or rules by what they mean. Exit 1 when they differ."""
    from amends.recoveries.policy import comparing

    before, after = _readable(old, currency=False), _readable(new, currency=False)
    changes = comparing.compare(before, after)
    tried = comparing.try_both(before, after, samples, seed) if samples else None
    if json_:
        found = {"changes": [asdict(one) for one in changes], "tried": asdict(tried) if tried else None}
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
    else:
        typer.echo("\n".join(one.text() for one in changes) or "They mean the same.")
        typer.echo(f"\n{tried.text()}" if tried else "", nl=bool(tried))
    raise typer.Exit(int(bool(changes)))


class Form(StrEnum):
    """How a page is written."""

    HTML = "html"
    MARKDOWN = "md"


@app.command()
def docs(
    name: Annotated[str, typer.Argument(help="A policy file, or the name of a published rule.")],
    form: Annotated[Form, typer.Option("--format", help="html stands alone; md is for a repository.")] = Form.HTML,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it here instead.")] = None,
) -> None:
    """Print a table as a page that a lawyer and a customer can read, with examples it reckoned itself."""
    from amends.recoveries.policy import describing, pages

    page = describing.describe(_readable(name, currency=False))
    text = pages.html(page) if form is Form.HTML else pages.markdown(page)
    if output is None:
        typer.echo(text, nl=False)
        return
    output.write_text(text, "utf-8")
    typer.echo(f"wrote {output}")
