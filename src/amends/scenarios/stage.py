"""The stage of every story: real server, real worker; only the company's side, billing and mail, is a demo."""

from __future__ import annotations

import base64
import gzip
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

from amends.scenarios import commands, demo_billing, demo_mailbox, tally
from amends.scenarios.tally import Tally

PATIENCE_S = 150
STARTER = "film-plays"  # the starter's own promise; a story with files of its own puts them in its place
KINDS = ("promises", "policies", "notices")
COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description:<44}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


def run(stage: Callable[[Path, int, Console], Stage], *, headless: bool, directory: Path | None, port: int) -> int:
    """Tell a whole story; 0 when everything came out as its expected.toml says."""
    console = Console()
    kept = directory is not None
    place = (directory or Path(tempfile.mkdtemp(prefix="amends-demo-"))).absolute()
    told = stage(place, port, console)
    signal.signal(signal.SIGTERM, _end)
    try:
        told.set_up()
        told.send(told.expected())
        told.wait()
        wrong = told.show()
        if not headless and not wrong:
            told.linger()
        return 1 if wrong else 0
    finally:
        told.stop()
        if headless and not kept:
            shutil.rmtree(place, ignore_errors=True)


def _end(number: int, frame: FrameType | None) -> None:
    """Being told to end is no reason to leave a server behind: what was started is stopped on the way out."""
    raise SystemExit(128 + number)


class Stage:
    """The parts of a demo and what has been started of them. A story says what is sent and what should come of it."""

    package = ""  # of the story: expected.toml, and where it has them promises/, policies/ and notices/
    settings: Mapping[str, str] = {}  # changes to the starter's amends.toml
    patience_s = PATIENCE_S
    tally = Tally()

    def send(self, expected: dict[str, Any]) -> None:
        """What happens in the story, through the public doors."""
        raise NotImplementedError

    def __init__(self, place: Path, port: int, console: Console) -> None:
        self.place = place
        self.console = console
        self.port = _usable(port)
        if port not in (0, self.port):
            console.print(f"port {port} is taken; this story runs on {self.port}", style="dim")
        self.began = time.monotonic()
        self.server: subprocess.Popen[bytes] | None = None
        self.ended_ms = 0  # when the story ended: the same for every run in one directory
        self.environment: dict[str, str] = {}
        self.key = self.password = self.billing = self.mailbox = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def here(self) -> Traversable:
        return files(self.package)

    def expected(self) -> dict[str, Any]:
        return tomllib.loads((self.here / "expected.toml").read_text("utf-8"))

    def show(self) -> list[str]:
        """Tell what came of it; where it came out otherwise than expected."""
        found = self.tally.gather(self.place, self.environment)
        wrong = tally.compare(found, self.expected())
        self.tally.show(self.console, found, wrong, self.addresses(), self.seconds())
        return wrong

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def set_up(self) -> None:
        """Write the starter files, start the demo parts, then the real server."""
        self.place.mkdir(parents=True, exist_ok=True)
        secret = self._secret()
        self.service = demo_billing.DemoBilling(self.place / "demo-billing.jsonl", durable=False)
        self.box = demo_mailbox.DemoMailbox(self.place / "demo-mails", durable=False)
        _, self.billing = demo_billing.start(self.service)
        _, smtp, self.mailbox = demo_mailbox.start(self.box)
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
        made = json.loads(commands.amends(["init", str(self.place), "--json"], self.environment))
        config = self.place / "amends.toml"
        text = config.read_text("utf-8")
        for before, after in self.settings.items():
            text = text.replace(before, after)
        config.write_text(text, "utf-8")
        self._own_files()
        (self.place / "demo-secrets.json").write_text(json.dumps(secret | {"key": made["api_key"]}))
        return str(made["api_key"])

    def _own_files(self) -> None:
        """Put the story's promises, policies and notices where the starter's were."""
        own = [self.here / kind for kind in KINDS if (self.here / kind).is_dir()]
        for starters in [path for kind in KINDS if own for path in (self.place / kind).glob(f"{STARTER}*")]:
            starters.unlink()
        for folder in own:
            for file in folder.iterdir():
                (self.place / folder.name / file.name).write_bytes(file.read_bytes())

    def _start_server(self) -> None:
        where = ["--dir", str(self.place), "--port", str(self.port), "--processes", "1"]
        command = [sys.executable, "-m", "amends", "serve", *where]
        log = (self.place / "demo-server.log").open("ab")
        env = self.environment | {"AMENDS_CHILD": "1"}  # ends when we do, also when we are killed
        self.server = subprocess.Popen(command, env=env, stderr=log, stdout=log, start_new_session=True)  # noqa: S603
        deadline = time.monotonic() + 90
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

    def ingest(self, name: str, lines: Sequence[str]) -> None:
        """Hand a log over as a file; the same file again changes nothing."""
        folder = self.place / "demo-recordings"
        folder.mkdir(exist_ok=True)
        path = folder / name
        if not path.exists():
            path.write_text("\n".join(lines) + "\n", "utf-8")
        commands.amends(["ingest", str(path), "--dir", str(self.place)], self.environment)

    def post_events(self, client: httpx.Client, events: Sequence[dict[str, Any]]) -> None:
        """Send CloudEvents as NDJSON, packed."""
        body = gzip.compress("\n".join(json.dumps(event) for event in events).encode(), 3)
        self.post(client, "/v1/signals", body, {"content-type": "application/x-ndjson", "content-encoding": "gzip"})

    def post(self, client: httpx.Client, path: str, body: bytes, headers: dict[str, str]) -> None:
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
        words = ["drain", "--dir", str(self.place), "--until-idle", "--timeout", str(self.patience_s)]
        log = self.place / "demo-drain.log"
        with self.console.status("") as status, log.open("wb") as told:
            command = [sys.executable, "-m", "amends", *words]
            drain = subprocess.Popen(command, env=self.environment, stdout=told, stderr=told)  # noqa: S603
            while drain.poll() is None:
                paid, mails = len(self.service.effects), self.box.kept
                status.update(f"until everybody is judged and every act has its answer: {paid:,} paid, {mails:,} mails")
                time.sleep(0.3)
        if drain.returncode:
            raise RuntimeError(f"amends drain failed: {log.read_text('utf-8')[-2000:]}")

    def addresses(self) -> dict[str, str]:
        return {
            "the desk": f"{self.url}/desk/   (operator / {self.password})",
            "demo mailbox": self.mailbox,
            "demo billing": self.billing,
            "one customer's page": self.tally.one_page(self.place, self.environment, self.url),
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


def batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
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
