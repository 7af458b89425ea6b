"""Studies at the command line: what a policy would cost, and whether like is treated alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from amends.cli.entering import Dir, Json, existing
from amends.ground.config import read_config
from amends.ground.marked import Mistake
from amends.ground.moments import parse_moment

if TYPE_CHECKING:
    from amends.learning.fairness import Comparison, Gap

audit = typer.Typer(help="Look at what was decided: is like treated alike?", no_args_is_help=True)
Since = Annotated[str, typer.Option(help="First day (2026-01-01, the company's) or moment.")]
Until = Annotated[str, typer.Option(help="First day or moment that does not count any more.")]


def moment(text: str, option: str, directory: Path) -> datetime | None:
    """The company's day or a moment with a zone; None when nothing was said."""
    if not text:
        return None
    try:
        if "T" in text:
            return parse_moment(text)
        zone = ZoneInfo(read_config(directory, {}).company.time_zone)
        return datetime.combine(date.fromisoformat(text), time(), zone)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {text!r} is no day (2026-01-31) and no moment with a zone") from error


def simulate(
    policy: Annotated[Path, typer.Option("--policy", help="The candidate, a policy file.")],
    against: Annotated[str, typer.Option(help="`current`, or another policy file.")] = "current",
    since: Since = "",
    until: Until = "",
    history: Annotated[Path | None, typer.Option(help="A Parquet file of failures instead of recorded ones.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    directory: Dir = Path(),
    json_: Json = False,
) -> None:
    """What a changed policy would have cost and done over recorded history, in seconds for millions of failures."""
    from django.db import DatabaseError

    from amends.learning import printing, running
    from amends.learning.history import NoHistory

    if history is None or against == "current":
        existing(directory)
    span = (moment(since, "--since", directory), moment(until, "--until", directory))
    try:
        found = running.simulate(policy, against, directory, span, history)
        if report is not None:
            report.write_text(printing.page(found, running.span_words(*span)), "utf-8")
    except (Mistake, NoHistory, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from error
    except DatabaseError as error:
        typer.secho(_unread(error, history), fg="red", err=True)
        raise typer.Exit(2) from error
    if json_:
        typer.echo(json.dumps(printing.as_json(found)))
    else:
        printing.tell(found, Console())
        if report is not None:
            typer.echo(f"wrote {report}")


def _unread(error: Exception, history: Path | None) -> str:
    """Why the database is asked at all, and how to do without it."""
    says = " ".join(str(error).split())
    if history is None:
        return f"The database does not answer: {says}; check AMENDS_DATABASE_URL, or give a file with --history"
    why = "under four eyes the text that was approved last is in force"
    return f"{why}, and the database that knows it does not answer: {says}; name a policy file with --against"


@audit.command("fairness")
def fairness(directory: Dir = Path(), since: Since = "", until: Until = "", json_: Json = False) -> None:
    """Compare granted share, amount and time to remedy between segments, within promise and severity.

    Exit 1 when a segment stands out: an interval that leaves out equal treatment. Fewer than 20 settled ones on either
    side are too few to tell.
    """
    existing(directory)
    from amends.learning import fairness as judging
    from amends.learning import queries

    span = (moment(since, "--since", directory), moment(until, "--until", directory))
    found = judging.compare(queries.cells(*span))
    if json_:
        typer.echo(json.dumps([asdict(one) | {"stands_out": one.stands_out} for one in found]))
    else:
        _tell(found)
    raise typer.Exit(int(any(one.stands_out for one in found)))


def _tell(found: Sequence[Comparison]) -> None:
    from amends.learning.fairness import LEAST

    console = Console()
    if not found:
        console.print("No recovery was decided in this span, so there is nothing to compare.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    heads = ("segment", "waiting", "settled", "granted", "odds against others", "p", "amount", "hours", "")
    for head in heads:
        table.add_column(head, justify="left" if head in ("segment", "") else "right")
    for one in found:
        table.add_row(*_line(one))
    console.print(table)
    console.print(
        "Amount and hours are differences against all others, within promise and severity; amounts in minor units, 95 %"
        " intervals."
    )
    if any(one.too_few for one in found):
        console.print(
            f"Too few to tell: fewer than {LEAST} settled or granted, in it or beside it, or too near to all or none."
        )
    if waiting := sum(one.waiting for one in found):
        console.print(f"{waiting:,} still waiting for a person: neither granted nor not, and in none of the numbers.")


def _line(one: Comparison) -> list[str]:
    def gap(of: Gap | None) -> str:
        return f"{of.difference:+,.1f} [{of.low:+,.1f}, {of.high:+,.1f}]" if of else "–"

    odds = f"{one.odds.ratio:.2f} [{one.odds.low:.2f}, {one.odds.high:.2f}]" if one.odds else "–"
    p = f"{one.odds.p:.3f}" if one.odds else "–"
    mark = "[yellow]stands out[/]" if one.stands_out else "too few to tell" if one.too_few else ""
    counts = [f"{one.waiting:,}", f"{one.count:,}", f"{one.granted_share:.1%}" if one.count else "–"]
    return [one.segment, *counts, odds, p, gap(one.amount), gap(one.hours), mark]
