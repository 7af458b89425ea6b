"""Commands about forgetting customers: erase, take back in, and what was erased."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from amends.cli.entering import Dir, Json, clock, existing
from amends.ground.counts import counted

app = typer.Typer(help="Customers: forget some, take them back in.", no_args_is_help=True)
Ids = Annotated[list[str], typer.Argument(help="Customers' ids, as in `customer_id`.")]
PAUSE_S = 0.2


@app.command()
def erase(
    customer_ids: Ids,
    directory: Dir = Path(),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for acts on the wire and for the worker.")] = 120.0,
    json_: Json = False,
) -> None:
    """Forget customers for good: fields, messages, addresses, answers, labels, and what landed.

    Their pseudonym, amounts, decisions and counts stay, and what is owed is still paid. Exit 1 when one of them is not
    known (then nobody is erased), when the answer is no, or when it is not finished yet: the worker finishes it.
    """
    existing(directory)
    from amends.worker import erasing

    ids = list(dict.fromkeys(customer_ids))
    strangers = [customer_id for customer_id in ids if not erasing.is_known(customer_id)]
    if strangers:
        typer.secho(f"no customer {', '.join(map(repr, strangers))} is known; nobody was erased", fg="red", err=True)
        raise typer.Exit(1)
    found = {customer_id: erasing.preview(customer_id, clock()) for customer_id in ids}
    if dry_run or not (yes or json_):
        _tell(found, "Would be erased", json_)
    if dry_run:
        return
    if not (yes or json_):
        typer.confirm(f"Erase {counted(len(ids), 'customer')}? Nothing brings it back", abort=True)
    _erase(ids, time.monotonic() + wait, json_)


def _erase(ids: Sequence[str], deadline: float, json_: bool) -> None:
    from amends.worker import erasing

    numbers = {erasing.ask(customer_id, getpass.getuser(), clock()): customer_id for customer_id in ids}
    done = _finished(numbers, deadline)
    scoured = erasing.scour(deadline)
    found = {numbers[number]: erasure.counts for number, erasure in done.items()}
    _tell(found, "Erased", json_)
    left = sorted(customer_id for number, customer_id in numbers.items() if number not in done)
    if left:
        typer.secho(f"Not finished yet: {', '.join(left)}. The worker goes on by itself.", fg="yellow", err=True)
    if not scoured:
        says = "The database is busy: freed pages still hold old contents until `amends customers scour` has run."
        typer.secho(says, fg="yellow", err=True)
    if not json_ and not left:
        typer.echo("What is owed still arrives: payments carry the pseudonym only.")
    raise typer.Exit(int(bool(left) or not scoured))


def _finished(numbers: Mapping[int, str], deadline: float) -> dict[int, Any]:
    """Erase here where nobody holds the story, else wait for whoever does."""
    from django.conf import settings

    from amends.worker import erasing
    from amends.worker.lock import story_lock

    while len(done := erasing.finished(numbers)) < len(numbers):
        with story_lock(settings.AMENDS.var) as held:
            if held and erasing.go_on(clock()):
                continue
        if time.monotonic() > deadline:
            break
        time.sleep(PAUSE_S)
    return done


def _tell(found: Mapping[str, Mapping[str, int]], title: str, json_: bool) -> None:
    if json_:
        typer.echo(json.dumps({"customers": {customer_id: dict(counts) for customer_id, counts in found.items()}}))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("customer", "what", "how many", title=title, title_justify="left")
    for customer_id, counts in found.items():
        for kind, count in sorted(counts.items()):
            table.add_row(customer_id, kind, f"{count:,}")
        if not counts:
            table.add_row(customer_id, "nothing personal is kept", "0")
    Console(highlight=False).print(table)


@app.command()
def scour(
    directory: Dir = Path(),
    wait: Annotated[float, typer.Option(help="Seconds to try for, while others keep the database busy.")] = 120.0,
) -> None:
    """Overwrite what the database keeps of rows as they were before an erasure (exit 1 when it stayed busy)."""
    existing(directory)
    from amends.worker import erasing

    if not erasing.scour(time.monotonic() + wait):
        typer.secho("the database stayed busy; stop the worker for a moment and try again", fg="red", err=True)
        raise typer.Exit(1)
    typer.echo("Nothing is kept of rows as they were.")


@app.command()
def readmit(customer_id: str, directory: Dir = Path()) -> None:
    """Take again what is told of a customer who was erased: they came back. What was told before stays forgotten."""
    existing(directory)
    from amends.customers import steps

    if not steps.readmit(customer_id):
        typer.secho(f"{customer_id!r} was not erased", fg="red", err=True)
        raise typer.Exit(1)
    typer.echo("Taken back in: what is told of them from now on is kept.")


@app.command()
def erased(directory: Dir = Path(), json_: Json = False) -> None:
    """Who was erased, when, by whom, and how much of each kind: the proof that it was done."""
    existing(directory)
    from amends.customers import queries
    from amends.ground.moments import format_moment

    for one in queries.erasures():
        ended = format_moment(one.finished_at) if one.finished_at else ""
        if json_:
            line = {"customer_id": one.customer_id, "asked_at": format_moment(one.asked_at), "asked_by": one.asked_by}
            typer.echo(json.dumps(line | {"finished_at": ended or None, "counts": one.counts}))
        else:
            counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(one.counts.items()))
            typer.echo(f"{one.customer_id}  by {one.asked_by}  {ended or 'under way'}  {counts or 'nothing was kept'}")
