"""What came of the town's year, and of its two promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from amends.scenarios.demo_mailbox import DemoMailbox
from amends.scenarios.tally import Rows, Tally, acts_and_books, export


class Counted(Tally):
    """Promises of the town, kept and not, and what those behind them were told and given."""

    words = {
        "reports": "reports in a year",
        "promised": "were promised a day",
        "without": "were told honestly that there is none",
        "kept": "promises kept",
        "late": "mended late",
        "unrepaired": "closed without repair: never counted as kept",
        "reopened": "mended, and it did not last",
        "open": "open now",
        "told_before": "were given a new date before the old one had passed",
        "coupons": "coupons for dates that were not kept, nobody asked",
        "lamp_kept": "dead lamp: mended in time, with a photo, and yes, it is mended",
        "hole_told_before": "pothole: the new date was told before the promised one had passed",
        "hole_late": "pothole: mended late, and owned up to",
        "hole_affected": "people whom it affects",
        "hole_reopened": "time it was opened again: mended in part only; it has a new promise",
        "lamp_mails": "mails about the lamp",
        "hole_mails": "mails to who reported the pothole",
        "told_mails": "mails in all",
        "in_doubt": "mails whose fate is not known",
    }
    moral = "A year of a town in {seconds:.0f} s."

    def gather(self, place: Path, environment: dict[str, str]) -> dict[str, Any]:
        names = ("reports", "moves", "acts")
        with ThreadPoolExecutor() as pool:
            told = dict(zip(names, pool.map(lambda name: export(place, environment, name), names), strict=True))
        ours = [one for one in told["reports"] if one["state"] != "duplicate"]
        states, kept = Counter(one["state"] for one in ours), Counter(one["kept"] for one in ours)
        late = [one for one in ours if _mended_late(one)]
        acts = acts_and_books(told["acts"], [])
        return {
            "in_doubt": acts["in_doubt"],
            "reports": len(told["reports"]),
            "promised": sum(one["due_at"] is not None for one in ours),
            "without": sum(one["due_at"] is None for one in ours),
            "kept": kept[True],
            "late": len(late),
            "unrepaired": states["closed without repair"] + states["not ours"],
            "reopened": sum(one["kept"] is False and bool(one["reopened"]) and not _mended_late(one) for one in ours),
            "open": sum(not one["closed_at"] for one in ours),
            "told_before": len(_told_before(told["moves"], ours)),
            "coupons": sum(act["kind"] == "remedy.coupon" and act["state"] == "done" for act in told["acts"]),
            "told_mails": sum(act["kind"].startswith("mail.") and act["state"] == "done" for act in told["acts"]),
            **_two(place, ours, told["moves"]),
        }


def _mended_late(report: Mapping[str, Any]) -> bool:
    return bool(report["state"] == "fixed" and report["due_at"] and report["closed_at"] > report["due_at"])


def _told_before(moves: Rows, reports: Rows) -> set[int]:
    """Reports whose new date was said while the promised one still lay ahead."""
    due = {one["number"]: one["due_at"] for one in reports}
    anew = [move for move in moves if move["kind"] == "promise" and move["state"] not in ("fixed", "duplicate")]
    first: dict[int, str] = {}
    for move in anew:
        first.setdefault(move["report"], move["at"])
    return {number for number, at in first.items() if due.get(number) and at < due[number]}


def _two(place: Path, reports: Rows, moves: Rows) -> dict[str, int]:
    """The lamp and the pothole, as they ended."""
    lamp = next(one for one in reports if "Schulweg" in one["description"])
    hole = next(one for one in reports if "right where cyclists turn" in one["description"])
    states = [move["state"] for move in moves if move["report"] == hole["number"] and move["kind"] == "state"]
    mails = [str(mail["To"]) for mail in DemoMailbox(place / "demo-mails").mails()]
    return {
        "lamp_kept": int(lamp["state"] == "fixed" and lamp["kept"] is True),
        "hole_told_before": int(hole["number"] in _told_before(moves, [hole])),
        "hole_late": int("fixed" in states),
        "hole_affected": hole["affected"],
        "hole_reopened": hole["reopened"],
        "lamp_mails": sum("anna.moser@" in to for to in mails),
        "hole_mails": sum("ben.chen@" in to for to in mails),
    }
