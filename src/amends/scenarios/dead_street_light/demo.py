"""A dead street light, then a pothole: one promise kept, one that slips and is owned up to, in a town with a past.

The town's year goes by in half a minute. Server and worker run for real and ask a clock that is told what day it is; it
starts a year ago and ends with the clock on the wall, where it stays.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
import webbrowser
from collections.abc import Iterator, Sequence
from datetime import datetime
from datetime import time as hour
from pathlib import Path
from typing import Any

from rich.progress import Progress, TaskID

from amends.scenarios import stage
from amends.scenarios.dead_street_light import pictures, summary, world
from amends.scenarios.dead_street_light.doors import Doors
from amends.scenarios.dead_street_light.world import ZONE, Told, Town
from amends.scenarios.stage import Stage

FILES = ("categories.yaml", "routing.yaml", "calendars", "places")
A_YEAR_S = 366 * 86_400
LAMP, NEXT_LAMP = "L1023", "L1024"
HOLE = (48.410826, 15.602507)
ANNA, BEN, CARLA, DORA = (
    f"{name}@residents.example" for name in ("anna.moser", "ben.chen", "carla.lang", "dora.novak")
)


def run(*, headless: bool, directory: Path | None, port: int) -> int:
    """Tell the whole story; 0 when everything came out as expected.toml says."""
    return stage.run(Krems, headless=headless, directory=directory, port=port)


class Krems(Stage):
    """A town, its year, and two promises."""

    package = "amends.scenarios.dead_street_light"
    tally = summary.Counted()
    settings = {
        'name = "Example Streaming"': 'name = "Town of Krems (demo)"',
        'contact_email = "care@example.org"': 'contact_email = "town@krems.example"',
        'time_zone = "UTC"': 'time_zone = "Europe/Vienna"',
        'sender = "Customer care <care@example.org>"': 'sender = "Town of Krems <town@krems.example>"',
        "change-me-once-and-never-again": "dead-street-light",
        "[closing]": "[open311]\nreports_per_minute = 0   # the year goes by in half a minute\n\n"
        "[map]\nlat = 48.4112\nlong = 15.6045\nzoom = 15\n\n"
        "[repairs]\nwarn_at = 0.7\nleast_history = 20\nreckon_every_s = 21600    # of the story's clock\n\n[closing]",
    }

    @property
    def clock(self) -> Path:
        return self.place / "demo-clock"

    def _own_files(self) -> None:
        super()._own_files()
        for name in FILES:
            source = self.here / name
            parts = [(source, self.place / name)]
            if source.is_dir():
                (self.place / name).mkdir(exist_ok=True)
                parts = [(one, self.place / name / one.name) for one in source.iterdir()]
            for one, target in parts:
                target.write_bytes(one.read_bytes())

    def _start_server(self) -> None:
        self.begun = self.clock.exists()
        if not self.begun:
            self.clock.write_text(str(A_YEAR_S))
        self.environment["AMENDS_STORY_CLOCK"] = str(self.clock)
        super()._start_server()

    def send(self, expected: dict[str, Any]) -> None:
        """The whole year, once; a second run in the same place finds it told."""
        told = self.place / "demo-told"
        if told.exists():
            self.console.print("the story was told here before; this is how it ended", style="dim")
            return
        if self.begun:
            raise RuntimeError(f"a story broke off in {self.place}; give it another --dir")
        doors = Doors(self.url, self.key, self.box, self.place / "var")
        try:
            doors.sign_in("operator", self.password)
            Telling(self, doors, Town(self.place), expected).tell()
        finally:
            doors.close()
        told.touch()

    def addresses(self) -> dict[str, str]:
        return {
            "the map": f"{self.url}/reports",
            "report something": f"{self.url}/report",
            "the scoreboard": f"{self.url}/promises",
            "the desk's queue": f"{self.url}/desk/reports   (operator / {self.password})",
            "demo mailbox": self.mailbox,
            "files and database": str(self.place),
        }

    def linger(self) -> None:
        if _has_screen():  # else a browser of the terminal would take the terminal
            webbrowser.open(f"{self.url}/reports")
        super().linger()


class Telling:
    """The year as it is told, step by step."""

    def __init__(self, town: Krems, doors: Doors, files: Town, expected: dict[str, Any]) -> None:
        self.stage, self.doors, self.files, self.expected = town, doors, files, expected
        self.now = datetime.now(ZONE)
        self.numbers: dict[int, int] = {}
        self.progress: Progress
        self.task: TaskID

    def tell(self) -> None:
        year = world.year(self.expected["seed"], self.expected["reports"], self.files, self.now)
        self.stage.console.print(
            "the story's clock starts a year ago, is told each day, and ends with the clock on your wall", style="dim"
        )
        with Progress(*stage.COLUMNS, console=self.stage.console) as self.progress:
            self.task = self.progress.add_task("the year of a town", total=len(year))
            for at, part in self._chapters(year):
                self._at(at)
                part()
            self.progress.update(self.task, description="today")
            self._today()

    def _chapters(self, year: Sequence[Told]) -> Iterator[tuple[datetime, Any]]:
        """The year's moments and the story's, in one order."""
        parts = [(one.at, lambda one=one: self._year(one)) for one in year]
        looks = [(at, self._look) for at in world.looks(year)]
        return iter(sorted([*parts, *looks, *self._lamp(), *self._hole()], key=lambda part: part[0]))

    # The clock

    def _at(self, at: datetime) -> None:
        """It is now this moment."""
        behind = max(0.0, (datetime.now(ZONE) - at).total_seconds())
        draft = self.stage.clock.with_suffix(".new")
        draft.write_text(f"{behind:.3f}")
        draft.replace(self.stage.clock)

    def _look(self) -> None:
        """Let the worker look at what is promised, as it does all day long."""
        self.doors.settled(time.time(), mails=False)

    def _rest(self) -> None:
        """Let server and worker come to rest, as they would in the time that is skipped."""
        self.doors.settled(time.time(), mails=True)

    # The year

    def _year(self, one: Told) -> None:
        if one.status:
            at = one.at.isoformat(timespec="seconds")
            mark = f"year-{one.report}-{one.status}-{at}"
            self.doors.update(self.numbers[one.report], one.status, one.words, at, mark)
        else:
            self.numbers[one.report] = self.doors.report(_fields(one), pictures.pothole() if one.pictured else None)
        self.progress.advance(self.task)

    # The lamp: promised for the third working day, mended the day before

    def _lamp(self) -> Iterator[tuple[datetime, Any]]:
        day = self._day
        yield day(20, 7, 50), self._lamp_reported
        yield day(19, 9, 10), self._lamp_taken_on
        yield day(18, 10, 40), self._lamp_mended
        yield day(18, 19, 5), lambda: self._answer(ANNA, "yes")

    def _day(self, working_days_ago: int, hours: int, minutes: int = 0) -> datetime:
        return self.files.working_days_before(self.now, working_days_ago, hour(hours, minutes))

    def _lamp_reported(self) -> None:
        self.lights, self.roads = self.doors.crew_link("lights"), self.doors.crew_link("roads")
        fields = {"service_code": "street-light", "address_id": LAMP, "attribute[what]": "dark", "locale": "de"}
        fields |= {"description": "Seit gestern Abend finster, genau am Schulweg.", **_who("Anna", "Moser", ANNA)}
        self.lamp = self.doors.report(fields, pictures.lamp(lit=False))
        self._rest()

    def _lamp_taken_on(self) -> None:
        self.doors.crew(self.lights, self.lamp, "take", "Wir bringen morgen eine neue Lampe.")
        self._rest()

    def _lamp_mended(self) -> None:
        self.doors.crew(self.lights, self.lamp, "fixed", "Lampe und Sicherung getauscht.", pictures.lamp(lit=True))
        self._rest()

    def _answer(self, who: str, said: str, words: str = "") -> None:
        self.doors.answer(self.doors.asked(who), said, words)
        self._rest()

    # The pothole: seen to slip, told before, late, made good, mended in part, promised anew

    def _hole(self) -> Iterator[tuple[datetime, Any]]:
        day = self._day
        yield day(13, 8, 20), self._hole_reported
        yield day(12, 17, 45), self._hole_reported_again
        yield day(12, 18, 30), self._put_together
        for days in range(11, 8, -1):  # the town looks at its promises every day; so does the clock of the story
            yield day(days, 8), self._rest
            yield day(days, 16), self._rest
        yield day(8, 10), self._rest
        yield day(8, 17), self._rest  # the promised day is over
        yield day(6, 9), self._said_by_crew
        yield day(5, 9, 15), self._hole_mended
        yield day(1, 18, 10), self._partly

    def _hole_reported(self) -> None:
        fields = {"service_code": "pothole", "lat": str(HOLE[0]), "long": str(HOLE[1]), "locale": "en"}
        fields |= {"description": "A deep hole at the end of the street, right where cyclists turn."}
        self.hole = self.doors.report(fields | _who("Ben", "Chen", BEN), pictures.pothole())
        self._rest()

    def _hole_reported_again(self) -> None:
        fields = {"service_code": "pothole", "lat": str(HOLE[0] + 1e-5), "long": str(HOLE[1] + 2e-5), "locale": "en"}
        self.twin = self.doors.report(
            fields | {"description": "I fell into this hole today!"} | _who("Carla", "Lang", CARLA)
        )
        self._rest()

    def _put_together(self) -> None:
        words = "It is the same hole; both of you are told."
        self.doors.at_desk(f"/desk/reports/{self.twin}/merge", into=str(self.hole), words=words)
        self._rest()

    def _said_by_crew(self) -> None:
        self.doors.crew(self.roads, self.hole, "say", "The asphalt works stand still; we come as soon as they deliver.")
        self._rest()

    def _hole_mended(self) -> None:
        self.doors.crew(self.roads, self.hole, "fixed", "Filled with hot asphalt.", pictures.filled())
        self._rest()

    def _partly(self) -> None:
        self._answer(BEN, "partly", "The edge towards the cycle path is still broken off.")

    # Today: the clock is that of the wall

    def _today(self) -> None:
        """Others go on: one finds the pothole on the map and says "me too", one reports the next lamp by the form."""
        self.stage.clock.write_text("0")
        self._rest()
        self.doors.me_too(self.hole, DORA)
        form = {"category": "street-light", "asset_number": NEXT_LAMP[1:], "answer-what": "flickers"}
        form |= {"description": "It flickers all night.", "privacy": "private", "email": DORA, "name": "Dora Novak"}
        self.doors.by_form(form=secrets.token_hex(16), **form)
        self._rest()


def _has_screen() -> bool:
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _fields(one: Told) -> dict[str, str]:
    fields = {"service_code": one.category, "description": one.words, "locale": "en"}
    if one.asset:
        fields |= {"address_id": one.asset, "attribute[what]": "dark"}
    else:
        fields |= {"lat": str(one.place[0]), "long": str(one.place[1])}
    if one.who is not None:
        first, _, last = one.who["name"].partition(" ")
        fields |= _who(first, last, one.who["email"]) | {"locale": one.who["locale"]}
    else:
        fields["device_id"] = f"year-{one.report}"
    return fields


def _who(first: str, last: str, email: str) -> dict[str, str]:
    return {"first_name": first, "last_name": last, "email": email}
