"""`amends sending`: how batches of acts go out, and stopping them."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from amends.cli.entering import Dir, Json, clock, existing
from amends.ground.counts import counted

if TYPE_CHECKING:
    from amends.outbox.records import Batch, Endpoint
    from amends.recoveries.records import Stop

app = typer.Typer(help="How batches of acts go out; pause, resume and abort them.", no_args_is_help=True)
Who = Annotated[str, typer.Option(default_factory=getpass.getuser, help="Who says so; it stays on record.")]
Why = Annotated[str, typer.Option(help="Why; it stays on record.")]
To = Annotated[str, typer.Option("--to", help="Only its acts to this connector, such as smtp; all when not given.")]
BatchName = Annotated[
    str, typer.Argument(help="The batch, such as an incident's id; `amends sending status` lists them.")
]


@app.command()
def status(
    batch: Annotated[str, typer.Argument(help="One batch, with its history; without it, all.")] = "",
    directory: Dir = Path(),
    json_: Json = False,
) -> None:
    """Every batch with how far it is, how fast it goes and when it will be through; every connector left in peace."""
    existing(directory)
    from django.conf import settings

    import amends.recoveries.queries
    from amends.outbox import queries
    from amends.outbox.records import declared
    from amends.worker import wires

    limits = {name: declared(connector).per_s for name, connector in wires.connect(settings.AMENDS).items()}
    stops = [stop for stop in amends.recoveries.queries.stops(50) if stop.resumed_at is None]
    batches, endpoints, moves = queries.batches(50, batch, limits), queries.endpoints(), queries.moves(batch)
    if json_:
        found = {"batches": [asdict(b) for b in batches], "connectors": [asdict(e) for e in endpoints], "moves": moves}
        typer.echo(json.dumps(found | {"stops": [asdict(stop) for stop in stops]}, default=str))
        return
    console = Console()
    for stop in stops:
        console.print(_stop(stop), highlight=False, markup=False)
    console.print(_batches(batches) if batches else "No batches: every act goes by itself.", highlight=False)
    for endpoint in endpoints:
        console.print(_endpoint(endpoint, clock()), highlight=False)
    for at, connector, who, state, why in moves:
        console.print(f"{at:%Y-%m-%d %H:%M} {connector}: {state}, {who}: {why}", highlight=False, markup=False)


def _batches(batches: list[Batch]) -> Table:
    table = Table("Batch", "to", "is", "done", "of", "came to nothing", "a second", "left", "says", box=None)
    for batch in batches:
        left = str(timedelta(seconds=round(batch.left_s))) if batch.left_s is not None else ""
        figures = (f"{batch.done:,}", f"{batch.total:,}", f"{batch.lost:,}", f"{batch.speed:,.1f}", left)
        table.add_row(batch.batch, batch.connector, batch.state, *figures, batch.says)
    return table


def _stop(stop: Stop) -> str:
    """What stands before everything else: nothing of it is paid, however far its batch is."""
    what = f"policy {stop.policy}" if stop.policy else "everything"
    return f"Paying is stopped for {what} since {stop.stopped_at:%Y-%m-%d %H:%M} by {stop.who}: {stop.why}"


def _endpoint(endpoint: Endpoint, now: datetime) -> str:
    until = endpoint.peace_until
    peace = f"; left in peace until {until:%H:%M:%S} UTC: {endpoint.says}" if until and until > now else ""
    return f"{endpoint.name}: {counted(endpoint.waiting, 'act waits', 'acts wait')}{peace}"


@app.command()
def pause(batch: BatchName, why: Why, who: Who, to: To = "", directory: Dir = Path()) -> None:
    """Begin no more acts of a batch. What is on its way comes to its end."""
    existing(directory)
    from amends.outbox import steps

    _move(steps.pause, batch, who, why, to, "paused")


@app.command()
def resume(batch: BatchName, why: Why, who: Who, to: To = "", directory: Dir = Path()) -> None:
    """Let a paused batch go on; one that stopped itself after its first acts goes on whole."""
    existing(directory)
    from amends.outbox import steps

    _move(steps.resume, batch, who, why, to, "goes on")


@app.command()
def abort(
    batch: BatchName,
    why: Why,
    who: Who,
    to: To = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    directory: Dir = Path(),
) -> None:
    """Cancel, for ever, what is certainly not done. What is on its way comes to its end; what may have happened is
    looked up, and not tried again."""
    existing(directory)
    from amends.outbox import steps

    if not yes:
        what = f"act of {batch} to {to}" if to else f"act of {batch}"
        typer.confirm(f"Cancel every {what} that is certainly not done? This cannot be undone.", abort=True)
    _move(steps.abort, batch, who, why, to, "aborted")


@app.command()
def resend(batch: BatchName, why: Why, who: Who, directory: Dir = Path()) -> None:
    """Send the mails of an aborted batch after all, written anew, as a batch of their own with its first few."""
    existing(directory)
    from amends.notices import steps

    sent = steps.send_called_off(batch, who, why, clock())
    typer.echo(
        f"{batch}: {counted(sent, 'mail goes out', 'mails go out')}" if sent else f"{batch}: no mails were called off"
    )
    raise typer.Exit(0 if sent else 1)


def _move(
    step: Callable[[str, str, str, datetime, str], int], batch: str, who: str, why: str, to: str, done: str
) -> None:
    if step(batch, who, why, clock(), to):
        typer.echo(f"{batch}: {done}")
        return
    typer.secho(f"{batch}: nothing to change; `amends sending status` shows how it stands", fg="red", err=True)
    raise typer.Exit(1)
