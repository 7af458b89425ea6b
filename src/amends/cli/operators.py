"""`amends operators`: who may sign in at the desk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from amends.cli.entering import Dir, existing

app = typer.Typer(help="Operators of the desk: add, list, reset a password.", no_args_is_help=True)

Reads = Annotated[bool, typer.Option("--reads-only", help="May look, but not approve, decline, retry or settle.")]


@app.command()
def add(name: str, directory: Dir = Path(), reads_only: Reads = False) -> None:
    """Make an operator; the password is shown once."""
    existing(directory)
    from amends.web import setting_up

    _show(name, lambda: setting_up.add_operator(name, may_act=not reads_only))


@app.command("list")
def list_operators(directory: Dir = Path()) -> None:
    """Every operator, what they may do, and when they last signed in."""
    existing(directory)
    from amends.web import setting_up

    for line in setting_up.operators():
        typer.echo(line)


@app.command()
def reset(name: str, directory: Dir = Path()) -> None:
    """Give an operator a new password, shown once; the old one and every session of theirs end."""
    existing(directory)
    from amends.web import setting_up

    _show(name, lambda: setting_up.reset_password(name))


def _show(name: str, make: Callable[[], str]) -> None:
    try:
        password = make()
    except ValueError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Operator: {name}\nPassword: {password}\nThis is shown once; only its hash is kept.")
