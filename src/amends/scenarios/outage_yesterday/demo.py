"""The evening without television: customers, what their players tried, and what monitoring said afterwards."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from rich.progress import Progress

from amends.scenarios import stage
from amends.scenarios.outage_yesterday import world
from amends.scenarios.stage import Stage, batches
from amends.scenarios.tally import Tally, acts_and_books, export


def run(*, headless: bool, directory: Path | None, port: int) -> int:
    """Tell the whole story; 0 when everything came out as expected.toml says."""
    return stage.run(Outage, headless=headless, directory=directory, port=port)


class Counted(Tally):
    """Whom the outage touched, how sure we are of each, and what they were told."""

    words = {
        "incidents": "incident, from three signals in the wrong order",
        "touched": "households served by what failed, and not moved away",
        "certain": "of them were trying: their own players say so",
        "uncertain": "of whom nobody can see whether they were watching",
        "undisturbed": "watched all through it, and were left in peace",
        "credits": "credits, applied",
        "credited_minor": "credited",
        "told_certain": "mails that say what they tried",
        "told_uncertain": "mails that say that we cannot see it, and credit it",
        "held": "without an address, or who want no mail: credited, too",
        "in_doubt": "mails whose fate is not known",
        "out_of_balance": "books out of balance",
    }
    page_of = ".uncertain"
    moral = "The whole story took {seconds:.0f} s. Nobody was asked to claim anything."

    def gather(self, place: Path, environment: dict[str, str]) -> dict[str, Any]:
        incidents, notices = export(place, environment, "incidents"), export(place, environment, "notices")
        acts, failures = export(place, environment, "acts"), export(place, environment, "failures")
        grades = Counter(failure["evidence"] for failure in failures if failure["withdrawn_at"] is None)
        told = Counter((notice["state"], notice["template"].endswith(".uncertain")) for notice in notices)
        return acts_and_books(acts, export(place, environment, "ledger")) | {
            "incidents": len(incidents),
            "touched": sum(incident["touched"] for incident in incidents),
            "undisturbed": sum(incident["undisturbed"] for incident in incidents),
            "certain": grades["observed"],
            "uncertain": grades["corroborated"],
            "told_certain": told["enqueued", False],
            "told_uncertain": told["enqueued", True],
            "held": sum(notice["state"] == "held" for notice in notices),
        }


class Outage(Stage):
    """A shared outage, yesterday evening."""

    package = "amends.scenarios.outage_yesterday"
    tally = Counted()
    settings = {
        'name = "Example Streaming"': 'name = "Nordlicht TV (demo)"',
        'contact_email = "care@example.org"': 'contact_email = "care@nordlicht.example"',
        'time_zone = "UTC"': 'time_zone = "Europe/Vienna"',
        'sender = "Customer care <care@example.org>"': 'sender = "Nordlicht TV <care@nordlicht.example>"',
        "silence_s = 60 ": "silence_s = 3 ",
        "lateness_s = 600": "lateness_s = 4",
        "change-me-once-and-never-again": "outage-yesterday",
    }

    def send(self, expected: dict[str, Any]) -> None:
        evening = world.make(expected["seed"], expected["customers"], self.ended_ms)
        told = list(world.events(evening))
        with Progress(*stage.COLUMNS, console=self.console) as progress, httpx.Client(timeout=60) as client:
            task = progress.add_task("households and what serves them", total=len(told))
            for batch in batches(iter(told), 1000):
                self.post_events(client, batch)
                progress.advance(task, len(batch))
            task = progress.add_task("that evening's log of the players, amends ingest", total=len(evening.sessions))
            self.ingest("evening.jsonl", world.log(evening))
            progress.advance(task, len(evening.sessions))
            tellings = world.tellings(evening)
            task = progress.add_task("monitoring tells of the outage, end first", total=len(tellings))
            for telling in tellings:
                self.post_events(client, [telling])
                progress.advance(task)
