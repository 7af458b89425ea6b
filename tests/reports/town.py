"""A small town for tests: categories, a work calendar and promises of repair in files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from amends.reports.records import Intake, Privacy, Reporter

VIENNA = ZoneInfo("Europe/Vienna")
CATEGORIES = """\
categories:
  lamp:
    name: {en: Street light, de: Straßenlampe}
    body: works
    assets: lamps
    templates:
      scheduled: {en: "A crew comes on the promised day.", de: "Ein Trupp kommt am zugesagten Tag."}
  pothole: {name: Pothole, body: roads}
  tree: {name: Tree, body: works}
  graffiti: {name: Graffiti, body: works, hide_by_default: true}
  batch: {name: Waste, type: batch, body: works}
bodies:
  works: {name: Town works, crews: [north, south]}
  roads: {name: Road office}
"""
CALENDAR = """\
calendar: works
zone: Europe/Vienna
hours: {mon-fri: 08:00-18:00}
holidays: [AT-3]
"""
PROMISES = """\
promise: mended
words: {en: What you report is mended in time.}
measure: repair
calendar: works
versions:
  - from: 2020-01-01
    reopened_within_days: 14
    rows:
      - {category: lamp, severity: severe, within: {working_days: 1}}
      - {category: lamp, within: {working_days: 3}}
      - {category: pothole, within: {working_days: 10}}
      - {category: batch, within: {days: 14}}
      - {none: true}
"""


@contextmanager
def town(**files: str) -> Iterator[Path]:
    """The town's files in the installation of the tests; gone afterwards. `files` replace the usual ones by name."""
    given = {"categories.yaml": CATEGORIES, "calendars/works.yaml": CALENDAR, "promises/mended.yaml": PROMISES}
    given |= {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    here: Path = settings.AMENDS.directory
    for name, text in given.items():
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    try:
        yield here
    finally:
        for name in given:
            (here / name).unlink(missing_ok=True)


def at(text: str) -> datetime:
    """A moment on the town's clocks."""
    return datetime.fromisoformat(text).replace(tzinfo=VIENNA)


def intake(form: str, category: str = "lamp", **more: Any) -> Intake:
    return Intake(form, category, more.pop("description", "It is dark here"), **more)


def ann() -> Reporter:
    return Reporter(name="Ann", email="Ann@example.org")


ANONYMOUS = Privacy.ANONYMOUS
