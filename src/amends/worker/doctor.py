"""`amends doctor`: what keeps this installation from working, in words."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console
from rich.text import Text

import amends.notices.queries
import amends.outbox.queries
import amends.recoveries.queries
import amends.remedies.queries
import amends.signals.queries
from amends.ground.counts import counted
from amends.ground.trouble import last
from amends.outbox.records import ActState
from amends.worker import addresses, checks, wires

DEFAULT_PORTS = {"smtp": 25, "smtps": 465, "http": 80, "https": 443}
MANY, MANY_TRIES, LONG = 1000, 5, timedelta(hours=1)


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at: `ok`, `warning` (works, but somebody should know) or `wrong` (does not work)."""

    what: str
    state: str
    says: str


def examine(*, as_json: bool) -> int:
    """Look at everything, print it, and answer 1 when something is wrong."""
    found = list(_look())
    if as_json:
        print(json.dumps([asdict(line) for line in found]))
    else:
        _tell(found)
    return int(any(line.state == "wrong" for line in found))


def _look() -> Iterator[Diagnosis]:
    """Everything; what stands in the database only where that answers."""
    database = list(_database())
    yield from database
    for look in LOOKS:
        yield from look()
    if all(line.state == "ok" for line in database):
        for look in ROWS:
            yield from look()


def _tell(found: Sequence[Diagnosis]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    marks = {"ok": ("ok", "green"), "warning": ("note", "yellow"), "wrong": ("wrong", "red")}
    for line in found:
        mark, colour = marks[line.state]
        console.print(Text.assemble((f"{mark:>7}", colour), "  ", (line.what, "bold"), f"  {line.says}"))


def _database() -> Iterator[Diagnosis]:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        says = " ".join(str(error).split())
        yield Diagnosis("database", "wrong", f"{says}; check AMENDS_DATABASE_URL and that the server runs")
        return
    if waiting:
        yield Diagnosis("database", "wrong", f"{len(waiting)} migrations wait; run `amends migrate`")
    else:
        yield Diagnosis("database", "ok", f"{connection.vendor}, all tables there")


def _files() -> Iterator[Diagnosis]:
    """What `amends check` finds."""
    directory = settings.AMENDS.directory
    found = checks.findings(directory, datetime.now(UTC).date())
    for mistake in found:
        if mistake.severity == "error":
            hint = f" ({mistake.hint})" if mistake.hint else ""
            where = os.path.relpath(mistake.file, directory)
            yield Diagnosis("files", "wrong", f"{where}:{mistake.line}: {mistake.says}{hint}")
    warnings = sum(mistake.severity == "warning" for mistake in found)
    if warnings:
        yield Diagnosis("files", "warning", f"{counted(warnings, 'warning')}; `amends check` shows them")
    if not found:
        yield Diagnosis("files", "ok", "amends.toml, promises, policies and notices are in order")


def _story() -> Iterator[Diagnosis]:
    trouble = last(settings.AMENDS.var)
    if trouble.failing:
        turns = counted(trouble.failing, "turn")
        says = f"{turns} of the story failed in a row, the last at {trouble.at}: {trouble.error}"
        yield Diagnosis("story", "wrong", f"{says}; nothing is lost, it is tried again")
    elif trouble.failed:
        says = f"goes on; {counted(trouble.failed, 'turn')} failed before, the last at {trouble.at}: {trouble.error}"
        yield Diagnosis("story", "warning", says)
    else:
        yield Diagnosis("story", "ok", "no turn of it has failed")


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
    url = settings.AMENDS.billing.url
    yield from _address("billing", url, addresses.HTTP, "AMENDS_BILLING_URL")
    wrong = addresses.wrong_secret(settings.AMENDS.billing.secret) if url else ""
    if wrong:
        yield Diagnosis("billing secret", "wrong", wrong)


def _mail() -> Iterator[Diagnosis]:
    yield from _address("mail", settings.AMENDS.mail.smtp_url, addresses.SMTP, "AMENDS_SMTP_URL")


def _others() -> Iterator[Diagnosis]:
    for name, url, variable in wires.asked_for(settings.AMENDS):
        yield from _address(name, url, addresses.HTTP, variable)


def _address(what: str, url: str, schemes: tuple[str, ...], variable: str) -> Iterator[Diagnosis]:
    wrong = addresses.wrong_address(url, schemes, variable) if url else ""
    if wrong:
        yield Diagnosis(what, "wrong", f"{wrong}; acts wait, nothing is lost")
    else:
        yield from _reachable(what, url, variable)


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
    waiting = len(amends.outbox.queries.for_a_person(MANY))
    if waiting:
        yield Diagnosis("acts", "warning", f"{waiting} wait for a person; see /desk/acts")
    else:
        yield Diagnosis("acts", "ok", "none waits for a person")


def _unclear() -> Iterator[Diagnosis]:
    """Acts of which nobody has known for long whether they were done."""
    now = datetime.now(UTC)
    unknown = amends.outbox.queries.recent(MANY, ActState.UNKNOWN)
    stuck = [act for act in unknown if act.attempts >= MANY_TRIES or now - act.created_at > LONG]
    for act in stuck[:5]:
        says = (
            f"{act.key}: not known whether it was done, after {act.attempts} tries since {act.created_at:%d %B %H:%M}"
        )
        yield Diagnosis("acts", "warning", f"{says}; last answer: {act.last_answer or 'none'}")
    if len(stuck) > 5:
        yield Diagnosis("acts", "warning", f"and {len(stuck) - 5} more like it; see /desk/acts")


def _held() -> Iterator[Diagnosis]:
    held = amends.notices.queries.held(MANY)
    if held:
        why = Counter(finding.rule for notice in held for finding in notice.findings[-1:])
        said = ", ".join(f"{count} {rule}" for rule, count in why.most_common())
        yield Diagnosis("notices", "warning", f"{len(held)} are held back ({said}); see /desk/")
    else:
        yield Diagnosis("notices", "ok", "none is held back")


def _money() -> Iterator[Diagnosis]:
    """What keeps money from moving, and where a provider's list differs."""
    for stop in amends.recoveries.queries.stops(MANY):
        if stop.resumed_at is None:
            says = f"stopped for {stop.policy or 'every policy'} by {stop.who}: {stop.why}; `amends resume-paying`"
            yield Diagnosis("paying", "warning", says)
    waiting = amends.recoveries.queries.policy_texts(MANY, waiting=True)
    if waiting:
        what = counted(len(waiting), "changed text waits", "changed texts wait")
        yield Diagnosis("policies", "warning", f"{what} for two operators; see /desk/budgets")
    differences = amends.remedies.queries.differences_count()
    if differences:
        yield Diagnosis(
            "books", "warning", f"{counted(differences, 'difference')} from a provider's list; see /desk/budgets"
        )


Looks = tuple[Callable[[], Iterator[Diagnosis]], ...]
LOOKS: Looks = (_files, _disk, _story, _billing, _mail, _others)
ROWS: Looks = (_landing, _keys, _people, _unclear, _held, _money)
