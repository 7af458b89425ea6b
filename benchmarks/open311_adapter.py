"""GeoReport answers beside those of mysociety's open311-adapter: the same rows of one SQLite file, one process each.

`python benchmarks/open311_adapter.py --adapter DIR [--reports 1000000] [--rounds 40] [--keep DIR]`

DIR is a checkout of the adapter (a program of its own, in Perl, AGPL; nothing of it is here). It needs `perl` with the modules
that its `cpanfile` names, in `DIR/local` or wherever perl looks for them, and Starman, DBI and DBD::SQLite. The adapter stores
nothing: a class gives it services and requests, which it checks and writes. `_open311_endpoint.psgi` is as thin as such a class
can be: one statement with our conditions and order, one object a row, the database kept open. Both servers are asked over HTTP on
a kept connection, in turns, another one first each time; CPU is that of each server's processes. Answers must name the same
reports and services.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parent))
OURS, THEIRS = 8391, 8392  # ports
ENDPOINT = Path(__file__).with_name("_open311_endpoint.psgi")
MORE = 10  # times as many rounds for answers of one thing
NEEDS = """  Not compared. It needs --adapter DIR, a checkout of mysociety/open311-adapter, and perl with the modules of its cpanfile
  (Web::Simple, Moo, MooX::HandlesVia, Type::Tiny, Data::Rx, JSON::MaybeXS, XML::Simple, DateTime::Format::W3CDTF), Starman and DBD::SQLite."""


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--adapter", type=Path, help="a checkout of mysociety/open311-adapter")
    options.add_argument("--reports", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--keep", type=Path, default=None, help="where reports.py --keep left its database")
    chosen = options.parse_args()
    if chosen.adapter is None:
        print(NEEDS)
        return 0
    adapter: Path = chosen.adapter.absolute()
    if lacks := _lacking(adapter):
        print(f"{NEEDS}\n  {lacks}")
        return 1
    with tempfile.TemporaryDirectory(prefix="amends-adapter-", ignore_cleanup_errors=True) as place:
        _fill(Path(chosen.keep.absolute() / "sqlite" if chosen.keep else place), chosen.reports)
        with _servers(adapter, Path(place)) as servers:
            return _compare(servers, chosen.reports, chosen.rounds)


def _lacking(adapter: Path) -> str:
    if shutil.which("perl") is None or shutil.which("starman") is None:
        return "perl or starman is not found"
    modules = ("Open311::Endpoint", "Open311::Endpoint::Service::Attribute", "DBD::SQLite", "DateTime")
    command = ["perl", *_places(adapter), *(f"-M{name}" for name in modules), "-e", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.splitlines()[0][:160]


def _places(adapter: Path) -> list[str]:
    return [f"-I{adapter / 'perllib'}", f"-I{adapter / 'local/lib/perl5'}"]


def _fill(place: Path, reports: int) -> None:
    """A town with so many reports, as benchmarks/reports.py has it."""
    site = place / "site"
    os.environ |= {"AMENDS_DIR": str(site), "AMENDS_SECRET_KEY": "x", "AMENDS_LOG": "ERROR"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "amends.settings"
    from amends.scenarios import towns

    if not site.exists():
        towns.write("conformance-town", site)
    import django
    from django.core.management import call_command

    django.setup()
    (site / "var").mkdir(exist_ok=True)
    call_command("migrate", verbosity=0)
    from _reports_filling import fill

    fill(reports)


# The two servers


@contextmanager
def _servers(adapter: Path, place: Path) -> Iterator[dict[str, Server]]:
    from django.conf import settings

    services, base = place / "services.json", settings.DATABASES["default"]
    services.write_text(json.dumps(_catalogue()))
    environment = os.environ | {
        "BENCH_SERVICES": str(services),
        "BENCH_DATABASE": str(base["NAME"]),
        "BENCH_PRAGMAS": base.get("OPTIONS", {}).get("init_command", ""),
    }
    ours = [sys.executable, "-m", "amends", "web", "--port", str(OURS), "--processes", "1"]
    theirs = ["starman", *_places(adapter), "--listen", f"127.0.0.1:{THEIRS}", "--workers", "1", "--preload-app"]
    theirs += ["--keepalive-timeout", "60", "--max-requests", "1000000", "--env", "deployment", str(ENDPOINT)]
    begun = {"amends": (ours, OURS, "/open311/v2"), "adapter": (theirs, THEIRS, "")}
    found: dict[str, Server] = {}
    try:
        for name, (command, port, base_path) in begun.items():
            found[name] = Server(command, port, base_path, environment)
        yield found
    finally:
        for server in found.values():
            server.end()


def _catalogue() -> dict[str, Any]:
    """Services as the adapter's own classes take them, and names of notices and bodies by code."""
    from django.conf import settings

    from amends.reports import categories
    from amends.reports.catalogue import Attribute, in_language

    def asked(each: Attribute) -> dict[str, Any]:
        return {
            "code": each.code,
            "variable": int(each.variable),
            "datatype": each.datatype.value,
            "required": int(each.required and each.variable),
            "datatype_description": in_language(each.hint, "en"),
            "description": in_language(each.description, "en"),
            "values": {value.key: in_language(value.name, "en") for value in each.values},
        }

    known = categories.in_use(settings.AMENDS.directory)
    return {
        "services": [
            {
                "service_code": each.code,
                "service_name": in_language(each.name, "en"),
                "description": in_language(each.description, "en"),
                "type": each.type.value,
                "group": in_language(each.group, "en"),
                "keywords": list(each.keywords),
                "attributes": [asked(attribute) for attribute in each.attributes],
            }
            for each in known.categories.values()
        ],
        "notices": {code: in_language(each.notice, "en") for code, each in known.categories.items() if each.notice},
        "agencies": {code: in_language(each.name, "en") for code, each in known.bodies.items()},
    }


class Server:
    """A server started for the comparison, with one connection to it."""

    def __init__(self, command: list[str], port: int, base: str, environment: dict[str, str]) -> None:
        self.base, self.wire = base, http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server runs
        self.process = subprocess.Popen(command, env=environment, stdout=self.said, stderr=self.said)
        for _ in range(200):
            try:
                self.ask("/services.json")
                return
            except OSError:
                self.wire.close()
                time.sleep(0.1)
        self.end()
        self.said.seek(0)
        raise RuntimeError(f"{command[0]} does not answer: {self.said.read(2000).decode()}")

    def ask(self, path: str) -> bytes:
        self.wire.request("GET", self.base + path)
        response = self.wire.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")
        return body

    def cpu_s(self) -> float:
        import psutil

        own = psutil.Process(self.process.pid)
        return sum(sum(each.cpu_times()[:2]) for each in (own, *own.children(recursive=True)))

    def end(self) -> None:
        self.wire.close()
        self.process.terminate()
        self.process.wait(30)


# Asking


def _asked(reports: int) -> dict[str, tuple[int, Callable[[random.Random, str], str]]]:
    """By name: how many times the rounds, and what address is asked for."""
    now = datetime.now(UTC)

    def month(chance: random.Random, form: str) -> str:
        start = now - timedelta(days=chance.randint(60, 900))
        dates = {"start_date": start, "end_date": start + timedelta(days=30)}
        return f"/requests.{form}?{urlencode({name: f'{at:%Y-%m-%dT%H:%M:%SZ}' for name, at in dates.items()})}"

    return {
        "requests, 90 days": (1, lambda _, form: f"/requests.{form}"),
        "status=open": (1, lambda _, form: f"/requests.{form}?status=open"),
        "service_code": (1, lambda _, form: f"/requests.{form}?service_code=street-light"),
        "a month by dates": (1, month),
        "one request by id": (MORE, lambda chance, form: f"/requests/{chance.randint(1, reports)}.{form}"),
        "services": (MORE, lambda _, form: f"/services.{form}"),
        "one definition": (MORE, lambda _, form: f"/services/street-light.{form}"),
    }


def _compare(servers: dict[str, Server], reports: int, rounds: int) -> int:
    print(
        f"  {'median / p95 in ms (CPU)':24} named {'amends':>26} {'adapter':>26}  times, by median and CPU", flush=True
    )
    differ = 0
    for name, (more, path) in _asked(reports).items():
        for form in ("json", "xml"):
            named, same = _named(servers, path(random.Random(0), form))
            differ += not same
            took, cpu = _in_turns(servers, lambda chance, form=form, path=path: path(chance, form), rounds * more)
            middle = {each: statistics.median(times) for each, times in took.items()}
            said = " ".join(f"{_said(took[each]):>16} ({cpu[each]:6.2f})" for each in servers)
            print(
                f"  {name:18} {form:4}  {named:5}  {said}   {_times(middle)} {_times(cpu)}{'' if same else '  NOT THE SAME'}",
                flush=True,
            )
    return differ


def _named(servers: dict[str, Server], path: str) -> tuple[int, bool]:
    """How many things an answer names, and whether both name the same, requests in the same order."""
    requests = path.startswith("/requests")
    field = rb"service_request_id" if requests else rb"(?:service_code|code|key)"
    pattern = re.compile(rb"[<\"]" + field + rb"\"?\s*[>:]\s*\"?([\w-]+)")
    ours, theirs = (pattern.findall(each.ask(path)) for each in servers.values())
    return len(ours), bool(ours) and (ours == theirs if requests else sorted(ours) == sorted(theirs))


def _in_turns(
    servers: dict[str, Server], path: Callable[[random.Random], str], rounds: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Milliseconds of each answer, and of CPU by the average of all."""
    took: dict[str, list[float]] = {name: [] for name in servers}
    for n in range(-3, rounds):
        if n == 0:
            before = {name: server.cpu_s() for name, server in servers.items()}
        for name in list(servers)[:: 1 if n % 2 else -1]:
            asked, began = path(random.Random(n)), time.perf_counter()
            servers[name].ask(asked)
            took[name].append((time.perf_counter() - began) * 1000)
    cpu = {name: (server.cpu_s() - before[name]) / rounds * 1000 for name, server in servers.items()}
    return {name: times[3:] for name, times in took.items()}, cpu


def _times(of: dict[str, float]) -> str:
    """How many times ours the adapter took; CPU is counted in hundredths of a second, few rounds may show none."""
    return f"{of['adapter'] / of['amends']:5.1f}" if of["amends"] else "    -"


def _said(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} / {sorted(times)[math.ceil(len(times) * 0.95) - 1]:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
