"""`amends policy`: decide, explain, check, compare and print tables; only a recovery needs an installation."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import typer

from amends.cli.entering import Dir, Json, existing
from amends.ground.marked import Mistake

if TYPE_CHECKING:
    from amends.recoveries.policy.explaining import Explanation
    from amends.recoveries.policy.tree import Table

app = typer.Typer(help="Published rules and policies: decide, explain, check, compare, print.", no_args_is_help=True)

Files = Annotated[list[str] | None, typer.Argument(help="Files; `-`, or none at all, is standard input.")]


@app.command()
def decide(
    files: Files = None,
    json_lines: Annotated[
        bool, typer.Option("--json-lines/--text", help="One JSON answer a line, or in words.")
    ] = True,
    trace: Annotated[bool, typer.Option(help="With every row that was looked at.")] = True,
) -> None:
    """Decide lines of `{"id","rule","inputs"}` by published rules. Exit 1 when one could not be decided."""
    from amends.recoveries.policy import answering

    if isinstance(sys.stdout, TextIOWrapper):  # a half of a surrogate pair comes out as JSON escapes it
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    failed = False
    for name in files or ["-"]:
        with _opened(name) as lines:
            for line in answering.answers(lines, trace=trace and json_lines):
                failed = failed or "error" in line
                sys.stdout.write((answering.as_json(line) if json_lines else answering.as_text(line)) + "\n")
    raise typer.Exit(int(failed))


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

    found = [mistake for table in _tables(files) for mistake in _checked(table, checking.check, verbose)]
    if json_:
        typer.echo(json.dumps([_mistake(one) for one in found], ensure_ascii=False))
    else:
        _tell(found)
    raise typer.Exit(int(any(one.severity == "error" for one in found)))


def _checked(table: Table | Mistake, check: Callable[..., list[Mistake]], verbose: bool) -> list[Mistake]:
    return [table] if isinstance(table, Mistake) else check(table, notes=verbose)


def _tables(names: list[str]) -> list[Table | Mistake]:
    """The table of each file or published rule; a Mistake in the place of one that cannot be read."""
    paths = [path for name in names for path in (sorted(Path(name).glob("*.yaml")) if Path(name).is_dir() else [name])]
    return [_table(str(path)) for path in paths]


def _table(name: str) -> Table | Mistake:
    from amends.recoveries import files
    from amends.recoveries.policy import packs

    if name in packs.names():
        return packs.rule(name)
    try:
        return files.read(Path(name))
    except Mistake as mistake:
        return mistake
    except OSError as error:
        return Mistake(name, 1, f"cannot be read: {error.strerror}", f"a file, or one of {', '.join(packs.names())}")


def _mistake(one: Mistake) -> dict[str, object]:
    return {"file": one.file, "line": one.line, "severity": one.severity, "text": one.says, "hint": one.hint}


def _tell(found: list[Mistake]) -> None:
    colours = {"error": "red", "warning": "yellow"}
    for one in found:
        severity = typer.style(one.severity, fg=colours.get(one.severity, "blue"))
        typer.echo(f"{one.file}:{one.line} {severity} {one.says}" + (f"\n    {one.hint}" if one.hint else ""))
    errors, warnings = (sum(one.severity == kind for one in found) for kind in ("error", "warning"))
    typer.echo(f"{errors} error(s), {warnings} warning(s)" if errors or warnings else "Everything is in order.")


@app.command()
def explain(
    recovery: Annotated[str, typer.Argument(help="Id of a recovery.")] = "",
    directory: Dir = Path(),
    rule: Annotated[str, typer.Option(help="A published rule, or a file, instead of a recovery.")] = "",
    inputs: Annotated[str, typer.Option(help="The rule's inputs as a JSON object.")] = "{}",
    json_: Json = False,
) -> None:
    """Say why, in sentences that can be read to the customer: a recovery's decision, or a rule on some inputs."""
    found = _explain_rule(rule, inputs) if rule else _explain_recovery(recovery, directory)
    typer.echo(json.dumps(found.as_json(), ensure_ascii=False) if json_ else found.text())


def _explain_rule(rule: str, text: str) -> Explanation:
    from amends.recoveries.policy import answering, explaining

    table = _readable(rule)
    case: Any = next(answering.read_cases([text.encode()]), {})
    answer = answering.answer_from(table, None, case)
    if "error" in answer:
        _fail(f"{answer['error']['field']}: {answer['error']['reason']}", 1)
    return explaining.explain(table, case)


def _explain_recovery(recovery_id: str, directory: Path) -> Explanation:
    if not recovery_id:
        _fail("give the id of a recovery, or --rule and --inputs", 2)
    existing(directory)
    from amends.recoveries import queries, texts
    from amends.recoveries.policy import recounting

    found = queries.one(recovery_id)
    if found is None:
        _fail(f"no recovery {recovery_id}; `amends export recoveries` lists them", 1)
    table, formers = texts.table(found.decision.policy_hash), queries.formers(recovery_id)
    return recounting.recount(found.decision, table, formers)


def _readable(name: str, *, currency: bool = True) -> Table:
    """A table that has to be readable; exit 2 with what is wrong when it is not."""
    from amends.recoveries.policy import sampling

    found = _table(name)
    if isinstance(found, Mistake):
        _fail(str(found), 2)
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
