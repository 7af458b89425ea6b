"""The storm: 40,000 homes and the shops between them, four lines in three districts, each back in its own time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from rich.progress import Progress

from amends.ground.money import Money
from amends.scenarios import stage
from amends.scenarios.power_is_back import world
from amends.scenarios.stage import Stage, batches
from amends.scenarios.tally import Rows, Tally, acts_and_books, export


def run(*, headless: bool, directory: Path | None, port: int) -> int:
    """Tell the whole story; 0 when everything came out as expected.toml says."""
    return stage.run(Storm, headless=headless, directory=directory, port=port)


class Counted(Tally):
    """What each line's customers were owed and given, to the cent, and whether it was in time."""

    words = {
        "incidents": "outages in three districts, each with its weather",
        "touched": "homes and businesses without power",
        "owed": "of them are owed something",
        "owed_minor": "owed by the guaranteed standards and paid",
        "goodwill": "homes given more, after two nights in the dark",
        "goodwill_minor": "goodwill",
        "withheld": "homes in the holdout: no goodwill, all that is owed",
        "nothing_due": "back before a payment is due, and told so",
        "mails": "mails",
        "held": "without an address: paid, and told on their page",
        "unpaid": "owed and not paid",
        "waiting": "waiting for a person",
        "in_doubt": "mails whose fate is not known",
        "out_of_balance": "books out of balance",
    }
    currency = "GBP"
    page_of = ".credit"
    moral = "The whole story took {seconds:.0f} s. Nobody filled in a form."

    def gather(self, place: Path, environment: dict[str, str]) -> dict[str, Any]:
        names = ("incidents", "failures", "recoveries", "acts", "ledger", "notices")
        told = {name: export(place, environment, name) for name in names}
        paid = Counter[str]()
        for act in told["acts"]:
            if act["kind"] == "remedy.credit" and act["state"] == "done":
                paid["goodwill" if act["key"].startswith("credit-goodwill:") else "owed"] += act["amount_minor"]
        given = [_given(recovery) for recovery in told["recoveries"]]
        return acts_and_books(told["acts"], told["ledger"]) | {
            "incidents": len(told["incidents"]),
            "touched": sum(incident["touched"] for incident in told["incidents"]),
            "owed": sum(owed > 0 for owed, _ in given),
            "owed_minor": paid["owed"],
            "goodwill": sum(goodwill > 0 for _, goodwill in given),
            "goodwill_minor": paid["goodwill"],
            "withheld": sum(recovery["holdout"] for recovery in told["recoveries"]),
            "nothing_due": sum(owed + goodwill == 0 for owed, goodwill in given),
            "unpaid": sum(owed for owed, _ in given) - paid["owed"],
            "waiting": sum(recovery["state"] in ("proposed", "reopened") for recovery in told["recoveries"]),
            "held": sum(notice["state"] == "held" for notice in told["notices"]),
            "owed_to_each": _to_each(told["failures"], told["recoveries"]),
            "pay_by": sorted({recovery["pay_by_on"] for recovery in told["recoveries"] if recovery["pay_by_on"]}),
        }

    def more_lines(self, found: dict[str, Any]) -> list[tuple[str, str]]:
        each = [
            (Money(minor, "GBP").words("en"), f"owed to each {who}") for who, minor in found["owed_to_each"].items()
        ]
        return [*each, (", ".join(found["pay_by"]), "had to be paid by then: it was paid today")]


def _given(recovery: dict[str, Any]) -> tuple[int, int]:
    """What one recovery owes, and what it gives on top, in minor units."""
    remedies = [remedy for remedy in recovery["decision"]["remedies"] if remedy["amount"]]
    owed = sum(remedy["amount"]["minor"] for remedy in remedies if remedy["owed"])
    return owed, sum(remedy["amount"]["minor"] for remedy in remedies) - owed


def _to_each(failures: Rows, recoveries: Rows) -> dict[str, int]:
    """What is owed to each customer of a line and class; a difference within one of them would be named -1."""
    of = {failure["failure_id"]: failure["facts"] for failure in failures}
    found: dict[str, set[int]] = {}
    for recovery in recoveries:
        facts = of[recovery["failure_id"]]
        who = f"{facts['customer_class']} in the {facts['area']} ({facts['component']}, {facts['weather']})"
        found.setdefault(who, set()).add(_given(recovery)[0])
    return {who: amounts.pop() if len(amounts) == 1 else -1 for who, amounts in sorted(found.items())}


class Storm(Stage):
    """A storm, and the power back in three districts at four times."""

    package = "amends.scenarios.power_is_back"
    tally = Counted()
    patience_s = 3600
    settings = {
        'name = "Example Streaming"': 'name = "Northmoor Power (demo)"',
        'contact_email = "care@example.org"': 'contact_email = "care@northmoor.example"',
        'time_zone = "UTC"': 'time_zone = "Europe/London"',
        'currency = "EUR"': 'currency = "GBP"',
        'sender = "Customer care <care@example.org>"': 'sender = "Northmoor Power <care@northmoor.example>"',
        "lateness_s = 600": "lateness_s = 4",
        "approve_up_to_minor = 5000": "approve_up_to_minor = 30000",
        "change-me-once-and-never-again": "power-is-back",
        "[closing]": '[incidents]\nplay_needs = ""  # no play session speaks of a power line\n\n[closing]',
    }

    def send(self, expected: dict[str, Any]) -> None:
        storm = world.make(expected["seed"], expected["homes"], self.ended_ms)
        total = 2 * len(storm.customers)
        with Progress(*stage.COLUMNS, console=self.console) as progress, httpx.Client(timeout=120) as client:
            task = progress.add_task("homes, businesses, and the line that feeds each", total=total)
            for batch in batches(world.events(storm), 4000):
                self.post_events(client, batch)
                progress.advance(task, len(batch))
            tellings = list(world.tellings(storm))
            task = progress.add_task("the control room tells of the lines", total=len(tellings))
            self.post_events(client, tellings)
            progress.advance(task, len(tellings))
