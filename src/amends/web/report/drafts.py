"""What somebody has filled in so far, read from a form as it stands: nothing is checked here, nothing is lost."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.http import QueryDict

from amends.reports.records import Privacy

ANSWER = "answer-"
PHOTO = re.compile(r"[A-Za-z0-9_-]{16,60}")
MARK = re.compile(r"[A-Za-z0-9-]{16,64}")
LONGEST = {"description": 20_000, "where": 400, "name": 200, "email": 254, "phone": 60}


@dataclass(frozen=True)
class Draft:
    """A report on its way. Texts are as they were typed; `place` is one of the choices offered for `asked`."""

    form: str  # one-time mark: the same form sent again is the same report
    category: str = ""
    description: str = ""
    where: str = ""
    asked: str = ""
    place: str = ""
    lat: str = ""
    long: str = ""
    asset: str = ""
    asset_number: str = ""
    privacy: Privacy = Privacy.PRIVATE
    name: str = ""
    email: str = ""
    phone: str = ""
    photo_at: str = ""  # where a photo was taken, offered as the place
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    photos: tuple[str, ...] = ()
    as_written: bool = False  # the place as it was written will do, also where the map does not know it

    def with_photos(self, more: tuple[str, ...], at: str = "") -> Draft:
        return replace(self, photos=tuple(dict.fromkeys((*self.photos, *more))), photo_at=self.photo_at or at)

    def fields(self) -> Iterator[tuple[str, str]]:
        """All of it as the fields of a form: what comes in again is the same draft."""
        for name in PLAIN:
            yield name, getattr(self, name)
        yield "privacy", self.privacy.value
        if self.as_written:
            yield "as_written", "1"
        for code, values in self.answers.items():
            for value in values:
                yield f"{ANSWER}{code}", value
        for photo in self.photos:
            yield "photos", photo


PLAIN = (
    *("form", "category", "description", "where", "asked", "place", "lat", "long", "asset", "asset_number"),
    *("name", "email", "phone", "photo_at"),
)


def read(given: QueryDict) -> Draft:
    """A draft from a form, or from the query of a link that fills some of it in."""
    texts = {name: given.get(name, "")[: LONGEST.get(name, 400)] for name in PLAIN if name != "form"}
    mark = given.get("form", "")
    dropped = set(given.getlist("drop"))
    photos = dict.fromkeys(name for name in given.getlist("photos") if PHOTO.fullmatch(name) and name not in dropped)
    answers = {key.removeprefix(ANSWER): tuple(given.getlist(key)[:200]) for key in given if key.startswith(ANSWER)}
    privacy = _privacy(given.get("privacy", ""))
    if privacy is Privacy.ANONYMOUS:  # what stands in fields that are no longer shown is not carried on
        texts |= {"name": "", "email": "", "phone": ""}
    return Draft(
        form=mark if MARK.fullmatch(mark) else secrets.token_hex(16),
        **texts,
        privacy=privacy,
        answers=answers,
        photos=tuple(photos)[:20],
        as_written=given.get("as_written") == "1",
    )


def _privacy(text: str) -> Privacy:
    return Privacy(text) if text in set(Privacy) else Privacy.PRIVATE


def written_at(given: QueryDict, now: datetime) -> datetime | None:
    """When a draft that waited for the network was finished: its promise counts from then, at most three days back."""
    try:
        waited = timedelta(seconds=min(max(0, int(given.get("waited_s", "0"))), 3 * 86_400))
    except ValueError:
        return None
    return now - waited if waited >= timedelta(minutes=1) else None
