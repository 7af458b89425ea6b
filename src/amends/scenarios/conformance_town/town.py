"""A town for GeoReport clients and conformance tests: one service of each kind, a past, and a key without a limit."""

from __future__ import annotations

import io
import os
from datetime import datetime, timedelta

from django.conf import settings
from PIL import Image, ImageDraw

from amends.reports import album, queries, steps
from amends.reports.records import Intake, Privacy, Report, Reporter, State
from amends.signals import queries as keys
from amends.signals.steps import create_key

KEY_FILE = "conformance.key"
SCOPES = ["reports:write", "reports:update", "reports:unlimited"]
DAY = timedelta(days=1)
STREETS = ("Main Street", "Mill Lane", "Church Square", "Harbour Road", "Station Road", "Garden Row", "School Street")
LAMP = (("fault", ("dark",)), ("around", ("school", "crossing")), ("number", ("L-17",)), ("how_many", ("2",)))


def prepare(now: datetime) -> str:
    """Give the town its past, once, and answer its key: the same one as before where there is one."""
    if not queries.count():
        for made in (_kept, _late, _old, _open, _slipping, _reopened, _elsewhere):
            made(now)
    path = settings.AMENDS.var / KEY_FILE
    known = path.read_text("utf-8").strip() if path.exists() else ""
    if known and keys.key_scopes(known) is not None:
        return known
    secret = create_key("conformance", SCOPES, now)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    return secret


def _report(at: datetime, n: int, category: str = "pothole", **more: object) -> Report:
    """The n-th report of the town, as it came in then."""
    intake = Intake(
        form=f"town-{n}",
        category=category,
        description=str(more.pop("description", f"Number {n}: it has been like this for days.\nPlease look at it.")),
        lat=round(48.4102 + n * 0.0007, 6),
        long=round(15.6003 + n * 0.0011, 6),
        address=f"{n + 1} {STREETS[n % len(STREETS)]}",
        reporter=Reporter(name="A Resident", email=f"resident{n}@example.org"),
        source="open311",
        locale="en",
        **more,  # type: ignore[arg-type]
    )
    return steps.receive(intake, at)


def _end(report: Report, at: datetime, to: State = State.FIXED, words: str = "Mended.") -> None:
    steps.move(report.number, to, who="works", now=at, words=words)


def _kept(now: datetime) -> None:
    """Closed lately, in time, on the way through the states."""
    for n in range(1, 7):
        at = now - (3 + 9 * n) * DAY
        report = _report(at, n)
        steps.move(report.number, State.SCHEDULED, who="works", now=at + DAY / 2, words="Planned for this week.")
        steps.move(report.number, State.IN_PROGRESS, who="works", now=at + DAY)
        _end(report, at + 2 * DAY)


def _late(now: datetime) -> None:
    """Closed lately, too late, or without repair."""
    lamp = _report(now - 40 * DAY, 8, "street-light", answers=LAMP)
    _end(lamp, now - 20 * DAY, words="A cable had to be laid anew.")
    ours = _report(now - 30 * DAY, 9)
    _end(ours, now - 29 * DAY, State.NOT_OURS, "This road belongs to the county; we have passed it on.")


def _old(now: datetime) -> None:
    """Closed, and reported more than 90 days ago; one of them long ago and open still."""
    for n, days in enumerate((95, 120, 150, 200, 300, 400, 800), 10):
        _end(_report(now - days * DAY, n), now - (days - 4) * DAY)
    _report(now - 130 * DAY, 18, "street-light", answers=LAMP)


def _open(now: datetime) -> None:
    """Open: with all answers, with a photo, with an address only, from a batch service, from nobody known."""
    _report(now - 2 * DAY, 20, "street-light", answers=(*LAMP, ("since", ("2026-01-01T18:00:00+01:00",))))
    _report(now - DAY, 21, photos=[album.keep(_picture(), kind="before", who="town", now=now)])
    steps.receive(
        Intake(form="town-22", category="pothole", address="Opposite the old mill", source="phone"), now - DAY
    )
    _report(now - DAY, 23, "bulky-waste")
    steps.accept_pending(now - DAY + timedelta(seconds=2))
    _report(now - DAY / 2, 24, "noise", privacy=Privacy.ANONYMOUS)


def _slipping(now: datetime) -> None:
    """Open and late: a new date was told, and why."""
    report = _report(now - 9 * DAY, 26, "street-light", answers=LAMP)
    why = "The pole has to be ordered; the supplier has named the day."
    steps.promise_anew(report.number, now + 6 * DAY, why, who="works", now=now - 4 * DAY)


def _reopened(now: datetime) -> None:
    report = _report(now - 12 * DAY, 27)
    _end(report, now - 10 * DAY)
    steps.move(report.number, State.REOPENED, who=steps.REPORTER, now=now - 8 * DAY, words="The filling is out again.")


def _elsewhere(now: datetime) -> None:
    """Words that a careless writer of XML or of spreadsheets would stumble over."""
    _report(now - DAY / 4, 28, description='<b>Bold</b> & "quoted" ]]> =1+1; Straße, 道路, 🕳️')


def _picture() -> bytes:
    """A photo of a hole, as well as we can draw one."""
    picture = Image.new("RGB", (640, 480), "slategray")
    ImageDraw.Draw(picture).ellipse((180, 160, 460, 360), fill="black")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()
