"""Commands about money: the books, the provider's list, stopping and resuming."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from amends.cli.entering import Dir, Json, clock, existing
from amends.ground.counts import counted

ledger = typer.Typer(help="The books: verify the chain and the balances, export, keep the head.", no_args_is_help=True)
MOST_SHOWN = 50
BILLINGS_LIST = "what the billing side has to offer is in docs/how-to/billing-webhook.md, 'The list of what was done'"
Policy = Annotated[str, typer.Option(help="Only this policy; all when not given.")]
Why = Annotated[str, typer.Option(help="The reason; others will ask.")]


def register(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    app.add_typer(ledger, name="ledger")
    app.command()(reconcile)
    app.command("take-back")(take_back)
    app.command("stop-paying")(stop_paying)
    app.command("resume-paying")(resume_paying)


@ledger.command()
def verify(
    directory: Dir = Path(),
    head: Annotated[
        Path | None, typer.Option(help="A head kept earlier (`amends ledger head`), to hold against.")
    ] = None,
    json_: Json = False,
) -> None:
    """Walk the whole chain, every account and every budget; say what is wrong and where (exit 1)."""
    existing(directory)
    import amends.recoveries.queries
    from amends.ledger import heads, queries

    flaws = [f"posting {flaw.seq} {flaw.posting_id}: {flaw.says}" for flaw in queries.flaws()]
    flaws += amends.recoveries.queries.budget_flaws()
    flaws += heads.flaws(_kept(head)) if head else []
    at = queries.head()
    if json_:
        typer.echo(json.dumps({"postings": at.seq, "head": at.digest, "flaws": flaws}))
    else:
        for flaw in flaws[:MOST_SHOWN]:
            typer.secho(flaw, fg="red")
        if len(flaws) > MOST_SHOWN:
            typer.echo(f"… and {len(flaws) - MOST_SHOWN:,} more (--json lists all)")
        typer.echo(f"{counted(at.seq, 'posting')}, {counted(len(flaws), 'flaw')}; head {at.digest}")
    raise typer.Exit(int(bool(flaws)))


def _kept(head: Path) -> str:
    try:
        return head.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        typer.secho(f"{head} cannot be read: {why}", fg="red", err=True)
        raise typer.Exit(2) from error


@ledger.command("head")
def head_(directory: Dir = Path()) -> None:
    """The signed head as JSON: kept elsewhere, it proves later that nothing before it was changed."""
    existing(directory)
    from amends.ledger import heads

    typer.echo(heads.signed(clock()))


@ledger.command("export")
def export_(
    directory: Dir = Path(),
    format_: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet")] = "jsonl",
    output: Annotated[str, typer.Option(help="File to write; - is standard output.")] = "-",
) -> None:
    """Both sides of every posting, in the order of booking, with its hash."""
    existing(directory)
    from amends.worker import exports

    raise typer.Exit(exports.export("ledger", format_, output))


def reconcile(
    directory: Dir = Path(),
    since: Annotated[str, typer.Option(help="A moment or day, such as 2026-11-24; 7 days ago when not given.")] = "",
    repair: Annotated[
        list[str] | None,
        typer.Option(help="An act that was paid twice or too much: order the excess back; `all` for each of them."),
    ] = None,
    json_: Json = False,
) -> None:
    """Hold the provider's own list against our books; mend what is safe, put the rest before a person (exit 1)."""
    existing(directory)
    from amends.ground.moments import format_moment

    start, now = _moment(since), clock()
    reports, wrong = _reconcile_all(start, now)
    asked = bool(reports or wrong)
    wrong += _repair(reports, repair or [], now)
    if json_:
        typer.echo(json.dumps({"since": format_moment(start), "connectors": reports, "wrong": wrong}))
    else:
        _tell(reports)
        if not asked:
            typer.echo("No connector here can list what it has done: is AMENDS_BILLING_URL set?")
    for says in wrong:
        typer.secho(says, fg="red", err=True)
    raise typer.Exit(2 if wrong else int(any(report["left"] for report in reports)))


def _reconcile_all(since: datetime, now: datetime) -> tuple[list[dict[str, Any]], list[str]]:
    from dataclasses import asdict

    from django.conf import settings

    from amends.remedies import reconciling
    from amends.worker import wires

    reports, wrong = [], []
    for name, connector in wires.connect(settings.AMENDS).items():
        ask = getattr(connector, "reconcile", None)
        wire = getattr(connector, "wire", None)
        if ask is None or (wire is not None and not wire.url):
            continue  # it cannot list, or has no address here
        try:
            report = reconciling.reconcile(name, ask(since), connector.find, since, now)
        except Exception as error:  # whatever a connector raises: the others' lists are still held against the books
            says = _unread(name, error)
            wrong.append(f"{name}: its list cannot be read: {wire.hide(says) if wire is not None else says}")
            continue
        reports.append({key: value for key, value in asdict(report).items() if key != "since"})
    return reports, wrong


def _unread(name: str, error: Exception) -> str:
    """Why a list could not be read; where billing was reached and offers none, also where it says how."""
    import httpx

    says, offers_none = str(error) or type(error).__name__, isinstance(error, ValueError)  # no JSON, or no list
    if isinstance(error, httpx.HTTPStatusError):
        status, url = error.response.status_code, error.request.url
        says = f"it answered {status} to GET {url.scheme}://{url.netloc.decode()}{url.path}"  # no password, as in url
        offers_none = status in (401, 403, 404, 405, 501)
    return f"{says}; {BILLINGS_LIST}" if name == "billing" and offers_none else says


def _repair(reports: list[dict[str, Any]], acts: list[str], now: datetime) -> list[str]:
    """Order back what was paid beyond for these acts, on a person's word; why not, where it cannot be."""
    from amends.remedies import queries, reversing
    from amends.remedies.records import CannotTakeBack

    open_ = [one for one in queries.differences(1_000_000) if one.kind in reversing.REPAIRABLE] if acts else []
    wrong = [f"{act}: nothing that differs" for act in acts if act not in {"all", *(one.act_key for one in open_)}]
    for one in open_:
        if not {"all", one.act_key} & set(acts):
            continue
        try:
            reversing.take_back_excess(one.difference_id, getpass.getuser(), now)
        except CannotTakeBack as error:
            wrong += [f"{one.act_key}: {error}"] if one.act_key in acts else []
            continue
        for report in reports:
            report["left"] = [left for left in report["left"] if left["key"] != one.act_key]
            report["ordered_back"] = (
                *report["ordered_back"],
                *([one.act_key] * (report["connector"] == one.connector)),
            )
    return wrong


def take_back(act: str, why: Why, directory: Dir = Path()) -> None:
    """Take back goodwill that was given by mistake; the reason goes to the customer. What is owed is never taken."""
    existing(directory)
    from amends.remedies import reversing
    from amends.remedies.records import CannotTakeBack

    try:
        amount = reversing.take_back(act, why, getpass.getuser(), clock())
    except CannotTakeBack as error:
        typer.secho(f"not taken back: {error}", fg="red", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{amount} is taken back; the customer is told once it has come.")


def _tell(reports: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for report in reports:
        counts = f"{report['listed']:,} listed, {report['agree']:,} agree, {len(report['mended']):,} mended"
        counts += f", {len(report['ordered_back']):,} ordered back" if report["ordered_back"] else ""
        console.print(f"[bold]{report['connector']}[/]  {counts}, {len(report['left']):,} left for a person")
        if report["left"]:
            table = Table("kind", "act", "what")
            for one in report["left"][:MOST_SHOWN]:
                table.add_row(one["kind"], one["key"], one["says"])
            console.print(table)


def _moment(text: str) -> datetime:
    if not text:
        return clock() - timedelta(days=7)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        typer.secho(f"--since {text!r} is no moment; write 2026-11-24 or 2026-11-24T08:00:00Z", fg="red", err=True)
        raise typer.Exit(2) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def stop_paying(why: Why, directory: Dir = Path(), policy: Policy = "") -> None:
    """Nothing new becomes money from now on: for one policy, or for all. What is owed waits too, and is shown."""
    existing(directory)
    from amends.recoveries import queries, stopping

    if says := stopping.unknown(policy, directory):
        typer.secho(f"not stopped: {says}. Without --policy everything is stopped.", fg="red", err=True)
        raise typer.Exit(2)
    try:
        done = stopping.stop(policy, why, getpass.getuser(), clock())
    except ValueError as error:
        typer.secho(f"not stopped: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"Paying is stopped for {policy or 'every policy'}." if done else "It is stopped already.")
    owed = [recovery for recovery in queries.waiting_for_resume(1000) if recovery.pay_by_on]
    if owed:
        what = counted(len(owed), "recovery that is owed waits", "recoveries that are owed wait")
        typer.echo(f"{what}; the first must be paid by {owed[0].pay_by_on}.")


def resume_paying(directory: Dir = Path(), policy: Policy = "", why: Why = "") -> None:
    """Pay again; what waited goes on by itself."""
    existing(directory)
    from amends.recoveries import stopping

    if not stopping.resume(policy, why, getpass.getuser(), clock()):
        typer.secho(f"paying was not stopped for {policy or 'every policy'}", fg="red", err=True)
        raise typer.Exit(1)
    typer.echo(f"Paying goes on for {policy or 'every policy'}.")
