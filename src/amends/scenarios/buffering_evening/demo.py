"""The runner of the buffering evening: real server, real worker, real telemetry; billing and mail are demo parts."""

from __future__ import annotations

import base64
import gzip
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from amends.scenarios import demo_billing, demo_mailbox
from amends.scenarios.buffering_evening import summary, world

HERE = files("amends.scenarios.buffering_evening")
SETTINGS = {
    'name = "Example Streaming"': 'name = "Filmhaus (demo)"',
    'contact_email = "care@example.org"': 'contact_email = "care@filmhaus.example"',
    'time_zone = "UTC"': 'time_zone = "Europe/Vienna"',
    'sender = "Customer care <care@example.org>"': 'sender = "Filmhaus <care@filmhaus.example>"',
    "silence_s = 60 ": "silence_s = 3 ",
    "lateness_s = 600": "lateness_s = 5",
    "change-me-once-and-never-again": "buffering-evening",
}
PATIENCE_S = 150


def run(*, headless: bool, directory: Path | None, port: int) -> int:
    """Tell the whole story; 0 when everything came out as expected.toml says."""
    console = Console()
    kept = directory is not None
    place = (directory or Path(tempfile.mkdtemp(prefix="amends-demo-"))).absolute()
    expected = tomllib.loads((HERE / "expected.toml").read_text("utf-8"))
    demo = Demo(place, port, console)
    try:
        demo.set_up()
        demo.send(expected)
        demo.wait()
        found = summary.gather(place, demo.environment)
        wrong = summary.compare(found, expected)
        summary.show(console, found, wrong, demo.addresses(), demo.seconds())
        if not headless and not wrong:
            demo.linger()
        return 1 if wrong else 0
    finally:
        demo.stop()
        if headless and not kept:
            import shutil

            shutil.rmtree(place, ignore_errors=True)


class Demo:
    """The parts of the demo and what has been started of them."""

    def __init__(self, place: Path, port: int, console: Console) -> None:
        self.place = place
        self.console = console
        self.port = _usable(port)
        if port not in (0, self.port):
            console.print(f"port {port} is taken; this evening runs on {self.port}", style="dim")
        self.began = time.monotonic()
        self.server: subprocess.Popen[bytes] | None = None
        self.ended_ms = 0  # when the evening ended: the same for every run in one directory
        self.environment: dict[str, str] = {}
        self.key = self.password = self.billing = self.mailbox = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def set_up(self) -> None:
        """Write the starter files, start the demo parts, then the real server."""
        self.place.mkdir(parents=True, exist_ok=True)
        secret = self._secret()
        service = demo_billing.DemoBilling(self.place / "demo-billing.jsonl")
        _, self.billing = demo_billing.start(service)
        _, smtp, self.mailbox = demo_mailbox.start(demo_mailbox.DemoMailbox(self.place / "demo-mails"))
        outside = {name: value for name, value in os.environ.items() if not name.startswith("AMENDS_")}
        self.environment = outside | {
            "AMENDS_BILLING_URL": self.billing,
            "AMENDS_BILLING_SECRET": secret["billing"],
            "AMENDS_SMTP_URL": smtp,
            "AMENDS_PUBLIC_URL": self.url,
            "AMENDS_OPERATOR_PASSWORD": secret["password"],
        }
        self.password = secret["password"]
        self.ended_ms = int(secret["ended_ms"])
        self.key = self._init(secret)
        self._start_server()

    def _secret(self) -> dict[str, Any]:
        """Keys of this demo, kept beside it so that a second run fits the first."""
        path = self.place / "demo-secrets.json"
        if not path.exists():
            billing = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
            ended = {"ended_ms": time.time_ns() // 1_000_000}
            path.write_text(json.dumps({"billing": billing, "password": secrets.token_urlsafe(9), "key": "", **ended}))
            path.chmod(0o600)
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def _init(self, secret: dict[str, Any]) -> str:
        if secret["key"]:
            return str(secret["key"])
        made = json.loads(self._amends("init", str(self.place), "--json"))
        config = self.place / "amends.toml"
        text = config.read_text("utf-8")
        for before, after in SETTINGS.items():
            text = text.replace(before, after)
        config.write_text(text, "utf-8")
        (self.place / "demo-secrets.json").write_text(json.dumps(secret | {"key": made["api_key"]}))
        return str(made["api_key"])

    def _amends(self, *words: str) -> str:
        command = [sys.executable, "-m", "amends", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"amends {' '.join(words[:2])} failed: {done.stderr[-2000:]}")
        return done.stdout

    def _start_server(self) -> None:
        command = [sys.executable, "-m", "amends", "serve", "--dir", str(self.place), "--port", str(self.port)]
        log = (self.place / "demo-server.log").open("ab")
        self.server = subprocess.Popen(command, env=self.environment, stderr=log, stdout=log, start_new_session=True)  # noqa: S603
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.server.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    self.console.print(f"server and worker run at {self.url}", style="dim")
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise RuntimeError(f"the server did not come up; see {self.place / 'demo-server.log'}")

    def kill_and_start_again(self) -> None:
        """What a power cut does: server and worker die at once, and start again."""
        if self.server is not None:
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()
        self._start_server()

    def send(self, expected: dict[str, Any]) -> None:
        """The evening, through the public doors, faster than life."""
        now_ms = self.ended_ms
        evening = world.make(expected["seed"], expected["sessions"], now_ms)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<44}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress, httpx.Client(timeout=60) as client:
            ids = self._send_traces(progress, now_ms / 1000)
            told = [*world.customers_of_traces(list(ids)), *world.playback_of_traces(ids), *world.events(evening)]
            task = progress.add_task("customers and rentals to /v1/signals", total=len(told))
            for batch in _batches(iter(told), 1000):
                self._post_events(client, batch)
                progress.advance(task, len(batch))
            task = progress.add_task("players' reports to /v1/cmcd", total=len(evening.sessions))
            for sessions in _batches(iter(evening.sessions), 100):
                body = "\n".join(line for session in sessions for line in world.reports(session))
                self._post(client, "/v1/cmcd", body.encode(), {"content-type": "application/cmcd"})
                progress.advance(task, len(sessions))

    def _send_traces(self, progress: Progress, now_s: float) -> dict[str, str]:
        """Recordings of real players, as a log that `amends ingest` reads."""
        folder = self.place / "demo-recordings"
        folder.mkdir(exist_ok=True)
        traces = sorted((HERE / "traces").iterdir(), key=lambda trace: trace.name)
        task = progress.add_task("recordings of real players, amends ingest", total=len(traces))
        ids = {}
        for trace in traces:
            path = folder / trace.name
            session_id, lines = world.shifted(trace.read_text("utf-8").splitlines(), now_s)
            if not path.exists():
                path.write_text("\n".join(lines) + "\n", "utf-8")
            ids[trace.name.removesuffix(".jsonl")] = session_id
            progress.advance(task)
        self._amends("ingest", *(str(path) for path in sorted(folder.glob("*.jsonl"))), "--dir", str(self.place))
        return ids

    def _post_events(self, client: httpx.Client, events: Sequence[dict[str, Any]]) -> None:
        body = gzip.compress("\n".join(json.dumps(event) for event in events).encode(), 3)
        self._post(client, "/v1/signals", body, {"content-type": "application/x-ndjson", "content-encoding": "gzip"})

    def _post(self, client: httpx.Client, path: str, body: bytes, headers: dict[str, str]) -> None:
        """Send until it is taken: the server may be killed and started again meanwhile."""
        headers |= {"authorization": f"Bearer {self.key}"}
        for _ in range(60):
            try:
                reply = client.post(self.url + path, content=body, headers=headers)
            except httpx.HTTPError:
                time.sleep(0.5)
                continue
            if reply.status_code in (202, 204):
                return
            if reply.status_code < 500 and reply.status_code != 429:
                raise RuntimeError(f"{path} answered {reply.status_code}: {reply.text[:500]}")
            time.sleep(0.5)
        raise RuntimeError(f"{path} could not be reached for half a minute")

    def wait(self) -> None:
        """Until every session is judged and every act has its answer."""
        with self.console.status("waiting until every session is judged and every refund has its receipt"):
            self._amends("drain", "--dir", str(self.place), "--until-idle", "--timeout", str(PATIENCE_S))

    def addresses(self) -> dict[str, str]:
        return {
            "the desk": f"{self.url}/desk/   (operator / {self.password})",
            "demo mailbox": self.mailbox,
            "demo billing": self.billing,
            "one customer's page": summary.one_page(self.place, self.environment, self.url),
            "design pieces": f"{self.url}/desk/pieces",
            "files and database": str(self.place),
        }

    def linger(self) -> None:
        self.console.print("\nIt keeps running. Ctrl-C ends it.", style="dim")
        try:
            while self.server and self.server.poll() is None:
                time.sleep(0.5)
        except KeyboardInterrupt:
            self.console.print("bye", style="dim")

    def stop(self) -> None:
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()


def _batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(islice(items, size)):
        yield batch


def _usable(wanted: int) -> int:
    """The wanted port, or a free one (also for 0) where somebody listens: two servers would share it unnoticed."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RuntimeError("no port is free on 127.0.0.1")
