"""What came of a story, read through the public export, and held against what was expected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from amends.ground.money import Money
from amends.scenarios import commands

Rows = list[dict[str, Any]]


def export(place: Path, environment: dict[str, str], what: str) -> Rows:
    """A table of the running story, as `amends export` tells it to anybody."""
    told = commands.amends(["export", what, "--dir", str(place)], environment)
    return [json.loads(line) for line in told.splitlines()]


def compare(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Where the story came out otherwise than expected.toml says: its outcome, or all of what may be instead."""
    wanted, instead = expected.get("outcome", {}), expected.get("or", {})
    if instead and all(found.get(name) == value for name, value in instead.items()):
        wanted = wanted | instead
    return [
        f"{name}: expected {value}, found {found.get(name)}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]


def acts_and_books(acts: Rows, ledger: Rows) -> dict[str, int]:
    """Numbers that every story has: what was done, what was paid, what is in doubt, whether the books balance."""
    done = Counter((act["kind"], act["state"]) for act in acts)
    paid: Counter[str] = Counter()
    for entry in ledger:
        if entry["account"].startswith("provider:"):
            paid[entry["act_key"].partition(":")[0]] -= entry["minor"]
    return {
        "refunds": done["remedy.refund", "done"],
        "credits": done["remedy.credit", "done"],
        "refunded_minor": paid["refund"],
        "credited_minor": paid["credit"],
        "mails": done["mail.apology", "done"],
        "calls": sum(act["kind"] == "person.call" for act in acts),
        "in_doubt": sum(act["state"] == "in doubt" for act in acts),
        "out_of_balance": abs(sum(entry["minor"] for entry in ledger)),
    }


class Tally:
    """How one story is counted and shown. `words` are the lines of the table, in their order."""

    words: Mapping[str, str] = {}
    currency = "EUR"
    page_of = "."  # the kind of notice whose reader's page is shown as an example
    moral = "The whole story took {seconds:.0f} s."

    def gather(self, place: Path, environment: dict[str, str]) -> dict[str, Any]:
        """Numbers of the story, as anybody could reckon them from `amends export`."""
        raise NotImplementedError

    def more_lines(self, found: dict[str, Any]) -> list[tuple[str, str]]:
        """Further lines of the table, as number and words."""
        return []

    def show(
        self, console: Console, found: dict[str, Any], wrong: list[str], addresses: dict[str, str], seconds: float
    ) -> None:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(justify="right", style="bold")
        table.add_column()
        for name, words in self.words.items():
            if name in found:
                table.add_row(self._number(name, found[name]), words)
        for number, words in self.more_lines(found):
            table.add_row(number, words)
        console.print()
        console.print(table)
        console.print(f"\n{self.moral.format(seconds=seconds)}\n")
        for name, address in addresses.items():
            console.print(f"  {name:<20} {address}", highlight=False, soft_wrap=True)
        for line in wrong:
            console.print(f"[red]not as expected:[/] {line}")
        if not wrong:
            console.print("\n[green]Everything came out as expected.toml says.[/]")

    def _number(self, name: str, value: int) -> str:
        return Money(value, self.currency).words("en") if name.endswith("_minor") else f"{value:,}"

    def one_page(self, place: Path, environment: dict[str, str], url: str) -> str:
        """A page that a customer was sent, at the server that runs now: a second run may have another port."""
        for notice in export(place, environment, "notices"):
            _, found, rest = notice["text"].partition("/yours/")
            if found and self.page_of in notice["template"]:
                return f"{url}/yours/{rest.split()[0]}"
        return "–"
