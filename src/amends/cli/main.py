"""The command line. Each command sets up its directory, calls a room and says what happened."""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from amends.cli import books, forgetting, operators, policies, reports, sending, studies
from amends.cli.entering import Dir, Json, Port, Processes, clock, enter, existing, migrated

STORIES = "buffering-evening, outage-yesterday, power-is-back or dead-street-light (a town, its reports and a map)."
KINDS = "streaming (films that play; the default) or town (reports on a map, mended by a promised day)."

app = typer.Typer(
    name="amends",
    help="Proactive service recovery: notice who lived through what, make it right before they ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
assess = typer.Typer(help="Judge telemetry without a server or a database.", no_args_is_help=True)
keys = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)
app.add_typer(assess, name="assess")
app.add_typer(keys, name="keys")
app.add_typer(operators.app, name="operators")
books.register(app)
app.add_typer(forgetting.app, name="customers")
app.add_typer(policies.app, name="policy")
app.add_typer(reports.app, name="reports")
app.add_typer(sending.app, name="sending")
app.add_typer(studies.audit, name="audit")
app.command("simulate")(studies.simulate)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"amends {version('amends')}")
        raise typer.Exit


@app.callback()
def amends(
    version_: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which amends.")
    ] = False,
) -> None:
    pass


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Where to write it; made if absent.")],
    operator: Annotated[str, typer.Option(help="Name of the first operator of the desk.")] = "operator",
    kind: Annotated[str, typer.Option("--for", metavar="KIND", help=KINDS)] = "",
    json_: Json = False,
) -> None:
    """Write a working example: `amends.toml`, promises, policies, notices, an operator and an API key (shown once)."""
    from amends.scenarios.starter import files

    there = files.there(directory)
    kind = kind or next(iter(there), files.STREAMING)
    if kind not in files.KINDS:
        known = " and ".join(files.KINDS)
        typer.secho(f"no example is for {kind!r}; there are {known}", fg="red", err=True)
        raise typer.Exit(2)
    if there and kind not in there:
        says = f"{directory} holds an example for {there[0]}, which one for {kind} would be mixed into; choose another"
        typer.secho(says, fg="red", err=True)
        raise typer.Exit(2)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        written = files.write(directory, kind)
    except OSError as error:
        typer.secho(f"{directory} cannot hold an installation: {error.strerror}", fg="red", err=True)
        raise typer.Exit(2) from error
    enter(directory)
    from amends.web import setting_up

    made = setting_up.prepare(operator, clock())
    if json_:
        typer.echo(json.dumps({"directory": str(directory), "written": [str(path) for path in written]} | made))
        return
    for path in written:
        typer.echo(f"wrote {path}")
    if made["api_key"]:
        typer.echo(f"\nAPI key:  {made['api_key']}\nOperator: {operator}\nPassword: {made['password']}")
        typer.echo("These are shown once; only their hashes are kept.")
    else:
        typer.echo("The database already has an operator and a key: nothing new was made.")
    then = ", and open /report there" if kind == files.TOWN else ""
    typer.echo(f"\nNext: amends serve --dir {directory}{then}")


@app.command()
def migrate(directory: Dir = Path()) -> None:
    """Bring the database to this version's tables. Safe to repeat."""
    existing(directory)
    migrated(verbosity=1)


@app.command()
def serve(
    directory: Dir = Path(),
    host: str = "127.0.0.1",
    port: Port = 8000,
    processes: Processes = 0,
    scenario: Annotated[str, typer.Option(help="Prepare the directory with a scenario first.")] = "",
) -> None:
    """Web and worker in one process tree. SIGTERM is graceful; kill -9 loses nothing."""
    if scenario:
        _prepare(scenario, directory)
    existing(directory)
    from amends.worker import tree

    migrated(verbosity=0)
    raise typer.Exit(tree.serve(directory.absolute(), host, port, processes))


def _prepare(scenario: str, directory: Path) -> None:
    """Make the directory that of a scenario, and say its key."""
    from amends.scenarios import towns

    if scenario not in towns.SERVED:
        known = ", ".join(towns.SERVED)
        typer.secho(f"no scenario {scenario!r} can be served; there is {known}", fg="red", err=True)
        raise typer.Exit(2)
    try:
        towns.write(scenario, directory)
    except OSError as error:
        typer.secho(f"{directory} cannot hold an installation: {error.strerror}", fg="red", err=True)
        raise typer.Exit(2) from error
    enter(directory)
    migrated(verbosity=0)
    typer.echo(f"API key: {towns.prepare(scenario, clock())}")
    sys.stdout.flush()


@app.command()
def web(directory: Dir = Path(), host: str = "127.0.0.1", port: Port = 8000, processes: Processes = 0) -> None:
    """The doors and pages only; run `amends worker` beside it."""
    existing(directory)
    from amends.web import server
    from amends.worker import logs

    logs.set_up()
    if os.environ.get("AMENDS_CHILD"):
        server.die_with_parent()
    os.environ["AMENDS_CHILD"] = "1"
    try:
        place = server.usable(host, port)
    except server.NoPlace as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from error
    if port == 0:
        typer.echo(f"serving at http://{place[0]}:{place[1]}/", err=True)
    server.run(*place, processes or server.PROCESSES)


@app.command()
def worker(directory: Dir = Path()) -> None:
    """Move the story and deliver acts; any number may run."""
    existing(directory)
    from amends.worker import working

    raise typer.Exit(working.work())


@app.command()
def drain(
    directory: Dir = Path(),
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Also wait for retries that are due later.")] = False,
    timeout: Annotated[float, typer.Option(help="Give up after so many seconds (exit 1).")] = 300.0,
) -> None:
    """Run the worker until nothing is due, then stop: exit 0 when idle."""
    existing(directory)
    from amends.worker import working

    raise typer.Exit(working.drain(until_idle, timeout))


@app.command()
def check(directory: Dir = Path(), json_: Json = False) -> None:
    """Say what is wrong in an installation's files: file, line, what was expected, what to do. Exit 1 for an error."""
    from amends.worker import checks

    raise typer.Exit(checks.check(directory, as_json=json_))


@app.command()
def doctor(directory: Dir = Path(), json_: Json = False) -> None:
    """Say in words what keeps this installation from working; exit 1 when something does."""
    existing(directory)
    from amends.worker import doctor as ward

    raise typer.Exit(ward.examine(as_json=json_))


@app.command()
def export(
    what: Annotated[str, typer.Argument(help="signals, failures, recoveries, acts, ledger, notices, reports, moves …")],
    directory: Dir = Path(),
    format_: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet; reports as geojson, too")] = "jsonl",
    output: Annotated[str, typer.Option(help="File to write; - is standard output.")] = "-",
    personal: Annotated[bool, typer.Option("--personal", help="Reports and moves: also whose they are.")] = False,
) -> None:
    """Everything amends knows, streaming."""
    existing(directory)
    from amends.worker import exports

    raise typer.Exit(exports.export(what, format_, output, personal=personal))


@app.command()
def ingest(files: list[str], directory: Dir = Path(), json_: Json = False) -> None:
    """Read NDJSON, Parquet and access logs (plain, gzip, zstd; `-` is standard input). Resumable; twice is once."""
    existing(directory)
    from amends.signals import ingest as intake

    raise typer.Exit(intake.ingest_and_tell(files, as_json=json_))


@assess.command("video")
def assess_video(
    files: list[str],
    format_: Annotated[str, typer.Option("--format", help="jsonl, table or parquet")] = "jsonl",
    output: Annotated[str, typer.Option(help="File to write; standard output if not given.")] = "",
) -> None:
    """One line per play session from CMCD (requests, headers, events) in JSON lines or access logs."""
    from amends.telemetry import video

    raise typer.Exit(video.assess_video(files, format_, output or None))


@app.command()
def lint(
    files: list[str],
    format_: Annotated[str, typer.Option("--format", help="jsonl or text; text on a terminal if not given.")] = "",
) -> None:
    """Find weaselly words in notices, mails and pages (`-` is standard input). Exit 1 when there is an error."""
    from amends.notices import lint as linter

    form = format_ or ("text" if sys.stdout.isatty() else "jsonl")
    if form not in ("jsonl", "text"):
        typer.secho(f"format {format_!r} is unknown; use jsonl or text", fg="red", err=True)
        raise typer.Exit(2)
    raise typer.Exit(linter.lint_paths(files, form))


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help=STORIES)] = "buffering-evening",
    headless: Annotated[bool, typer.Option("--headless", help="Run, check expected.toml, exit with a code.")] = False,
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep it here instead of a temporary place.")] = None,
    port: Annotated[int, typer.Option(help="Port of the server; 0 picks a free one.")] = 8000,
) -> None:
    """Run a story end to end: real server, real worker, real telemetry; only the company's side is a demo."""
    from amends.scenarios import stories

    raise typer.Exit(stories.run(name, headless=headless, directory=directory, port=port))


@keys.command("new")
def new_key(
    name: str,
    directory: Dir = Path(),
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do; may be given several times. None: all but coupons and unlimited reports."),
    ] = None,
) -> None:
    """Make an API key and show it once."""
    existing(directory)
    from amends.signals import steps
    from amends.web import setting_up

    if wrong := setting_up.wrong_scopes(scope or []):
        known = ", ".join(setting_up.KNOWN)
        typer.secho(f"no door knows the scope {wrong[0]!r}; there are {known}", fg="red", err=True)
        raise typer.Exit(2)
    typer.echo(steps.create_key(name, scope or setting_up.SCOPES, clock()))


@keys.command("list")
def list_keys(directory: Dir = Path()) -> None:
    """Every key by its first letters, its scopes and whether it is revoked."""
    existing(directory)
    from amends.signals import queries

    for key in queries.keys():
        typer.echo(key)


@keys.command("revoke")
def revoke_key(prefix: str, directory: Dir = Path()) -> None:
    """Revoke a key by its first letters."""
    existing(directory)
    from amends.signals import steps

    if not steps.revoke_key(prefix, clock()):
        typer.secho(f"no live key begins with {prefix}; `amends keys list` shows them", fg="red", err=True)
        raise typer.Exit(1)


def main() -> None:
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
