"""`amends doctor`: what keeps this installation from working, in words."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console

import amends.outbox.queries
import amends.signals.queries

DEFAULT_PORTS = {"smtp": 25, "smtps": 465, "http": 80, "https": 443}


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at: `ok`, `warning` (works, but somebody should know) or `wrong` (does not work)."""

    what: str
    state: str
    says: str


def examine(*, as_json: bool) -> int:
    """Look at everything, print it, and answer 1 when something is wrong."""
    found = [line for look in LOOKS for line in look()]
    if as_json:
        print(json.dumps([asdict(line) for line in found]))
    else:
        console = Console()
        for line in found:
            mark = {"ok": "[green]ok[/]", "warning": "[yellow]note[/]", "wrong": "[red]wrong[/]"}[line.state]
            console.print(f"{mark:>16}  [bold]{line.what}[/]  {line.says}", highlight=False)
    return int(any(line.state == "wrong" for line in found))


def _database() -> Iterator[Diagnosis]:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield Diagnosis("database", "wrong", f"{error}; check AMENDS_DATABASE_URL and that the server runs")
        return
    if waiting:
        yield Diagnosis("database", "wrong", f"{len(waiting)} migrations wait; run `amends migrate`")
    else:
        yield Diagnosis("database", "ok", f"{connection.vendor}, all tables there")


def _disk() -> Iterator[Diagnosis]:
    free = shutil.disk_usage(settings.AMENDS.directory).free
    if not os.access(settings.AMENDS.directory, os.W_OK):
        yield Diagnosis("disk", "wrong", f"{settings.AMENDS.directory} cannot be written by this user")
    elif free < 200 * 2**20:
        yield Diagnosis("disk", "wrong", f"only {free // 2**20} MiB free: signals could soon not be kept")
    else:
        yield Diagnosis("disk", "ok", f"{free // 2**30} GiB free")


def _reachable(what: str, url: str, variable: str) -> Iterator[Diagnosis]:
    if not url:
        yield Diagnosis(what, "warning", f"not configured: acts wait until {variable} is set")
        return
    parts = urlsplit(url)
    try:
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except (OSError, ValueError) as error:
        yield Diagnosis(what, "wrong", f"{parts.hostname}: {error}; acts wait, nothing is lost")
    else:
        yield Diagnosis(what, "ok", f"{parts.hostname} answers")


def _billing() -> Iterator[Diagnosis]:
    yield from _reachable("billing", settings.AMENDS.billing.url, "AMENDS_BILLING_URL")
    if settings.AMENDS.billing.url and not settings.AMENDS.billing.secret.startswith("whsec_"):
        yield Diagnosis("billing secret", "wrong", "AMENDS_BILLING_SECRET must be whsec_ and base64 of 24 to 64 bytes")


def _mail() -> Iterator[Diagnosis]:
    yield from _reachable("mail", settings.AMENDS.mail.smtp_url, "AMENDS_SMTP_URL")


def _landing() -> Iterator[Diagnosis]:
    damaged = amends.signals.queries.damaged_segments(datetime.now(UTC))
    for name, at in damaged.items():
        says = f"{name} cannot be read behind byte {at}; it is kept. A record torn by a power cut was never answered"
        yield Diagnosis("landing", "warning", f"{says}; anything else is a disk to look at")
    if not damaged:
        yield Diagnosis("landing", "ok", "every segment can be read to its end")


def _keys() -> Iterator[Diagnosis]:
    if list(amends.signals.queries.keys()):
        yield Diagnosis("API keys", "ok", "at least one")
    else:
        yield Diagnosis("API keys", "warning", "none: nobody can send signals; `amends keys new NAME` makes one")


def _people() -> Iterator[Diagnosis]:
    waiting = len(amends.outbox.queries.for_a_person(1000))
    if waiting:
        yield Diagnosis("acts", "warning", f"{waiting} wait for a person; see /desk/acts")
    else:
        yield Diagnosis("acts", "ok", "none waits for a person")


LOOKS: tuple[Callable[[], Iterator[Diagnosis]], ...] = (_database, _disk, _landing, _billing, _mail, _keys, _people)
