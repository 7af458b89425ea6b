"""The buffering evening: real telemetry of films that stall, sent through the public doors faster than life."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from rich.progress import Progress

from amends.scenarios import commands, stage
from amends.scenarios.buffering_evening import summary, world
from amends.scenarios.stage import Stage, batches


def run(*, headless: bool, directory: Path | None, port: int) -> int:
    """Tell the whole story; 0 when everything came out as expected.toml says."""
    return stage.run(Demo, headless=headless, directory=directory, port=port)


class Demo(Stage):
    """An evening on which films stalled for some, and nobody complained."""

    package = "amends.scenarios.buffering_evening"
    tally = summary.Evening()
    settings = {
        'name = "Example Streaming"': 'name = "Filmhaus (demo)"',
        'contact_email = "care@example.org"': 'contact_email = "care@filmhaus.example"',
        'time_zone = "UTC"': 'time_zone = "Europe/Vienna"',
        'sender = "Customer care <care@example.org>"': 'sender = "Filmhaus <care@filmhaus.example>"',
        "silence_s = 60 ": "silence_s = 3 ",
        "lateness_s = 600": "lateness_s = 5",
        "change-me-once-and-never-again": "buffering-evening",
    }

    def send(self, expected: dict[str, Any]) -> None:
        """The evening, through the public doors, faster than life."""
        now_ms = self.ended_ms
        evening = world.make(expected["seed"], expected["sessions"], now_ms)
        with Progress(*stage.COLUMNS, console=self.console) as progress, httpx.Client(timeout=60) as client:
            ids = self._send_traces(progress, now_ms / 1000)
            told = [*world.customers_of_traces(list(ids)), *world.playback_of_traces(ids), *world.events(evening)]
            task = progress.add_task("customers and rentals to /v1/signals", total=len(told))
            for batch in batches(iter(told), 1000):
                self.post_events(client, batch)
                progress.advance(task, len(batch))
            task = progress.add_task("players' reports to /v1/cmcd", total=len(evening.sessions))
            for customers in batches(world.by_customer(evening), 70):
                sessions = [session for customer in customers for session in customer]
                body = "\n".join(line for session in sessions for line in world.reports(session))
                self.post(client, "/v1/cmcd", body.encode(), {"content-type": "application/cmcd"})
                progress.advance(task, len(sessions))

    def _send_traces(self, progress: Progress, now_s: float) -> dict[str, str]:
        """Recordings of real players, as a log that `amends ingest` reads."""
        folder = self.place / "demo-recordings"
        folder.mkdir(exist_ok=True)
        traces = sorted((self.here / "traces").iterdir(), key=lambda trace: trace.name)
        task = progress.add_task("recordings of real players, amends ingest", total=len(traces))
        ids = {}
        for trace in traces:
            path = folder / trace.name
            session_id, lines = world.shifted(trace.read_text("utf-8").splitlines(), now_s)
            if not path.exists():
                path.write_text("\n".join(lines) + "\n", "utf-8")
            ids[trace.name.removesuffix(".jsonl")] = session_id
            progress.advance(task)
        paths = [str(path) for path in sorted(folder.glob("*.jsonl"))]
        commands.amends(["ingest", *paths, "--dir", str(self.place)], self.environment)
        return ids
