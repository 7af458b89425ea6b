"""`amends policy`: decide, explain, check, compare and print tables of fairness. Only a recovery needs an installation."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

app = typer.Typer(help="Published rules and policies: decide, explain, check, compare, print.", no_args_is_help=True)

Files = Annotated[list[str], typer.Argument(help="Files; `-` is standard input.")]


@app.command()
def decide(
    files: Files,
    json_lines: Annotated[
        bool, typer.Option("--json-lines/--text", help="One JSON answer a line, or in words.")
    ] = True,
    trace: Annotated[bool, typer.Option(help="With every row that was looked at.")] = True,
) -> None:
    """Decide lines of `{"id","rule","inputs"}` by published rules. Exit 1 when one could not be decided."""
    from amends.recoveries.policy import answering

    failed = False
    for name in files:
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
