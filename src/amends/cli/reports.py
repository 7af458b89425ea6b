"""`amends reports`: what can be done with reports from the command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from amends.cli.entering import Dir, Json, clock, existing
from amends.ground.counts import counted

if TYPE_CHECKING:
    from amends.reports.rehearsing import Rehearsal

app = typer.Typer(help="What people asked us to mend.", no_args_is_help=True)


@app.callback()
def reports() -> None:
    pass


@app.command()
def route(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show it; there is no other way yet.")] = False,
    since: Annotated[str, typer.Option(help="The first day, as 2025-12-01; a year ago when not given.")] = "",
    rules: Annotated[Path | None, typer.Option(help="Rules that are not in force yet; else routing.yaml.")] = None,
    directory: Dir = Path(),
    json_: Json = False,
) -> None:
    """Who would get what by the rules of a file, over reports that were made already, and what that changes."""
    existing(directory)
    if not dry_run:
        typer.secho(
            "Reports are routed as they come; ask for --dry-run to see what rules would do.", fg="red", err=True
        )
        raise typer.Exit(2)
    from django.conf import settings

    from amends.ground.marked import Mistake
    from amends.promises import calendars
    from amends.reports import categories, places, rehearsing, routing, routing_files

    zone, home = settings.AMENDS.company.time_zone, settings.AMENDS.directory
    in_force = routing.in_use(home, zone)
    catalogue = categories.in_use(home)
    try:
        new = routing_files.read(rules) if rules else in_force.routing
    except Mistake as mistake:
        typer.secho(str(mistake), fg="red", err=True)
        raise typer.Exit(1) from mistake
    wrong = routing_files.strangers(new, catalogue, places.in_use(home), calendars.in_use(home).values())
    for one in [*wrong, *routing_files.unreached(new)]:
        typer.secho(str(one), fg="yellow", err=True)
    router = routing.bound(new, home, zone)
    found = rehearsing.rehearse(_day(since), in_force, router, routing.bodies_of(catalogue))
    if json_:
        typer.echo(json.dumps(asdict(found)))
    else:
        _show(found)


def _day(text: str) -> datetime:
    if not text:
        return clock() - timedelta(days=365)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day; write 2025-12-01") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _show(found: Rehearsal) -> None:
    console = Console()
    ways = Table("Rule", "Body", "Crew", "Reports", title="Who would get what", box=None)
    for rule, body, crew, count in found.by_rule:
        ways.add_row(rule or "(no rule: body of the category)", body or "-", crew or "-", f"{count:,}")
    console.print(ways)
    console.print(f"\n{found.changed:,} of {found.reports:,} reports would go another way than by the rules in force.")
    if found.changes:
        changes = Table("From", "To", "Rule", "Reports", "Such as", box=None)
        for one in found.changes:
            sides = (" ".join(filter(None, side)) or "-" for side in (one.before, one.after))
            changes.add_row(*sides, one.rule or "(none)", f"{one.count:,}", ", ".join(map(str, one.examples)))
        console.print(changes)


@app.command()
def tidy(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be taken out.")] = False,
    directory: Dir = Path(),
    json_: Json = False,
) -> None:
    """Take out of reports that were closed long ago what `[retention]` keeps no longer. The worker does so daily."""
    existing(directory)
    from amends.worker import tidying

    counts = tidying.preview(clock()) if dry_run else dict(tidying.tidy(clock()))
    if json_:
        typer.echo(json.dumps({"would_be" if dry_run else "taken_out": counts}))
        return
    for kind, count in counts.items():
        typer.echo(f"{count:>9,}  {kind}{', would be taken out' if dry_run else ', taken out'}")
    if not any(counts.values()):
        typer.echo("Nothing is kept longer than [retention] says.")


@app.command()
def recount(directory: Dir = Path(), json_: Json = False) -> None:
    """Count the public scoreboard anew from every report: after another company.time_zone, or in doubt."""
    existing(directory)
    from amends.reports import scoreboard

    done = scoreboard.recount(clock())
    counts = counted(done, "count of a day, category and area", "counts of days, categories and areas")
    typer.echo(json.dumps({"counted": done}) if json_ else f"Made anew: {counts}.")
