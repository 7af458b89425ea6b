"""What every command shares: which directory it works on, and starting Django for it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from amends.ground.config import ConfigError

Dir = Annotated[Path, typer.Option("--dir", envvar="AMENDS_DIR", help="The installation's directory.")]
Processes = Annotated[int, typer.Option(min=0, help="Web processes; 0 is one a core, up to four.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for machines.")]


def enter(directory: Path) -> None:
    """Make `directory` the installation this process works on, and start Django for it."""
    os.environ["AMENDS_DIR"] = str(directory.absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amends.settings")
    import django

    try:
        django.setup()
    except ConfigError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from error


def existing(directory: Path) -> None:
    """`enter` a directory that `amends init` has made; say so when it has not."""
    if not (directory / "amends.toml").exists():
        typer.secho(f"{directory} has no amends.toml. `amends init {directory}` makes one.", fg="red", err=True)
        raise typer.Exit(2)
    enter(directory)


def migrated(verbosity: int) -> None:
    """Bring the database to this version's tables; one sentence where it does not answer."""
    from django.core.management import call_command
    from django.db import DatabaseError

    try:
        call_command("migrate", interactive=False, verbosity=verbosity)
    except DatabaseError as error:
        says = " ".join(str(error).split())
        typer.secho(f"The database does not answer: {says}; check AMENDS_DATABASE_URL", fg="red", err=True)
        raise typer.Exit(1) from error


def clock() -> datetime:
    return datetime.now(UTC)
