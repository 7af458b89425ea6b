"""What came of the evening, read through the public export, and held against what was expected."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from amends.ground.money import Money

WORDS = {
    "play_sessions": "play sessions",
    "failures": "failures (a promise broken for somebody)",
    "refunds": "refunds",
    "credits": "credits",
    "refunded_minor": "refunded",
    "credited_minor": "credited",
    "mails": "mails",
    "calls": "calls for a person to make",
    "in_doubt": "mails whose fate is not known",
    "out_of_balance": "books out of balance",
}


def _export(place: Path, environment: dict[str, str], what: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "amends", "export", what, "--dir", str(place)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
    return [json.loads(line) for line in done.stdout.splitlines()]


def gather(place: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Numbers of the evening, as anybody could reckon them from `amends export`."""
    acts = _export(place, environment, "acts")
    failures = _export(place, environment, "failures")
    sessions = _export(place, environment, "sessions")
    ledger = _export(place, environment, "ledger")
    done = Counter((act["kind"], act["state"]) for act in acts)
    paid: Counter[str] = Counter()
    for entry in ledger:
        if entry["account"].startswith("provider:"):
            paid[entry["act_key"].partition(":")[0]] -= entry["minor"]
    return {
        "play_sessions": len(sessions),
        "failures": sum(failure["withdrawn_at"] is None for failure in failures),
        "severities": dict(sorted(Counter(failure["severity"] for failure in failures).items())),
        "refunds": done["remedy.refund", "done"],
        "credits": done["remedy.credit", "done"],
        "refunded_minor": paid["refund"],
        "credited_minor": paid["credit"],
        "mails": done["mail.apology", "done"],
        "calls": sum(act["kind"] == "person.call" for act in acts),
        "in_doubt": sum(act["state"] == "in doubt" for act in acts),
        "out_of_balance": abs(sum(entry["minor"] for entry in ledger)),
        "waits": _waits(acts, failures, _export(place, environment, "recoveries")),
    }


def _waits(acts: list[dict[str, Any]], failures: list[dict[str, Any]], recoveries: list[dict[str, Any]]) -> list[float]:
    """Seconds from the end of each film to its apology."""
    ended = {failure["failure_id"]: failure["ended_at"] for failure in failures}
    of = {recovery["recovery_id"]: ended.get(recovery["failure_id"]) for recovery in recoveries}
    sent = [
        act for act in acts if act["kind"] == "mail.apology" and act["state"] == "done" and of.get(act["recovery_id"])
    ]
    return [_seconds(str(of[act["recovery_id"]]), act["changed_at"]) for act in sent]


def _seconds(before: str, after: str) -> float:
    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()


def compare(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Where the evening came out otherwise than expected.toml says."""
    wanted = expected.get("outcome", {})
    return [
        f"{name}: expected {value}, found {found.get(name)}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]


def show(console: Console, found: dict[str, Any], wrong: list[str], addresses: dict[str, str], seconds: float) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right", style="bold")
    table.add_column()
    for name, words in WORDS.items():
        if name in found:
            value = found[name]
            shown = Money(value, "EUR").words("en") if name.endswith("_minor") else f"{value:,}"
            table.add_row(shown, words)
    waits = found["waits"]
    if len(waits) > 1:
        table.add_row(f"{median(waits):.0f} s", "from the end of the film to the apology (median)")
        table.add_row(f"{quantiles(waits, n=20)[-1]:.0f} s", "for the slowest twentieth")
    console.print()
    console.print(table)
    console.print(f"\nThe whole evening took {seconds:.0f} s. Nobody complained, nobody clicked anything.\n")
    for name, address in addresses.items():
        console.print(f"  {name:<20} {address}", highlight=False, soft_wrap=True)
    for line in wrong:
        console.print(f"[red]not as expected:[/] {line}")
    if not wrong:
        console.print("\n[green]Everything came out as expected.toml says.[/]")


def one_page(place: Path, environment: dict[str, str], url: str) -> str:
    """A page that a customer was sent, at the server that runs now: a second run may have another port."""
    for notice in _export(place, environment, "notices"):
        _, found, rest = notice["text"].partition("/yours/")
        if found and ".refund" in notice["template"]:
            return f"{url}/yours/{rest.split()[0]}"
    return "–"
