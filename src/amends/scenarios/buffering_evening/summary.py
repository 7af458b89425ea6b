"""What came of the evening: how many sessions and failures, what was paid, how long the apology took."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from amends.scenarios.tally import Rows, Tally, acts_and_books, export


class Evening(Tally):
    """The evening's numbers, with the time from the end of the film to the apology."""

    words = {
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
    page_of = ".refund"
    moral = "The whole evening took {seconds:.0f} s. Nobody complained, nobody clicked anything."

    def gather(self, place: Path, environment: dict[str, str]) -> dict[str, Any]:
        acts, failures = export(place, environment, "acts"), export(place, environment, "failures")
        counted = acts_and_books(acts, export(place, environment, "ledger"))
        return counted | {
            "play_sessions": len(export(place, environment, "sessions")),
            "failures": sum(failure["withdrawn_at"] is None for failure in failures),
            "severities": dict(sorted(Counter(failure["severity"] for failure in failures).items())),
            "waits": _waits(acts, failures, export(place, environment, "recoveries")),
        }

    def more_lines(self, found: dict[str, Any]) -> list[tuple[str, str]]:
        waits = found["waits"]
        if len(waits) < 2:
            return []
        return [
            (f"{median(waits):.0f} s", "from the end of the film to the apology (median)"),
            (f"{quantiles(waits, n=20)[-1]:.0f} s", "for the slowest twentieth"),
        ]


def _waits(acts: Rows, failures: Rows, recoveries: Rows) -> list[float]:
    """Seconds from the end of each film to its apology."""
    ended = {failure["failure_id"]: failure["ended_at"] for failure in failures}
    of = {recovery["recovery_id"]: ended.get(recovery["failure_id"]) for recovery in recoveries}
    sent = [
        act for act in acts if act["kind"] == "mail.apology" and act["state"] == "done" and of.get(act["recovery_id"])
    ]
    return [_seconds(str(of[act["recovery_id"]]), act["changed_at"]) for act in sent]


def _seconds(before: str, after: str) -> float:
    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()
