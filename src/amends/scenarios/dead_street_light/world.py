"""A seeded year of a town's reports: what was reported where and by whom, what became of it, and when.

What becomes of a report is drawn, and its moments follow from the promise: so a year comes out the same on any day.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from amends.promises import calendars, files, repairs
from amends.promises.calendars import WorkCalendar
from amends.scenarios.people import person

ZONE = ZoneInfo("Europe/Vienna")
A_DAY = timedelta(days=1)
WRITTEN = ("Krems", "Krems an der Donau")  # addresses that say which town they are in
LATELY, YEAR_D = 40, 360  # what came in so many days ago is drawn apart: some of it is still open
WRITES = 0.4  # so many leave an address


@dataclass(frozen=True)
class Kind:
    """What people say of a category, how often it comes, and what becomes of it: shares of kept, late, no repair."""

    share: float
    says: tuple[str, ...]
    done: tuple[str, ...]
    kept: float
    late: float


KINDS = {
    "street-light": Kind(
        0.28,
        ("Dark since yesterday.", "Die Lampe ist finster.", "It flickers all night.", "Brennt den ganzen Tag."),
        ("Lamp changed.", "Fuse changed."),
        0.90,
        0.05,
    ),
    "pothole": Kind(
        0.30,
        ("A deep hole, cyclists swerve.", "Schlagloch nach dem Frost.", "The asphalt has broken up here.", "Loch!"),
        ("Filled with hot asphalt.", "Filled; the whole strip is renewed in summer."),
        0.38,
        0.56,
    ),
    "graffiti": Kind(
        0.14,
        ("Sprayed over night.", "Schmiererei an der Mauer.", "The bench is full of paint."),
        ("Cleaned.", "Painted over."),
        0.80,
        0.12,
    ),
    "waste": Kind(
        0.18,
        ("Three bags and a chair.", "Sperrmüll neben den Tonnen.", "Somebody left a sofa."),
        ("Taken away.",),
        0.92,
        0.04,
    ),
    "tree": Kind(
        0.07,
        ("A branch hangs over the path.", "Ast liegt am Gehsteig."),
        ("Cut back.", "Branch removed."),
        0.85,
        0.05,
    ),
    "idea": Kind(
        0.03, ("A bench in the shade, please.", "Mehr Radständer am Bahnhof."), ("A good idea: done.",), 0.5, 0.0
    ),
}
ELSEWHERE = "This road belongs to the province; we have passed it on."
NOTHING = "We looked, and there was nothing left to do."
OPEN_STATES = ("", "ACTION_SCHEDULED", "INVESTIGATING", "IN_PROGRESS", "ACTION_SCHEDULED", "")
ON_THE_WAY = {
    "ACTION_SCHEDULED": "It is on the list of this week.",
    "INVESTIGATING": "We have had a look; parts have to be ordered.",
    "IN_PROGRESS": "The crew is at it.",
}


@dataclass(frozen=True)
class Told:
    """Something that is done at a moment: a report that comes in, or news of it."""

    at: datetime
    report: int  # of the story's own count
    status: str = ""  # empty: it comes in
    words: str = ""
    category: str = ""
    place: tuple[float, float] = (0.0, 0.0)  # latitude, longitude
    asset: str = ""
    who: Mapping[str, str] | None = None
    pictured: bool = False
    look_at: datetime | None = None  # when it can be seen that the promise will slip


class Town:
    """What the stories ask of the town's files: promises, working hours, places."""

    def __init__(self, directory: Path) -> None:
        self.calendars = calendars.in_use(directory)
        self.promises = files.repairs_in_use(directory)
        self.lamps = _points(directory / "places/lamps.geojson")
        self.houses = _points(directory / "places/addresses.geojson")

    @property
    def works(self) -> WorkCalendar:
        return self.calendars["works"]

    def due(self, category: str, at: datetime) -> datetime | None:
        found = repairs.promised_by(
            self.promises, category=category, area="", severity="", received_at=at, calendars=self.calendars
        )
        return found.due_at if found else None

    def working_days_before(self, day: datetime, count: int, at: time) -> datetime:
        """So many working days before this one, on the clocks of the town."""
        here = day.astimezone(ZONE)
        while count:
            here -= A_DAY
            count -= self.is_working(here)
        return datetime.combine(here.date(), at, ZONE)

    def is_working(self, day: datetime) -> bool:
        return self.works.is_open(datetime.combine(day.date(), time(11), ZONE))


def _points(path: Path) -> list[tuple[str, float, float]]:
    found = json.loads(path.read_text("utf-8"))["features"]
    found = [one for one in found if one["properties"].get("city", "Krems") in WRITTEN]
    return [(one["properties"].get("asset_id", ""), *one["geometry"]["coordinates"][::-1]) for one in found]


def year(seed: int, count: int, town: Town, now: datetime) -> list[Told]:
    """The reports of a year and what became of them, in the order in which it is told."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    lately = max(12, count // 12)
    told: list[Told] = []
    for n in range(count):
        open_ = n >= count - lately
        days = chance.uniform(0.3, 9) if open_ else LATELY + (YEAR_D - LATELY) * (1 - n / (count - lately))
        told += _one(n, chance, town, _moment(now, days, chance), still_open=open_)
    return sorted((one for one in told if one.at < now), key=lambda one: (one.at, one.report))


def looks(told: Sequence[Told]) -> Iterator[datetime]:
    """When the worker must have looked for a year to be true: as it can be seen that promises will slip."""
    last: datetime | None = None
    for at in sorted(one.look_at for one in told if one.look_at):
        if last is None or at - last > timedelta(hours=10):
            last = at
            yield at


def _moment(now: datetime, days_ago: float, chance: random.Random) -> datetime:
    """A time of day at which people report things; what is only hours ago stays so."""
    at = (now - days_ago * A_DAY).astimezone(ZONE)
    return at if days_ago < 1 else at.replace(hour=chance.randint(7, 21), minute=chance.randint(0, 59), microsecond=0)


def _one(n: int, chance: random.Random, town: Town, at: datetime, *, still_open: bool) -> Iterator[Told]:
    category = chance.choices(list(KINDS), [kind.share for kind in KINDS.values()])[0]
    asset, lat, long = chance.choice(town.lamps if category == "street-light" else town.houses)
    by = person(chance, n, "resident") if chance.random() < WRITES and not still_open else None
    came = Told(at, n, category=category, place=(lat, long), asset=asset if category == "street-light" else "")
    yield replace(
        came,
        words=chance.choice(KINDS[category].says),
        who=by,
        pictured=category == "pothole" and chance.random() < 0.2,
    )
    status = OPEN_STATES[n % len(OPEN_STATES)]
    if not still_open:
        yield from _end(n, chance, town, came)
    elif status:
        yield Told(at + chance.uniform(0.02, 0.2) * A_DAY, n, status, ON_THE_WAY[status])


def _end(n: int, chance: random.Random, town: Town, came: Told) -> Iterator[Told]:
    """Kept well before the day, late by whole working days, closed without repair, or not the town's."""
    kind, due, drawn = KINDS[came.category], town.due(came.category, came.at), chance.random()
    soon = came.at + chance.uniform(0.12, 0.42) * ((due or came.at + 30 * A_DAY) - came.at)
    words = chance.choice(kind.done)
    if drawn < kind.kept or due is None:
        yield Told(soon, n, "FIXED", words)
        if due and came.category in ("street-light", "waste") and chance.random() < 0.07:
            yield from _again(n, due, words)
    elif drawn < kind.kept + kind.late:
        late = town.works.add_working_days(due, chance.randint(1, 6)) - timedelta(minutes=chance.randint(5, 300))
        yield Told(soon, n, "ACTION_SCHEDULED", ON_THE_WAY["ACTION_SCHEDULED"], look_at=came.at + 0.7 * (due - came.at))
        yield Told(late, n, "FIXED", words)
    elif drawn < kind.kept + kind.late + (1 - kind.kept - kind.late) / 2:
        yield Told(soon, n, "NOT_COUNCILS_RESPONSIBILITY", ELSEWHERE)
    else:
        yield Told(soon, n, "NO_FURTHER_ACTION", NOTHING)


def _again(n: int, due: datetime, words: str) -> Iterator[Told]:
    """Mended in time, and it did not last."""
    yield Told(due + A_DAY, n, "REOPEN", "It is broken again.")
    yield Told(due + 2 * A_DAY, n, "FIXED", words)
