"""Boston's own promises replayed: what the city counts as kept against what amends does, and risk told beforehand.

python benchmarks/boston.py [--data ../shared/data/boston311]     needs the city's requests; says so where they are not there
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from amends.promises import risk, scoring
from amends.promises.calendars import WorkCalendar
from amends.promises.hours import to_us
from amends.promises.repairs import Due, Kind, Move, Standing, Turn, Within, reach, verdict

Request = Mapping[str, str]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# The files label local time as UTC: an office that opens at 08:30 stands there as 04:30-04:00. So UTC is the wall here.
OFFICE = WorkCalendar("boston", ZoneInfo("UTC"), dict.fromkeys(range(5), ((clock(8, 30), clock(16, 30)),)), ("US-MA",))
PLAIN = WorkCalendar("weekdays", ZoneInfo("UTC"), OFFICE.hours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("AMENDS_BENCH_DATA", str(Path(__file__).parents[2] / "shared/data"))
    parser.add_argument("--data", type=Path, default=Path(default) / "boston311")
    given = parser.parse_args()
    if not (given.data / "boston311_sample.csv").exists():
        print(f"skipped: Boston's requests are not in {given.data} (set AMENDS_BENCH_DATA)")
        return
    sample = _read(given.data / "boston311_sample.csv")
    animals = _read(given.data / "boston311_animals_2013_2019.csv")
    _by_service(sample, _read(given.data / "promise_stats.csv"))
    _by_request([*sample, *animals])
    _a_year([one for one in animals if one["requested_datetime"].startswith("2018")])
    _due_times(sample)
    _foretold(animals)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _due(request: Request) -> Due | None:
    """The city's own due time as a promise; None where it gave none."""
    if not request["expected_datetime"]:
        return None
    begins, due = _moment(request["requested_datetime"]), _moment(request["expected_datetime"])
    return Due("boston", date(2013, 1, 1), 1, Kind.HOURS, 0, "boston", {}, begins, due, due, due.date())


def _moves(request: Request, *, as_the_city: bool) -> list[Move]:
    if not request["closed_date"]:
        return []
    mended = as_the_city or request["closure_class"] == "resolved"
    return [Move(_moment(request["closed_date"]), Turn.MENDED if mended else Turn.CLOSED_WITHOUT_REPAIR)]


def _replayed(requests: Iterable[Request], *, as_the_city: bool) -> list[Standing]:
    return [verdict(_due(one), _moves(one, as_the_city=as_the_city), NOW).standing for one in requests]


def _by_service(sample: Sequence[Request], published: Sequence[Request]) -> None:
    """Each service's kept share, closed without repair and median lateness against promise_stats.csv."""
    promised = [one for one in sample if one["expected_datetime"]]
    names = [one["service_name"] for one in promised]
    scores = []
    for as_the_city in (True, False):
        found = [verdict(_due(one), _moves(one, as_the_city=as_the_city), NOW) for one in promised]
        standing = scoring.codes([one.standing for one in found])
        scores.append(scoring.score({"service": names}, standing, np.array([one.late_s for one in found])))
    city, ours = scores
    rows = {name: row for row, name in enumerate(city.groups["service"])}
    agree: Counter[str] = Counter()
    for stats in published:
        row = rows[stats["service_name"]]
        agree["requests"] += int(stats["n"]) == city.decided[row]
        agree["kept share"] += stats["kept"] == str(round(float(city.kept_share[row]), 3))
        unmended = ours.counts[Standing.CLOSED_WITHOUT_REPAIR][row] / ours.decided[row]
        agree["closed without repair"] += stats["closed_not_resolved"] == str(round(float(unmended), 3))
        late = "" if np.isnan(city.late_median_s[row]) else str(round(float(city.late_median_s[row]) / 86400, 3))
        agree["median lateness"] += stats["late_p50_if_late"] == late
    for what, count in agree.items():
        print(f"{what:22} {count} of {len(published)} services agree to the digit")
    kept = [float(one.counts[Standing.KEPT].sum() / one.decided.sum()) for one in scores]
    print(f"kept, {len(promised):,} requests: the city's reading {kept[0]:.1%}, ours {kept[1]:.1%}")


def _by_request(requests: Sequence[Request]) -> None:
    """The city's word on each request against the engine's, request by request."""
    stated = [one for one in requests if one["on_time"] and (one["closed_date"] or one["expected_datetime"] == "")]
    began = time.perf_counter()
    standings = _replayed(stated, as_the_city=True)
    seconds = time.perf_counter() - began
    same = sum(
        (one["on_time"] == "overdue") == (standing is Standing.LATE)
        for one, standing in zip(stated, standings, strict=True)
    )
    untold = sum(standing is Standing.WITHOUT_TARGET for standing in standings)
    print(f"on time or overdue     {same:,} of {len(stated):,} requests agree (ratio {same / len(stated):.4f})")
    print(f"                       {untold:,} of them had no target and stand as on time there")
    print(f"                       {len(stated) / seconds:,.0f} verdicts a second")


def _a_year(requests: Sequence[Request]) -> None:
    """One year of one group of services: what each reading publishes."""
    for label, as_the_city in (("the city's reading", True), ("amends' reading", False)):
        counts = Counter(_replayed(requests, as_the_city=as_the_city))
        print(
            f"2018, {len(requests):,} requests, {label}: "
            + ", ".join(f"{k.value} {v:,}" for k, v in counts.most_common())
        )


def _due_times(sample: Sequence[Request]) -> None:
    """How many of the city's due times our calendar gives to the minute, each service by the rule that fits it best."""
    by_service: dict[str, list[Request]] = defaultdict(list)
    for one in sample:
        if one["expected_datetime"]:
            by_service[one["service_name"]].append(one)
    same = total = 0
    for requests in by_service.values():
        if len(requests) >= 20:
            total += len(requests)
            same += max(sum(_fits(one, rule, calendar) for one in requests) for rule, calendar in _rules())
    print(
        f"due times              {same:,} of {total:,} reproduced to two minutes by one rule a service (ratio {same / total:.2f})"
    )


def _rules() -> list[tuple[Within, WorkCalendar]]:
    days = (1, 2, 3, 5, 7, 10, 14, 15, 20, 21, 30, 45, 60, 65, 90, 120, 365)
    return [(Within(Kind.WORKING_HOURS, 8 * n), calendar) for n in days for calendar in (OFFICE, PLAIN)] + [
        (Within(Kind.HOURS, 24 * n), PLAIN) for n in days
    ]


def _wall(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _fits(request: Request, rule: Within, calendar: WorkCalendar) -> bool:
    begins = calendar.opens_next(_wall(request["requested_datetime"]))
    due = reach(begins, rule, calendar)
    expected = _wall(request["expected_datetime"])
    near = timedelta(minutes=2)
    # They name the next opening where we name the close before it: the same promise.
    return abs(due - expected) <= near or abs(calendar.opens_next(due) - expected) <= near


def _foretold(animals: Sequence[Request]) -> None:
    """Risk learned from what was known when 2018 began, asked at fractions of the promised time, against what happened."""
    promised = [one for one in animals if one["expected_datetime"]]
    cut = datetime(2018, 1, 1, tzinfo=UTC)
    before = [one for one in promised if _moment(one["requested_datetime"]) < cut]
    after = [one for one in promised if one["requested_datetime"].startswith("2018")]
    start, due, end = _columns(before)
    known = np.minimum(end, to_us(cut))  # what was open then is open in the history
    names, places = ([one[key] for one in before] for key in ("service_name", "neighborhood"))
    seen = risk.learn(names, places, (known - start) / risk.HOUR_US, end < to_us(cut))
    base = float(np.mean(end > due))
    start, due, end = _columns(after)
    for share in (0.0, 0.25, 0.5, 0.75):
        asked_at = start + (share * (due - start)).astype(np.int64)
        rows = np.flatnonzero((end > asked_at) & (due > start))
        outlook = seen.ask(
            [after[row]["service_name"] for row in rows],
            [after[row]["neighborhood"] for row in rows],
            ((asked_at - start) / risk.HOUR_US)[rows],
            ((due - asked_at) / risk.HOUR_US)[rows],
        )
        missed = (end > due)[rows]
        brier, flat = np.mean((outlook.risk - missed) ** 2), np.mean((base - missed) ** 2)
        print(
            f"asked at {share:4.0%} of the time: {len(rows):,} open, missed {missed.mean():.1%}, foretold {outlook.risk.mean():.1%}, "
            f"ranked right {_auc(outlook.risk, missed):.2f}, squared error {brier / flat:.2f} of that without history"
        )


def _columns(requests: Sequence[Request]) -> list[np.ndarray]:
    """Received, promised, closed, in microseconds; what is open is closed at the end of time."""
    names = ("requested_datetime", "expected_datetime", "closed_date")
    return [np.array([to_us(_moment(one[name])) if one[name] else to_us(NOW) for one in requests]) for name in names]


def _auc(risks: np.ndarray, missed: np.ndarray) -> float:
    """The chance that of a missed and a kept promise the missed one was at more risk; ties count half."""
    order = np.unique(risks, return_inverse=True)[1]
    ranks = (np.cumsum(np.bincount(order)) - (np.bincount(order) - 1) / 2)[order]
    hits = missed.sum()
    return float((ranks[missed].sum() - hits * (hits + 1) / 2) / max(hits * (len(missed) - hits), 1))


if __name__ == "__main__":
    main()
