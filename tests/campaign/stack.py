"""Everything that runs: web, two workers, a database, and an outside; and the hands that kill it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from tests.campaign import tracing
from tests.campaign.databases import Database
from tests.campaign.mother import ROOT, Mother
from tests.campaign.outside import Clock, Journal

SECRET = "whsec_" + "Q0FNUEFJR04" * 4
UP_S = 60.0
OUTSIDERS = ("billing", "mailbox")
TABLES = ("signals", "quarantine", "failures", "recoveries", "acts", "ledger", "notices")


class Installation:
    """A directory that `amends init` made, copied for each round, with its database."""

    def __init__(
        self, place: Path, database: Database, template: Installation | None = None, code: Path = ROOT
    ) -> None:
        self.place, self.database, self.code = place, database, code
        if template is None:
            place.mkdir(parents=True)
            database.fresh(place, place)
            made = json.loads(_amends(["init", str(place), "--json"], self.environment()))
            self.api_key = str(made["api_key"])
        else:
            shutil.copytree(template.place, place, ignore=shutil.ignore_patterns("*.lock"))
            database.fresh(template.place, place)
            self.api_key = template.api_key

    @property
    def outside(self) -> Path:
        """Where the world around it keeps its journals and its clock."""
        return self.place.with_name(f"{self.place.name}-outside")

    def mother(self, ports: Mapping[str, int] | None = None) -> Mother:
        return Mother(self.place, self.outside, self.environment(), ports)

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
        path = os.pathsep.join([str(self.code / "src"), str(ROOT)])
        return kept | {
            "PYTHONPATH": path,
            "AMENDS_DIR": str(self.place),
            "AMENDS_DATABASE_URL": self.database.url(self.place),
            "AMENDS_BILLING_SECRET": SECRET,
            "AMENDS_SECRET_KEY": "only-for-tests",
        }


def _amends(args: list[str], environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "amends", *args]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


class Stack:
    """One round's processes. Every pid in `pids` is ours to kill; `kills` counts what we killed from in here."""

    def __init__(self, home: Installation, seed: int, mother: Mother, broken: str = "") -> None:
        self.home, self.seed, self.mother, self.broken = home, seed, mother, broken
        self.outside, self.ports = home.outside, mother.ports
        self.outside.mkdir()
        self.clock, self.killed_outside = Clock(self.outside / "clock"), Journal(self.outside / "kills.jsonl")
        self.clock.jump(0)
        self.pids: dict[str, int] = {}
        self.kills: dict[str, int] = {}
        self.traces: dict[str, subprocess.Popen[bytes]] = {}
        self.outsiders: dict[str, subprocess.Popen[bytes]] = {}
        self.log = str(self.outside / "amends.log")
        for name in OUTSIDERS:
            self.start_outsider(name)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    def upgrade(self, mother: Mother) -> None:
        """From now on commands run another release's code; what runs already goes on running the old."""
        self.mother.end()
        self.mother = mother

    def _ask(self, order: dict[str, Any]) -> dict[str, int]:
        return self.mother.ask(order | {"log": self.log, "broken": self.broken})

    def run(self, *args: str) -> int:
        """A command to its end; its exit code."""
        return self._ask({"run": [*args, "--dir", str(self.home.place)]})["code"]

    def start(self, name: str) -> None:
        """`web`, or a worker of any other name."""
        args = ["worker"] if name != "web" else ["web", "--port", str(self.ports["web"]), "--processes", "1"]
        self.pids[name] = self._ask({"start": [*args, "--dir", str(self.home.place)]})["pid"]
        self._tell_victims()

    def _tell_victims(self) -> None:
        fresh = self.outside / "victims.new"
        fresh.write_text(json.dumps([pid for name, pid in self.pids.items() if name != "web"]))
        fresh.rename(self.outside / "victims.json")

    def start_outsider(self, name: str) -> None:
        command = [sys.executable, "-m", f"tests.campaign.{name}", str(self.outside), str(self.ports[name])]
        with open(self.outside / "outside.log", "ab") as log:
            self.outsiders[name] = subprocess.Popen([*command, str(self.seed)], cwd=ROOT, stdout=log, stderr=log)

    def mood(self, **mood: Any) -> None:
        fresh = self.outside / "mood.new"
        fresh.write_text(json.dumps(mood))
        fresh.rename(self.outside / "mood.json")

    def kill(self, name: str) -> None:
        """kill -9, the whole process group at once, as when a machine dies."""
        self._untrace(name)
        pid = self.pids.pop(name, 0)
        if pid and alive(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # just forked, it leads no group yet
                self.count(name.rstrip("0123456789"))
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def end(self) -> None:
        """SIGTERM, as an operator stops it, and wait."""
        for name in list(self.pids):
            self.terminate(name)

    def trace(self, name: str, call: str, nth: int) -> None:
        """Have it killed at its n-th such call from now on."""
        self._untrace(name)
        family = psutil.Process(self.pids[name]).children()  # granian's own worker does the work
        self.traces[name] = tracing.tracer([child.pid for child in family] or [self.pids[name]], call, nth)

    def _untrace(self, name: str) -> None:
        trace = self.traces.pop(name, None)
        if trace is not None:
            self.count("strace", int(trace.poll() is not None))
            trace.terminate()
            trace.wait()

    def terminate(self, name: str) -> None:
        """SIGTERM to one, and wait."""
        os.kill(self.pids[name], signal.SIGTERM)
        until = time.monotonic() + UP_S
        while alive(self.pids[name]) and time.monotonic() < until:
            time.sleep(0.05)
        assert not alive(self.pids.pop(name)), f"SIGTERM did not stop {name}"

    def count(self, what: str, more: int = 1) -> None:
        if more:
            self.kills[what] = self.kills.get(what, 0) + more

    def kill_outsider(self, name: str) -> None:
        self.outsiders[name].kill()
        self.outsiders[name].wait()
        self.count(name)
        self.start_outsider(name)

    def freeze(self, name: str, how: signal.Signals) -> None:
        with suppress(ProcessLookupError, KeyError):
            os.killpg(self.pids[name], how)

    def mend(self) -> None:
        """Start again whatever has died, at whoever's hand."""
        for name in [name for name, trace in self.traces.items() if trace.poll() is not None]:
            self._untrace(name)
        for name in [name for name, pid in self.pids.items() if not alive(pid)]:
            self.start(name)
        for name, outsider in self.outsiders.items():
            if outsider.poll() is not None:
                self.start_outsider(name)

    def wait_for_web(self) -> None:
        until = time.monotonic() + UP_S
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                return
            time.sleep(0.05)
        raise AssertionError(f"web is not up after {UP_S:g} s: {Path(self.log).read_text()[-2000:]}")

    def kill_count(self) -> dict[str, int]:
        """Kills by whom: ours from here, and those that the outside did at a chosen moment."""
        found = dict(self.kills)
        for line in self.killed_outside.lines():
            if not line.get("frozen"):
                found[line["by"]] = found.get(line["by"], 0) + 1
        return found

    def acts_tried(self) -> int:
        """How many acts have reached the provider at least once, by its own account."""
        return len({line["what"] for line in Journal(self.outside / "tries.jsonl").lines() if line["what"][0] == "P"})

    def export(self) -> dict[str, list[dict[str, Any]]]:
        """Every table that the contract names, read back through the command line."""
        found = {}
        for table in TABLES:
            path = self.outside / f"{table}.jsonl"
            assert self.run("export", table, "--format", "jsonl", "--output", str(path)) == 0, table
            found[table] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return found

    def stop(self) -> None:
        for name in list(self.traces):
            self._untrace(name)
        for name in list(self.pids):
            self.freeze(name, signal.SIGCONT)
            self.kill(name)
        self._sweep()
        for outsider in self.outsiders.values():
            outsider.kill()
            outsider.wait()

    def _sweep(self) -> None:
        """A process that outlived its name, such as a worker under a clock that stood still, costs the next rounds."""
        mother = self.mother.process
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if str(self.home.place) in process.cmdline() and not (mother and process.pid == mother.pid):
                    process.kill()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in "ZX"
