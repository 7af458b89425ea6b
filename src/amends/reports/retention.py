"""What is taken out of reports that were closed long ago; what they count for stays, and so does that it was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from amends.ground.config import Retention
from amends.reports.models import AffectedRow, AskedRow, FollowRow, MoveRow, PauseRow, PhotoRow, ReportRow
from amends.reports.records import Privacy

BATCH = 500
KIND = "retention"
RESIDENT = "resident_"  # customers whom nobody but this room knows: `steps.resident` made them
CONTACT, PHOTOS, TEXT, HIDDEN = "who reported it", "photos", "words", "hidden reports"
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("description", "address", "address_id", "zipcode", "asset", "media_url", "notice"), ""),
    "status_notes": "",
    "answers": [],
    "lat": None,
    "long": None,
}
_SAYS_SOMETHING = ~Q(description="") | ~Q(answers=[])
_HOLDS_SOMETHING = (
    _SAYS_SOMETHING
    | Q(lat__isnull=False)
    | Q(cleared_at=None)
    | ~Q(address="", address_id="", zipcode="", asset="", media_url="", notice="", status_notes="")
)


@dataclass
class Tidied:
    """What one part of the work took out: how many of each kind, whose contact may be gone, which files must go."""

    counts: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)
    photos: list[str] = field(default_factory=list)
    after: int | None = None  # the last report looked at; None where there were no more


def due(policy: Retention, now: datetime) -> Mapping[str, Q]:
    """Which reports have something that is to be taken out by now, by kind; no kind that is turned off."""
    photos = Exists(PhotoRow.objects.filter(report=OuterRef("pk")))
    kinds = {
        CONTACT: (policy.contact_days, Q(cleared_at=None)),
        PHOTOS: (policy.photos_days, Q(photos)),
        TEXT: (policy.text_days, _SAYS_SOMETHING),
        HIDDEN: (policy.hidden_days, Q(visible=False) & (_HOLDS_SOMETHING | Q(photos))),
    }
    return {
        kind: Q(open=False, closed_at__lt=now - timedelta(days=days)) & holds
        for kind, (days, holds) in kinds.items()
        if days > 0
    }


def preview(policy: Retention, now: datetime) -> dict[str, int]:
    """How many reports each kind would change."""
    return {kind: ReportRow.objects.filter(which).count() for kind, which in due(policy, now).items()}


@transaction.atomic
def tidy(policy: Retention, now: datetime, after: int) -> Tidied:
    """Take out what is due from the next reports behind this one."""
    done, kinds = Tidied(), due(policy, now)
    if not kinds:
        return done
    anything = Q(pk__in=[])
    for which in kinds.values():
        anything |= which
    found = ReportRow.objects.select_for_update().filter(anything, pk__gt=after).order_by("pk")
    numbers = list(found.values_list("pk", flat=True)[:BATCH])
    takes = {CONTACT: _cut_contact, PHOTOS: _delete_photos, TEXT: _empty_text, HIDDEN: _empty_hidden}
    wanted = {kind: _among(numbers, which) for kind, which in kinds.items()}
    for kind, those in wanted.items():
        if those:
            takes[kind](those, now, done)
            done.counts[kind] += len(those)
            _note(those, f"{kind}: taken out, {_days(policy, kind)} days after it was closed", now)
    done.after = numbers[-1] if len(numbers) == BATCH else None
    return done


def _among(numbers: Collection[int], which: Q) -> list[int]:
    return list(ReportRow.objects.filter(which, pk__in=numbers).order_by("pk").values_list("pk", flat=True))


def _days(policy: Retention, kind: str) -> int:
    return {
        CONTACT: policy.contact_days,
        PHOTOS: policy.photos_days,
        TEXT: policy.text_days,
        HIDDEN: policy.hidden_days,
    }[kind]


def _note(numbers: Collection[int], says: str, now: datetime) -> None:
    """The history says what was taken out, and not what it was. `updated_at` stays: nothing is new for anybody."""
    rows = ReportRow.objects.filter(pk__in=numbers).values_list("pk", "state")
    made = [
        MoveRow(report=number, at=now, who="amends", kind=KIND, state=state, note=says, public=False)
        for number, state in rows
    ]
    MoveRow.objects.bulk_create(made, batch_size=BATCH)


def _cut_contact(numbers: Collection[int], now: datetime, done: Tidied) -> None:
    reports, affected = ReportRow.objects.filter(pk__in=numbers), AffectedRow.objects.filter(report__in=numbers)
    follows = FollowRow.objects.filter(report__in=numbers)
    for rows in (reports, affected, follows):
        done.people |= set(rows.exclude(customer_id="").values_list("customer_id", flat=True))
    mark = Concat(Value("cut-"), Cast(F("pk"), CharField()))
    reports.update(customer_id="", privacy=Privacy.ANONYMOUS, form=mark, cleared_at=now)
    affected.update(customer_id="", who=mark)
    follows.delete()


def _delete_photos(numbers: Collection[int], now: datetime, done: Tidied) -> None:
    rows = PhotoRow.objects.filter(report__in=numbers)
    done.photos += rows.values_list("pk", flat=True)
    rows.delete()


def _empty_text(numbers: Collection[int], now: datetime, done: Tidied) -> None:
    ReportRow.objects.filter(pk__in=numbers).update(description="", answers=[])
    AskedRow.objects.filter(report__in=numbers).update(words="")


def _empty_hidden(numbers: Collection[int], now: datetime, done: Tidied) -> None:
    """Everything but what is counted: category, area, promise, times and states."""
    _cut_contact(numbers, now, done)
    _delete_photos(numbers, now, done)
    ReportRow.objects.filter(pk__in=numbers).update(**EMPTY)
    MoveRow.objects.filter(report__in=numbers).update(words="", note="", media_url="", was={})
    AskedRow.objects.filter(report__in=numbers).update(words="")
    PauseRow.objects.filter(report__in=numbers).update(words="")


def unlink(names: Collection[str], photos: Path) -> None:
    """Delete the files of photos whose rows are gone; after the commit, so that no row is left without its file."""
    for name in names:
        for suffix in (".jpg", ".small.jpg"):
            (photos / f"{name}{suffix}").unlink(missing_ok=True)
        (photos / "incoming" / name).unlink(missing_ok=True)


def strangers(people: Collection[str]) -> set[str]:
    """Those of these residents with whom nothing connects this room any more."""
    found = {one for one in people if one.startswith(RESIDENT)}
    for model in (ReportRow, AffectedRow, FollowRow):
        rows = model.objects.filter(customer_id__in=found)
        found -= set(rows.values_list("customer_id", flat=True))
    return found
